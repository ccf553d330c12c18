//! `BatchGetRepositories`: names that do not exist are listed, not refused.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};

use super::errors;
use super::repository::{Metadata, check_name, find_repository};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Input {
    repository_names: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Output {
    repositories: Vec<Metadata>,
    repositories_not_found: Vec<String>,
    errors: Vec<Failed>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Failed {
    repository_name: String,
    error_code: &'static str,
    error_message: String,
}

/// Describes up to 100 repositories.
pub async fn batch_get_repositories(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let names = input.repository_names;
    if names.is_empty() {
        return Err(errors::repository_names_required());
    }
    if names.len() > 100 {
        return Err(errors::too_many_repository_names());
    }
    names.iter().try_for_each(|name| check_name(name))?;
    let mut output = Output { repositories: Vec::new(), repositories_not_found: Vec::new(), errors: Vec::new() };
    let mut tx = cx.store.read().await?;
    for name in names {
        match find_repository(&mut tx, cx.scope(), &name).await? {
            Some(row) => output.repositories.push(Metadata::new(cx, &row)),
            None => {
                let e = errors::repository_does_not_exist(&name);
                output.repositories_not_found.push(name.clone());
                output.errors.push(Failed { repository_name: name, error_code: e.code, error_message: e.message });
            }
        }
    }
    Ok(output)
}
