//! `BatchGetCommits`: ids that name nothing are listed as errors.

use base::ApiError;
use git::ObjectId;
use platform::Cx;
use serde::{Deserialize, Serialize};

use super::errors;
use super::get_commit::Commit;
use super::repository::{blocking, find, open};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    repository_name: String,
    commit_ids: Vec<String>,
}

#[derive(Debug, Default, Serialize)]
pub struct Output {
    commits: Vec<Commit>,
    errors: Vec<Failed>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failed {
    commit_id: String,
    error_code: &'static str,
    error_message: String,
}

/// Describes up to 100 commits.
pub async fn batch_get_commits(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    if input.commit_ids.is_empty() {
        return Err(errors::commit_ids_required());
    }
    if input.commit_ids.len() > 100 {
        return Err(errors::commit_ids_limit_exceeded());
    }
    let row = find(cx, &input.repository_name).await?;
    let repository = open(cx, &row).await?;
    blocking(move || {
        let mut output = Output::default();
        for commit_id in input.commit_ids {
            let failed = match ObjectId::parse(&commit_id).map(|id| repository.commit(id)) {
                Some(Ok(commit)) => {
                    output.commits.push(commit.into());
                    continue;
                }
                None => errors::invalid_commit_id(),
                Some(Err(git::Error::NoObject(_) | git::Error::WrongKind { .. })) => errors::commit_id_does_not_exist(),
                Some(Err(e)) => return Err(e),
            };
            output.errors.push(Failed { commit_id, error_code: failed.code, error_message: failed.message });
        }
        Ok(output)
    })
    .await
}
