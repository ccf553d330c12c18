//! The rows that a build needs, and its start: the operations that a client would call.

use std::collections::BTreeMap;

use base::ApiError;
use devtools::codebuild::{create_project, start_build};
use engine::build::Build;
use platform::{Cx, iam, s3};
use serde_json::{Value, json};
use store::machine;

use super::aws::OwnAws;
use super::order::Order;
use super::own_values::{self, Found};
use super::{reports, secrets};
use crate::cli::CliError;

/// The bucket for artifacts.
pub(super) const BUCKET: &str = "headworks-run-artifacts";
/// The role that builds act as.
const ROLE: &str = "build";
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["codebuild.amazonaws.com","codepipeline.amazonaws.com"]},"Action":"sts:AssumeRole"}]}"#;

/// Makes role, bucket and project in the private account, and starts the build. Gives its id.
pub async fn start(cx: &Cx, order: &Order) -> Result<String, CliError> {
    rows(cx, order).await?;
    let input = start_build::Input {
        project_name: order.name.clone(),
        last_phase: order.last_phase,
        debug_session_enabled: Some(order.shell),
        ..start_build::Input::default()
    };
    let started = start_build(cx, input).await.map_err(refused)?;
    let id = started.build.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut tx = cx.store.read().await.map_err(CliError::environment)?;
    match machine::get::<Build>(&mut tx, &id).await.map_err(CliError::environment)? {
        Some(row) => Ok(row.id),
        None => Err(CliError::internal(format!("the build {id} was started and is not there"))),
    }
}

pub(super) async fn rows(cx: &Cx, order: &Order) -> Result<(), CliError> {
    let mut found = own_values::secrets(order.aws.as_ref(), &order.variables);
    if let Some(wanted) = &order.own_values {
        found.extend(wanted.fetch().await?);
    }
    made(cx, order, &found).await.map_err(refused)
}

async fn made(cx: &Cx, order: &Order, found: &BTreeMap<String, Found>) -> Result<(), ApiError> {
    let own = own_values::put(cx, found).await?;
    let role = account_rows(cx, order).await?;
    create_project(cx, input(project(order, &role, own))?).await?;
    if order.reports.is_some() {
        reports::groups(cx, order).await?;
    }
    Ok(())
}

/// What the builds of a pipeline need of the private account. Gives the role that they act as.
pub(super) async fn account(cx: &Cx, order: &Order) -> Result<String, CliError> {
    account_rows(cx, order).await.map_err(refused)
}

/// Role, bucket, and the values of secrets.
async fn account_rows(cx: &Cx, order: &Order) -> Result<String, ApiError> {
    let role = json!({ "RoleName": ROLE, "AssumeRolePolicyDocument": TRUST });
    let made = iam::create_role(cx, input(role)?).await?;
    let everything = json!({ "RoleName": ROLE, "PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess" });
    iam::attach_role_policy(cx, input(everything)?).await?;
    create_bucket(cx, BUCKET).await?;
    secrets::put(cx, order).await?;
    Ok(made.role.arn)
}

pub(super) async fn create_bucket(cx: &Cx, name: &str) -> Result<(), ApiError> {
    let region = cx.scope().region.as_str();
    let place = (region != "us-east-1").then(|| json!({ "LocationConstraint": region }));
    let bucket = json!({ "Bucket": name, "CreateBucketConfiguration": place });
    s3::create_bucket::create_bucket(cx, input(bucket)?).await.map(drop)
}

/// An operation's input, as a client would give it.
pub(super) fn input<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, ApiError> {
    serde_json::from_value(value).map_err(ApiError::internal)
}

/// What the service refuses is the command line's fault.
pub(super) fn refused(e: ApiError) -> CliError {
    match e.kind {
        base::ErrorKind::Client => CliError::user(format!("{}: {}", e.code, e.message)),
        base::ErrorKind::Server => CliError::environment(e),
    }
}

/// `own`: variables that have their values from the user's AWS, or are its keys.
fn project(order: &Order, role: &str, own: Vec<Value>) -> Value {
    let artifacts = order.buildspec.spec.as_ref().and_then(|spec| spec.artifacts.as_ref());
    // Zips keep modes and links.
    let target =
        |name: &str| json!({ "type": "S3", "location": BUCKET, "name": format!("{name}.zip"), "packaging": "ZIP" });
    let secondary: Vec<Value> = artifacts
        .into_iter()
        .flat_map(|artifacts| &artifacts.secondary)
        .map(|(id, _)| {
            let mut target = target(&format!("secondary/{id}"));
            target["artifactIdentifier"] = json!(id);
            target
        })
        .collect();
    let aws = order.aws.iter().flat_map(OwnAws::plain);
    let variables: Vec<Value> = aws
        .chain(&order.variables)
        .map(|(name, value)| json!({ "name": name, "value": value, "type": "PLAINTEXT" }))
        .chain(own)
        .collect();
    let local = |folder: &std::path::Path| json!({ "type": "LOCAL", "location": folder.to_str() });
    let mut source = local(&order.source);
    source["buildspec"] = json!(order.buildspec.member);
    let sources: Vec<Value> = order
        .secondary
        .iter()
        .map(|(id, folder)| {
            let mut source = local(folder);
            source["sourceIdentifier"] = json!(id);
            source
        })
        .collect();
    json!({
        "name": order.name,
        "source": source,
        "secondarySources": sources,
        "artifacts": if artifacts.is_some() { target("primary") } else { json!({ "type": "NO_ARTIFACTS" }) },
        "secondaryArtifacts": secondary,
        "environment": {
            "type": "LINUX_CONTAINER",
            "image": order.image,
            // All that this machine has: whoever waits for the build is alone with it.
            "computeType": "BUILD_GENERAL1_2XLARGE",
            "privilegedMode": order.privileged,
            "environmentVariables": variables,
        },
        "serviceRole": role,
        "buildBatchConfig": order.batch.then(|| json!({ "serviceRole": role })),
        "timeoutInMinutes": order.timeout_minutes,
    })
}
