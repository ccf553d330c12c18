//! Notices: messages to SNS topics and chat clients, of notification rules and of approvals.
//!
//! A notice is asked for in the transaction that hears of its event, and waits in the outbox in its target's line: it is tried
//! once, in order, and survives any crash. What takes it out of the outbox is the transaction that publishes it, or that says
//! that it could not be published: the target of a rule is then UNREACHABLE, an approval's summary says so.
//!
//! An event whose notices cannot be written waits in the outbox by itself, so that whoever else listens does not wait with it.

mod approval;
mod ask;
mod on_event;
mod publish;
mod send;

pub use ask::{NOTICE, line_of};
pub(crate) use ask::{Notice, ask};
pub use on_event::on_events;
pub use send::send_notice;
