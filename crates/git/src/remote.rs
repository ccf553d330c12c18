//! Working copies of repositories elsewhere, fetched by HTTPS.
//!
//! The login goes to git in its environment, and git asks for it when the repository's host wants one: it stands neither
//! in a URL nor in the working copy. As a header it would go along when the host redirects to another; asked for by
//! host it does not, and a submodule on another host does not get it either. Only `https` and `http` are spoken, so
//! no URL reads files of this machine or starts programs.
//!
//! With a cache only what has changed since the last time comes over the network. It is a repository that nobody but us writes,
//! and it only spares: what a version stands for, and whether the login counts, the server is asked each time.

use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Command;

use crate::process::{git_with, run};
use crate::working_copy::prepare;
use crate::{Error, ObjectId};

const USER: &str = "HEADWORKS_GIT_USER";
const PASSWORD: &str = "HEADWORKS_GIT_PASSWORD";
/// What git runs in a shell, with `get` behind it, to learn the login.
const ASK: &str = "!f() { test \"$1\" = get && \
                   printf 'username=%s\\npassword=%s\\n' \"$HEADWORKS_GIT_USER\" \"$HEADWORKS_GIT_PASSWORD\"; }; f";
/// How this machine reaches others: the operator's settings for the server hold for its git as well.
const PASSED: &[&str] =
    &["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY", "GIT_SSL_CAINFO"];

/// No look at a remote takes longer.
const LOOK: Duration = Duration::from_secs(60);
/// No clone takes longer.
const PATIENCE: Duration = Duration::from_secs(1800);

/// What to fetch.
#[derive(Clone, Debug)]
pub struct Remote {
    /// `https://host/path`.
    pub url: String,
    /// A branch, a tag, a commit, a full ref name, `pr/123`; `None` is the remote's `HEAD`.
    pub version: Option<String>,
    /// `None`: the whole history with all branches and tags.
    pub depth: Option<u32>,
    pub submodules: bool,
    pub login: Option<Login>,
    /// The server's certificate is not checked.
    pub insecure_tls: bool,
    /// A folder that keeps the history from one time to the next; made when it is missing. Not used with a `depth`.
    pub cache: Option<PathBuf>,
}

/// A user and what proves it.
#[derive(Clone)]
pub struct Login {
    pub user: String,
    pub password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Login({}, ****)", self.user)
    }
}

/// Why there is no working copy.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// Not a URL that is fetched from.
    #[error("{0} is not an https URL of a repository")]
    BadUrl(String),
    /// The repository has nothing of this name.
    #[error("reference not found: {0}")]
    NoVersion(String),
    /// The server wants a login, or does not take the one that there is.
    #[error("authentication required")]
    NeedsLogin,
    /// The server has no such repository, or does not show it to this login.
    #[error("repository not found")]
    NoRepository,
    /// The server refused, or could not be reached.
    #[error("{0}")]
    Refused(String),
    /// This machine failed.
    #[error(transparent)]
    Local(#[from] Error),
}

impl Remote {
    /// Fetches into `dir`, which must be empty or not exist yet. Gives the commit; `HEAD` is detached.
    pub async fn working_copy(&self, dir: &Path) -> Result<String, RemoteError> {
        match tokio::time::timeout(PATIENCE, self.fetch_into(dir)).await {
            Ok(result) => result,
            Err(_) => Err(RemoteError::Refused(format!("no answer within {} minutes", PATIENCE.as_secs() / 60))),
        }
    }

    /// The object that the version, a branch or a tag, stands for now. `dir` is as for a working copy; nothing is fetched into
    /// it.
    pub async fn look(&self, dir: &Path) -> Result<String, RemoteError> {
        let look = async {
            let copy = self.begin(dir)?;
            let wanted = self.version.as_deref().unwrap_or("HEAD");
            let found = copy.look_up(&names(wanted)).await?;
            found.map(|(id, _)| id).ok_or_else(|| RemoteError::NoVersion(wanted.to_owned()))
        };
        match tokio::time::timeout(LOOK, look).await {
            Ok(result) => result,
            Err(_) => Err(RemoteError::Refused(format!("no answer within {} seconds", LOOK.as_secs()))),
        }
    }

    fn begin<'a>(&'a self, dir: &'a Path) -> Result<Copy<'a>, RemoteError> {
        let host = origin(&self.url).ok_or_else(|| RemoteError::BadUrl(self.url.clone()))?;
        // Git reads the answer line by line.
        let breaks = |text: &str| text.contains(['\n', '\r', '\0']);
        if self.login.as_ref().is_some_and(|login| breaks(&login.user) || breaks(&login.password)) {
            return Err(RemoteError::Refused("the user or the token has a line break in it".to_owned()));
        }
        fs::create_dir_all(dir).map_err(Error::io("making the folder", dir))?;
        prepare(&dir.join(".git"), &self.url)?;
        Ok(Copy { remote: self, dir, config: self.config(&host) })
    }

    async fn fetch_into(&self, dir: &Path) -> Result<String, RemoteError> {
        let copy = self.begin(dir)?;
        let commit = match self.cache.as_deref().filter(|_| self.depth.is_none()) {
            None => copy.fetch().await?,
            Some(cache) => copy.fetch_with(cache).await?,
        };
        copy.git(&["checkout", "-q", "-f", "--detach", &commit, "--"]).await?;
        if self.submodules {
            let depth = self.depth.map(|n| format!("--depth={n}"));
            let mut args = vec!["submodule", "--quiet", "update", "--init", "--recursive"];
            args.extend(depth.as_deref());
            copy.git(&args).await?;
        }
        Ok(commit)
    }

    fn config(&self, host: &str) -> Vec<(String, String)> {
        let mut config = vec![
            // What others accept in their history is not ours to refuse.
            ("transfer.fsckObjects".to_owned(), "false".to_owned()),
            ("http.lowSpeedLimit".to_owned(), "1000".to_owned()),
            ("http.lowSpeedTime".to_owned(), "60".to_owned()),
            ("advice.detachedHead".to_owned(), "false".to_owned()),
            ("http.sslVerify".to_owned(), (!self.insecure_tls).to_string()),
        ];
        if self.login.is_some() {
            config.push((format!("credential.{host}.helper"), ASK.to_owned()));
        }
        config
    }
}

struct Copy<'a> {
    remote: &'a Remote,
    dir: &'a Path,
    config: Vec<(String, String)>,
}

impl Copy<'_> {
    /// Runs git in the working copy; what it says on standard output.
    async fn git(&self, args: &[&str]) -> Result<String, RemoteError> {
        let args: Vec<&OsStr> = args.iter().map(OsStr::new).collect();
        let mut command: Command = git_with(&self.dir.join(".git"), &args, &self.config);
        command.env("GIT_WORK_TREE", self.dir).env("GIT_ALLOW_PROTOCOL", "https:http").current_dir(self.dir);
        command.envs(PASSED.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
        if let Some(login) = &self.remote.login {
            command.env(USER, &login.user).env(PASSWORD, &login.password);
        }
        run(&mut command, "of a source").await.map_err(|e| match e {
            Error::Git { stderr, status, .. } if !status.starts_with("not") => refusal(stderr),
            other => RemoteError::Local(other),
        })
    }

    /// The same, with what a cache has. A cache that is no good is thrown away, and nothing fails for it.
    async fn fetch_with(&self, cache: &Path) -> Result<String, RemoteError> {
        let url = format!("file://{}", cache.display());
        if cache.join("HEAD").exists() {
            let all = ["+refs/heads/*:refs/headworks-cache/heads/*", "+refs/tags/*:refs/headworks-cache/tags/*"];
            let seeded = self.local(&["fetch", "-q", "--no-tags", "--", &url, all[0], all[1]]).await;
            let fetched = match seeded {
                Ok(_) => self.fetch().await,
                Err(e) => Err(e),
            };
            if matches!(fetched, Err(RemoteError::NoVersion(_) | RemoteError::NeedsLogin | RemoteError::NoRepository)) {
                return fetched;
            }
            let unseeded = ["fetch", "-q", "--prune", "--", &url, "+refs/headworks-none/*:refs/headworks-cache/*"];
            let cleaned = self.local(&unseeded).await;
            if let (Ok(commit), Ok(_)) = (fetched, cleaned)
                && self.is_of_remote(&commit).await
            {
                self.keep(cache).await;
                return Ok(commit);
            }
            // What the remote refuses it refuses again, and says why.
            remove(&self.dir.join(".git"))?;
            prepare(&self.dir.join(".git"), &self.remote.url)?;
            let commit = self.fetch().await?;
            remove(cache)?;
            self.keep(cache).await;
            return Ok(commit);
        }
        let commit = self.fetch().await?;
        self.keep(cache).await;
        Ok(commit)
    }

    /// Whether the commit is one of the remote's, and not just one that was there some time.
    async fn is_of_remote(&self, commit: &str) -> bool {
        let listed = self.git(&["for-each-ref", "--count=1", "--contains", commit]).await;
        listed.is_ok_and(|listed| !listed.trim().is_empty())
    }

    /// Brings the cache up to date, from the working copy that nobody else has seen yet. Another build may be at it: then
    /// that one's word counts.
    async fn keep(&self, cache: &Path) {
        let made = match cache.join("HEAD").exists() {
            true => Ok(()),
            false => fs::create_dir_all(cache)
                .map_err(Error::io("making the folder", cache))
                .and_then(|()| prepare(cache, &self.remote.url)),
        };
        if made.is_err() {
            return;
        }
        let from = format!("file://{}", self.dir.join(".git").display());
        let all = ["+refs/remotes/origin/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
        let fetch = ["fetch", "-q", "--prune", "--update-head-ok", "--no-tags", "--", &from, all[0], all[1]];
        let fetch = fetch.map(OsStr::new);
        let config = [("gc.auto", "2000"), ("gc.autoDetach", "false")].map(|(k, v)| (k.to_owned(), v.to_owned()));
        if run(git_with(cache, &fetch, &config).env("GIT_ALLOW_PROTOCOL", "file"), "into a cache").await.is_ok() {
            let tidy = ["gc", "--auto", "-q"].map(OsStr::new);
            let _ = run(&mut git_with(cache, &tidy, &config), "gc").await;
        }
    }

    /// Runs git in the working copy with nothing but this machine to talk to.
    async fn local(&self, args: &[&str]) -> Result<String, RemoteError> {
        let args: Vec<&OsStr> = args.iter().map(OsStr::new).collect();
        let mut command: Command = git_with(&self.dir.join(".git"), &args, &[]);
        run(command.env("GIT_ALLOW_PROTOCOL", "file"), "of a cache").await.map_err(RemoteError::Local)
    }

    /// Fetches what is wanted and gives its commit.
    async fn fetch(&self) -> Result<String, RemoteError> {
        let url = self.remote.url.as_str();
        let wanted = self.remote.version.as_deref().unwrap_or("HEAD");
        let names = names(wanted);
        let object = match ObjectId::parse(wanted) {
            Some(_) => Some((wanted.to_owned(), None)),
            None => self.look_up(&names).await?.map(|(id, name)| (id, Some(name))),
        };
        let missing = || RemoteError::NoVersion(wanted.to_owned());
        if let (Some(depth), Some((id, name))) = (self.remote.depth, &object) {
            let depth = format!("--depth={depth}");
            let by_id = self.git(&["fetch", "-q", "--no-tags", &depth, "--", url, id]).await;
            match (by_id, name) {
                (Ok(_), _) => return self.commit_of(id).await?.ok_or_else(missing),
                // Servers need not give away commits by their id alone.
                (Err(RemoteError::Refused(_)), Some(name)) => {
                    self.git(&["fetch", "-q", "--no-tags", &depth, "--", url, name]).await?;
                    return self.commit_of("FETCH_HEAD").await?.ok_or_else(missing);
                }
                (Err(RemoteError::Refused(_)), None) => {}
                (Err(e), _) => return Err(e),
            }
        }
        let mut all = vec!["fetch", "-q", "--", url, "+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"];
        let further = match &object {
            Some((_, Some(name))) if !name.starts_with("refs/heads/") && !name.starts_with("refs/tags/") => {
                Some(format!("+{name}:refs/remotes/origin/headworks-wanted"))
            }
            _ => None,
        };
        all.extend(further.as_deref());
        self.git(&all).await?;
        if let Some((id, name)) = &object {
            if let Some(commit) = self.commit_of(id).await? {
                return Ok(commit);
            }
            // It is reachable from no branch and no tag.
            if name.is_none() && self.git(&["fetch", "-q", "--no-tags", "--", url, id]).await.is_ok() {
                return self.commit_of(id).await?.ok_or_else(missing);
            }
            return Err(missing());
        }
        let is_short = (4..40).contains(&wanted.len()) && wanted.bytes().all(|b| b.is_ascii_hexdigit());
        if !is_short {
            return Err(missing());
        }
        self.commit_of(wanted).await?.ok_or_else(missing)
    }

    /// The first of `names` that the remote has, with its object.
    async fn look_up(&self, names: &[String]) -> Result<Option<(String, String)>, RemoteError> {
        let mut args = vec!["ls-remote", "-q", "--", self.remote.url.as_str()];
        args.extend(names.iter().map(String::as_str));
        let listed = self.git(&args).await?;
        let of = |name: &str| {
            listed
                .lines()
                .filter_map(|line| line.split_once('\t'))
                .find(|(_, n)| *n == name)
                .map(|(id, _)| id.to_owned())
        };
        Ok(names.iter().find_map(|name| Some((of(name)?, name.clone()))))
    }

    async fn commit_of(&self, revision: &str) -> Result<Option<String>, RemoteError> {
        let revision = format!("{revision}^{{commit}}");
        match self.git(&["rev-parse", "-q", "--verify", "--end-of-options", &revision]).await {
            Ok(id) => Ok(Some(id.trim().to_owned())),
            Err(RemoteError::Refused(_)) => Ok(None),
            Err(e) => Err(e),
        }
    }
}

fn remove(dir: &Path) -> Result<(), Error> {
    match fs::remove_dir_all(dir) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::io("removing", dir)(e)),
        _ => Ok(()),
    }
}

/// The refs that a version may stand for, in the order in which they are tried.
fn names(version: &str) -> Vec<String> {
    let request = version.strip_prefix("pr/").or_else(|| version.strip_prefix("mr/"));
    match request {
        Some(n) if !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()) => vec![
            format!("refs/pull/{n}/head"),
            format!("refs/merge-requests/{n}/head"),
            format!("refs/pull-requests/{n}/from"),
        ],
        _ if version == "HEAD" || version.starts_with("refs/") => vec![version.to_owned()],
        _ => vec![format!("refs/heads/{version}"), format!("refs/tags/{version}")],
    }
}

/// `https://host:port`, when `url` is one that we fetch from.
fn origin(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let host = rest.split('/').next()?;
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '\'' | '\\' | '<' | '>' | '`');
    let good = matches!(scheme, "https" | "http")
        && !host.is_empty()
        && !host.contains('@')
        && rest.len() > host.len() + 1
        && url.chars().all(plain);
    good.then(|| format!("{scheme}://{host}"))
}

/// What git says when it gives up, sorted by what there is to do about it.
fn refusal(stderr: String) -> RemoteError {
    let says = |text: &str| stderr.lines().any(|line| line.starts_with("fatal: ") && line.contains(text));
    if says("could not read Username for") || says("could not read Password for") || says("Authentication failed for") {
        return RemoteError::NeedsLogin;
    }
    if stderr.lines().any(|line| line.starts_with("fatal: repository '") && line.ends_with("' not found")) {
        return RemoteError::NoRepository;
    }
    RemoteError::Refused(stderr)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_urls_are_fetched_from() {
        assert_eq!(origin("https://github.com/a/b.git").as_deref(), Some("https://github.com"));
        assert_eq!(origin("http://127.0.0.1:3000/r").as_deref(), Some("http://127.0.0.1:3000"));
        for bad in [
            "",
            "/etc",
            "file:///etc",
            "ssh://h/r",
            "https://",
            "https://h",
            "https://u:p@h/r",
            "ext::sh -c x",
            "https://h/a b",
        ] {
            assert_eq!(origin(bad), None, "{bad}");
        }
    }

    #[test]
    fn versions_stand_for_refs() {
        assert_eq!(names("main"), ["refs/heads/main", "refs/tags/main"]);
        assert_eq!(names("pr/12")[0], "refs/pull/12/head");
        assert_eq!(names("pr/x"), ["refs/heads/pr/x", "refs/tags/pr/x"]);
        assert_eq!(names("refs/heads/a"), ["refs/heads/a"]);
    }

    #[test]
    fn a_login_is_not_shown() {
        let login = Login { user: "u".to_owned(), password: "hunter2".to_owned() };
        assert!(!format!("{login:?}").contains("hunter2"));
    }
}
