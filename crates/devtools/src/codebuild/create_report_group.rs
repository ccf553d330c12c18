//! CreateReportGroup: a group for the reports of builds, with where their files are exported to.
//! Follows <https://docs.aws.amazon.com/codebuild/latest/APIReference/API_CreateReportGroup.html>.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::tables::codebuild_report_group;

use super::report_group::{ReportExportConfig, arn, check_name, check_tags, view};
use super::shapes::Tag;

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub name: String,
    pub r#type: String,
    pub export_config: ReportExportConfig,
    #[serde(default)]
    pub tags: Vec<Tag>,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub report_group: Value,
}

/// Creates a report group.
pub async fn create_report_group(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    cx.room()?;
    check_name(&input.name)?;
    check_tags(&input.tags)?;
    let export = input.export_config.settled(cx.scope())?.to_json()?;
    let (scope, name, kind, tags) = (cx.scope().clone(), input.name, input.r#type, json!(input.tags));
    let row = cx
        .store
        .write(move |tx| {
            let (scope, name, kind) = (scope.clone(), name.clone(), kind.clone());
            let (export, tags) = (export.clone(), tags.clone());
            Box::pin(async move {
                if codebuild_report_group::get(tx, &scope, &name).await?.is_some() {
                    let message = format!("Report group already exists: {}", arn(&scope, &name));
                    return Err(ApiError::new("ResourceAlreadyExistsException", message));
                }
                codebuild_report_group::insert(tx, &scope, &name, &kind, &export, &tags).await?;
                Ok(codebuild_report_group::get(tx, &scope, &name).await?)
            })
        })
        .await?;
    let row = row.ok_or_else(|| ApiError::internal("a report group vanished in its own transaction"))?;
    Ok(Output { report_group: view(cx.scope(), &row) })
}
