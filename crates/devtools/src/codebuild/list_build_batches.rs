//! ListBuildBatches: ids of all batches, newest first unless asked otherwise; of one status when asked.

use base::{ApiError, PageToken};
use engine::build_batch::BuildBatch;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::machine::{self, Position};

use super::errors::invalid;

/// Results of a page, and the most that may be asked for.
const PAGE: u32 = 100;

/// The request.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Input {
    pub filter: Option<Filter>,
    pub max_results: Option<u32>,
    pub sort_order: Option<String>,
    pub next_token: Option<String>,
}

/// `BuildBatchFilter`.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Filter {
    pub status: Option<String>,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub ids: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// Lists batches.
pub async fn list_build_batches(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    page(cx, None, &input).await
}

/// One page of the batches of a project, or of all.
pub(super) async fn page(cx: &Cx, project: Option<&str>, input: &Input) -> Result<Output, ApiError> {
    let newest_first = input.sort_order.as_deref() != Some("ASCENDING");
    let status = input.filter.as_ref().and_then(|f| f.status.as_deref());
    let limit = input.max_results.unwrap_or(PAGE).clamp(1, PAGE);
    let list = format!("ListBuildBatches:{project:?}:{status:?}:{newest_first}:{:?}", cx.scope());
    let bad = || invalid("Invalid token provided");
    let after = input.next_token.as_deref().map(|token| {
        let position = PageToken::position(&list, token).map_err(|_| bad())?;
        Position::parse(&position).ok_or_else(bad)
    });
    let after = after.transpose()?;
    let mut tx = cx.store.read().await?;
    let (scope, after) = (cx.scope(), after.as_ref());
    let rows = match status {
        None => machine::positions::<BuildBatch>(&mut tx, scope, project, after, limit + 1, newest_first).await,
        Some(status) => {
            let of = (project, status);
            machine::positions_in_status::<BuildBatch>(&mut tx, scope, of, after, limit + 1, newest_first).await
        }
    };
    let mut rows = rows?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let last = rows.last().filter(|_| more);
    let next_token = last.map(|row| PageToken::after(&list, &row.to_text()).into_string());
    Ok(Output { ids: rows.into_iter().map(|row| row.id).collect(), next_token })
}
