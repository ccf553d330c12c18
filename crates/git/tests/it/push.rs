//! Pushes, accepted and refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::StreamExt as _;
use git::{BoxFuture, ObjectId, PublishError, PushLimits, RefChange, RefPublisher, RefRefusal};

use crate::server::{Client, ID, Server};

#[tokio::test]
async fn a_push_creates_updates_and_deletes_refs() {
    let server = Server::start().await;
    let client = Client::new(&server).await;
    client.ok(&["push", "-q", "origin", "main"]).await;
    client.commit("a/b.txt", "two\n").await;
    client.ok(&["tag", "-a", "v1", "-m", "first"]).await;
    client.ok(&["push", "-q", "origin", "main", "v1", "HEAD~1:refs/heads/old"]).await;
    client.ok(&["push", "-q", "origin", ":old"]).await;
    client.ok(&["push", "-q", "origin", "main"]).await;
    assert_eq!(
        server.log(),
        [
            "create refs/heads/main",
            "update refs/heads/main",
            "create refs/tags/v1",
            "create refs/heads/old",
            "delete refs/heads/old"
        ]
    );
    let repository = server.repository();
    assert_eq!(repository.resolve("main").unwrap(), client.head().await);
    assert_eq!(repository.resolve("v1").unwrap(), client.head().await);
    assert!(repository.resolve("old").is_err());
}

#[tokio::test]
async fn a_branch_at_a_commit_that_is_there_needs_no_objects() {
    let server = Server::start().await;
    let client = Client::new(&server).await;
    client.ok(&["push", "-q", "origin", "main"]).await;
    client.ok(&["push", "-q", "origin", "main:refs/heads/other"]).await;
    assert_eq!(server.log().last().map(String::as_str), Some("create refs/heads/other"));
}

#[tokio::test]
async fn a_rewritten_branch_is_refused_without_force_and_taken_with_it() {
    let server = Server::start().await;
    let client = Client::new(&server).await;
    client.ok(&["push", "-q", "origin", "main"]).await;
    client.ok(&["commit", "-q", "--amend", "-m", "other"]).await;
    assert!(client.fails(&["push", "origin", "main"]).await.contains("non-fast-forward"));
    client.ok(&["push", "-q", "--force", "origin", "main"]).await;
    assert_eq!(server.repository().resolve("main").unwrap(), client.head().await);
}

#[tokio::test]
async fn of_concurrent_pushes_to_one_branch_one_wins() {
    let server = Server::start().await;
    let first = Client::new(&server).await;
    first.ok(&["push", "-q", "origin", "main"]).await;
    let mut clients = Vec::new();
    for n in 0..4 {
        let client = Client::clone_of(&server, &[]).await;
        client.commit(&format!("{n}.txt"), "x").await;
        clients.push(client);
    }
    let pushes = clients.iter().map(|c| c.git(&["push", "origin", "main"]));
    let results = futures_util::future::join_all(pushes).await;
    assert_eq!(results.iter().filter(|r| r.status.success()).count(), 1);
    for refused in results.iter().filter(|r| !r.status.success()) {
        let text = String::from_utf8_lossy(&refused.stderr);
        assert!(text.contains("incorrect old value provided") || text.contains("fetch first"), "{text}");
    }
    assert_eq!(server.log(), ["create refs/heads/main", "update refs/heads/main"]);
}

#[tokio::test]
async fn an_atomic_push_changes_all_refs_or_none() {
    let server = Server::start().await;
    let client = Client::new(&server).await;
    client.ok(&["push", "-q", "--atomic", "origin", "main", "main:refs/heads/a", "main:refs/heads/b"]).await;
    assert_eq!(server.log().len(), 3);
    // Someone else moves `b` after this client's last look: the advertisement is stale by then.
    let other = Client::clone_of(&server, &["-b", "b"]).await;
    other.commit("b.txt", "b").await;
    client.commit("main.txt", "m").await;
    other.ok(&["push", "-q", "origin", "b"]).await;
    let error = client.fails(&["push", "--atomic", "origin", "main", "main:refs/heads/b"]).await;
    assert!(error.contains("rejected"), "{error}");
    assert_eq!(server.log().len(), 4);
    // Without --atomic the sound part goes through.
    client.fails(&["push", "origin", "main", "main:refs/heads/b"]).await;
    assert_eq!(server.log().last().map(String::as_str), Some("update refs/heads/main"));
}

#[tokio::test]
async fn a_large_push_comes_in_chunks_and_a_small_one_may_be_gzipped() {
    let server = Server::start().await;
    let client = Client::new(&server).await;
    // Not compressible, larger than git's buffer of 1 MiB.
    let mut state = 1_u32;
    let mut noise = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    let content: Vec<u8> = (0..5_000_000).map(|_| noise()).collect();
    std::fs::write(client.dir.join("large.bin"), content).unwrap();
    client.ok(&["add", "-A"]).await;
    client.ok(&["commit", "-q", "-m", "large"]).await;
    client.ok(&["push", "-q", "origin", "main"]).await;
    assert_eq!(server.repository().resolve("main").unwrap(), client.head().await);
    let seen = server.seen.lock().unwrap().clone();
    assert!(seen.iter().any(|s| s.starts_with("/v1/repos/demo/git-receive-pack  chunked")), "{seen:?}");
}

#[tokio::test]
async fn a_pack_above_the_limit_is_refused_with_its_reason() {
    let server = Server::start_with(PushLimits { pack_bytes: 100, commands: 2 }).await;
    let client = Client::new(&server).await;
    let error = client.fails(&["push", "origin", "main"]).await;
    assert!(error.contains("pack exceeds maximum allowed size"), "{error}");
    assert!(error.contains("unpacker error"), "{error}");
    assert!(server.log().is_empty());
    no_quarantine_is_left(&server);
}

#[tokio::test]
async fn an_object_that_fsck_refuses_refuses_the_push() {
    let server = Server::start().await;
    let client = Client::new(&server).await;
    let tree = client.ok(&["rev-parse", "HEAD^{tree}"]).await;
    let bad = format!("tree {tree}\nauthor <mary@example.com 1 +0000\ncommitter x <x> 1 +0000\n\nbad\n");
    std::fs::write(client.dir.join("../bad"), bad).unwrap();
    let id = client.ok(&["hash-object", "-t", "commit", "-w", "--literally", "../bad"]).await;
    let error = client.fails(&["push", "origin", &format!("{id}:refs/heads/bad")]).await;
    assert!(error.contains("unpacker error") && error.contains("remote: "), "{error}");
    assert!(server.log().is_empty());
    no_quarantine_is_left(&server);
}

/// A `git-receive-pack` request with these changes and this pack, sent as a body without a client.
async fn raw_push(server: &Arc<Server>, changes: &[String], pack: &[u8]) -> Result<String, git::Error> {
    let mut body = Vec::new();
    for (n, change) in changes.iter().enumerate() {
        let line = if n == 0 { format!("{change}\0 report-status\n") } else { change.clone() };
        body.extend_from_slice(format!("{:04x}{line}", line.len() + 4).as_bytes());
    }
    body.extend_from_slice(b"0000");
    body.extend_from_slice(pack);
    let body = futures_util::stream::iter([Ok(bytes::Bytes::from(body))]);
    let answer = server.repository().receive_pack(Box::pin(body), &server.limits, server.as_ref()).await?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[tokio::test]
async fn a_corrupted_pack_changes_nothing() {
    let server = Server::start().await;
    let client = Client::new(&server).await;
    let head = client.head().await;
    client.ok(&["repack", "-a", "-d", "-q"]).await;
    let folder = client.dir.join(".git/objects/pack");
    let pack = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).find(|p| p.extension().unwrap() == "pack");
    let sound = std::fs::read(pack.unwrap()).unwrap();
    let change = [format!("{} {head} refs/heads/main", ObjectId::NULL)];
    let mut flipped = sound.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0xff;
    for bad in [flipped.as_slice(), &sound[..sound.len() - 30], b"", b"PACK", b"not a pack at all, sorry"] {
        let answer = raw_push(&server, &change, bad).await.unwrap();
        assert!(answer.contains("ng refs/heads/main unpacker error"), "{answer}");
    }
    assert!(server.log().is_empty());
    no_quarantine_is_left(&server);
    assert!(raw_push(&server, &change, &sound).await.unwrap().contains("ok refs/heads/main"));
}

#[tokio::test]
async fn refs_to_objects_that_were_not_sent_are_refused() {
    let server = Server::start().await;
    let empty =
        b"PACK\0\0\0\x02\0\0\0\0\x02\x9d\x08\x82\x3b\xd8\xa8\xea\xb5\x10\xad\x6a\xc7\x5c\x82\x3c\xfd\x3e\xd3\x1e";
    let id = "0123456789012345678901234567890123456789";
    let answer = raw_push(&server, &[format!("{} {id} refs/heads/main", ObjectId::NULL)], empty).await.unwrap();
    assert!(answer.contains("ng refs/heads/main missing necessary objects"), "{answer}");
}

#[tokio::test]
async fn hostile_refs_are_refused_one_by_one() {
    let server = Server::start().await;
    let client = Client::new(&server).await;
    client.ok(&["push", "-q", "origin", "main"]).await;
    let head = client.head().await;
    let null = ObjectId::NULL;
    let empty =
        b"PACK\0\0\0\x02\0\0\0\0\x02\x9d\x08\x82\x3b\xd8\xa8\xea\xb5\x10\xad\x6a\xc7\x5c\x82\x3c\xfd\x3e\xd3\x1e";
    let tree = client.ok(&["rev-parse", "HEAD^{tree}"]).await;
    let changes = [
        format!("{null} {head} HEAD"),
        format!("{null} {head} refs/heads/../../config"),
        format!("{null} {head} config"),
        format!("{null} {head} refs/heads/good"),
        format!("{null} {head} refs/heads/good"),
        format!("{null} {tree} refs/heads/tree"),
        format!("{head} {null} refs/heads/absent"),
    ];
    let answer = raw_push(&server, &changes, empty).await.unwrap();
    for part in [
        "ng HEAD funny refname",
        "ng refs/heads/../../config funny refname",
        "ng config funny refname",
        "ok refs/heads/good",
        "ng refs/heads/good multiple updates",
        "ng refs/heads/tree cannot update ref",
        "ng refs/heads/absent incorrect old value",
    ] {
        assert!(answer.contains(part), "{part}: {answer}");
    }
    assert_eq!(server.log(), ["create refs/heads/main", "create refs/heads/good"]);
}

#[tokio::test]
async fn a_broken_request_is_an_error_and_not_an_answer() {
    let server = Server::start().await;
    for bad in ["x y refs/heads/a", "refs/heads/a", ""] {
        assert!(matches!(raw_push(&server, &[bad.to_owned()], b"").await, Err(git::Error::Protocol(_))), "{bad}");
    }
    assert_eq!(raw_push(&server, &[], b"").await.unwrap(), "");
}

#[tokio::test]
async fn a_push_to_a_deleted_repository_says_so() {
    let server = Server::start().await;
    let client = Client::new(&server).await;
    server.repositories.delete(ID).unwrap();
    let error = client.fails(&["push", "origin", "main"]).await;
    assert!(error.contains("not found"), "{error}");
}

#[tokio::test]
async fn many_pushes_leave_few_packs_after_maintenance() {
    let server = Server::start().await;
    let client = Client::new(&server).await;
    for n in 0..42 {
        client.commit("n.txt", &n.to_string()).await;
        client.ok(&["push", "-q", "origin", "main"]).await;
    }
    let repository = server.repository();
    assert!(repository.maintain().await.unwrap());
    assert!(!repository.maintain().await.unwrap());
    let clone = Client::clone_of(&server, &[]).await;
    assert_eq!(clone.ok(&["rev-list", "--count", "HEAD"]).await, "43");
}

fn no_quarantine_is_left(server: &Server) {
    let objects = server.root.path().join("repositories").join(ID).join("objects");
    let names: Vec<_> = std::fs::read_dir(objects).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(names.iter().all(|n| !n.to_string_lossy().starts_with("incoming-")), "{names:?}");
}

/// Is never asked.
struct Nobody;

impl RefPublisher for Nobody {
    fn publish<'a>(
        &'a self,
        _: &'a [RefChange],
        _: bool,
    ) -> BoxFuture<'a, Result<Vec<Result<(), RefRefusal>>, PublishError>> {
        unreachable!("a push without a pack changes no refs")
    }
}

#[tokio::test]
async fn a_refused_push_that_sends_without_end_is_not_read_to_its_end() {
    let server = Server::start().await;
    let sent = Arc::new(AtomicU64::new(0));
    let id = "1".repeat(40);
    let change = format!("{} {id} refs/heads/main\0report-status", "0".repeat(40));
    let head = format!("{:04x}{change}0000this is no pack at all", change.len() + 4);
    let count = sent.clone();
    let endless =
        futures_util::stream::iter(std::iter::once(Bytes::from(head)).chain(std::iter::repeat_with(move || {
            count.fetch_add(1 << 20, Ordering::Relaxed);
            Bytes::from(vec![b'x'; 1 << 20])
        })));
    let body: git::BodyStream = Box::pin(endless.map(Ok));
    let answer = server.repository().receive_pack(body, &PushLimits::default(), &Nobody).await.unwrap();
    assert!(String::from_utf8_lossy(&answer).contains("unpack index-pack abnormal exit"), "{answer:?}");
    assert!(sent.load(Ordering::Relaxed) <= 70 << 20, "{} bytes were read", sent.load(Ordering::Relaxed));
}

#[tokio::test]
async fn a_push_that_names_boundaries_without_end_is_refused() {
    let server = Server::start().await;
    let line = Bytes::from(format!("0034shallow {}", "1".repeat(40)));
    let body: git::BodyStream = Box::pin(futures_util::stream::repeat(line).map(Ok));
    let refused = server.repository().receive_pack(body, &PushLimits::default(), &Nobody).await;
    assert!(matches!(refused, Err(git::Error::Protocol(_))), "{refused:?}");
}
