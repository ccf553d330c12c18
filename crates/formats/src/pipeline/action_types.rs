//! The action types of AWS: those that pipelines may have here, and those that they may not.
//!
//! Counts and keys: AWS CodePipeline User Guide, "Action structure reference" and "Number of input and output artifacts for each
//! action type". Times: "Quotas in AWS CodePipeline".

use std::time::Duration;

use super::{ActionType, Call, Category, DEFINITION, Provider};

const HOUR: u64 = 3600;

pub(super) static TYPES: [ActionType; 17] = [
    ActionType {
        outputs: 1..=1,
        required: &["RepositoryName", "BranchName"],
        optional: &["PollForSourceChanges", "OutputArtifactFormat"],
        ..kind(Category::Source, Provider::CodeCommitSource, "CodeCommit")
    },
    ActionType {
        outputs: 1..=1,
        required: &["ConnectionArn", "FullRepositoryId", "BranchName"],
        optional: &["OutputArtifactFormat", "DetectChanges"],
        ..kind(Category::Source, Provider::ConnectionSource, "CodeStarSourceConnection")
    },
    ActionType {
        owner: "ThirdParty",
        outputs: 1..=1,
        required: &["Owner", "Repo", "Branch", "OAuthToken"],
        optional: &["PollForSourceChanges"],
        secret: &["OAuthToken"],
        ..kind(Category::Source, Provider::GitHubSource, "GitHub")
    },
    ActionType {
        outputs: 1..=1,
        required: &["S3Bucket", "S3ObjectKey"],
        optional: &["PollForSourceChanges", "AllowOverrideForS3ObjectKey"],
        ..kind(Category::Source, Provider::S3Source, "S3")
    },
    ActionType {
        outputs: 1..=1,
        required: &["RepositoryName"],
        optional: &["ImageTag"],
        ..call(Category::Source, "ECR", "ecr", "DescribeImages")
    },
    code_build(Category::Build),
    code_build(Category::Test),
    ActionType {
        inputs: 1..=10,
        outputs: 0..=1,
        optional: &["ComputeType", "EnvironmentType", "VpcId", "Subnets", "SecurityGroupIds"],
        ..kind(Category::Compute, Provider::Commands, "Commands")
    },
    ActionType {
        inputs: 1..=1,
        required: &["ECRRepositoryName"],
        optional: &["DockerFilePath", "ImageTags", "RegistryType"],
        timeout: Duration::from_secs(8 * HOUR),
        ..call(Category::Build, "ECRBuildAndPublish", "ecr", "PutImage")
    },
    ActionType {
        optional: &[
            "CustomData",
            "ExternalEntityLink",
            "NotificationArn",
            "HeadworksQuorum",
            "HeadworksSelfApproval",
            "HeadworksRevision",
        ],
        timeout: Duration::from_secs(7 * 24 * HOUR),
        ..kind(Category::Approval, Provider::ManualApproval, "Manual")
    },
    ActionType {
        inputs: 1..=1,
        required: &["BucketName", "Extract"],
        optional: &["ObjectKey", "KMSEncryptionKeyARN", "CannedACL", "CacheControl"],
        timeout: Duration::from_secs(90 * 60),
        ..kind(Category::Deploy, Provider::S3Deploy, "S3")
    },
    ActionType {
        inputs: 0..=10,
        outputs: 0..=1,
        required: &["ActionMode"],
        optional: &[
            "StackName",
            "ChangeSetName",
            "Capabilities",
            "OutputFileName",
            "ParameterOverrides",
            "RoleArn",
            "TemplateConfiguration",
            "TemplatePath",
        ],
        timeout: Duration::from_secs(3 * 24 * HOUR),
        ..call(Category::Deploy, "CloudFormation", "cloudformation", "CreateStack")
    },
    ActionType {
        inputs: 1..=1,
        required: &["ApplicationName", "DeploymentGroupName"],
        timeout: Duration::from_secs(5 * 24 * HOUR),
        ..call(Category::Deploy, "CodeDeploy", "codedeploy", "CreateDeployment")
    },
    ActionType {
        inputs: 1..=5,
        required: &[
            "ApplicationName",
            "DeploymentGroupName",
            "TaskDefinitionTemplateArtifact",
            "AppSpecTemplateArtifact",
        ],
        optional: &[
            "TaskDefinitionTemplatePath",
            "AppSpecTemplatePath",
            "Image1ArtifactName",
            "Image1ContainerName",
            "Image2ArtifactName",
            "Image2ContainerName",
            "Image3ArtifactName",
            "Image3ContainerName",
            "Image4ArtifactName",
            "Image4ContainerName",
        ],
        timeout: Duration::from_secs(5 * 24 * HOUR),
        ..call(Category::Deploy, "CodeDeployToECS", "codedeploy", "CreateDeployment")
    },
    ActionType {
        inputs: 1..=1,
        required: &["ClusterName", "ServiceName"],
        optional: &["FileName", "DeploymentTimeout"],
        ..call(Category::Deploy, "ECS", "ecs", "UpdateService")
    },
    ActionType {
        inputs: 0..=5,
        outputs: 0..=5,
        required: &["FunctionName"],
        optional: &["UserParameters"],
        ..call(Category::Invoke, "Lambda", "lambda", "Invoke")
    },
    ActionType {
        required: &["PipelineName"],
        optional: &["SourceRevisions", "Variables", "HeadworksWait", DEFINITION],
        timeout: Duration::from_secs(7 * 24 * HOUR),
        ..kind(Category::Invoke, Provider::Pipeline, "CodePipeline")
    },
];

const fn kind(category: Category, provider: Provider, provider_name: &'static str) -> ActionType {
    ActionType {
        category,
        provider,
        provider_name,
        owner: "AWS",
        inputs: 0..=0,
        outputs: 0..=0,
        required: &[],
        optional: &[],
        secret: &[],
        timeout: Duration::from_secs(HOUR),
        call: None,
    }
}

const fn call(
    category: Category,
    provider_name: &'static str,
    service: &'static str,
    operation: &'static str,
) -> ActionType {
    let call = Call { service, operation };
    ActionType { call: Some(call), ..kind(category, Provider::Call, provider_name) }
}

const fn code_build(category: Category) -> ActionType {
    ActionType {
        inputs: 1..=5,
        outputs: 0..=5,
        required: &["ProjectName"],
        optional: &["PrimarySource", "BatchEnabled", "CombineArtifacts", "EnvironmentVariables"],
        timeout: Duration::from_secs(36 * HOUR),
        ..kind(category, Provider::CodeBuild, "CodeBuild")
    }
}

/// Why pipelines may not have an action type here that AWS documents.
///
/// Deviation: a pipeline with one of these is refused when it is made.
pub(super) fn refusal(owner: &str, provider: &str) -> Option<&'static str> {
    Some(match (owner, provider) {
        ("AWS", "AppConfig" | "DeviceFarm" | "ElasticBeanstalk" | "InspectorScan" | "ServiceCatalog") => {
            "the service that it leans on runs at AWS alone"
        }
        ("AWS", "OpsWorks") => "AWS has closed the service that it leaned on",
        ("AWS", "StepFunctions") => "Headworks has no service for state machines",
        ("AWS", "CloudFormationStackInstances" | "CloudFormationStackSet" | "EC2" | "EKS") => {
            "Headworks cannot perform it yet"
        }
        ("ThirdParty", _) => "it leans on a partner's hosted service",
        _ => return None,
    })
}
