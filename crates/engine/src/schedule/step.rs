//! The machine.

use base::{Event, Machine, Step, TimerChange, Timestamp};
use formats::schedule::ScheduleExpression;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// The only timer of a row.
const TIMER: &str = "due";

/// The machine of a rule's schedule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Schedule;

/// The whole state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleState {
    /// The rule's ARN.
    pub rule: String,
    pub scheduled: Scheduled,
}

/// Whether it goes off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scheduled {
    Idle,
    Waiting {
        expression: ScheduleExpression,
        /// A rate is counted from here.
        since: Timestamp,
        due: Timestamp,
    },
}

/// What a schedule is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ScheduleInput {
    /// The rule is enabled, or has another expression.
    Begin { expression: ScheduleExpression },
    /// The clock may have been ahead when the schedule was planned: no later than it is due by the clock of now.
    Replan,
    /// The rule is disabled.
    End,
    /// The time has come.
    Due { at: Timestamp },
}

/// Why an input is not taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum ScheduleRefusal {
    #[error("the schedule does not wait for this time")]
    Stale,
}

impl Machine for Schedule {
    const KIND: &'static str = "schedule";
    type State = ScheduleState;
    type Input = ScheduleInput;
    type Effect = ();
    type Refusal = ScheduleRefusal;

    fn step(state: &ScheduleState, input: ScheduleInput, now: Timestamp) -> Result<Step<Schedule>, ScheduleRefusal> {
        match (input, &state.scheduled) {
            (ScheduleInput::Begin { expression }, _) => Ok(wait(state, expression, now, now)),
            (ScheduleInput::End, _) => {
                let state = ScheduleState { rule: state.rule.clone(), scheduled: Scheduled::Idle };
                Ok(Step { timers: vec![TimerChange::clear(TIMER)], ..Step::to(state) })
            }
            (ScheduleInput::Replan, Scheduled::Waiting { expression, since, due }) => {
                let since = now.min(*since);
                match expression.next(since, now) {
                    Some(next) if next < *due => Ok(wait(state, expression.clone(), since, now)),
                    Some(_) | None => Ok(Step::to(state.clone())),
                }
            }
            (ScheduleInput::Replan, Scheduled::Idle) => Ok(Step::to(state.clone())),
            (ScheduleInput::Due { at }, Scheduled::Waiting { expression, since, due }) if at == *due => {
                let step = wait(state, expression.clone(), *since, now.max(*due));
                Ok(Step { events: vec![scheduled_event(&state.rule)], ..step })
            }
            (ScheduleInput::Due { .. }, Scheduled::Waiting { .. } | Scheduled::Idle) => Err(ScheduleRefusal::Stale),
        }
    }

    fn status(state: &ScheduleState) -> &'static str {
        match state.scheduled {
            Scheduled::Idle => "Idle",
            Scheduled::Waiting { .. } => "Waiting",
        }
    }
}

/// Waits for the first time after `after`.
fn wait(state: &ScheduleState, expression: ScheduleExpression, since: Timestamp, after: Timestamp) -> Step<Schedule> {
    let due = expression.next(since, after);
    let timer = match due {
        Some(at) => TimerChange::set::<Schedule>(TIMER, at, &ScheduleInput::Due { at }),
        None => TimerChange::clear(TIMER),
    };
    let scheduled = due.map_or(Scheduled::Idle, |due| Scheduled::Waiting { expression, since, due });
    Step { timers: vec![timer], ..Step::to(ScheduleState { rule: state.rule.clone(), scheduled }) }
}

/// User Guide, "Creating a rule that runs on a schedule": the event that only this rule's targets get.
fn scheduled_event(rule: &str) -> Event {
    Event {
        source: "aws.events".to_owned(),
        detail_type: "Scheduled Event".to_owned(),
        resources: vec![rule.to_owned()],
        detail: json!({}),
    }
}
