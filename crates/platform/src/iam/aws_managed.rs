//! Policies that AWS manages. We know those that delivery tools name; what they allow matters only once
//! policies are enforced, so their documents are kept short.

use base::Scope;

use super::shapes::Policy;

/// Path, name, and the actions that it allows on everything.
#[rustfmt::skip]
const POLICIES: &[(&str, &str, &[&str])] = &[
    ("/", "AdministratorAccess", &["*"]),
    ("/", "AmazonEC2ContainerRegistryPowerUser", &["ecr:*"]),
    ("/", "AmazonEC2ContainerRegistryReadOnly", &["ecr:Get*", "ecr:List*", "ecr:Describe*", "ecr:Batch*"]),
    ("/", "AmazonS3FullAccess", &["s3:*", "s3-object-lambda:*"]),
    ("/", "AmazonS3ReadOnlyAccess", &["s3:Get*", "s3:List*", "s3:Describe*"]),
    ("/", "AmazonSNSFullAccess", &["sns:*"]),
    ("/", "AmazonSSMManagedInstanceCore", &["ssm:*", "ssmmessages:*", "ec2messages:*"]),
    ("/", "AmazonSSMReadOnlyAccess", &["ssm:Describe*", "ssm:Get*", "ssm:List*"]),
    ("/", "AWSCloudFormationFullAccess", &["cloudformation:*"]),
    ("/", "AWSCloudFormationReadOnlyAccess", &["cloudformation:Describe*", "cloudformation:Get*", "cloudformation:List*"]),
    ("/", "AWSCodeBuildAdminAccess", &["codebuild:*", "codecommit:*", "logs:*"]),
    ("/", "AWSCodeBuildDeveloperAccess", &["codebuild:*", "logs:GetLogEvents"]),
    ("/", "AWSCodeBuildReadOnlyAccess", &["codebuild:BatchGet*", "codebuild:Get*", "codebuild:List*"]),
    ("/", "AWSCodeCommitFullAccess", &["codecommit:*"]),
    ("/", "AWSCodeCommitPowerUser", &["codecommit:*"]),
    ("/", "AWSCodeCommitReadOnly", &["codecommit:BatchGet*", "codecommit:Get*", "codecommit:List*", "codecommit:GitPull"]),
    ("/", "AWSCodeDeployDeployerAccess", &["codedeploy:*"]),
    ("/", "AWSCodeDeployFullAccess", &["codedeploy:*"]),
    ("/", "AWSCodeDeployRoleForECS", &["ecs:*", "elasticloadbalancing:*", "lambda:InvokeFunction", "s3:GetObject*"]),
    ("/", "AWSCodePipeline_FullAccess", &["codepipeline:*"]),
    ("/", "AWSCodePipeline_ReadOnlyAccess", &["codepipeline:Get*", "codepipeline:List*"]),
    ("/", "AWSLambda_FullAccess", &["lambda:*"]),
    ("/", "CloudWatchAgentServerPolicy", &["cloudwatch:PutMetricData", "logs:*"]),
    ("/", "CloudWatchLogsFullAccess", &["logs:*"]),
    ("/", "CloudWatchLogsReadOnlyAccess", &["logs:Describe*", "logs:Get*", "logs:List*", "logs:FilterLogEvents"]),
    ("/", "EC2InstanceProfileForImageBuilder", &["imagebuilder:GetComponent", "s3:PutObject"]),
    ("/", "IAMFullAccess", &["iam:*"]),
    ("/", "IAMReadOnlyAccess", &["iam:Get*", "iam:List*", "iam:Generate*", "iam:Simulate*"]),
    ("/", "IAMUserSSHKeys", &["iam:*SSHPublicKey*"]),
    // Everything that we serve, but no IAM.
    ("/", "PowerUserAccess", &["cloudformation:*", "code*:*", "ecr:*", "events:*", "imagebuilder:*", "kms:*", "lambda:*", "logs:*", "s3:*", "secretsmanager:*", "sns:*", "ssm:*", "sts:*"]),
    ("/", "ReadOnlyAccess", &["*:BatchGet*", "*:Describe*", "*:Get*", "*:List*"]),
    ("/", "SecretsManagerReadWrite", &["secretsmanager:*"]),
    ("/job-function/", "ViewOnlyAccess", &["*:Describe*", "*:List*"]),
    ("/service-role/", "AWSCodeDeployRole", &["autoscaling:*", "ec2:Describe*", "elasticloadbalancing:*", "tag:GetResources"]),
    ("/service-role/", "AWSCodeDeployRoleForLambda", &["lambda:*", "s3:GetObject*"]),
    ("/service-role/", "AWSLambdaBasicExecutionRole", &["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"]),
    ("/service-role/", "AWSLambdaVPCAccessExecutionRole", &["logs:*", "ec2:*NetworkInterface*"]),
    ("/service-role/", "AmazonEC2RoleforAWSCodeDeploy", &["s3:GetObject", "s3:GetObjectVersion", "s3:ListBucket"]),
    ("/service-role/", "AmazonECSTaskExecutionRolePolicy", &["ecr:Get*", "ecr:Batch*", "logs:CreateLogStream", "logs:PutLogEvents"]),
];

/// The day that all of them bear.
const CREATED_SECS: i64 = 1_423_180_800;

/// One of AWS's policies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Managed {
    path: &'static str,
    pub name: &'static str,
    actions: &'static [&'static str],
}

/// The policy with this ARN.
pub(crate) fn find(arn: &str) -> Option<Managed> {
    let arn = base::Arn::parse(arn).filter(|a| a.service == "iam" && a.account == "aws")?;
    let resource = arn.resource.strip_prefix("policy")?;
    let found = POLICIES.iter().find(|(path, name, _)| resource.strip_prefix(path) == Some(name));
    found.map(|(path, name, actions)| Managed { path, name, actions })
}

/// All of them, by name.
pub(crate) fn all() -> impl Iterator<Item = Managed> {
    POLICIES.iter().map(|(path, name, actions)| Managed { path, name, actions })
}

/// Whether an ARN is of AWS's account, known to us or not.
pub(crate) fn is_of_aws(arn: &str) -> bool {
    base::Arn::parse(arn).is_some_and(|a| a.service == "iam" && a.account == "aws")
}

impl Managed {
    pub(crate) fn arn(&self, scope: &Scope) -> String {
        let Managed { path, name, .. } = self;
        format!("arn:{}:iam::aws:policy{path}{name}", scope.region.partition())
    }

    pub(crate) fn document(&self) -> String {
        let statement = serde_json::json!({ "Effect": "Allow", "Action": self.actions, "Resource": "*" });
        serde_json::json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string()
    }

    pub(crate) fn path(&self) -> &'static str {
        self.path
    }

    pub(crate) fn created(&self) -> base::Timestamp {
        base::Timestamp::from_secs(CREATED_SECS)
    }

    pub(crate) fn shape(&self, scope: &Scope, attachments: usize) -> Policy {
        let id = base::derived_hex::<17>(&["iam", "aws-managed", self.name]).to_uppercase();
        Policy {
            policy_name: self.name.to_owned(),
            policy_id: format!("ANPA{id}"),
            arn: self.arn(scope),
            path: self.path.to_owned(),
            default_version_id: "v1".to_owned(),
            attachment_count: attachments,
            permissions_boundary_usage_count: 0,
            is_attachable: true,
            description: None,
            create_date: self.created().into(),
            update_date: self.created().into(),
            tags: Vec::new(),
        }
    }
}
