//! Performs the effects of batches: read the buildspec, start and stop builds, combine artifacts.
//!
//! What may happen twice: reading starts afresh each time; a build's id derives from the batch, so starting it again
//! finds it; stopping what is stopped changes nothing; combining overwrites.

mod answer;
mod combine;
mod performer;
mod read_spec;
mod start;

pub(crate) use answer::step;
pub use performer::BuildBatchPerformer;
