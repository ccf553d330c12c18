//! Notices: messages to SNS topics and chat clients, of notification rules and of approvals.
//!
//! A notice is asked for in the transaction that hears of its event, and waits in the outbox in its target's line: it is tried
//! once, in order, and survives any crash. What takes it out of the outbox is the transaction that publishes it, or that says
//! that it could not be published: the target of a rule is then UNREACHABLE, an approval's summary says so.

mod approval;
mod ask;
mod on_event;
mod publish;
mod send;

pub use ask::NOTICE;
pub(crate) use ask::{Notice, ask};
pub use on_event::on_event;
pub use send::send_notice;
