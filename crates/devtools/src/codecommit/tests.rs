//! The operations without HTTP and without git, on both databases.

use std::time::Duration;

use platform::Cx;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use store::testing::TestStore;
use store::{Machines, events};

use super::*;
use base::ApiError;

fn input<T: DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

fn shown<T: Serialize>(result: Result<T, ApiError>) -> Result<Value, &'static str> {
    result.map(|output| serde_json::to_value(output).unwrap()).map_err(|e| {
        assert_ne!(e.code, "InternalFailure", "{:?}", std::error::Error::source(&e).map(ToString::to_string));
        e.code
    })
}

macro_rules! call {
    ($f:ident, $cx:expr, $($input:tt)*) => { shown($f($cx, input(json!($($input)*))).await) };
}

async fn each_engine<F, Fut>(test: F)
where
    F: Fn(Cx, std::sync::Arc<TestStore>) -> Fut,
    Fut: Future<Output = ()>,
{
    store::testing::each_engine(Machines::new(), |store| {
        // Kept to the end: the store's folder goes with it.
        let store = std::sync::Arc::new(store);
        let running = test(platform::testing::cx(&store), store.clone());
        async move {
            running.await;
            drop(store);
        }
    })
    .await;
}

#[tokio::test]
async fn repositories_are_made_found_renamed_listed_and_deleted() {
    each_engine(|cx, test| async move {
        for name in ["b", "c", "a"] {
            call!(create_repository, &cx, {"repositoryName": name, "tags": {"k": "v"}}).unwrap();
            test.clock.advance(Duration::from_secs(1));
        }
        assert_eq!(call!(create_repository, &cx, {"repositoryName": "a"}), Err("RepositoryNameExistsException"));
        for bad in ["a/b", "x.git", "..%2f", "ä"] {
            assert_eq!(call!(create_repository, &cx, {"repositoryName": bad}), Err("InvalidRepositoryNameException"));
        }
        let names = |v: Value| {
            let list = v["repositories"].as_array().unwrap().clone();
            list.iter().map(|r| r["repositoryName"].as_str().unwrap().to_owned()).collect::<String>()
        };
        assert_eq!(names(call!(list_repositories, &cx, {}).unwrap()), "abc");
        let by_time = call!(list_repositories, &cx, {"sortBy": "lastModifiedDate", "order": "descending"}).unwrap();
        assert_eq!(names(by_time), "acb");
        assert_eq!(call!(list_repositories, &cx, {"nextToken": "x"}), Err("InvalidContinuationTokenException"));
        call!(update_repository_name, &cx, {"oldName": "a", "newName": "z"}).unwrap();
        assert_eq!(
            call!(update_repository_name, &cx, {"oldName": "z", "newName": "b"}),
            Err("RepositoryNameExistsException")
        );
        call!(update_repository_description, &cx, {"repositoryName": "z", "repositoryDescription": "last"}).unwrap();
        let many = call!(batch_get_repositories, &cx, {"repositoryNames": ["z", "a"]}).unwrap();
        assert_eq!(many["repositories"][0]["repositoryDescription"], "last");
        assert_eq!(many["repositoriesNotFound"], json!(["a"]));
        assert!(call!(delete_repository, &cx, {"repositoryName": "z"}).unwrap()["repositoryId"].is_string());
        assert_eq!(call!(delete_repository, &cx, {"repositoryName": "z"}), Ok(json!({})));
        assert_eq!(call!(get_repository, &cx, {"repositoryName": "z"}), Err("RepositoryDoesNotExistException"));
    })
    .await;
}

#[tokio::test]
async fn tags_are_added_listed_and_taken_away() {
    each_engine(|cx, _test| async move {
        call!(create_repository, &cx, {"repositoryName": "demo", "tags": {"a": "1"}}).unwrap();
        let arn = "arn:aws:codecommit:eu-central-1:123456789012:demo";
        call!(tag_resource, &cx, {"resourceArn": arn, "tags": {"b": "2", "a": "3"}}).unwrap();
        call!(untag_resource, &cx, {"resourceArn": arn, "tagKeys": ["b", "x"]}).unwrap();
        assert_eq!(call!(list_tags_for_resource, &cx, {"resourceArn": arn}), Ok(json!({"tags": {"a": "3"}})));
        let system = call!(tag_resource, &cx, {"resourceArn": arn, "tags": {"aws:x": "2"}});
        assert_eq!(system, Err("InvalidSystemTagUsageException"));
        for (bad, code) in [
            ("demo", "InvalidResourceArnException"),
            ("arn:aws:codecommit:eu-west-1:123456789012:demo", "InvalidResourceArnException"),
            ("arn:aws:codecommit:eu-central-1:123456789012:no", "RepositoryDoesNotExistException"),
        ] {
            assert_eq!(call!(list_tags_for_resource, &cx, {"resourceArn": bad}), Err(code));
        }
    })
    .await;
}

#[tokio::test]
async fn a_history_made_by_operations_can_be_read_back() {
    each_engine(|cx, test| async move {
        call!(create_repository, &cx, {"repositoryName": "r"}).unwrap();
        assert_eq!(call!(get_folder, &cx, {"repositoryName": "r", "folderPath": ""}), Err("CommitDoesNotExistException"));
        let one = call!(create_commit, &cx, {"repositoryName": "r", "branchName": "main", "authorName": "Mary",
            "email": "m@example.com", "commitMessage": "one", "putFiles": [
                {"filePath": "a/x.txt", "fileContent": "eA=="},
                {"filePath": "run.sh", "fileContent": "IyE=", "fileMode": "EXECUTABLE"}]})
        .unwrap();
        let first = one["commitId"].clone();
        assert_eq!(one["filesAdded"].as_array().unwrap().len(), 2);
        let two = call!(create_commit, &cx, {"repositoryName": "r", "branchName": "main", "parentCommitId": first,
            "putFiles": [{"filePath": "b.txt", "sourceFile": {"filePath": "a/x.txt", "isMove": true}}],
            "setFileModes": [{"filePath": "run.sh", "fileMode": "NORMAL"}], "keepEmptyFolders": true})
        .unwrap();
        let second = two["commitId"].clone();
        let difference = call!(get_differences, &cx, {"repositoryName": "r", "beforeCommitSpecifier": first,
            "afterCommitSpecifier": "main", "MaxResults": 2})
        .unwrap();
        let kinds = |v: &Value| v["differences"].as_array().unwrap().iter().map(|d| d["changeType"].as_str().unwrap().to_owned()).collect::<String>();
        assert_eq!(kinds(&difference), "AD");
        let rest = call!(get_differences, &cx, {"repositoryName": "r", "beforeCommitSpecifier": first,
            "afterCommitSpecifier": "main", "MaxResults": 2, "NextToken": difference["NextToken"]})
        .unwrap();
        assert_eq!(kinds(&rest), "AM");
        assert_eq!(rest["differences"][1]["beforeBlob"]["mode"], "100755");
        assert_eq!(rest["NextToken"], Value::Null);
        let only = call!(get_differences, &cx, {"repositoryName": "r", "afterCommitSpecifier": first, "afterPath": "a"});
        assert_eq!(kinds(&only.unwrap()), "A");
        let commit = call!(get_commit, &cx, {"repositoryName": "r", "commitId": first}).unwrap();
        assert_eq!(commit["commit"]["author"], json!({"name": "Mary", "email": "m@example.com", "date": "1704067200 +0000"}));
        let batch = call!(batch_get_commits, &cx, {"repositoryName": "r", "commitIds": [second, "x", "1".repeat(40)]}).unwrap();
        assert_eq!(batch["commits"][0]["parents"], json!([first]));
        assert_eq!(batch["errors"][0]["errorCode"], "InvalidCommitIdException");
        assert_eq!(batch["errors"][1]["errorCode"], "CommitIdDoesNotExistException");
        let file = call!(get_file, &cx, {"repositoryName": "r", "filePath": "a/x.txt", "commitSpecifier": first}).unwrap();
        let blob = call!(get_blob, &cx, {"repositoryName": "r", "blobId": file["blobId"]}).unwrap();
        assert_eq!((&blob["content"], &file["fileContent"]), (&json!("eA=="), &json!("eA==")));
        call!(create_branch, &cx, {"repositoryName": "r", "branchName": "dev", "commitId": first}).unwrap();
        let gone = call!(delete_file, &cx, {"repositoryName": "r", "branchName": "dev", "filePath": "run.sh", "parentCommitId": first});
        assert_eq!(gone.unwrap()["filePath"], "run.sh");
        let rows = events::after(&mut test.store.read().await.unwrap(), 0, 100).await.unwrap();
        let told: Vec<_> = rows.iter().map(|r| r.event.detail["event"].as_str().unwrap()).collect();
        assert_eq!(told, ["referenceCreated", "referenceUpdated", "referenceCreated", "referenceUpdated"]);
    })
    .await;
}

#[tokio::test]
async fn requests_that_do_not_fit_the_repository_are_refused_by_name() {
    each_engine(|cx, _test| async move {
        call!(create_repository, &cx, {"repositoryName": "r"}).unwrap();
        let put = |path: &str, content: &str, parent: &Value| {
            json!({"repositoryName": "r", "branchName": "main", "filePath": path, "fileContent": content, "parentCommitId": parent})
        };
        let missing = json!("1".repeat(40));
        assert_eq!(call!(put_file, &cx, put("f/g", "eA==", &missing)), Err("ParentCommitDoesNotExistException"));
        let first = call!(put_file, &cx, put("f/g", "eA==", &Value::Null)).unwrap()["commitId"].clone();
        for (path, content, parent, code) in [
            ("f/g", "eA==", &first, "SameFileContentException"),
            ("f/g", "", &first, "FileContentRequiredException"),
            ("f", "eQ==", &first, "FileNameConflictsWithDirectoryNameException"),
            ("f/g/h", "eQ==", &first, "DirectoryNameConflictsWithFileNameException"),
            ("../x", "eQ==", &first, "InvalidPathException"),
            ("a/.git/config", "eQ==", &first, "InvalidPathException"),
            ("/", "eQ==", &first, "PathRequiredException"),
            ("x", "eQ==", &Value::Null, "ParentCommitIdRequiredException"),
            ("x", "eQ==", &json!("short"), "InvalidParentCommitIdException"),
            ("x", "eQ==", &missing, "ParentCommitDoesNotExistException"),
        ] {
            assert_eq!(call!(put_file, &cx, put(path, content, parent)), Err(code), "{path}");
        }
        let commit = |members: Value| {
            let mut all = json!({"repositoryName": "r", "branchName": "main", "parentCommitId": first});
            all.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
            all
        };
        let file = |path: &str| json!({"filePath": path, "fileContent": "eA=="});
        for (members, code) in [
            (json!({}), "FileEntryRequiredException"),
            (json!({"putFiles": [{"filePath": "x"}]}), "SourceFileOrContentRequiredException"),
            (json!({"putFiles": [{"filePath": "x", "fileContent": "", "sourceFile": {"filePath": "f/g"}}]}), "FileContentAndSourceFileSpecifiedException"),
            (json!({"putFiles": [file("x"), file("x/y")]}), "PutFileEntryConflictException"),
            (json!({"putFiles": [file("x")], "deleteFiles": [{"filePath": "x"}]}), "SamePathRequestException"),
            (json!({"putFiles": [{"filePath": "x", "sourceFile": {"filePath": "no"}}]}), "FileDoesNotExistException"),
            (json!({"putFiles": [{"filePath": "x", "sourceFile": {"filePath": "f/.gitkeep"}}]}), "RestrictedSourceFileException"),
            (json!({"deleteFiles": [{"filePath": "f"}]}), "FileDoesNotExistException"),
            (json!({"putFiles": [file("f/g")]}), "NoChangeException"),
            (json!({"putFiles": [file("n")], "email": "a<b"}), "InvalidEmailException"),
            (json!({"branchName": "other", "putFiles": [file("n")]}), "BranchDoesNotExistException"),
        ] {
            assert_eq!(call!(create_commit, &cx, commit(members.clone())), Err(code), "{members}");
        }
        let branch = |name: &str, commit: &Value| json!({"repositoryName": "r", "branchName": name, "commitId": commit});
        for (name, id, code) in [
            ("main", &first, "BranchNameExistsException"),
            ("main/x", &first, "BranchNameExistsException"),
            ("a..b", &first, "InvalidBranchNameException"),
            ("x", &missing, "CommitDoesNotExistException"),
            ("x", &json!("main"), "InvalidCommitIdException"),
        ] {
            assert_eq!(call!(create_branch, &cx, branch(name, id)), Err(code), "{name}");
        }
        assert_eq!(call!(get_blob, &cx, {"repositoryName": "r", "blobId": first}), Err("BlobIdDoesNotExistException"));
        assert_eq!(call!(get_file, &cx, {"repositoryName": "r", "filePath": "f"}), Err("FileDoesNotExistException"));
        assert_eq!(call!(get_folder, &cx, {"repositoryName": "r", "folderPath": "f/g"}), Err("FolderDoesNotExistException"));
        let path = call!(get_differences, &cx, {"repositoryName": "r", "afterCommitSpecifier": "main", "afterPath": "no"});
        assert_eq!(path, Err("PathDoesNotExistException"));
        assert_eq!(call!(delete_branch, &cx, {"repositoryName": "r", "branchName": "no"}), Ok(json!({})));
    })
    .await;
}
