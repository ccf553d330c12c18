//! BatchGetBuilds: by id or ARN; what is not found is listed as it was asked for.

use base::{ApiError, Scope};
use engine::build::Build;
use platform::Cx;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Tx;
use store::machine::{self, MachineRow};

use super::build_view::view_now;

/// The request.
#[derive(Clone, Debug, Deserialize)]
pub struct Input {
    pub ids: Vec<String>,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub builds: Vec<Value>,
    pub builds_not_found: Vec<String>,
}

/// Shows builds.
pub async fn batch_get_builds(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let mut tx = cx.store.read().await?;
    let mut output = Output { builds: Vec::new(), builds_not_found: Vec::new() };
    for id in input.ids {
        match find(&mut tx, cx.scope(), &id).await? {
            Some(row) => output.builds.push(view_now(&row.state, cx.room().err().as_ref())),
            None => output.builds_not_found.push(id),
        }
    }
    Ok(output)
}

/// The row of a build given by id or ARN, if it belongs to `scope`.
pub(super) async fn find(tx: &mut Tx, scope: &Scope, id: &str) -> Result<Option<MachineRow<Build>>, ApiError> {
    let prefix = scope.arn("codebuild", "build/").to_string();
    let row = machine::get::<Build>(tx, id.strip_prefix(&prefix).unwrap_or(id)).await?;
    Ok(row.filter(|row| row.scope == *scope))
}
