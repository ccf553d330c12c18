//! `GetDifferences` between two commits, file by file, ordered by path. Renames show as a deletion and an addition.

use std::ops::ControlFlow;

use base::{ApiError, PageToken};
use git::{ChangeKind, ObjectId, Side};
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codecommit_repository::Row;

use super::errors;
use super::repository::{blocking, find, open};
use super::resolve::resolve;

/// Also what a page has when the request does not say.
const MAX_PAGE: usize = 500;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    repository_name: String,
    before_commit_specifier: Option<String>,
    after_commit_specifier: String,
    before_path: Option<String>,
    after_path: Option<String>,
    #[serde(rename = "MaxResults")]
    max_results: Option<i64>,
    #[serde(rename = "NextToken")]
    next_token: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct Output {
    differences: Vec<Difference>,
    #[serde(rename = "NextToken", skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Difference {
    #[serde(skip_serializing_if = "Option::is_none")]
    before_blob: Option<Blob>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after_blob: Option<Blob>,
    change_type: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Blob {
    blob_id: String,
    path: String,
    mode: &'static str,
}

/// Lists what differs from the commit before (or nothing) to the commit after, within the given paths.
pub async fn get_differences(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let page = match input.max_results {
        None => MAX_PAGE,
        Some(n) => usize::try_from(n).ok().filter(|n| *n > 0).ok_or_else(errors::invalid_max_results)?.min(MAX_PAGE),
    };
    let row = find(cx, &input.repository_name).await?;
    let after = resolve(cx, &row, Some(&input.after_commit_specifier)).await?;
    let before = match &input.before_commit_specifier {
        Some(specifier) => Some(resolve(cx, &row, Some(specifier)).await?),
        None => None,
    };
    check_path(cx, &row, before, input.before_path.as_deref()).await?;
    check_path(cx, &row, Some(after), input.after_path.as_deref()).await?;
    let list = format!("GetDifferences:{before:?}:{after}:{:?}:{:?}", input.before_path, input.after_path);
    let position = |token: String| PageToken::position(&list, &token).map_err(|_| errors::invalid_token());
    let behind = input.next_token.map(position).transpose()?;
    let repository = open(cx, &row).await?;
    let skip = behind.as_deref().and_then(|text| text.parse().ok()).unwrap_or(0_usize);
    let (before_path, after_path) = (input.before_path, input.after_path);
    // Of all that differs only this page is ever in memory, and one more to know whether it is the last.
    let mut differences = blocking(move || {
        let (mut differences, mut seen) = (Vec::new(), 0_usize);
        repository.diff_each(before, after, &mut |mut change| {
            change.before = change.before.filter(|_| within(&change.path, before_path.as_deref()));
            change.after = change.after.filter(|_| within(&change.path, after_path.as_deref()));
            if change.before.is_some() || change.after.is_some() {
                seen += 1;
                if seen > skip {
                    differences.push(difference(change));
                }
            }
            if differences.len() > page { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        Ok(differences)
    })
    .await?;
    let more = differences.len() > page;
    differences.truncate(page);
    let next_token = more.then(|| PageToken::after(&list, &(skip + differences.len()).to_string()).into_string());
    Ok(Output { differences, next_token })
}

fn difference(change: git::Change) -> Difference {
    let change_type = match change.kind() {
        ChangeKind::Added => "A",
        ChangeKind::Modified => "M",
        ChangeKind::Deleted => "D",
    };
    let path = change.path;
    let blob = |side: Side| Blob { blob_id: side.id.to_string(), path: path.clone(), mode: side.mode.octal() };
    Difference { before_blob: change.before.map(blob), after_blob: change.after.map(blob), change_type }
}

fn within(path: &str, folder: Option<&str>) -> bool {
    let folder = folder.unwrap_or_default().trim_matches('/');
    folder.is_empty() || path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

async fn check_path(cx: &Cx, row: &Row, commit: Option<ObjectId>, path: Option<&str>) -> Result<(), ApiError> {
    let (Some(commit), Some(path)) = (commit, path.map(str::to_owned)) else { return Ok(()) };
    let repository = open(cx, row).await?;
    let entry = blocking(move || repository.entry(repository.commit(commit)?.tree, &path)).await?;
    entry.map(|_| ()).ok_or_else(errors::path_does_not_exist)
}

#[cfg(test)]
mod tests {
    use super::within;

    #[test]
    fn a_path_limits_to_a_folder_or_a_file_and_not_to_a_prefix() {
        assert!(within("a/b.txt", None) && within("a/b.txt", Some("/")) && within("a/b.txt", Some("a/")));
        assert!(within("a/b.txt", Some("a/b.txt")));
        assert!(!within("ab/c", Some("a")));
    }
}
