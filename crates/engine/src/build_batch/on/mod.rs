//! One file per group of inputs that belong together.

mod build;
mod combine;
mod resumed;
mod retry;
mod spec;
mod start;
mod stop;

pub(super) use build::{build_ended, build_not_started};
pub(super) use combine::{combine_failed, combined};
pub(super) use resumed::resumed;
pub(super) use retry::retry;
pub(super) use spec::{spec_failed, spec_read};
pub(super) use start::start;
pub(super) use stop::{end, gave_up, stop};
