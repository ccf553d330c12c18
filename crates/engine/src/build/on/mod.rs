//! One file per group of inputs that belong together.

mod deadline;
mod disk;
mod job;
mod prepared;
mod resumed;
mod secrets;
mod start;
mod stop;
mod uploaded;

pub(super) use deadline::{deadline, gave_up, queue_timed_out};
pub(super) use disk::{disk_full_while_preparing, disk_full_while_uploading};
pub(super) use job::{job_cut, job_ended, job_stopped, steps_reported, steps_while_stopping};
pub(super) use prepared::{prepare_failed, prepared};
pub(super) use resumed::resumed;
pub(super) use secrets::secrets_failed;
pub(super) use start::{admitted, began, start};
pub(super) use stop::{cut, stop, stop_cut, stop_job};
pub(super) use uploaded::{reported, upload_failed, uploaded};
