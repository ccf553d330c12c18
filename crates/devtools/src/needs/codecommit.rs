//! CodeCommit: <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodecommit.html>. git itself needs
//! `codecommit:GitPull` and `codecommit:GitPush`, which the server asks for where it serves git.

use platform::needs::{Asked, Need};

/// What a call needs; nothing if the operation is not listed.
pub fn needs(call: &Asked<'_>) -> Option<Vec<Need>> {
    let repositories = |members: &[&str]| call.named(members, str::to_owned);
    let resources = match call.operation {
        "ListRepositories" => return Some(vec![call.anything()]),
        "BatchGetRepositories" => repositories(&["repositoryNames"]),
        // AWS does not say which of the two is meant: both, so that no name is reached by way of another.
        "UpdateRepositoryName" => match call.text("oldName") {
            Some(_) => repositories(&["oldName", "newName"]),
            None => Vec::new(),
        },
        "ListTagsForResource" | "TagResource" | "UntagResource" => repositories(&["resourceArn"]),
        "BatchGetCommits"
        | "CreateBranch"
        | "CreateCommit"
        | "CreateRepository"
        | "DeleteBranch"
        | "DeleteFile"
        | "DeleteRepository"
        | "GetBlob"
        | "GetBranch"
        | "GetCommit"
        | "GetDifferences"
        | "GetFile"
        | "GetFolder"
        | "GetRepository"
        | "ListBranches"
        | "PutFile"
        | "UpdateDefaultBranch"
        | "UpdateRepositoryDescription" => repositories(&["repositoryName"]),
        _ => return None,
    };
    Some(vec![call.itself(resources)])
}
