//! DeleteCustomActionType: nobody can poll for its jobs any more, and actions of it fail when they are reached.
//! <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_DeleteCustomActionType.html>
//!
//! Jobs that a worker has acknowledged go on. Those that wait, which nobody could be handed any more, fail at once.

use base::{ApiError, Scope};
use engine::job::{Job, JobInput, NewJob};
use formats::pipeline::ActionTypeId;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codepipeline_action_type;
use store::{AdvanceError, Tx};

use super::{action_types, job_view};

/// Jobs read at once.
const BATCH: u32 = 100;

#[derive(Clone, Debug, Deserialize)]
pub struct Input {
    pub category: String,
    pub provider: String,
    pub version: String,
}

#[derive(Debug, Serialize)]
pub struct Output {}

/// Deletes a registered action type; one that is not there is no error, as with AWS.
pub async fn delete_custom_action_type(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let owner = action_types::OWNER.to_owned();
    let id = ActionTypeId { category: input.category, owner, provider: input.provider, version: input.version };
    let scope = cx.scope().clone();
    let has_revoked = cx
        .store
        .write(move |tx| {
            let (scope, id) = (scope.clone(), id.clone());
            Box::pin(async move {
                match codepipeline_action_type::delete(tx, &scope, action_types::key(&id)).await? {
                    true => fail_waiting(tx, &scope, &id).await,
                    false => Ok::<_, ApiError>(false),
                }
            })
        })
        .await?;
    if has_revoked {
        cx.credentials.forget();
    }
    Ok(Output {})
}

/// Says whether a worker had credentials for one of them.
async fn fail_waiting(tx: &mut Tx, scope: &Scope, id: &ActionTypeId) -> Result<bool, ApiError> {
    let queue = NewJob::queue(id);
    let mut has_revoked = false;
    for status in ["Queued", "Dispatched"] {
        let mut after = None;
        loop {
            let at = after.as_ref().map(|(at, id): &(base::Timestamp, String)| (*at, id.as_str()));
            let jobs = codepipeline_action_type::jobs(tx, scope, (&queue, status), at, BATCH).await?;
            for (_, job) in &jobs {
                match store::advance::<Job>(tx, job, JobInput::Withdraw { message: action_types::deleted(id) }).await {
                    Ok(withdrawn) => has_revoked |= job_view::revoke(tx, &withdrawn.state).await?,
                    Err(AdvanceError::NotFound | AdvanceError::Refused(_)) => {}
                    Err(AdvanceError::Store(e)) => return Err(e.into()),
                }
            }
            match jobs.into_iter().next_back() {
                Some(last) => after = Some(last),
                None => break,
            }
        }
    }
    Ok(has_revoked)
}
