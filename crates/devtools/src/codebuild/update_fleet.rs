//! UpdateFleet: members that are given replace those of the fleet; builds that wait for it hear of its new capacity.

use base::ApiError;
use engine::build_queue::QueueInput;
use platform::Cx;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store::tables::codebuild_fleet;

use super::fleet::{UNSUPPORTED, parse, view};
use super::shapes::Tag;
use super::{check, errors, queue};

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    pub arn: String,
    pub base_capacity: Option<i64>,
    pub environment_type: Option<String>,
    pub compute_type: Option<String>,
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

/// Changes a fleet.
pub async fn update_fleet(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    check::unsupported_members(&input.rest, UNSUPPORTED)?;
    let scope = cx.scope().clone();
    let row = cx
        .store
        .write(move |tx| {
            let (scope, input) = (scope.clone(), input.clone());
            Box::pin(async move {
                let missing = || errors::not_found(format!("Fleet not found: {}", input.arn));
                let row = codebuild_fleet::by_arn(tx, &scope, &input.arn).await?.ok_or_else(missing)?;
                let mut fleet = parse(&row)?;
                macro_rules! take {
                    ($($member:ident),*) => { $(if let Some(value) = input.$member.clone() { fleet.$member = value; })* };
                }
                take!(base_capacity, environment_type, compute_type, overflow_behavior, tags);
                if input.fleet_service_role.is_some() {
                    fleet.fleet_service_role = input.fleet_service_role.clone();
                }
                fleet.check()?;
                codebuild_fleet::update(tx, &scope, &input.arn, &fleet.to_text()?).await?;
                let changed = QueueInput::Fleet { arn: input.arn.clone(), slots: Some(fleet.slots()) };
                queue::tell(tx, &scope, changed).await?;
                codebuild_fleet::by_arn(tx, &scope, &input.arn).await?.ok_or_else(missing)
            })
        })
        .await?;
    Ok(Output { fleet: view(&row) })
}
