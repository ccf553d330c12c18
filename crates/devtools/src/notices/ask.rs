//! A notice, and how it is asked for.

use serde::{Deserialize, Serialize};
use store::events::EventRow;
use store::{Tx, line};

/// The kind under which notices wait.
pub const NOTICE: &str = "notice";

/// A message and where it goes.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Notice {
    /// Of a notification rule.
    Rule { rule: String, name: String, address: String, kind: String, message: String },
    /// Of an approval that waits: the execution and the key of its action.
    Approval { execution: String, key: String, topic: String, subject: String, message: String },
}

impl Notice {
    fn address(&self) -> &str {
        match self {
            Notice::Rule { address, .. } => address,
            Notice::Approval { topic, .. } => topic,
        }
    }
}

/// Has a notice of an event sent. `by` is who has it sent: one sends an event once to one target.
pub(crate) async fn ask(tx: &mut Tx, event: &EventRow, by: &str, notice: &Notice) -> Result<(), store::Error> {
    let place = format!("{:020} {} {by}", event.seq, event.id);
    line::join(tx, NOTICE, notice.address(), &event.scope, &place, &serde_json::json!(notice)).await
}
