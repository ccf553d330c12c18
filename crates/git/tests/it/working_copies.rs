//! Working copies with a `.git`: of our own repositories, and of one that is fetched over HTTP.

use std::path::Path;

use git::{Remote, RemoteError};

use crate::server::{Client, Server};

async fn two_commits(server: &Server) -> (Client, Vec<git::ObjectId>) {
    let client = Client::new(server).await;
    let first = client.commit("a.txt", "one\n").await;
    client.ok(&["tag", "-a", "-m", "v1", "v1"]).await;
    let second = client.commit("a.txt", "two\n").await;
    client.ok(&["push", "-q", "origin", "HEAD:refs/heads/main", "v1"]).await;
    client.ok(&["push", "-q", "origin", "HEAD~1:refs/heads/old"]).await;
    (client, vec![first, second])
}

/// Runs git in a working copy, as a build would.
async fn git_in(dir: &Path, args: &[&str]) -> String {
    let all: Vec<&str> = ["-C", dir.to_str().unwrap()].into_iter().chain(args.iter().copied()).collect();
    Client::empty().ok(&all).await.trim().to_owned()
}

#[tokio::test]
async fn a_working_copy_of_ours_has_history_branches_and_tags() {
    let server = Server::start().await;
    let (_client, commits) = two_commits(&server).await;
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("src");
    server.repository().working_copy(commits[1], &dir, "https://git.example/v1/repos/r", None).await.unwrap();
    assert_eq!(std::fs::read_to_string(dir.join("a.txt")).unwrap(), "two\n");
    assert_eq!(git_in(&dir, &["rev-list", "--count", "HEAD"]).await, "3");
    assert!(git_in(&dir, &["describe"]).await.starts_with("v1-1-g"));
    assert_eq!(git_in(&dir, &["status", "--porcelain"]).await, "");
    assert_eq!(git_in(&dir, &["rev-parse", "origin/old"]).await, commits[0].to_string());
    assert_eq!(git_in(&dir, &["remote", "get-url", "origin"]).await, "https://git.example/v1/repos/r");
    let shallow = folder.path().join("shallow");
    server.repository().working_copy(commits[1], &shallow, "https://h/r", Some(1)).await.unwrap();
    assert_eq!(git_in(&shallow, &["rev-list", "--count", "HEAD"]).await, "1");
    assert_eq!(git_in(&shallow, &["status", "--porcelain"]).await, "");
}

#[tokio::test]
async fn a_remote_gives_branches_tags_commits_and_says_what_it_has_not() {
    let server = Server::start().await;
    let (_client, commits) = two_commits(&server).await;
    let folder = tempfile::tempdir().unwrap();
    let fetch = |name: &str, version: Option<&str>, depth: Option<u32>| {
        let dir = folder.path().join(name);
        let remote = Remote {
            url: server.url(),
            version: version.map(str::to_owned),
            depth,
            submodules: true,
            login: None,
            insecure_tls: false,
        };
        async move { remote.working_copy(&dir).await.map(|commit| (commit, dir)) }
    };
    let (first, second) = (commits[0].to_string(), commits[1].to_string());
    for (n, (version, depth, expected)) in [
        (Some("main"), None, &second),
        (Some("main"), Some(1), &second),
        (Some("v1"), None, &first),
        (Some("v1"), Some(1), &first),
        (Some("refs/heads/old"), Some(1), &first),
        (Some(first.as_str()), None, &first),
        (Some(first.as_str()), Some(1), &first),
        (Some(&first[..9]), None, &first),
        (None, None, &second),
    ]
    .into_iter()
    .enumerate()
    {
        let (commit, dir) = fetch(&format!("copy{n}"), version, depth).await.unwrap();
        assert_eq!(&commit, expected, "{version:?} {depth:?}");
        let content = std::fs::read_to_string(dir.join("a.txt")).unwrap();
        assert_eq!(content, if *expected == second { "two\n" } else { "one\n" });
    }
    let missing = fetch("missing", Some("nobody"), None).await.unwrap_err();
    assert!(matches!(&missing, RemoteError::NoVersion(v) if v == "nobody"), "{missing}");
    let absent = "0123456789012345678901234567890123456789";
    assert!(matches!(fetch("absent", Some(absent), Some(1)).await.unwrap_err(), RemoteError::NoVersion(_)));
    let nowhere = Remote {
        url: "http://127.0.0.1:1/r".to_owned(),
        version: None,
        depth: None,
        submodules: false,
        login: None,
        insecure_tls: false,
    };
    let refused = nowhere.working_copy(&folder.path().join("nowhere")).await.unwrap_err();
    assert!(matches!(refused, RemoteError::Refused(_)), "{refused}");
}
