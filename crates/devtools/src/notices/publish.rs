//! The way out.

use base::ApiError;
use store::Tx;

/// A message on its way.
pub(super) struct Message<'a> {
    /// The model's `TargetType`.
    pub kind: &'a str,
    /// The ARN of the topic or of the chat client.
    pub address: &'a str,
    pub subject: Option<&'a str>,
    pub text: &'a str,
}

/// Publishes a message in this transaction. An error of the client's says why it cannot be published; any other is passing.
///
/// Headworks has neither service yet. The operation sns:Publish is called here once there is one.
pub(super) async fn publish(_: &mut Tx, message: &Message<'_>) -> Result<(), ApiError> {
    let Message { kind, address, subject, text } = message;
    // Addresses are sensitive: a digest tells them apart.
    let target = base::derived_uuid(&["notice", address]);
    let bytes = text.len() + subject.map_or(0, str::len);
    tracing::debug!(notice.kind = kind, notice.target = %target, notice.bytes = bytes, "a notice is sent");
    let why = match *kind {
        "SNS" => "the operation sns:Publish is not available",
        _ => "chat clients are not available",
    };
    Err(ApiError::new("UnknownOperationException", why))
}
