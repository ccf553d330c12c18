//! CreateFleet: a name for capacity that projects can ask for.
//! Follows <https://docs.aws.amazon.com/codebuild/latest/APIReference/API_CreateFleet.html>.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::tables::codebuild_fleet;

use super::fleet::{Fleet, UNSUPPORTED, view};
use super::shapes::Tag;
use super::{check, errors};

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub name: String,
    pub base_capacity: i64,
    pub environment_type: String,
    pub compute_type: String,
    pub overflow_behavior: Option<String>,
    pub fleet_service_role: Option<String>,
    pub tags: Option<Vec<Tag>>,
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

/// The answer.
#[derive(Clone, Debug, Serialize)]
pub struct Output {
    pub fleet: Value,
}

/// Creates a fleet.
pub async fn create_fleet(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    check::unsupported_members(&input.rest, UNSUPPORTED)?;
    let fleet = Fleet {
        name: input.name,
        base_capacity: input.base_capacity,
        environment_type: input.environment_type,
        compute_type: input.compute_type,
        overflow_behavior: input.overflow_behavior.unwrap_or_else(|| "QUEUE".to_owned()),
        fleet_service_role: input.fleet_service_role,
        tags: input.tags.unwrap_or_default(),
    };
    fleet.check()?;
    let arn = cx.arn("codebuild", format!("fleet/{}:{}", fleet.name, cx.ids.uuid())).to_string();
    let (scope, config) = (cx.scope().clone(), fleet.to_text()?);
    let row = cx
        .store
        .write(move |tx| {
            let (scope, arn, name, config) = (scope.clone(), arn.clone(), fleet.name.clone(), config.clone());
            Box::pin(async move {
                if codebuild_fleet::by_name(tx, &scope, &name).await?.is_some() {
                    return Err(errors::exists(format!("Fleet already exists: {name}")));
                }
                codebuild_fleet::insert(tx, &scope, &name, &arn, &config).await?;
                Ok(codebuild_fleet::by_name(tx, &scope, &name).await?)
            })
        })
        .await?;
    let row = row.ok_or_else(|| ApiError::internal("a fleet vanished in its own transaction"))?;
    Ok(Output { fleet: view(&row) })
}
