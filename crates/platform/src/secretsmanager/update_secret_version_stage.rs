//! UpdateSecretVersionStage:
//! <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecretVersionStage.html>. Moves a stage,
//! sets it or takes it away; where it stands already must be named.

use base::ApiError;
use serde::{Deserialize, Serialize};
use store::Tx;
use store::tables::{secretsmanager_secret, secretsmanager_version};

use super::stage::{Board, CURRENT};
use super::{errors, find};
use crate::Cx;
use crate::transact::transact;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub secret_id: String,
    pub version_stage: String,
    pub remove_from_version_id: Option<String>,
    pub move_to_version_id: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    #[serde(rename = "ARN")]
    pub arn: String,
    pub name: String,
}

pub async fn update_secret_version_stage(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    transact(cx, input, |tx, cx, input| Box::pin(update(tx, cx, input))).await
}

async fn update(tx: &mut Tx, cx: &Cx, input: &Input) -> Result<Output, ApiError> {
    let mut secret = find::live(tx, cx, &input.secret_id).await?;
    let mut board = Board::new(secretsmanager_version::list(tx, &secret.arn).await?);
    let stage = &input.version_stage;
    for id in input.remove_from_version_id.iter().chain(&input.move_to_version_id) {
        if !board.has(id) {
            return Err(errors::no_value(&format!("VersionId: {id}")));
        }
    }
    let holder = board.holder(stage).map(str::to_owned);
    match (&holder, &input.remove_from_version_id) {
        (Some(holder), None) if input.move_to_version_id.as_ref() != Some(holder) => {
            return Err(errors::parameter(format!(
                "The parameter RemoveFromVersionId can't be empty. Staging label {stage} is currently attached to \
                 version {holder}, so you must explicitly reference that version in RemoveFromVersionId."
            )));
        }
        (holder, Some(from)) if holder.as_ref() != Some(from) => {
            return Err(errors::parameter(format!(
                "You can't move staging label {stage} away from version {from} because it is not attached to it."
            )));
        }
        (Some(_) | None, Some(_) | None) => {}
    }
    match &input.move_to_version_id {
        Some(to) => board.place(stage, to),
        None if stage == CURRENT => {
            return Err(errors::parameter(
                "You can only move staging label AWSCURRENT to a different secret version. It can't be completely \
                 removed.",
            ));
        }
        None => board.remove(stage),
    }
    board.save(tx, &secret.arn).await?;
    secret.changed = cx.now();
    secretsmanager_secret::update(tx, &secret).await?;
    Ok(Output { arn: secret.arn, name: secret.name })
}
