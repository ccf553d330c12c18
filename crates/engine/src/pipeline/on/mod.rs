//! What each input does to an execution; one file per group of inputs.

mod action_finished;
mod approve;
mod gates;
mod matrix_read;
mod override_condition;
mod retry_stage;
mod rolled_back;
mod start;
mod stop;

pub(super) use action_finished::{action_finished, action_started, action_timed_out, rule_due};
pub(super) use approve::approve;
pub(super) use gates::{cancel, entered, superseded};
pub(super) use matrix_read::matrix_read;
pub(super) use override_condition::override_condition;
pub(super) use retry_stage::retry_stage;
pub(super) use rolled_back::rolled_back;
pub(super) use start::start;
pub(super) use stop::{abandon, stop};
