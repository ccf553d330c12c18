//! A real git against the routes, the store and the events.

use std::convert::Infallible;
use std::path::PathBuf;
use std::process::Output;
use std::sync::Arc;

use base::{AccountId, Region, Timestamp};
use devtools::codecommit;
use futures_util::future::BoxFuture;
use git::{ObjectId, RefChange};
use hyper_util::rt::TokioIo;
use platform::{Cx, Principal, iam};
use serde_json::{Value, json};
use store::tables::{codecommit_ref, codecommit_repository};
use store::testing::TestStore;
use store::{Machines, events};

use super::credentials::{Attempt, GitAuthenticator, Identity, Refused};
use super::keys::Keys;
use super::serve::serve;

/// Knows one password; `reader` may only pull.
struct Fake;

impl GitAuthenticator for Fake {
    fn authenticate<'a>(&'a self, _: &'a Cx, attempt: &'a Attempt) -> BoxFuture<'a, Result<Identity, Refused>> {
        Box::pin(async move {
            if attempt.password.expose() != "good" {
                return Err(Refused::Denied("no".to_owned()));
            }
            let arn = format!("arn:aws:iam::123456789012:user/{}", attempt.user);
            let principal = Principal { arn, user_id: attempt.user.clone(), access_key: None, rights: None };
            let account = AccountId::parse("123456789012").unwrap();
            Ok(Identity { account, region: Region::parse("eu-central-1"), principal })
        })
    }

    fn authorize<'a>(&'a self, cx: &'a Cx, action: &'a str, resource: &'a str) -> BoxFuture<'a, Result<(), Refused>> {
        Box::pin(async move {
            assert_eq!(resource, "arn:aws:codecommit:eu-central-1:123456789012:demo");
            if cx.caller.principal.user_id == "reader" && action == "codecommit:GitPush" {
                return Err(Refused::Denied("reader may not push".to_owned()));
            }
            Ok(())
        })
    }
}

struct World {
    cx: Cx,
    port: u16,
    home: tempfile::TempDir,
    _test: TestStore,
}

impl World {
    async fn new() -> World {
        World::with(Some(Arc::new(Fake))).await
    }

    async fn with(authenticator: Option<Arc<dyn GitAuthenticator>>) -> World {
        let test = store::testing::sqlite(Machines::new()).await;
        let cx = platform::testing::cx(&test);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = cx.clone();
        tokio::spawn(async move {
            while let Ok((socket, peer)) = listener.accept().await {
                let (cx, authenticator) = (server.clone(), authenticator.clone());
                let service = hyper::service::service_fn(move |request| {
                    let (cx, authenticator) = (cx.clone(), authenticator.clone());
                    async move {
                        let response = serve(&cx, authenticator.as_deref(), request, peer.ip().to_string()).await;
                        Ok::<_, Infallible>(response)
                    }
                });
                let http = hyper::server::conn::http1::Builder::new();
                tokio::spawn(http.serve_connection(TokioIo::new(socket), service));
            }
        });
        let home = tempfile::tempdir().unwrap();
        let world = World { cx, port, home, _test: test };
        world.call("CreateRepository", json!({"repositoryName": "demo"})).await.unwrap();
        world
    }

    async fn call(&self, operation: &str, input: Value) -> Result<Value, base::ApiError> {
        let entry = crate::registry::find("codecommit", operation).unwrap();
        let crate::registry::Handler::Plain(handler) = entry.handler else { panic!("{operation} streams") };
        handler(self.cx.clone(), input).await
    }

    fn url(&self, credentials: &str) -> String {
        format!("http://{credentials}127.0.0.1:{}/v1/repos/demo", self.port)
    }

    #[expect(clippy::disallowed_methods, reason = "the test's own client")]
    async fn git(&self, dir: &str, args: &[&str]) -> Output {
        let dir: PathBuf = self.home.path().join(dir);
        std::fs::create_dir_all(&dir).unwrap();
        let mut command = tokio::process::Command::new("git");
        command.args(args).current_dir(dir).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        for (name, value) in [("NAME", "Mary"), ("EMAIL", "mary@example.com")] {
            command.env(format!("GIT_AUTHOR_{name}"), value).env(format!("GIT_COMMITTER_{name}"), value);
        }
        command.env("HOME", self.home.path()).env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0");
        command.output().await.unwrap()
    }

    async fn ok(&self, dir: &str, args: &[&str]) -> String {
        let out = self.git(dir, args).await;
        assert!(out.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8_lossy(&out.stdout).trim().to_owned()
    }

    async fn fails(&self, dir: &str, args: &[&str]) -> String {
        let out = self.git(dir, args).await;
        assert!(!out.status.success(), "git {args:?} should have failed");
        String::from_utf8_lossy(&out.stderr).into_owned()
    }

    /// A working copy with one commit on main and `origin` as `mary`.
    async fn working_copy(&self, dir: &str) {
        self.ok(dir, &["init", "-q", "-b", "main", "."]).await;
        self.ok(dir, &["remote", "add", "origin", &self.url("mary:good@")]).await;
        std::fs::write(self.home.path().join(dir).join("README.md"), "hello\n").unwrap();
        self.ok(dir, &["add", "-A"]).await;
        self.ok(dir, &["commit", "-q", "-m", "one"]).await;
    }

    async fn events(&self) -> Vec<events::EventRow> {
        events::after(&mut self.cx.store.read().await.unwrap(), 0, 1000).await.unwrap()
    }
}

#[tokio::test]
async fn a_push_becomes_refs_a_default_branch_and_events_in_awss_form() {
    let world = World::new().await;
    world.working_copy("a").await;
    let none = world.call("GetRepository", json!({"repositoryName": "demo"})).await.unwrap();
    assert_eq!(none.pointer("/repositoryMetadata/defaultBranch"), None);
    world.ok("a", &["push", "-q", "origin", "main"]).await;
    let head = world.ok("a", &["rev-parse", "HEAD"]).await;
    let one = world.call("GetRepository", json!({"repositoryName": "demo"})).await.unwrap();
    assert_eq!(one.pointer("/repositoryMetadata/defaultBranch"), Some(&json!("main")));
    let branch = world.call("GetBranch", json!({"repositoryName": "demo", "branchName": "main"})).await.unwrap();
    assert_eq!(branch.pointer("/branch/commitId"), Some(&json!(head)));
    world.ok("a", &["commit", "-q", "--allow-empty", "-m", "two"]).await;
    world.ok("a", &["tag", "v1"]).await;
    world.ok("a", &["push", "-q", "origin", "main", "v1", "main:refs/heads/x", "main:refs/notes/n"]).await;
    world.ok("a", &["push", "-q", "origin", ":x"]).await;
    let two = world.ok("a", &["rev-parse", "HEAD"]).await;
    let events = world.events().await;
    let shown: Vec<String> = events
        .iter()
        .map(|e| {
            let text = |name: &str| e.event.detail.get(name).and_then(Value::as_str).unwrap_or("-").to_owned();
            let (old, new) = (text("oldCommitId"), text("commitId"));
            let name = |id: String| {
                if id == head {
                    "1".into()
                } else if id == two {
                    "2".into()
                } else {
                    id
                }
            };
            format!(
                "{} {} {} {}->{}",
                text("event"),
                text("referenceType"),
                text("referenceName"),
                name(old),
                name(new)
            )
        })
        .collect();
    let mut sorted = shown.clone();
    sorted.sort();
    assert_eq!(
        sorted,
        [
            "referenceCreated branch main -->1",
            "referenceCreated branch x -->2",
            "referenceCreated tag v1 -->2",
            "referenceDeleted branch x 2->-",
            "referenceUpdated branch main 1->2",
        ]
    );
    let envelope = events.first().unwrap().envelope();
    assert_eq!(envelope["detail-type"], "CodeCommit Repository State Change");
    assert_eq!(envelope["source"], "aws.codecommit");
    assert_eq!(envelope["resources"], json!(["arn:aws:codecommit:eu-central-1:123456789012:demo"]));
    assert_eq!(envelope["detail"]["referenceFullName"], "refs/heads/main");
    assert_eq!(envelope["detail"]["callerUserArn"], "arn:aws:iam::123456789012:user/mary");
}

#[tokio::test]
async fn credentials_are_asked_for_checked_and_limited() {
    let world = World::new().await;
    world.working_copy("a").await;
    let error = world.fails("a", &["push", &world.url(""), "main"]).await;
    assert!(error.contains("could not read Username"), "{error}");
    let error = world.fails("a", &["push", &world.url("mary:bad@"), "main"]).await;
    assert!(error.contains("403"), "{error}");
    let error = world.fails("a", &["push", &world.url("reader:good@"), "main"]).await;
    assert!(error.contains("403"), "{error}");
    world.ok("a", &["push", "-q", "origin", "main"]).await;
    world.ok("b", &["clone", "-q", &format!("{}.git", world.url("reader:good@")), "."]).await;
    let error = world.fails("b", &["clone", &world.url("mary:good@").replace("demo", "nope")]).await;
    assert!(error.contains("not found"), "{error}");
    assert_eq!(world.events().await.len(), 1);
}

#[tokio::test]
async fn in_test_mode_anyone_may() {
    let world = World::with(None).await;
    world.working_copy("a").await;
    world.ok("a", &["push", "-q", &world.url(""), "main"]).await;
    world.ok("b", &["clone", "-q", &world.url("any:thing@"), "."]).await;
}

#[tokio::test]
async fn git_sees_what_the_api_commits_and_the_api_what_git_pushes() {
    let world = World::new().await;
    let put = json!({"repositoryName": "demo", "branchName": "main", "filePath": "a/b.txt", "fileContent": "aGk="});
    let first = world.call("PutFile", put.clone()).await.unwrap();
    let parent = first["commitId"].as_str().unwrap().to_owned();
    world.ok("a", &["clone", "-q", &world.url("mary:good@"), "."]).await;
    assert_eq!(world.ok("a", &["rev-parse", "HEAD"]).await, parent);
    world.ok("a", &["fsck", "--strict"]).await;
    std::fs::write(world.home.path().join("a/c.txt"), "c").unwrap();
    world.ok("a", &["add", "-A"]).await;
    world.ok("a", &["commit", "-q", "-m", "c"]).await;
    world.ok("a", &["push", "-q", "origin", "main"]).await;
    let folder = world.call("GetFolder", json!({"repositoryName": "demo", "folderPath": "/"})).await.unwrap();
    assert_eq!(folder.pointer("/files/0/absolutePath"), Some(&json!("c.txt")));
    assert_eq!(folder.pointer("/subFolders/0/relativePath"), Some(&json!("a")));
    let file = world.call("GetFile", json!({"repositoryName": "demo", "filePath": "/a/b.txt"})).await.unwrap();
    assert_eq!(
        (&file["fileContent"], &file["fileMode"], &file["fileSize"]),
        (&json!("aGk="), &json!("NORMAL"), &json!(2))
    );
    let mut stale = put;
    stale["parentCommitId"] = json!(parent);
    assert_eq!(world.call("PutFile", stale).await.unwrap_err().code, "ParentCommitIdOutdatedException");
    assert_eq!(world.events().await.len(), 2);
}

#[tokio::test]
async fn a_crash_between_the_commit_and_the_copy_on_disk_loses_nothing() {
    let world = World::new().await;
    world.working_copy("a").await;
    world.ok("a", &["push", "-q", "origin", "main"]).await;
    let head = ObjectId::parse(&world.ok("a", &["rev-parse", "HEAD"]).await).unwrap();
    let row = {
        let mut tx = world.cx.store.read().await.unwrap();
        codecommit::find_repository(&mut tx, world.cx.scope(), "demo").await.unwrap().unwrap()
    };
    let repository = codecommit::open(&world.cx, &row).await.unwrap();
    // The transaction of a push, without what follows it.
    let packed = codecommit::repositories(&world.cx.site);
    let folder = world.cx.site.data_dir.join("repositories").join(&row.id);
    let before = std::fs::read(folder.join("packed-refs")).unwrap();
    let change = RefChange { name: "refs/heads/late".to_owned(), old: ObjectId::NULL, new: head };
    codecommit::publish(&world.cx, &repository, &[change], true).await.unwrap();
    std::fs::write(folder.join("packed-refs"), before).unwrap();
    std::fs::create_dir_all(folder.join("objects/incoming-1-1/pack")).unwrap();
    packed.create("00000000-dead-beef-0000-000000000000").unwrap();
    let events = world.events().await;
    codecommit::recover(&world.cx.store, &world.cx.site).await.unwrap();
    assert!(!packed.exists("00000000-dead-beef-0000-000000000000"));
    assert!(!folder.join("objects/incoming-1-1").exists());
    let listed = world.ok("a", &["ls-remote", "--heads", "origin"]).await;
    assert!(listed.contains("refs/heads/late"), "{listed}");
    let after = world.events().await;
    let ids = |events: &[events::EventRow]| events.iter().map(|e| e.id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&events), ids(&after));
    assert_eq!(after.len(), 2);
}

#[tokio::test]
async fn of_concurrent_pushes_one_wins_and_one_event_tells_of_it() {
    let world = World::new().await;
    world.working_copy("a").await;
    world.ok("a", &["push", "-q", "origin", "main"]).await;
    let names = ["c0", "c1", "c2", "c3"];
    for name in names {
        world.ok(name, &["clone", "-q", &world.url("mary:good@"), "."]).await;
        world.ok(name, &["commit", "-q", "--allow-empty", "-m", name]).await;
    }
    let pushes = names.iter().map(|name| world.git(name, &["push", "origin", "main"]));
    let results = futures_util::future::join_all(pushes).await;
    assert_eq!(results.iter().filter(|r| r.status.success()).count(), 1);
    assert_eq!(world.events().await.len(), 2);
}

#[tokio::test]
async fn a_repository_deleted_during_a_push_leaves_nothing_half_done() {
    let world = World::new().await;
    world.working_copy("a").await;
    let row = {
        let mut tx = world.cx.store.read().await.unwrap();
        codecommit::find_repository(&mut tx, world.cx.scope(), "demo").await.unwrap().unwrap()
    };
    let repository = codecommit::open_for_git(&world.cx, &row).await.unwrap();
    let gone = world.call("DeleteRepository", json!({"repositoryName": "demo"})).await.unwrap();
    assert_eq!(gone["repositoryId"], json!(row.id));
    let head = ObjectId::parse(&world.ok("a", &["rev-parse", "HEAD"]).await).unwrap();
    let change = RefChange { name: "refs/heads/main".to_owned(), old: ObjectId::NULL, new: head };
    let refused = codecommit::publish(&world.cx, &repository, &[change], false).await;
    assert!(matches!(refused, Err(git::PublishError::Gone)));
    let error = world.fails("a", &["push", "origin", "main"]).await;
    assert!(error.contains("not found"), "{error}");
    let mut tx = world.cx.store.read().await.unwrap();
    assert!(codecommit_repository::ids(&mut tx).await.unwrap().is_empty());
    assert!(codecommit_ref::all(&mut tx, &row.id).await.unwrap().is_empty());
    assert!(codecommit::repositories(&world.cx.site).ids().unwrap().is_empty());
}

#[tokio::test]
async fn the_default_branch_stays_and_can_be_changed() {
    let world = World::new().await;
    world.working_copy("a").await;
    world.ok("a", &["push", "-q", "origin", "main", "main:refs/heads/dev"]).await;
    let error = world.fails("a", &["push", "origin", ":main"]).await;
    assert!(error.contains("deletion of the default branch prohibited"), "{error}");
    let branch = |name: &str| json!({"repositoryName": "demo", "branchName": name});
    assert_eq!(
        world.call("DeleteBranch", branch("main")).await.unwrap_err().code,
        "DefaultBranchCannotBeDeletedException"
    );
    let default = |name: &str| json!({"repositoryName": "demo", "defaultBranchName": name});
    assert_eq!(world.call("UpdateDefaultBranch", default("no")).await.unwrap_err().code, "BranchDoesNotExistException");
    world.call("UpdateDefaultBranch", default("dev")).await.unwrap();
    world.ok("b", &["clone", "-q", &world.url("mary:good@"), "."]).await;
    assert_eq!(world.ok("b", &["branch", "--show-current"]).await, "dev");
    world.call("DeleteBranch", branch("main")).await.unwrap();
    assert_eq!(
        world.call("ListBranches", json!({"repositoryName": "demo"})).await.unwrap()["branches"],
        json!(["dev"])
    );
}

/// The user name and password of the credential helper, escaped for a URL.
fn helper(access_key: &str, token: Option<&str>, secret: &str, region: &str, path: &str, at: Timestamp) -> String {
    let password = wire::sigv4::git_password(secret, region, "127.0.0.1", path, at);
    let user = token.map_or_else(|| access_key.to_owned(), |token| format!("{access_key}%{token}"));
    let escape =
        |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
    format!("{}:{}@", escape(&user), escape(&password))
}

#[tokio::test]
async fn the_credential_helpers_signature_is_checked_against_iam() {
    let world = World::with(Some(Arc::new(Keys))).await;
    let key = iam::RootKey {
        access_key: "AKIAABCDEFGHIJKLMNOP".to_owned(),
        secret: base::Secret::new("wJalr/secret".to_owned()),
    };
    iam::bootstrap_root(&world.cx.store, &world.cx.scope().account, &key).await.unwrap();
    world.working_copy("a").await;
    let (id, secret, now) = (key.access_key.as_str(), key.secret.expose(), world.cx.now());
    let path = "/v1/repos/demo";
    let remote = async |credentials: String| world.git("a", &["ls-remote", &world.url(&credentials)]).await;
    let good = remote(helper(id, None, secret, "eu-central-1", path, now)).await;
    assert!(good.status.success(), "{}", String::from_utf8_lossy(&good.stderr));
    let late = now - std::time::Duration::from_secs(16 * 60);
    for (what, credentials) in [
        ("a wrong secret", helper(id, None, "other", "eu-central-1", path, now)),
        ("an unknown key", helper("AKIAZZZZZZZZZZZZZZZZ", None, secret, "eu-central-1", path, now)),
        ("another repository", helper(id, None, secret, "eu-central-1", "/v1/repos/other", now)),
        ("an old signature", helper(id, None, secret, "eu-central-1", path, late)),
        ("a token that does not belong", helper(id, Some("x"), secret, "eu-central-1", path, now)),
        ("no signature", format!("{id}:x@")),
    ] {
        let error = remote(credentials).await;
        assert!(String::from_utf8_lossy(&error.stderr).contains("403"), "{what}: {error:?}");
    }
    // A valid signature for a region without this repository.
    let elsewhere = remote(helper(id, None, secret, "us-west-2", path, now)).await;
    assert!(String::from_utf8_lossy(&elsewhere.stderr).contains("not found"), "{elsewhere:?}");
}

#[tokio::test]
async fn service_specific_credentials_work_until_they_are_inactive() {
    let world = World::with(Some(Arc::new(Keys))).await;
    let call = async |operation: &str, input: Value| {
        let entry = crate::registry::find("iam", operation).unwrap();
        let crate::registry::Handler::Plain(handler) = entry.handler else { panic!("{operation} streams") };
        handler(world.cx.clone(), input).await.unwrap()
    };
    call("CreateUser", json!({"UserName": "mary"})).await;
    let made =
        call("CreateServiceSpecificCredential", json!({"UserName": "mary", "ServiceName": "codecommit.amazonaws.com"}))
            .await;
    let text = |name: &str| made["ServiceSpecificCredential"][name].as_str().unwrap().to_owned();
    let escape =
        |text: String| percent_encoding::utf8_percent_encode(&text, percent_encoding::NON_ALPHANUMERIC).to_string();
    let user = escape(text("ServiceUserName"));
    let url = world.url(&format!("{user}:{}@", escape(text("ServicePassword"))));
    world.working_copy("a").await;
    world.ok("a", &["push", "-q", &url, "main"]).await;
    let caller = world.events().await.first().unwrap().event.detail["callerUserArn"].clone();
    assert_eq!(caller, json!("arn:aws:iam::123456789012:user/mary"));
    let error = world.fails("a", &["ls-remote", &world.url(&format!("{user}:wrong@"))]).await;
    assert!(error.contains("403"), "{error}");
    let id = text("ServiceSpecificCredentialId");
    let off = json!({"UserName": "mary", "ServiceSpecificCredentialId": id, "Status": "Inactive"});
    call("UpdateServiceSpecificCredential", off).await;
    assert!(world.fails("a", &["ls-remote", &url]).await.contains("403"));
}

#[test]
fn codecommits_error_codes_are_in_its_model() {
    let service = wire::models().service("codecommit").unwrap();
    for code in codecommit::CODES {
        assert!(service.has_error(code), "{code}");
    }
}
