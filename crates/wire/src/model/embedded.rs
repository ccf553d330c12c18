//! The embedded models. Written by `cargo xtask models`.

/// What routing needs to know of every service, as JSON.
pub(super) const INDEX: &str = include_str!("../../../../models/index.json");

/// The compressed model of a service.
pub(super) fn model(name: &str) -> Option<&'static [u8]> {
    Some(match name {
        "cloudformation" => include_bytes!("../../../../models/cloudformation.json.gz"),
        "cloudwatch" => include_bytes!("../../../../models/cloudwatch.json.gz"),
        "codeartifact" => include_bytes!("../../../../models/codeartifact.json.gz"),
        "codebuild" => include_bytes!("../../../../models/codebuild.json.gz"),
        "codecommit" => include_bytes!("../../../../models/codecommit.json.gz"),
        "codeconnections" => include_bytes!("../../../../models/codeconnections.json.gz"),
        "codedeploy" => include_bytes!("../../../../models/codedeploy.json.gz"),
        "codepipeline" => include_bytes!("../../../../models/codepipeline.json.gz"),
        "codestar-connections" => include_bytes!("../../../../models/codestar-connections.json.gz"),
        "codestar-notifications" => include_bytes!("../../../../models/codestar-notifications.json.gz"),
        "ecr" => include_bytes!("../../../../models/ecr.json.gz"),
        "events" => include_bytes!("../../../../models/events.json.gz"),
        "iam" => include_bytes!("../../../../models/iam.json.gz"),
        "imagebuilder" => include_bytes!("../../../../models/imagebuilder.json.gz"),
        "kms" => include_bytes!("../../../../models/kms.json.gz"),
        "lambda" => include_bytes!("../../../../models/lambda.json.gz"),
        "logs" => include_bytes!("../../../../models/logs.json.gz"),
        "s3" => include_bytes!("../../../../models/s3.json.gz"),
        "scheduler" => include_bytes!("../../../../models/scheduler.json.gz"),
        "secretsmanager" => include_bytes!("../../../../models/secretsmanager.json.gz"),
        "sns" => include_bytes!("../../../../models/sns.json.gz"),
        "sqs" => include_bytes!("../../../../models/sqs.json.gz"),
        "ssm" => include_bytes!("../../../../models/ssm.json.gz"),
        "sts" => include_bytes!("../../../../models/sts.json.gz"),
        _ => return None,
    })
}
