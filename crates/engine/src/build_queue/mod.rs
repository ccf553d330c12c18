//! The queue of an account's builds in one region: which may run now, and which wait for a slot.
//!
//! Only builds that some limit concerns come here: of the account (a setting of the server), of the project
//! (`concurrentBuildLimit`), of a fleet (`baseCapacity`). A sandbox takes a slot as a build does. A build asks when it is submitted and stays in its phase
//! QUEUED until it is admitted; it leaves when it is over. The queue is a row like any other, so a restart changes
//! nothing.
//!
//! Who is admitted: of the builds whose limits have room, one of the project with the fewest running builds, the oldest
//! of those. A project that floods the queue thus cannot keep another from its turn.
//!
//! Rules of AWS that stand here
//! * Builds on a fleet do not count against the account.
//! * Overflow behaviour ON_DEMAND: a build that finds its fleet full runs as if it had none.

mod input;
mod state;
mod step;
#[cfg(test)]
mod tests;

pub use input::{FleetLimit, Limits, QueueInput, Ticket};
pub use state::{FleetSlots, Overflow, Place, QueueState, Running, Waiting};
pub use step::{BuildQueue, QueueRefusal, queue_id};
