//! What the demo does, in the order in which a user would.

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::example;
use super::watch::{Standing, Watch};
use crate::answers::{list, text};
use crate::cli::CliError;
use crate::client::Client;
use crate::config::{Config, Layers};
use crate::git_push::WorkTree;
use crate::up;

/// The names that the example uses.
const NAME: &str = "site";
const ARTIFACTS: &str = "demo-artifacts";
const SITE: &str = "demo-site";
/// The roles that the example names, the pipeline's and the project's, and what they may do.
const ROLES: [(&str, &str); 2] = [("demo", example::POLICY), ("demo-build", example::BUILD_POLICY)];
/// A push starts the pipeline within milliseconds; this long means that it never will.
const START_LIMIT: Duration = Duration::from_secs(30);

/// Runs the demo; with `once` it ends when the page is deployed, else the server stays up until interrupted.
pub fn run(layers: Layers, once: bool) -> Result<(), CliError> {
    let dir = tempfile::Builder::new().prefix("headworks-demo-").tempdir().map_err(CliError::environment)?;
    let data = dir.path().join("data");
    let layers = layers.flag("data_dir", Some(data.display())).flag("listen", Some("127.0.0.1:0"));
    // An engine would first fetch gigabytes for a build that copies three files.
    let config = layers.flag("database", Some("")).or("executor.kind", "host").config()?;
    up::start_logging(&Config { log_filter: "warn".to_owned(), ..config.clone() })?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(CliError::environment)?;
    runtime.block_on(async {
        let running = up::start(config.clone()).await?;
        running.announce().await;
        let told = tell(&config, &dir.path().join("work"), &running).await;
        if told.is_ok() && !once {
            eprintln!("\nThe server stays up; press Ctrl-C to end it and drop its data.");
            up::wait_for_signal().await?;
        }
        running.stop().await;
        told
    })
}

async fn tell(config: &Config, work: &Path, running: &up::Running) -> Result<(), CliError> {
    let begun = Instant::now();
    let client = Client::of(&running.installation)?;
    step("roles, buckets, repository, build project and pipeline");
    for (role, policy) in ROLES {
        let made = [("RoleName", role), ("AssumeRolePolicyDocument", example::TRUST)];
        client.query("iam", "CreateRole", &made).await?;
        let policy = policy.replace(example::ACCOUNT, config.account.as_str());
        let policy = [("RoleName", role), ("PolicyName", NAME), ("PolicyDocument", policy.as_str())];
        client.query("iam", "PutRolePolicy", &policy).await?;
    }
    client.create_bucket(ARTIFACTS).await?;
    client.create_bucket(SITE).await?;
    let repository = client.call("codecommit", "CreateRepository", json!({ "repositoryName": NAME })).await?;
    client.call("codebuild", "CreateProject", of_account(example::PROJECT, config)?).await?;
    client.call("codepipeline", "CreatePipeline", of_account(example::PIPELINE, config)?).await?;
    // As on AWS, creating a pipeline starts it; this execution fails, for there is no branch yet.
    let first = wait_for_execution(&client, &[]).await?;
    Watch::new(&client, NAME, &first).until_over_quietly().await?;

    step("git push");
    std::fs::create_dir_all(work).and_then(|()| example::write(work)).map_err(CliError::environment)?;
    let url = text(&repository["repositoryMetadata"]["cloneUrlHttp"]);
    let (user, password) = client.git_credentials(&url)?;
    let pushing = Instant::now();
    let tree = WorkTree { folder: work, git_dir: &work.join(".git") };
    tree.commit("Demo", "The site")?;
    let commit = tree.push(&url, &user, &password)?;
    eprintln!("           pushed {commit} in {:.0} ms", pushing.elapsed().as_secs_f64() * 1e3);

    let execution = wait_for_execution(&client, &[&first]).await?;
    step(&format!("execution {execution}"));
    let mut watch = Watch::new(&client, NAME, &execution);
    let status = loop {
        match watch.follow().await? {
            Standing::Approval { stage, action, token } => approve(&client, &stage, &action, &token).await?,
            Standing::Over(status) => break status,
        }
    };
    if status != "Succeeded" {
        return Err(CliError::environment(format!("the execution ended {status}"))
            .hint("the lines above tell which action failed and why"));
    }
    show(&client, &watch, begun.elapsed()).await
}

async fn approve(client: &Client, stage: &str, action: &str, token: &str) -> Result<(), CliError> {
    let result = json!({ "status": "Approved", "summary": "looks good" });
    let input =
        json!({ "pipelineName": NAME, "stageName": stage, "actionName": action, "token": token, "result": result });
    client.call("codepipeline", "PutApprovalResult", input).await.map(|_| ())
}

async fn show(client: &Client, watch: &Watch<'_>, all: Duration) -> Result<(), CliError> {
    step("deployed");
    let page = client.get_object(SITE, "index.html").await?;
    println!("{}", String::from_utf8_lossy(&page));
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::NOTHING).set_header(["STAGE", "ACTION", "STATUS", "TOOK"]);
    for seen in &watch.seen {
        let took = seen.took.map_or_else(String::new, |t| format!("{:.0} ms", t.as_secs_f64() * 1e3));
        table.add_row([&seen.stage, &seen.action, &seen.status, &took]);
    }
    eprintln!("{table}");
    eprintln!("everything: {:.2} s", all.as_secs_f64());
    Ok(())
}

/// The newest execution that is not in `known`.
async fn wait_for_execution(client: &Client, known: &[&String]) -> Result<String, CliError> {
    let begun = Instant::now();
    loop {
        let page = client.call("codepipeline", "ListPipelineExecutions", json!({ "pipelineName": NAME })).await?;
        let ids = list(&page["pipelineExecutionSummaries"]).iter().map(|e| text(&e["pipelineExecutionId"]));
        if let Some(id) = ids.into_iter().find(|id| !known.contains(&id)) {
            return Ok(id);
        }
        if begun.elapsed() > START_LIMIT {
            return Err(CliError::internal("the push started no execution"));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The example's JSON with this installation's account in place of its own.
fn of_account(text: &str, config: &Config) -> Result<Value, CliError> {
    serde_json::from_str(&text.replace(example::ACCOUNT, config.account.as_str())).map_err(CliError::internal)
}

fn step(name: &str) {
    eprintln!("\n== {name}");
}
