//! StartBuildBatch: applies the overrides to the project, settles the batch and sets it going. Its buildspec's `batch`
//! section is read by the driver; what is wrong with it is in the context of DOWNLOAD_BATCHSPEC.
//! Follows <https://docs.aws.amazon.com/codebuild/latest/APIReference/API_StartBuildBatch.html>.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::batch_view::view;
use super::begin_batch::{batch_request, begin_batch};
use super::project::{find, name_of, parse};
use super::settle::{Particulars, initiator, settle};
use super::shapes::BuildBatchConfig;
use super::start_build::{self, overridden, token};
use super::{check, errors};

/// Members of the model that are refused when they ask for something.
pub(super) const UNSUPPORTED: &[&str] = &["certificateOverride", "reportBuildBatchStatusOverride"];

/// The request: that of StartBuild, with what concerns the batch.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Input {
    pub build_timeout_in_minutes_override: Option<u32>,
    pub build_batch_config_override: Option<BuildBatchConfig>,
    #[serde(flatten)]
    pub build: start_build::Input,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    pub build_batch: Value,
}

/// Starts a batch.
pub async fn start_build_batch(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    check::unsupported_members(&input.build.rest, UNSUPPORTED)?;
    cx.room()?;
    let token = token(input.build.idempotency_token.as_deref(), &input)?;
    let (uuid, initiator, submitted) = (cx.ids.uuid().to_string(), initiator(cx), cx.now());
    let context = cx.clone();
    let state = cx
        .store
        .write(move |tx| {
            let (cx, input, token) = (context.clone(), input.clone(), token.clone());
            let (uuid, initiator) = (uuid.clone(), initiator.clone());
            Box::pin(async move {
                let debug_session = input.build.debug_session_enabled.unwrap_or(false);
                let name = name_of(cx.scope(), &input.build.project_name);
                let missing = || errors::project_not_found(&cx.arn("codebuild", format!("project/{name}")));
                let row = find(tx, cx.scope(), name).await?.ok_or_else(missing)?;
                let mut project = overridden(parse(&row)?, input.build).with_defaults(&cx);
                if let Some(minutes) = input.build_timeout_in_minutes_override {
                    project.timeout_in_minutes = minutes;
                }
                if let Some(config) = input.build_batch_config_override {
                    project.build_batch_config = Some(overlaid(project.build_batch_config.take(), config));
                }
                check::project(&cx, &project)?;
                if project.source.kind() == "CODEPIPELINE" {
                    let why = "a project with source type CODEPIPELINE is built by its pipeline; to start it alone, \
                               override its source and its artifacts";
                    return Err(errors::invalid(format!("Invalid project: {why}")));
                }
                let config = project.build_batch_config.clone().unwrap_or_default();
                let mut template = settle(&cx, &project, Particulars { uuid, initiator, parent: None, submitted })?;
                template.debug_session = debug_session;
                begin_batch(tx, batch_request(template, config, None)?, token.as_ref()).await
            })
        })
        .await?;
    Ok(Output { build_batch: view(&state) })
}

/// Members that are given replace those of the project.
fn overlaid(project: Option<BuildBatchConfig>, given: BuildBatchConfig) -> BuildBatchConfig {
    let project = project.unwrap_or_default();
    BuildBatchConfig {
        service_role: given.service_role.or(project.service_role),
        combine_artifacts: given.combine_artifacts.or(project.combine_artifacts),
        restrictions: given.restrictions.or(project.restrictions),
        timeout_in_mins: given.timeout_in_mins.or(project.timeout_in_mins),
        batch_report_mode: given.batch_report_mode.or(project.batch_report_mode),
    }
}
