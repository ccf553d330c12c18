//! Sending what waits, in the order of its target's line.

use std::sync::Arc;

use base::{ApiError, ErrorKind, Scope};
use engine::pipeline::{Execution, ExecutionInput, External};
use platform::Cx;
use store::outbox::Claimed;
use store::tables::approval_notice;
use store::tables::codestar_notifications_target::{self as targets, Noted};
use store::{AdvanceError, Tx, advance, events, line};

use super::Notice;
use super::ask::is_topic;
use super::on_event::on_event;
use super::publish::{Message, publish};
use crate::codestar_notifications::rule_arn;

/// What a summary says of an address that is no topic's.
const MAX_SHOWN: usize = 100;

/// Sends the notice, or notes why it cannot be sent, in the transaction that takes it out of the outbox.
pub async fn send_notice(cx: &Cx, claimed: &Claimed) -> Result<(), ApiError> {
    let notice: Arc<Notice> = Arc::new(serde_json::from_value(claimed.effect.clone()).map_err(ApiError::internal)?);
    let (claimed, scope) = (claimed.clone(), cx.scope().clone());
    let send = cx.store.write(move |tx| {
        let (claimed, scope, notice) = (claimed.clone(), scope.clone(), notice.clone());
        Box::pin(async move {
            if !line::has_turn(tx, &claimed).await? {
                return Ok(line::step_aside(tx, &claimed).await?);
            }
            send(tx, &scope, &notice).await?;
            Ok::<_, ApiError>(line::finish(tx, &claimed).await?)
        })
    });
    send.await
}

/// Warnings are given before the commit: one may come twice, and none is lost with the server.
async fn send(tx: &mut Tx, scope: &Scope, notice: &Notice) -> Result<(), ApiError> {
    match notice {
        Notice::Rule { rule, address, kind, message } => {
            if !targets::is_told(tx, scope, rule, address).await? {
                // The rule is gone, or tells this target no more.
                return Ok(());
            }
            let why = outcome(publish(tx, &Message { kind, address, subject: None, text: message }).await)?;
            let noted = targets::note(tx, scope, (rule, address), why.is_none()).await?;
            if let (Some(reason), Noted::Changed) = (why, noted) {
                tracing::warn!(
                    notification_rule.arn = rule_arn(scope, rule),
                    reason,
                    "a target of a notification rule is UNREACHABLE; this is said again only after it was reached"
                );
            }
            Ok(())
        }
        Notice::Approval { execution, key, topic, subject, message } => {
            let why = if is_topic(topic) {
                let message = Message { kind: "SNS", address: topic, subject: Some(subject), text: message };
                outcome(publish(tx, &message).await)?
            } else {
                Some("this is not the ARN of an SNS topic".to_owned())
            };
            approval_notice::note(tx, scope, why.is_none()).await?;
            match why {
                Some(why) => say_of(tx, (execution, key), topic, why).await,
                None => Ok(()),
            }
        }
        Notice::Event { seq } => match events::get(tx, *seq).await? {
            Some(event) => Ok(on_event(tx, event).await?),
            None => {
                tracing::warn!(event.seq = seq, "the notices of an event were never written, and the event is gone");
                Ok(())
            }
        },
    }
}

/// Says of an approval that its notice was not sent: in its summary as long as it waits, and in the log.
async fn say_of(tx: &mut Tx, (execution, key): (&str, &str), topic: &str, reason: String) -> Result<(), ApiError> {
    let mut shown: String = topic.chars().take(MAX_SHOWN).collect();
    if shown.len() < topic.len() {
        shown.push_str("...");
    }
    let external =
        External { summary: Some(format!("No notice was sent to {shown}: {reason}.")), ..External::default() };
    let input = ExecutionInput::ActionStarted { key: key.to_owned(), external };
    let waits = match advance::<Execution>(tx, execution, input).await {
        Ok(_) => true,
        // It was decided on in the meantime, or deleted with its pipeline.
        Err(AdvanceError::NotFound | AdvanceError::Refused(_)) => false,
        Err(AdvanceError::Store(e)) => return Err(e.into()),
    };
    tracing::warn!(
        execution.id = execution,
        action.key = key,
        approval.waits = waits,
        reason,
        "the notice of an approval was not sent"
    );
    Ok(())
}

/// Why it was not sent; an error when it is to be tried again.
fn outcome(published: Result<(), ApiError>) -> Result<Option<String>, ApiError> {
    match published {
        Ok(()) => Ok(None),
        Err(e) if e.kind == ErrorKind::Client => Ok(Some(e.message)),
        Err(e) => Err(e),
    }
}
