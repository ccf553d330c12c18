//! `--register`: the action type, made unless it is there.

use serde_json::{Value, json};

use super::flags::{Flags, Property};
use crate::cli::CliError;
use crate::client::Client;

pub(super) async fn register(client: &Client, flags: &Flags) -> Result<(), CliError> {
    let id = flags.action_type();
    let mut page = json!({"actionOwnerFilter": "Custom"});
    loop {
        let listed = client.call("codepipeline", "ListActionTypes", page.clone()).await?;
        if listed["actionTypes"].as_array().into_iter().flatten().any(|known| known["id"] == id) {
            return Ok(());
        }
        match listed["nextToken"].as_str() {
            Some(token) => page["nextToken"] = json!(token),
            None => break,
        }
    }
    let jenkins = flags.jenkins.jenkins.as_deref().map(|url| url.trim_end_matches('/'));
    let project = jenkins.map(|_| Property { required: true, ..Property::named("ProjectName") });
    let project = project.filter(|project| flags.properties.iter().all(|p| p.name != project.name));
    let properties: Vec<Value> = project
        .iter()
        .chain(&flags.properties)
        .map(|p| {
            json!({
                "name": p.name, "required": p.required, "key": p.required, "secret": p.secret,
                "queryable": p.queryable, "type": "String",
            })
        })
        .collect();
    let counts = |(least, most): (u8, u8)| json!({"minimumCount": least, "maximumCount": most});
    // A worker for Jenkins brings nothing back.
    let outputs = if jenkins.is_some() { (0, 0) } else { flags.outputs };
    let mut create = json!({
        "category": flags.category, "provider": flags.provider, "version": flags.type_version,
        "configurationProperties": properties,
        "inputArtifactDetails": counts(flags.inputs),
        "outputArtifactDetails": counts(outputs),
    });
    if let Some(url) = jenkins {
        let job = format!("{url}/job/{{Config:ProjectName}}/");
        create["settings"] = json!({
            "entityUrlTemplate": job, "executionUrlTemplate": format!("{job}{{ExternalExecutionId}}/"),
        });
    }
    match client.ask("codepipeline", "CreateCustomActionType", create).await? {
        Ok(_) => {
            eprintln!("registered {}/Custom/{}/{}", flags.category, flags.provider, flags.type_version);
            Ok(())
        }
        // Another worker was faster.
        Err(refused) if refused.message.contains("exists already") => Ok(()),
        Err(refused) => Err(CliError::user(refused.to_string())),
    }
}
