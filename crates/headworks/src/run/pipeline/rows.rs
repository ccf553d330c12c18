//! What the pipeline needs in the private account, made by the operations that a client would call.

use std::path::{Path, PathBuf};

use devtools::codebuild::create_project;
use devtools::{codecommit, codepipeline};
use platform::{Cx, s3};
use serde_json::{Value, json};

use super::super::order::{self, Order};
use super::super::project::{BUCKET, account, create_bucket, input, refused};
use super::Flags;
use super::declared::{Project, Rehearsal, Source, SourceKind};
use crate::answers::text;
use crate::cli::CliError;
use crate::client::Client;
use crate::git_push::WorkTree;

/// Makes everything; the pipeline last, which starts it. Gives the pipeline's name.
pub(super) async fn made(
    (cx, client): (&Cx, &Client),
    order: &Order,
    flags: &Flags,
    rehearsal: Rehearsal,
) -> Result<String, CliError> {
    let role = account(cx, order).await?;
    for bucket in &rehearsal.buckets {
        create_bucket(cx, bucket).await.map_err(refused)?;
    }
    for (name, project) in &rehearsal.projects {
        let buildspec = buildspec(order, flags, name, project)?;
        create_project(cx, input(declared(order, name, &buildspec, project, &role)).map_err(refused)?)
            .await
            .map_err(|e| refused(e).before(format!("build project '{}'", name.escape_debug())))?;
    }
    for source in &rehearsal.sources {
        fill(cx, client, source, &folder(order, flags, &source.action)?).await?;
    }
    let mut pipeline = rehearsal.pipeline;
    pipeline.role_arn = role;
    let name = pipeline.name.clone();
    let new = json!({ "pipeline": pipeline });
    codepipeline::create_pipeline(cx, input(new).map_err(refused)?).await.map_err(refused)?;
    Ok(name)
}

/// Flags that name what the pipeline does not have.
pub(super) fn refuse_unknown(flags: &Flags, rehearsal: &Rehearsal) -> Result<(), CliError> {
    let name = |given: &String| given.split_once('=').map_or(given.clone(), |(name, _)| name.to_owned());
    let sources: Vec<&String> = rehearsal.sources.iter().map(|s| &s.action).collect();
    if let Some(unknown) = flags.action_sources.iter().map(name).find(|n| !sources.contains(&n)) {
        return Err(CliError::user(format!("--action-source: the pipeline has no source action {unknown}")));
    }
    if let Some(unknown) = flags.projects.iter().map(name).find(|n| !rehearsal.projects.contains_key(n)) {
        let known: Vec<&str> = rehearsal.projects.keys().map(String::as_str).collect();
        return Err(CliError::user(format!("--project: the pipeline has no build project {unknown}"))
            .hint(format!("it has: {}", known.join(", "))));
    }
    Ok(())
}

/// The project's buildspec: the one that a flag names, else the template's, else that of the source.
fn buildspec(order: &Order, flags: &Flags, name: &str, project: &Project) -> Result<String, CliError> {
    for given in &flags.projects {
        let (project, file) =
            given.split_once('=').ok_or_else(|| CliError::user(format!("--project {given} is not NAME=FILE")))?;
        if project == name {
            return Ok(order::given(&order.source, Some(Path::new(file)))?.member);
        }
    }
    Ok(project.buildspec.clone().unwrap_or_else(|| "buildspec.yml".to_owned()))
}

fn declared(order: &Order, name: &str, buildspec: &str, project: &Project, role: &str) -> Value {
    // What is given on the command line goes before what the template says.
    let given = |name: &String| order.variables.iter().any(|(n, _)| n == name);
    let variables = project.variables.iter().filter(|(n, _)| !given(n)).chain(&order.variables);
    let variables: Vec<Value> = variables.map(|(n, v)| json!({ "name": n, "value": v, "type": "PLAINTEXT" })).collect();
    json!({
        "name": name,
        "source": { "type": "CODEPIPELINE", "buildspec": buildspec },
        "artifacts": { "type": "CODEPIPELINE" },
        "environment": {
            "type": "LINUX_CONTAINER",
            "image": order.image,
            "computeType": "BUILD_GENERAL1_2XLARGE",
            "privilegedMode": order.privileged,
            "environmentVariables": variables,
        },
        "serviceRole": role,
        "timeoutInMinutes": order.timeout_minutes,
    })
}

fn folder(order: &Order, flags: &Flags, action: &str) -> Result<PathBuf, CliError> {
    for given in &flags.action_sources {
        let (name, dir) = given
            .split_once('=')
            .ok_or_else(|| CliError::user(format!("--action-source {given} is not ACTION=DIR")))?;
        if name == action {
            return order::folder(&format!("source of {action}"), Path::new(dir));
        }
    }
    Ok(order.source.clone())
}

/// Puts the folder's files where the source action looks for them.
async fn fill(cx: &Cx, client: &Client, source: &Source, folder: &Path) -> Result<(), CliError> {
    let scratch = tempfile::tempdir_in(&cx.site.data_dir).map_err(CliError::environment)?;
    let tree = WorkTree { folder, git_dir: &scratch.path().join("git") };
    tree.commit("Headworks", &format!("The files of {}", folder.display()))?;
    match source.kind {
        SourceKind::Commit => {
            let new = json!({ "repositoryName": source.action });
            let made = codecommit::create_repository(cx, input(new).map_err(refused)?).await.map_err(refused)?;
            let made = serde_json::to_value(made).map_err(CliError::internal)?;
            let url = text(&made["repositoryMetadata"]["cloneUrlHttp"]);
            let (user, password) = client.git_credentials(&url)?;
            let (folder, git_dir) = (folder.to_owned(), scratch.path().join("git"));
            // The server that it talks to is in this process.
            let pushed = tokio::task::spawn_blocking(move || {
                WorkTree { folder: &folder, git_dir: &git_dir }.push(&url, &user, &password)
            });
            pushed.await.map_err(CliError::internal)??;
        }
        SourceKind::Object => {
            let zip = scratch.path().join("source.zip");
            tree.zip(&zip)?;
            let key = format!("{}.zip", source.action);
            s3::put_file(cx, BUCKET, &key, &zip, s3::Describe::default()).await.map_err(refused)?;
        }
    }
    Ok(())
}
