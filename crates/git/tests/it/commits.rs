//! Commits written and read by the server itself.

use std::ops::ControlFlow;
use std::os::unix::fs::PermissionsExt as _;

use git::{Author, ChangeKind, CommitSpec, Content, Edit, EditConflict, Error, Mode, ObjectId, Written};

use crate::server::{Client, Server};

fn put(path: &str, content: &str) -> Edit {
    Edit::Put { path: path.to_owned(), content: Content::Bytes(content.as_bytes().to_vec()), mode: Mode::File }
}

fn delete(path: &str) -> Edit {
    Edit::Delete { path: path.to_owned() }
}

fn commit(server: &Server, parent: Option<ObjectId>, edits: Vec<Edit>) -> Result<Written, Error> {
    let author = Author { name: "A <b>\n".to_owned(), email: "a@example.com".to_owned(), seconds: 1_700_000_000 };
    let written = server.repository().write_commit(&CommitSpec {
        parent,
        author,
        message: "by the server\n".to_owned(),
        edits,
        keep_empty_folders: false,
    })?;
    let mut refs = server.refs.lock().unwrap();
    refs.now.insert("refs/heads/main".to_owned(), written.commit);
    server.mirror(&refs);
    Ok(written)
}

#[tokio::test]
async fn a_commit_by_the_server_is_what_git_would_have_made() {
    let server = Server::start().await;
    let first = commit(
        &server,
        None,
        vec![
            put("README.md", "hello\n"),
            put("lib/a.txt", "a"),
            put("lib-x", "sorts before the folder lib/ only as a file"),
            Edit::Put { path: "run".into(), content: Content::Bytes(b"#!".to_vec()), mode: Mode::Executable },
            Edit::Put { path: "link".into(), content: Content::Bytes(b"/etc".to_vec()), mode: Mode::Link },
        ],
    )
    .unwrap();
    let second = commit(&server, Some(first.commit), vec![put("lib/b/c.txt", "c"), delete("lib/a.txt")]).unwrap();
    let clone = Client::clone_of(&server, &[]).await;
    clone.ok(&["fsck", "--strict", "--full"]).await;
    assert_eq!(clone.head().await, second.commit);
    assert_eq!(clone.ok(&["log", "-1", "--format=%an|%ae|%at|%s"]).await, "A b|a@example.com|1700000000|by the server");
    assert_eq!(clone.ok(&["ls-files"]).await, "README.md\nlib-x\nlib/b/c.txt\nlink\nrun");
    let repository = server.repository();
    let changes = repository.diff(Some(first.commit), second.commit).unwrap();
    let shown: Vec<_> = changes.iter().map(|c| (c.kind(), c.path.as_str())).collect();
    assert_eq!(shown, [(ChangeKind::Deleted, "lib/a.txt"), (ChangeKind::Added, "lib/b/c.txt")]);
    assert_eq!(repository.diff(None, first.commit).unwrap().len(), 5);
    let data = repository.commit(second.commit).unwrap();
    assert_eq!((data.parents, data.author.date.as_str()), (vec![first.commit], "1700000000 +0000"));
    // A push on top shows that git accepts our objects as a base.
    clone.commit("more.txt", "m").await;
    clone.ok(&["push", "-q", "origin", "main"]).await;
}

#[tokio::test]
async fn edits_that_do_not_fit_name_the_conflict() {
    let server = Server::start().await;
    let first = commit(&server, None, vec![put("a/b", "1")]).unwrap();
    let refused = |edit| match commit(&server, Some(first.commit), vec![edit]) {
        Err(Error::Edit(conflict)) => conflict,
        other => panic!("{other:?}"),
    };
    assert_eq!(refused(put("a", "x")), EditConflict::IsFolder("a".into()));
    assert_eq!(refused(put("a/b/c", "x")), EditConflict::ParentIsFile("a/b/c".into()));
    assert_eq!(refused(delete("a")), EditConflict::Missing("a".into()));
    assert_eq!(refused(delete("a/c")), EditConflict::Missing("a/c".into()));
    assert_eq!(refused(delete("x/y/z")), EditConflict::Missing("x/y/z".into()));
    let all_gone = commit(&server, Some(first.commit), vec![delete("a/b")]).unwrap();
    assert!(server.repository().files(all_gone.commit).unwrap().is_empty());
}

#[tokio::test]
async fn a_checkout_keeps_modes_and_follows_no_link() {
    let server = Server::start().await;
    let client = Client::new(&server).await;
    std::fs::create_dir(client.dir.join("bin")).unwrap();
    std::fs::write(client.dir.join("bin/run.sh"), "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(client.dir.join("bin/run.sh"), std::fs::Permissions::from_mode(0o755)).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", client.dir.join("out")).unwrap();
    client.ok(&["add", "-A"]).await;
    client.ok(&["commit", "-q", "-m", "more"]).await;
    client.ok(&["push", "-q", "origin", "main"]).await;
    let repository = server.repository();
    let target = server.root.path().join("checkout");
    repository.checkout(client.head().await, &target).unwrap();
    let mode = |name: &str| std::fs::symlink_metadata(target.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("README.md"), mode("bin/run.sh")), (0o644, 0o755));
    assert_eq!(std::fs::read_link(target.join("out")).unwrap().to_str(), Some("/etc/passwd"));
    let files: Vec<_> = repository.files(client.head().await).unwrap().iter().map(git::Entry::path_text).collect();
    assert_eq!(files, ["README.md", "bin/run.sh", "out"]);
    assert!(matches!(repository.checkout(client.head().await, &target), Err(Error::Io { .. })));
}

#[tokio::test]
async fn a_large_file_is_checked_out_whole_and_a_link_to_nowhere_is_refused() {
    let server = Server::start().await;
    let client = Client::new(&server).await;
    let large: Vec<u8> = (0..40_u32 << 20).map(|n| (n ^ (n >> 8)) as u8).collect();
    std::fs::write(client.dir.join("large"), &large).unwrap();
    std::fs::set_permissions(client.dir.join("large"), std::fs::Permissions::from_mode(0o755)).unwrap();
    client.ok(&["add", "-A"]).await;
    client.ok(&["commit", "-q", "-m", "large"]).await;
    client.ok(&["push", "-q", "origin", "main"]).await;
    let repository = server.repository();
    let target = server.root.path().join("large");
    repository.checkout(client.head().await, &target).unwrap();
    assert!(std::fs::read(target.join("large")).unwrap() == large);
    assert_eq!(std::fs::metadata(target.join("large")).unwrap().permissions().mode() & 0o777, 0o755);

    // The largest path that Linux takes is shorter: only whoever writes trees by hand gets here.
    std::fs::write(client.dir.join("target"), "x/".repeat(5000)).unwrap();
    let blob = client.ok(&["hash-object", "-w", "target"]).await;
    client.ok(&["update-index", "--add", "--cacheinfo", &format!("120000,{},link", blob.trim())]).await;
    client.ok(&["commit", "-q", "-m", "link"]).await;
    client.ok(&["push", "-q", "origin", "main"]).await;
    let refused = repository.checkout(client.head().await, &server.root.path().join("link")).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the target of the link link has 10000 bytes, more than the 4096 that are read here"
    );
    assert!(refused.is_content());
}

#[tokio::test]
async fn a_difference_is_read_no_further_than_its_reader_wants() {
    let server = Server::start().await;
    let client = Client::new(&server).await;
    std::fs::create_dir(client.dir.join("a")).unwrap();
    for name in ["a/1", "a/2", "b"] {
        std::fs::write(client.dir.join(name), name).unwrap();
    }
    client.ok(&["add", "-A"]).await;
    client.ok(&["commit", "-q", "-m", "more"]).await;
    client.ok(&["push", "-q", "origin", "main"]).await;
    let mut seen = Vec::new();
    let visit = &mut |change: git::Change| {
        seen.push(change.path);
        if seen.len() == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    server.repository().diff_each(None, client.head().await, visit).unwrap();
    assert_eq!(seen, ["README.md", "a/1"]);
}

#[tokio::test]
async fn revisions_that_name_nothing_are_refused() {
    let server = Server::start().await;
    let client = Client::new(&server).await;
    client.ok(&["push", "-q", "origin", "main"]).await;
    let repository = server.repository();
    for good in ["main", "HEAD", "refs/heads/main", &client.head().await.to_string()] {
        assert_eq!(repository.resolve(good).unwrap(), client.head().await);
    }
    let tree = client.ok(&["rev-parse", "HEAD^{tree}"]).await;
    for bad in ["", "nope", "refs/heads/nope", "../HEAD", &"1".repeat(40), &tree] {
        assert!(matches!(repository.resolve(bad), Err(Error::NoRevision(_))), "{bad}");
    }
}

#[tokio::test]
async fn the_commits_between_two_are_those_that_only_the_later_one_reaches() {
    let server = Server::start().await;
    let mut ids: Vec<ObjectId> = Vec::new();
    for n in 0..4 {
        let edits = vec![put("a.txt", &n.to_string())];
        ids.push(commit(&server, ids.last().copied(), edits).unwrap().commit);
    }
    let repository = server.repository();
    let between = |tips: &[ObjectId], known: &[ObjectId], max| repository.commits_between(tips, known, max).unwrap();
    assert_eq!(between(&[ids[3]], &[ids[1]], 10), [ids[3], ids[2]]);
    assert_eq!(between(&[ids[3]], &[], 10), [ids[3], ids[2], ids[1], ids[0]]);
    assert_eq!(between(&[ids[3]], &[], 1), [ids[3]]);
    assert_eq!(between(&[ids[1]], &[ids[3]], 10), []);
    assert_eq!(between(&[], &[ids[3]], 10), []);
    let tree = repository.commit(ids[0]).unwrap().tree;
    let missing = ObjectId::parse(&"1".repeat(40)).unwrap();
    assert_eq!(between(&[ids[1], tree, missing], &[missing], 10), [ids[1], ids[0]]);
    assert_eq!((repository.peel(ids[1]).unwrap(), repository.peel(tree).unwrap()), (Some(ids[1]), None));
}
