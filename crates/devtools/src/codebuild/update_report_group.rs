//! UpdateReportGroup: what is given replaces what stands; reports that are there already keep where they went.
//! Follows <https://docs.aws.amazon.com/codebuild/latest/APIReference/API_UpdateReportGroup.html>.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::tables::codebuild_report_group;

use super::report_group::{ReportExportConfig, check_tags, need_name, not_found, view};
use super::shapes::Tag;

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub arn: String,
    pub export_config: Option<ReportExportConfig>,
    pub tags: Option<Vec<Tag>>,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub report_group: Value,
}

/// Changes a report group.
pub async fn update_report_group(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let name = need_name(cx.scope(), &input.arn)?.to_owned();
    let export = input.export_config.map(|config| config.settled(cx.scope())?.to_json()).transpose()?;
    let tags = input.tags.map(|tags| check_tags(&tags).map(|()| json!(tags))).transpose()?;
    let (scope, arn) = (cx.scope().clone(), input.arn);
    let row = cx
        .store
        .write(move |tx| {
            let (scope, name, arn) = (scope.clone(), name.clone(), arn.clone());
            let (export, tags) = (export.clone(), tags.clone());
            Box::pin(async move {
                let row = codebuild_report_group::get(tx, &scope, &name).await?.ok_or_else(|| not_found(&arn))?;
                let (export, tags) = (export.unwrap_or(row.export), tags.unwrap_or(row.tags));
                codebuild_report_group::update(tx, &scope, &name, &export, &tags).await?;
                codebuild_report_group::get(tx, &scope, &name).await?.ok_or_else(|| not_found(&arn))
            })
        })
        .await?;
    Ok(Output { report_group: view(cx.scope(), &row) })
}
