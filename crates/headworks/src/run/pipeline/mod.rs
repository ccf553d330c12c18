//! `headworks run PIPELINE`: a whole pipeline against the working copy, in the private installation of [`super`].
//!
//! * [`declared`]: the declaration as it is run here: folders in place of sources, without deployments unless they are wanted.
//! * [`rows`]: what the pipeline needs: repositories, projects, buckets.
//! * [`follow`]: what happens, and approvals at the terminal.

mod declared;
mod flags;
mod follow;
mod rows;
mod story;

pub use flags::Flags;
pub(super) use story::{is_pipeline, run};
