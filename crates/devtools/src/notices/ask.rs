//! A notice, and how it is asked for.

use base::{Arn, Scope};
use serde::{Deserialize, Serialize};
use store::events::EventRow;
use store::{Tx, line};

/// The kind under which notices wait.
pub const NOTICE: &str = "notice";

/// The longest address of a target (the model's `TargetAddress`). What is longer could not stand in an index.
const MAX_ADDRESS_BYTES: usize = 320;

/// A message and where it goes.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Notice {
    /// Of a notification rule.
    Rule { rule: String, address: String, kind: String, message: String },
    /// Of an approval that waits: the execution and the key of its action.
    Approval { execution: String, key: String, topic: String, subject: String, message: String },
    /// All notices of an event, which could not be written when it was delivered.
    Event { seq: i64 },
}

impl Notice {
    /// The name of the line in which it waits.
    fn line(&self, scope: &Scope) -> String {
        let to = match self {
            Notice::Rule { address, .. } => address.clone(),
            Notice::Approval { topic, .. } if is_topic(topic) => topic.clone(),
            Notice::Approval { topic, .. } => base::derived_uuid(&["notice", topic]).to_string(),
            Notice::Event { seq } => format!("event {seq}"),
        };
        line_of(scope, &to)
    }
}

/// The line of a target: every account and region has its own.
pub fn line_of(scope: &Scope, address: &str) -> String {
    format!("{} {} {address}", scope.account, scope.region)
}

/// Whether notices can go there.
pub(super) fn is_topic(address: &str) -> bool {
    address.len() <= MAX_ADDRESS_BYTES && Arn::parse(address).is_some_and(|arn| arn.service == "sns")
}

/// Has a notice of an event sent. `by` is who has it sent: one sends an event once to one target.
pub(crate) async fn ask(tx: &mut Tx, event: &EventRow, by: &str, notice: &Notice) -> Result<(), store::Error> {
    let place = format!("{:020} {} {by}", event.seq, event.id);
    line::join(tx, NOTICE, &notice.line(&event.scope), &event.scope, &place, &serde_json::json!(notice)).await
}

/// Has the notices of an event written later.
pub(super) async fn ask_again(tx: &mut Tx, event: &EventRow) -> Result<(), store::Error> {
    ask(tx, event, "again", &Notice::Event { seq: event.seq }).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_arn_of_a_topic_is_one_and_only_if_it_is_not_too_long() {
        assert!(is_topic("arn:aws:sns:eu-central-1:123456789012:told"));
        assert!(is_topic("arn:aws-cn:sns:cn-north-1:123456789012:told"));
        for wrong in ["", "told", "arn:aws:sqs:eu-central-1:123456789012:told"] {
            assert!(!is_topic(wrong), "{wrong}");
        }
        assert!(!is_topic(&format!("arn:aws:sns:eu-central-1:123456789012:{}", "t".repeat(3000))));
    }
}
