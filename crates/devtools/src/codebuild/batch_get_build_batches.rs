//! BatchGetBuildBatches: by id or ARN; what is not found is listed as it was asked for.

use base::{ApiError, Scope};
use engine::build_batch::BuildBatch;
use platform::Cx;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Tx;
use store::machine::{self, MachineRow};

use super::batch_view::view;

/// The request.
#[derive(Clone, Debug, Deserialize)]
pub struct Input {
    pub ids: Vec<String>,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub build_batches: Vec<Value>,
    pub build_batches_not_found: Vec<String>,
}

/// Shows batches.
pub async fn batch_get_build_batches(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let mut output = Output { build_batches: Vec::new(), build_batches_not_found: Vec::new() };
    for id in input.ids {
        match find_batch(&mut tx, cx.scope(), &id).await? {
            Some(row) => output.build_batches.push(view(&row.state)),
            None => output.build_batches_not_found.push(id),
        }
    }
    Ok(output)
}

/// The row of a batch given by id or ARN, if it belongs to `scope`.
pub(super) async fn find_batch(
    tx: &mut Tx,
    scope: &Scope,
    id: &str,
) -> Result<Option<MachineRow<BuildBatch>>, ApiError> {
    let prefix = scope.arn("codebuild", "build-batch/").to_string();
    let row = machine::get::<BuildBatch>(tx, id.strip_prefix(&prefix).unwrap_or(id)).await?;
    Ok(row.filter(|row| row.scope == *scope))
}
