//! Working copies with a `.git`: of our own repositories, and of one that is fetched over HTTP.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use git::{Login, Remote, RemoteError, Submodule};

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
            cache: None,
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
        cache: None,
    };
    let refused = nowhere.working_copy(&folder.path().join("nowhere")).await.unwrap_err();
    assert!(matches!(refused, RemoteError::Refused(_)), "{refused}");
}

fn remote(server: &Server, login: Option<(&str, &str)>) -> Remote {
    Remote {
        url: server.url(),
        version: None,
        depth: None,
        submodules: true,
        login: login.map(|(user, password)| Login { user: user.to_owned(), password: password.to_owned() }),
        insecure_tls: false,
        cache: None,
    }
}

/// `x-access-token:to$ken"'` as HTTP has it.
const BASIC: &str = "Basic eC1hY2Nlc3MtdG9rZW46dG8ka2VuIic=";
const LOGIN: (&str, &str) = ("x-access-token", "to$ken\"'");

#[tokio::test]
async fn a_login_opens_a_repository_and_its_submodules_and_is_kept_nowhere() {
    let server = Server::start().await;
    let (client, commits) = two_commits(&server).await;
    client.ok(&["config", "-f", ".gitmodules", "submodule.a.path", "lib/a"]).await;
    client.ok(&["config", "-f", ".gitmodules", "submodule.a.url", &server.url()]).await;
    let link = format!("160000,{},lib/a", commits[0]);
    client.ok(&["add", ".gitmodules"]).await;
    client.ok(&["update-index", "--add", "--cacheinfo", &link]).await;
    client.ok(&["commit", "-q", "-m", "module"]).await;
    client.ok(&["push", "-q", "origin", "HEAD:refs/heads/main"]).await;
    let head = client.head().await;
    let expected = Submodule { name: "a".to_owned(), path: "lib/a".to_owned(), url: server.url(), commit: commits[0] };
    assert_eq!(server.repository().submodules(head).await.unwrap(), std::slice::from_ref(&expected));
    assert!(server.repository().submodules(commits[0]).await.unwrap().is_empty());

    let folder = tempfile::tempdir().unwrap();
    let (outer, inner) = (folder.path().join("outer"), folder.path().join("outer/lib/a"));
    server.repository().working_copy(head, &outer, "https://h/r", None).await.unwrap();
    server.repository().working_copy(commits[0], &inner, "https://h/a", None).await.unwrap();
    expected.register(&outer, "https://h/a").await.unwrap();
    assert!(git_in(&outer, &["submodule", "status"]).await.starts_with(&format!("{} lib/a", commits[0])));
    assert_eq!(git_in(&outer, &["status", "--porcelain"]).await, "");

    *server.authorization.lock().unwrap() = Some(BASIC.to_owned());
    let dir = folder.path().join("src");
    assert_eq!(remote(&server, Some(LOGIN)).working_copy(&dir).await.unwrap(), head.to_string());
    assert_eq!(std::fs::read_to_string(dir.join("lib/a/a.txt")).unwrap(), "one\n");
    each_file(&dir, &mut |file| {
        let bytes = std::fs::read(file).unwrap();
        assert!(!bytes.windows(6).any(|w| w == b"to$ken"), "{}", file.display());
    });
    for login in [None, Some(("x-access-token", "wrong"))] {
        let refused = remote(&server, login).working_copy(&folder.path().join("refused")).await.unwrap_err();
        assert!(matches!(refused, RemoteError::NeedsLogin), "{refused}");
        std::fs::remove_dir_all(folder.path().join("refused")).unwrap();
    }
    let broken = remote(&server, Some(("u", "a\nhost=b"))).working_copy(&folder.path().join("broken")).await;
    assert!(matches!(broken.unwrap_err(), RemoteError::Refused(_)));
}

#[tokio::test]
async fn a_host_that_redirects_to_another_does_not_give_it_the_login() {
    let (one, other) = (Server::start().await, Server::start().await);
    let (_client, commits) = two_commits(&other).await;
    *one.redirect.lock().unwrap() = Some(other.url());
    let folder = tempfile::tempdir().unwrap();
    let commit = remote(&one, Some(LOGIN)).working_copy(&folder.path().join("open")).await.unwrap();
    assert_eq!(commit, commits[1].to_string());
    *other.authorization.lock().unwrap() = Some(BASIC.to_owned());
    let refused = remote(&one, Some(LOGIN)).working_copy(&folder.path().join("closed")).await.unwrap_err();
    assert!(matches!(refused, RemoteError::NeedsLogin), "{refused}");
    assert_eq!(*other.logins.lock().unwrap(), [""; 0]);
    // Even one that was given the login before it sent the client on.
    *one.authorization.lock().unwrap() = Some(BASIC.to_owned());
    let refused = remote(&one, Some(LOGIN)).working_copy(&folder.path().join("later")).await.unwrap_err();
    assert!(matches!(refused, RemoteError::NeedsLogin), "{refused}");
    assert!(!one.logins.lock().unwrap().is_empty() && other.logins.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_shallow_copy_of_ours_knows_the_tags_and_branches_of_its_commit() {
    let server = Server::start().await;
    let (client, commits) = two_commits(&server).await;
    let folder = tempfile::tempdir().unwrap();
    let tagged = folder.path().join("tagged");
    server.repository().working_copy(commits[0], &tagged, "https://h/r", Some(1)).await.unwrap();
    assert_eq!(git_in(&tagged, &["describe", "--exact-match"]).await, "v1");
    assert_eq!(git_in(&tagged, &["branch", "-r"]).await, "origin/old");
    assert_eq!(git_in(&tagged, &["rev-list", "--all", "--count"]).await, "1");
    let newest = folder.path().join("newest");
    server.repository().working_copy(commits[1], &newest, "https://h/r", Some(2)).await.unwrap();
    assert_eq!(git_in(&newest, &["rev-parse", "origin/HEAD"]).await, commits[1].to_string());
    assert_eq!(git_in(&newest, &["diff", "--name-only", "HEAD~1"]).await, "a.txt");
    client.ok(&["push", "-q", "--force", "origin", "HEAD~1:refs/heads/main"]).await;
    for (name, depth) in [("gone", None), ("gone-shallow", Some(1))] {
        let dir = folder.path().join(name);
        server.repository().working_copy(commits[1], &dir, "https://h/r", depth).await.unwrap();
        assert_eq!(git_in(&dir, &["rev-parse", "HEAD"]).await, commits[1].to_string());
    }
}

#[tokio::test]
async fn whoever_writes_in_a_copy_cannot_reach_the_repository() {
    let server = Server::start().await;
    let (_client, commits) = two_commits(&server).await;
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("src");
    server.repository().working_copy(commits[1], &dir, "https://h/r", None).await.unwrap();
    assert!(!dir.join(".git/objects/info/alternates").exists());
    let root = server.root.path().to_str().unwrap().as_bytes();
    each_file(&dir, &mut |file| {
        assert_eq!(std::fs::symlink_metadata(file).unwrap().nlink(), 1, "{} is shared", file.display());
        let bytes = std::fs::read(file).unwrap();
        assert!(!bytes.windows(root.len()).any(|w| w == root), "{} says where the data is", file.display());
    });
}

fn each_file(dir: &Path, visit: &mut impl FnMut(&Path)) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { each_file(&path, visit) } else { visit(&path) }
    }
}

/// Bytes of all packs and loose objects.
fn size_of(dir: &Path) -> u64 {
    let mut all = 0;
    let mut left = vec![dir.to_owned()];
    while let Some(dir) = left.pop() {
        for entry in std::fs::read_dir(dir).unwrap().map(Result::unwrap) {
            let meta = entry.metadata().unwrap();
            if meta.is_dir() { left.push(entry.path()) } else { all += meta.len() }
        }
    }
    all
}

#[tokio::test]
async fn a_cache_spares_the_history_and_is_never_believed() {
    let server = Server::start().await;
    let client = Client::new(&server).await;
    let noise: String = (0..20_000_u32).map(|i| format!("{:08x}", i.wrapping_mul(2_654_435_761))).collect();
    client.commit("noise", &noise).await;
    let first = client.commit("a.txt", "one\n").await;
    client.ok(&["push", "-q", "origin", "HEAD:refs/heads/main", "HEAD:refs/heads/gone"]).await;
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("caches/one");
    let fetch = |name: &str, version: &str, cache: Option<&Path>| {
        let dir = folder.path().join(name);
        let remote = Remote {
            url: server.url(),
            version: Some(version.to_owned()),
            depth: None,
            submodules: false,
            login: None,
            insecure_tls: false,
            cache: cache.map(Path::to_owned),
        };
        async move { remote.working_copy(&dir).await.map(|commit| (commit, dir)) }
    };
    let (commit, dir) = fetch("one", "main", Some(&cache)).await.unwrap();
    assert_eq!(commit, first.to_string());
    assert!(size_of(&cache.join("objects")) > 50_000, "the cache has the history");

    let second = client.commit("a.txt", "two\n").await;
    client.ok(&["push", "-q", "origin", "HEAD:refs/heads/main", ":refs/heads/gone"]).await;
    let (commit, dir_two) = fetch("two", "main", Some(&cache)).await.unwrap();
    assert_eq!(commit, second.to_string());
    assert_eq!(std::fs::read_to_string(dir_two.join("a.txt")).unwrap(), "two\n");
    let refs = git_in(&dir_two, &["for-each-ref", "--format=%(refname)"]).await;
    assert_eq!(refs, "refs/remotes/origin/main", "as without a cache, and without what the remote has no more");
    assert_eq!(git_in(&dir_two, &["fsck", "--connectivity-only"]).await, "");
    assert_eq!(git_in(&cache, &["rev-parse", "refs/heads/main"]).await, second.to_string());

    // A build may do what it likes with its working copy.
    std::fs::remove_dir_all(dir.join(".git/objects")).unwrap();
    // A version that is not there leaves the cache as it is.
    assert!(matches!(fetch("none", "nobody", Some(&cache)).await, Err(RemoteError::NoVersion(_))));
    assert!(cache.join("HEAD").exists());
    // A cache that is broken in any way is made anew.
    for (name, broken) in [("HEAD", "garbage"), ("packed-refs", "garbage\n"), ("config", "[garbage")] {
        std::fs::write(cache.join(name), broken).unwrap();
        let (commit, _) = fetch(&format!("after-{name}"), "main", Some(&cache)).await.unwrap();
        assert_eq!(commit, second.to_string());
    }
    for pack in std::fs::read_dir(cache.join("objects/pack")).unwrap().map(|entry| entry.unwrap().path()) {
        std::fs::remove_file(pack).unwrap();
    }
    let (commit, last) = fetch("after-packs", "main", Some(&cache)).await.unwrap();
    assert_eq!(commit, second.to_string());
    assert_eq!(git_in(&last, &["fsck", "--connectivity-only"]).await, "");
}

#[tokio::test]
async fn gitmodules_leads_to_no_file_of_this_machine_and_what_is_wrong_in_it_is_the_commits_fault() {
    let server = Server::start().await;
    let (client, commits) = two_commits(&server).await;
    let folder = tempfile::tempdir().unwrap();
    let private = folder.path().join("private");
    std::fs::write(&private, "[submodule \"a\"]\n\turl = https://private.example/\n").unwrap();
    let link = format!("160000,{},lib/a", commits[0]);
    // Git keeps what is not checked out as long as its folder is there.
    std::fs::create_dir_all(client.dir.join("lib/a")).unwrap();
    client.ok(&["update-index", "--add", "--cacheinfo", &link]).await;
    let included = format!("[submodule \"a\"]\n\tpath = lib/a\n[include]\n\tpath = {}\n", private.display());
    let unwanted = "[submodule \"a\"]\n\tpath = lib/a\n\turl = https://h/a\n\tupdate = none\n";
    let mut found = Vec::new();
    for text in [included.as_str(), unwanted, "[submodule \"a\"\n\tpath = lib/a\n"] {
        let commit = client.commit(".gitmodules", text).await;
        client.ok(&["push", "-q", "origin", "HEAD:refs/heads/main"]).await;
        found.push(server.repository().submodules(commit).await);
    }
    let [first, second, third] = found.try_into().unwrap();
    assert_eq!(first.unwrap().remove(0).url, "", "the file is not read");
    assert_eq!(second.unwrap(), Vec::new());
    let broken = third.unwrap_err();
    assert!(broken.is_content() && broken.to_string().contains("bad config line"), "{broken}");
}
