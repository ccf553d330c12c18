//! `--register`: the action type, made unless it is there.

use serde_json::{Value, json};

use super::flags::Flags;
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
    let properties: Vec<Value> = flags
        .properties
        .iter()
        .map(|p| {
            json!({
                "name": p.name, "required": p.required, "key": p.required, "secret": p.secret,
                "queryable": p.queryable, "type": "String",
            })
        })
        .collect();
    let counts = |(least, most): (u8, u8)| json!({"minimumCount": least, "maximumCount": most});
    let create = json!({
        "category": flags.category, "provider": flags.provider, "version": flags.type_version,
        "configurationProperties": properties,
        "inputArtifactDetails": counts(flags.inputs),
        "outputArtifactDetails": counts(flags.outputs),
    });
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
