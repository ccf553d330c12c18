//! The machine behind a rule with a schedule.

use base::{ApiError, Scope};
use engine::schedule::{Schedule, ScheduleInput, ScheduleState, Scheduled};
use formats::schedule::ScheduleExpression;
use store::machine::{self, NewMachine};
use store::tables::events_rule::{self, Row};
use store::{AdvanceError, Tx, advance};

use super::rule;

pub(super) const ENABLED: &str = "ENABLED";
pub(super) const DISABLED: &str = "DISABLED";

/// Makes the machine do what the rule says now, `before` being what it said. `fresh` is the id of a machine that is new: the
/// events of a machine have ids that follow from its own, so a rule that is made again must not get an old one.
pub(super) async fn settle(
    tx: &mut Tx,
    scope: &Scope,
    (before, row): (Option<&Row>, &mut Row),
    fresh: String,
) -> Result<(), ApiError> {
    let runs = |row: &Row| row.schedule.clone().filter(|_| row.state == ENABLED);
    let (was, is) = (before.and_then(runs), runs(row));
    row.machine = before.and_then(|before| before.machine.clone());
    if was == is {
        // Put again as it was: the rhythm stays, if it is one of now.
        return match (&row.machine, is) {
            (Some(id), Some(_)) => replan(tx, id).await,
            (Some(_) | None, _) => Ok(()),
        };
    }
    let id = match (&row.machine, &is) {
        (Some(id), _) => id.clone(),
        (None, None) => return Ok(()),
        (None, Some(_)) => {
            let rule = rule::arn(scope, &row.name);
            let state = ScheduleState { rule: rule.clone(), scheduled: Scheduled::Idle };
            let new = NewMachine { id: fresh.clone(), scope: scope.clone(), parent: rule, state };
            machine::create::<Schedule>(tx, new).await?;
            row.machine = Some(fresh.clone());
            fresh
        }
    };
    let input = match is {
        Some(text) => {
            ScheduleInput::Begin { expression: ScheduleExpression::parse(&text).map_err(ApiError::internal)? }
        }
        None => ScheduleInput::End,
    };
    match advance::<Schedule>(tx, &id, input).await {
        Ok(_) => Ok(()),
        Err(AdvanceError::Store(e)) => Err(e.into()),
        Err(e @ (AdvanceError::NotFound | AdvanceError::Refused(_))) => Err(ApiError::internal(e)),
    }
}

/// Plans a schedule anew that was planned by a clock that was ahead; any other stays as it is.
pub async fn replan(tx: &mut Tx, machine: &str) -> Result<(), ApiError> {
    match advance::<Schedule>(tx, machine, ScheduleInput::Replan).await {
        Ok(_) => Ok(()),
        Err(AdvanceError::Store(e)) => Err(e.into()),
        Err(e @ (AdvanceError::NotFound | AdvanceError::Refused(_))) => Err(ApiError::internal(e)),
    }
}

/// Removes the machine with the rule.
pub(super) async fn remove(tx: &mut Tx, row: &Row) -> Result<(), ApiError> {
    match &row.machine {
        Some(id) => Ok(machine::remove(tx, <Schedule as base::Machine>::KIND, id).await?),
        None => Ok(()),
    }
}

/// Enables or disables a rule.
pub(super) async fn switch(
    tx: &mut Tx,
    scope: &Scope,
    before: Row,
    state: &str,
    fresh: String,
) -> Result<(), ApiError> {
    let mut row = Row { state: state.to_owned(), ..before.clone() };
    settle(tx, scope, (Some(&before), &mut row), fresh).await?;
    Ok(events_rule::put(tx, scope, &row).await?)
}
