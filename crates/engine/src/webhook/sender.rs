//! Who sent a delivery, by its headers.

use super::Format;

/// What the headers of a delivery tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    pub format: Format,
    /// Which event.
    pub kind: String,
    /// `sha256=...` over the body, or GitLab's secret.
    pub signature: Option<String>,
    /// The delivery's own id.
    pub id: Option<String>,
}

impl Sender {
    /// Reads the headers through `header`, which takes a name in small letters. `None` when no server that we know
    /// sends such ones.
    pub fn of(header: &dyn Fn(&str) -> Option<String>) -> Option<Sender> {
        let sender = |format, kind, signature, id| Sender { format, kind, signature: header(signature), id };
        if let Some(kind) = header("x-github-event") {
            return Some(sender(Format::GitHub, kind, "x-hub-signature-256", header("x-github-delivery")));
        }
        if let Some(kind) = header("x-gitlab-event") {
            let id = header("x-gitlab-event-uuid").or_else(|| header("idempotency-key"));
            return Some(sender(Format::GitLab, kind, "x-gitlab-token", id));
        }
        let kind = header("x-event-key")?;
        Some(sender(Format::Bitbucket, kind, "x-hub-signature", header("x-request-uuid")))
    }
}
