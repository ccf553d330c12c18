//! A commit of one of our repositories as a working copy with a `.git` of its own.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::Path;

use crate::process::{git, run};
use crate::{Error, Mode, ObjectId, Repository};

/// What is set for each run here: the copy can be made again, and what was pushed has been checked then.
const CONFIG: &[&str] = &["-c", "core.fsync=none", "-c", "transfer.fsckObjects=false"];
/// The other side of a local fetch gets none of our settings, and the repository may belong to another user.
const UPLOAD_PACK: &str = "--upload-pack=git -c 'safe.directory=*' -c uploadpack.allowAnySHA1InWant=true upload-pack";
/// More than this is no list of submodules.
const MAX_FILE_BYTES: u64 = 1 << 20;
/// What git says of names that no disk of ours can have.
const NOT_FILES: [&str; 2] = ["invalid path", "File name too long"];
const ALL_REFS: [&str; 2] = ["+refs/heads/*:refs/remotes/origin/*", "+refs/tags/*:refs/tags/*"];

/// A repository in a repository, as `.gitmodules` and the tree have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submodule {
    /// The name of its settings in `.gitmodules`; empty when it has none there.
    pub name: String,
    /// Where it belongs; the working copy has an empty folder there.
    pub path: String,
    /// As written; it may be relative to the URL of the repository around it. Empty when there is none.
    pub url: String,
    pub commit: ObjectId,
}

impl Repository {
    /// Writes the files of `commit` into `dir`, which must be empty or not exist yet, with a `.git` that has the
    /// history, the branches (as those of `origin`, which is at `origin_url`) and the tags. `HEAD` is detached. With
    /// `depth` the history is cut off behind so many commits, and there are only the branches and tags that point at
    /// the commit. Submodules are empty folders.
    ///
    /// Nothing is shared with the repository: objects come as a pack, so whoever gets the folder may change all that is
    /// in it, and what no branch or tag leads to any more is not given away. A push or upkeep of the repository at the
    /// same time does no harm.
    pub async fn working_copy(
        &self,
        commit: ObjectId,
        dir: &Path,
        origin_url: &str,
        depth: Option<u32>,
    ) -> Result<(), Error> {
        let (repository, folder, url) = (self.clone(), dir.to_owned(), origin_url.to_owned());
        let made = tokio::task::spawn_blocking(move || {
            repository.check_tree(commit)?;
            prepare(&folder.join(".git"), &url)?;
            let from = repository.dir().canonicalize().map_err(Error::io("finding", repository.dir()))?;
            let refs = match depth {
                None => ALL_REFS.map(str::to_owned).to_vec(),
                Some(_) => repository.refspecs_at(commit)?,
            };
            Ok::<_, Error>((from, refs, repository.mirrored_head()?))
        });
        let (from, refs, head) = made.await.map_err(Error::objects("making a working copy"))??;
        let git_dir = dir.join(".git");
        let mut args: Vec<OsString> = CONFIG.iter().map(OsString::from).collect();
        args.extend(["fetch", "-q", "--no-tags", "--no-write-fetch-head", UPLOAD_PACK].map(OsString::from));
        args.extend(depth.map(|depth| format!("--depth={depth}").into()));
        args.extend(["--".into(), from.into_os_string(), commit.to_string().into()]);
        args.extend(refs.iter().map(OsString::from));
        let args: Vec<&OsStr> = args.iter().map(OsString::as_os_str).collect();
        run(git(&git_dir, &args).env("GIT_ALLOW_PROTOCOL", "file"), "fetch").await?;
        if let Some(branch) = head.as_deref().and_then(|head| head.strip_prefix("refs/heads/"))
            && refs.iter().any(|spec| spec == ALL_REFS[0] || spec.starts_with(&format!("+refs/heads/{branch}:")))
        {
            let origin = git_dir.join("refs/remotes/origin");
            fs::create_dir_all(&origin).map_err(Error::io("making the folder", &origin))?;
            write(&origin.join("HEAD"), &format!("ref: refs/remotes/origin/{branch}\n"))?;
        }
        let commit = commit.to_string();
        let args: Vec<&OsStr> =
            CONFIG.iter().copied().chain(["checkout", "-q", "--detach", &commit, "--"]).map(OsStr::new).collect();
        let checked_out = run(git(&git_dir, &args).env("GIT_WORK_TREE", dir).current_dir(dir), "checkout").await;
        checked_out.map(|_| ()).map_err(|e| match &e {
            Error::Git { stderr, .. } if NOT_FILES.iter().any(|why| stderr.contains(why)) => {
                e.of_content("the commit cannot be written as files")
            }
            _ => e,
        })
    }

    /// The submodules of a commit, with what `.gitmodules` says about them; those with `update = none` are left out.
    pub async fn submodules(&self, commit: ObjectId) -> Result<Vec<Submodule>, Error> {
        let repository = self.clone();
        let found = tokio::task::spawn_blocking(move || {
            let (objects, mut found, mut file) = (repository.objects()?, Vec::new(), None);
            let tree = objects.commit(objects.peel_to_commit(commit)?)?.tree;
            objects.walk(tree, &mut Vec::new(), 0, &mut |entry| {
                if entry.path == b".gitmodules" && entry.mode == Mode::File {
                    file = Some(entry.id);
                }
                if entry.mode == Mode::Submodule {
                    found.push((entry.path_text(), entry.id));
                }
                Ok(())
            })?;
            if let Some(id) = file {
                objects.fits(id, || ".gitmodules".to_owned(), MAX_FILE_BYTES)?;
            }
            Ok::<_, Error>((found, file))
        });
        let (found, file) = found.await.map_err(Error::objects("looking for submodules"))??;
        if found.is_empty() {
            return Ok(Vec::new());
        }
        let listed = match file {
            None => String::new(),
            Some(id) => {
                // With includes it would name files of this machine, which git would open.
                let id = id.to_string();
                let args = ["config", "--list", "-z", "--no-includes", "--blob", &id].map(OsStr::new);
                let listed = run(&mut git(self.dir(), &args), "config").await;
                listed.map_err(|e| e.of_content(".gitmodules cannot be read"))?
            }
        };
        let settings: Vec<(&str, &str)> = listed.split('\0').filter_map(|line| line.split_once('\n')).collect();
        let submodule = |(path, commit): (String, ObjectId)| {
            let name_of = |key: &str| key.strip_prefix("submodule.")?.strip_suffix(".path").map(str::to_owned);
            let name = settings.iter().filter(|(_, value)| *value == path).find_map(|(key, _)| name_of(key));
            let name = name.unwrap_or_default();
            let key = format!("submodule.{name}.url");
            let url = settings.iter().find(|(k, _)| *k == key).map(|(_, url)| (*url).to_owned()).unwrap_or_default();
            Submodule { name, path, url, commit }
        };
        let is_wanted = |found: &Submodule| {
            let key = format!("submodule.{}.update", found.name);
            !settings.iter().any(|(k, value)| *k == key && *value == "none")
        };
        Ok(found.into_iter().map(submodule).filter(is_wanted).collect())
    }

    /// What fetches the branches and tags that point at `commit`.
    fn refspecs_at(&self, commit: ObjectId) -> Result<Vec<String>, Error> {
        let objects = self.objects()?;
        let refs = self.mirrored_refs()?.into_iter().filter_map(|(name, id)| {
            if let Some(branch) = name.strip_prefix("refs/heads/") {
                return (id == commit).then(|| format!("+{name}:refs/remotes/origin/{branch}"));
            }
            // A tag may name something else than a commit.
            let here = name.starts_with("refs/tags/") && objects.peel_to_commit(id).is_ok_and(|found| found == commit);
            here.then(|| format!("+{name}:{name}"))
        });
        Ok(refs.collect())
    }
}

impl Submodule {
    /// Tells the working copy around it that it is there, and comes from `url`.
    pub async fn register(&self, around: &Path, url: &str) -> Result<(), Error> {
        let key = format!("submodule.{}.url", self.name);
        let args = ["config", "--", &key, url].map(OsStr::new);
        run(&mut git(&around.join(".git"), &args), "config").await.map(|_| ())
    }
}

/// An empty repository.
pub(crate) fn prepare(git_dir: &Path, origin_url: &str) -> Result<(), Error> {
    for sub in ["objects/info", "objects/pack", "refs/heads", "refs/tags"] {
        let path = git_dir.join(sub);
        fs::create_dir_all(&path).map_err(Error::io("making the folder", &path))?;
    }
    let url = origin_url.replace('\\', "\\\\").replace('"', "\\\"").replace(['\n', '\r', '\0'], "");
    let config = format!(
        "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n\tlogallrefupdates = true\n\
         [remote \"origin\"]\n\turl = \"{url}\"\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n"
    );
    write(&git_dir.join("config"), &config)?;
    write(&git_dir.join("HEAD"), "ref: refs/heads/main\n")
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    fs::write(path, text).map_err(Error::io("writing", path))
}
