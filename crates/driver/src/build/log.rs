//! Lines on their way into CloudWatch Logs.

use base::{Scope, Timestamp};
use engine::build::Logs;
use platform::logs::{self, LogEvent};
use store::{Error, Tx};

/// Splits output into events of a line each; a message ends with its line break, as CodeBuild's do.
pub(super) fn lines(time: Timestamp, text: &str) -> impl Iterator<Item = LogEvent> + '_ {
    text.split_inclusive('\n').map(move |text| line(time, text.trim_end_matches('\n')))
}

/// One line.
pub(super) fn line(time: Timestamp, text: &str) -> LogEvent {
    LogEvent { time, message: format!("{text}\n") }
}

/// Appends lines, making group and stream at the first.
pub(super) async fn append(tx: &mut Tx, scope: &Scope, logs: &Logs, lines: &[LogEvent]) -> Result<(), Error> {
    match logs {
        Logs::CloudWatch { group, stream } if !lines.is_empty() => logs::append(tx, scope, group, stream, lines).await,
        Logs::CloudWatch { .. } | Logs::Disabled => Ok(()),
    }
}
