//! Sending what waits, in the order of its target's line.

use std::sync::Arc;

use base::{ApiError, ErrorKind, Scope};
use engine::pipeline::{Execution, ExecutionInput, External};
use platform::Cx;
use store::outbox::Claimed;
use store::tables::codestar_notifications_target as targets;
use store::{AdvanceError, Tx, advance, line};

use super::Notice;
use super::publish::{Message, publish};

/// A notice that could not be sent, and that is the first of its kind.
struct Unsent {
    rule: String,
    address: String,
    why: String,
}

/// Sends the notice, or notes why it cannot be sent, in the transaction that takes it out of the outbox.
pub async fn send_notice(cx: &Cx, claimed: &Claimed) -> Result<(), ApiError> {
    let notice: Arc<Notice> = Arc::new(serde_json::from_value(claimed.effect.clone()).map_err(ApiError::internal)?);
    let (claimed, scope) = (claimed.clone(), cx.scope().clone());
    let send = cx.store.write(move |tx| {
        let (claimed, scope, notice) = (claimed.clone(), scope.clone(), notice.clone());
        Box::pin(async move {
            if !line::has_turn(tx, &claimed).await? {
                line::step_aside(tx, &claimed).await?;
                return Ok(None);
            }
            let unsent = send(tx, &scope, &notice).await?;
            line::finish(tx, &claimed).await?;
            Ok::<_, ApiError>(unsent)
        })
    });
    if let Some(Unsent { rule, address, why }) = send.await? {
        tracing::warn!(
            notification_rule.name = rule,
            notice.target = address,
            reason = why,
            "notices of a rule do not reach their target; this is said once"
        );
    }
    Ok(())
}

async fn send(tx: &mut Tx, scope: &Scope, notice: &Notice) -> Result<Option<Unsent>, ApiError> {
    match notice {
        Notice::Rule { rule, name, address, kind, message } => {
            if !targets::is_told(tx, scope, rule, address).await? {
                // The rule is gone, or tells this target no more.
                return Ok(None);
            }
            let why = outcome(publish(tx, &Message { kind, address, subject: None, text: message }).await)?;
            let told = targets::note(tx, scope, (rule, address), why.is_none()).await?;
            let is_first = told.is_some_and(|told| told.unsent == 1);
            let unsent = |why| Unsent { rule: name.clone(), address: address.clone(), why };
            Ok(why.filter(|_| is_first).map(unsent))
        }
        Notice::Approval { execution, key, topic, subject, message } => {
            let message = Message { kind: "SNS", address: topic, subject: Some(subject), text: message };
            if let Some(why) = outcome(publish(tx, &message).await)? {
                let external =
                    External { summary: Some(format!("No notice was sent to {topic}: {why}.")), ..External::default() };
                let input = ExecutionInput::ActionStarted { key: key.clone(), external };
                match advance::<Execution>(tx, execution, input).await {
                    // Refused: it was decided on in the meantime.
                    Ok(_) | Err(AdvanceError::NotFound | AdvanceError::Refused(_)) => {}
                    Err(AdvanceError::Store(e)) => return Err(e.into()),
                }
            }
            Ok(None)
        }
    }
}

/// Why it was not sent; an error when it is to be tried again.
fn outcome(published: Result<(), ApiError>) -> Result<Option<String>, ApiError> {
    match published {
        Ok(()) => Ok(None),
        Err(e) if e.kind == ErrorKind::Client => Ok(Some(e.message)),
        Err(e) => Err(e),
    }
}
