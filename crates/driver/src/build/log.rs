//! Lines on their way into CloudWatch Logs.

use base::{Scope, Timestamp};
use engine::build::Logs;
use platform::logs::{self, LogEvents};
use store::{Error, Tx};

/// Output as events of a line each; a message ends with its line break, as CodeBuild's do.
pub(super) fn lines(time: Timestamp, mut text: String) -> LogEvents {
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    LogEvents::Lines { time, text }
}

/// One event, whatever line breaks the text has.
pub(super) fn line(time: Timestamp, text: &str) -> LogEvents {
    LogEvents::One { time, message: format!("{text}\n") }
}

/// Appends lines, making group and stream at the first.
pub(super) async fn append(tx: &mut Tx, scope: &Scope, logs: &Logs, lines: &[LogEvents]) -> Result<(), Error> {
    match logs {
        Logs::CloudWatch { group, stream } if !lines.is_empty() => logs::append(tx, scope, group, stream, lines).await,
        Logs::CloudWatch { .. } | Logs::Disabled => Ok(()),
    }
}
