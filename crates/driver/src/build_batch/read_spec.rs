//! Fetches the sources of a batch and reads its buildspec.

use engine::build::{Request, SourceFailure};
use engine::build_batch::{BatchInput, SpecText};
use platform::Cx;
use store::outbox::Claimed;

use super::answer;
use crate::PerformError;
use crate::build::{PrepareTrouble, remove, sources};

pub(super) async fn read_spec(cx: &Cx, claimed: &Claimed, request: &Request) -> Result<(), PerformError> {
    let key = claimed.key.clone();
    // A first try that was cut short may have left a part.
    remove(&request.work_dir).await?;
    let read = sources(cx, request).await;
    // Nothing is built here: each build fetches for itself.
    remove(&request.work_dir).await?;
    let input = match read {
        Ok(read) => BatchInput::SpecRead {
            key,
            text: SpecText {
                buildspec: read.buildspec,
                resolved_version: read.resolved_version,
                secondary_versions: read.secondary_versions,
            },
        },
        Err(PrepareTrouble::Failure(SourceFailure::Source { code, message })) => {
            BatchInput::SpecFailed { key, code, message }
        }
        Err(PrepareTrouble::Failure(SourceFailure::Environment { reason })) => {
            BatchInput::SpecFailed { key, code: "CLIENT_ERROR".to_owned(), message: reason }
        }
        Err(PrepareTrouble::Retry(e)) => return Err(e),
    };
    answer::result(cx, claimed, input).await
}
