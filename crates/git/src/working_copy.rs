//! A commit of one of our repositories as a working copy with a `.git` of its own.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::Path;

use crate::process::{git, run};
use crate::{Error, ObjectId, Repository};

impl Repository {
    /// Writes the files of `commit` into `dir`, which must be empty or not exist yet, with a `.git` that has the
    /// history, the branches (as those of `origin`, which is at `origin_url`) and the tags. `HEAD` is detached. With
    /// `depth` the history is cut off behind so many commits, and there are no other branches and tags.
    ///
    /// Nothing is shared with the repository: whoever gets the folder may change all that is in it.
    pub async fn working_copy(
        &self,
        commit: ObjectId,
        dir: &Path,
        origin_url: &str,
        depth: Option<u32>,
    ) -> Result<(), Error> {
        let (repository, folder, url) = (self.clone(), dir.to_owned(), origin_url.to_owned());
        let made = tokio::task::spawn_blocking(move || {
            repository.checkout(commit, &folder)?;
            let git_dir = folder.join(".git");
            prepare(&git_dir, &url)?;
            if depth.is_none() {
                repository.copy_objects(&git_dir.join("objects"))?;
                let refs: String = repository.mirrored_refs()?.iter().map(|(name, id)| remote_ref(name, *id)).collect();
                write(&git_dir.join("packed-refs"), &format!("# pack-refs with:\n{refs}"))?;
            }
            write(&git_dir.join("HEAD"), &format!("{commit}\n"))
        });
        made.await.map_err(Error::objects("making a working copy"))??;
        let git_dir = dir.join(".git");
        if let Some(depth) = depth {
            let from = format!("file://{}", self.dir().display());
            let (depth, commit) = (format!("--depth={depth}"), commit.to_string());
            let args = ["fetch", "-q", "--no-tags", &depth, "--", &from, &commit].map(OsStr::new);
            run(git(&git_dir, &args).env("GIT_ALLOW_PROTOCOL", "file"), "fetch").await?;
        }
        // Not quiet: then it looks at the files, and nobody takes them for changed later.
        let mut index = git(&git_dir, &["reset".as_ref()]);
        index.env("GIT_WORK_TREE", dir).current_dir(dir);
        run(&mut index, "reset").await.map(|_| ())
    }

    /// Packs and loose objects; what is just being received is left out.
    fn copy_objects(&self, to: &Path) -> Result<(), Error> {
        let from = self.dir().join("objects");
        for entry in fs::read_dir(&from).map_err(Error::io("listing", &from))? {
            let name = entry.map_err(Error::io("listing", &from))?.file_name();
            let is_fan = name.len() == 2 && name.to_str().is_some_and(|n| n.bytes().all(|b| b.is_ascii_hexdigit()));
            if !is_fan && name != "pack" {
                continue;
            }
            let (from, to) = (from.join(&name), to.join(&name));
            fs::create_dir_all(&to).map_err(Error::io("making the folder", &to))?;
            for file in fs::read_dir(&from).map_err(Error::io("listing", &from))? {
                let file = file.map_err(Error::io("listing", &from))?;
                let name = file.file_name();
                if name.to_str().is_none_or(|n| n.starts_with("tmp_") || n.ends_with(".lock")) {
                    continue;
                }
                match fs::copy(file.path(), to.join(&name)) {
                    // Packs may be joined right now: the new one is listed, or will be by the caller's next try.
                    Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                    other => other.map(|_| ()).map_err(Error::io("copying", file.path()))?,
                }
            }
        }
        Ok(())
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

fn remote_ref(name: &str, id: ObjectId) -> String {
    match name.strip_prefix("refs/heads/") {
        Some(branch) => format!("{id} refs/remotes/origin/{branch}\n"),
        None if name.starts_with("refs/tags/") => format!("{id} {name}\n"),
        None => String::new(),
    }
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    fs::write(path, text).map_err(Error::io("writing", path))
}
