//! The form of the lines that CodeBuild's agent writes into the log.

use base::Timestamp;

/// `[Container] 2026/11/22 10:00:00.123456 text`; the executor announces phases and commands in the same form.
pub fn container_line(at: Timestamp, text: &str) -> String {
    format!("[Container] {} {text}", at.format("%Y/%m/%d %H:%M:%S.%6f"))
}
