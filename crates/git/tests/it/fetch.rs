//! Clones and fetches.

use crate::server::{Client, Server};

async fn history(server: &Server) -> Client {
    let client = Client::new(server).await;
    for n in 0..3 {
        client.commit("n.txt", &n.to_string()).await;
    }
    client.ok(&["tag", "-a", "v1", "-m", "one"]).await;
    client.ok(&["push", "-q", "origin", "main", "v1"]).await;
    client
}

#[tokio::test]
async fn an_empty_repository_can_be_cloned() {
    let server = Server::start().await;
    Client::clone_of(&server, &[]).await;
}

#[tokio::test]
async fn a_clone_sees_everything_in_each_protocol() {
    let server = Server::start().await;
    let source = history(&server).await;
    for version in ["0", "1", "2"] {
        let config = format!("protocol.version={version}");
        let clone = Client::clone_of(&server, &["-c", &config]).await;
        assert_eq!(clone.head().await, source.head().await);
        assert_eq!(clone.ok(&["tag"]).await, "v1");
        assert_eq!(clone.ok(&["branch", "--show-current"]).await, "main");
    }
    let seen = server.seen.lock().unwrap().clone();
    assert!(seen.iter().any(|s| s.ends_with("version=2")), "{seen:?}");
}

#[tokio::test]
async fn a_shallow_clone_can_be_deepened_and_pushed_from() {
    let server = Server::start().await;
    history(&server).await;
    let clone = Client::clone_of(&server, &["--depth", "1"]).await;
    assert_eq!(clone.ok(&["rev-list", "--count", "HEAD"]).await, "1");
    clone.commit("shallow.txt", "s").await;
    clone.ok(&["push", "-q", "origin", "main"]).await;
    clone.ok(&["fetch", "-q", "--unshallow"]).await;
    assert_eq!(clone.ok(&["rev-list", "--count", "HEAD"]).await, "5");
}

#[tokio::test]
async fn a_partial_clone_fetches_blobs_when_needed() {
    let server = Server::start().await;
    history(&server).await;
    let clone = Client::clone_of(&server, &["--filter=blob:none", "--no-checkout"]).await;
    assert!(clone.ok(&["rev-list", "--objects", "--missing=print", "HEAD"]).await.contains('?'));
    clone.ok(&["checkout", "-q", "HEAD"]).await;
    assert_eq!(std::fs::read_to_string(clone.dir.join("n.txt")).unwrap(), "2");
}

#[tokio::test]
async fn a_gzipped_request_is_understood() {
    let server = Server::start().await;
    let source = history(&server).await;
    // Git zips requests above 1 KiB: many branches make many `want` lines.
    for n in 0..40 {
        source.ok(&["commit", "-q", "--allow-empty", "-m", &n.to_string()]).await;
        source.ok(&["branch", &format!("b{n}")]).await;
    }
    source.ok(&["push", "-q", "origin", "--all"]).await;
    for version in ["0", "2"] {
        server.seen.lock().unwrap().clear();
        let clone = Client::clone_of(&server, &["-c", &format!("protocol.version={version}")]).await;
        assert_eq!(clone.ok(&["rev-parse", "origin/b39"]).await, source.head().await.to_string());
        let seen = server.seen.lock().unwrap().clone();
        assert!(seen.iter().any(|s| s.contains("git-upload-pack gzip")), "{seen:?}");
    }
}

#[tokio::test]
async fn a_single_commit_can_be_fetched_by_its_id() {
    let server = Server::start().await;
    let source = history(&server).await;
    let id = source.ok(&["rev-parse", "HEAD~1"]).await;
    let client = Client::empty();
    client.ok(&["init", "-q", "."]).await;
    client.ok(&["-c", "protocol.version=0", "fetch", "-q", "--depth=1", &server.url(), &id]).await;
    assert_eq!(client.ok(&["rev-parse", "FETCH_HEAD"]).await, id);
}
