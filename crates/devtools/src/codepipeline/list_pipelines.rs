//! ListPipelines: the pipelines of the account and region, by name.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_ListPipelines.html>

use base::{ApiError, PageToken, Timestamp};
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codepipeline_pipeline;

use super::{errors, load};

const LIST: &str = "ListPipelines";

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Input {
    pub next_token: Option<String>,
    pub max_results: Option<u32>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub pipelines: Vec<Summary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}

/// One pipeline.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    pub name: String,
    pub version: u32,
    pub pipeline_type: String,
    pub execution_mode: String,
    pub created: Timestamp,
    pub updated: Timestamp,
}

/// Lists pipelines.
pub async fn list_pipelines(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let limit = input.max_results.unwrap_or(1000).clamp(1, 1000);
    let after = match &input.next_token {
        Some(token) => PageToken::position(LIST, token).map_err(|_| errors::invalid_token())?,
        None => String::new(),
    };
    let mut tx = cx.store.read().await?;
    let mut rows = codepipeline_pipeline::list(&mut tx, cx.scope(), &after, limit + 1).await?;
    let more = rows.len() > limit as usize;
    rows.truncate(limit as usize);
    let next_token = rows.last().filter(|_| more).map(|r| PageToken::after(LIST, &r.name).into_string());
    let mut pipelines = Vec::with_capacity(rows.len());
    for row in rows {
        let declaration = load::declaration(&mut tx, cx.scope(), &row, None).await?;
        pipelines.push(Summary {
            pipeline_type: declaration.pipeline_type().to_owned(),
            execution_mode: declaration.execution_mode().to_owned(),
            name: row.name,
            version: row.version,
            created: row.created,
            updated: row.updated,
        });
    }
    Ok(Output { pipelines, next_token })
}
