//! Jobs that run under a shim, wherever their commands are: starting shims, following journals, removing what is left.
//!
//! Everything that is known of a job is in its folder, so that the successor of a server that was killed knows the same.

mod follow;
mod program;
mod shimmed;
mod watch;

pub use program::ShimProgram;
pub(crate) use shimmed::{DOOMED, SAID_NOTHING, Shimmed, check};
