//! The schedule of a rule: a timer that goes off again and again, each time with one event for that rule.
//!
//! ```text
//!   Idle --Begin--> Waiting(due) --Due--> Waiting(next) ... --Due, no other time--> Idle
//!                      '--End--> Idle
//! ```
//!
//! A schedule that could not go off in time (the server was down) goes off once when it can, and then at the next time after
//! that. A row's life is one life of a rule's expression: a rule that is made anew gets a row of another id.

mod step;
#[cfg(test)]
mod tests;

pub use step::{Schedule, ScheduleInput, ScheduleRefusal, ScheduleState, Scheduled};
