//! Pushing as a user does: with the git that is on this machine.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Command, Output};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::cli::CliError;

/// A folder, and where git keeps what it knows of it.
pub struct WorkTree<'a> {
    pub folder: &'a Path,
    /// Of our own, so that a `.git` of the user's stays as it is.
    pub git_dir: &'a Path,
}

impl WorkTree<'_> {
    /// Commits the folder's files to a new branch `main`: of a repository those that it tracks and those that it does not
    /// ignore, of another folder those that no `.gitignore` in it names.
    pub fn commit(&self, author: &str, message: &str) -> Result<(), CliError> {
        self.git(&["init", "-q", "-b", "main"], &[])?;
        // The files as they are, whatever attributes say of archives.
        let info = self.git_dir.join("info");
        let attributes = "* -export-ignore -export-subst\n";
        std::fs::create_dir_all(&info).map_err(CliError::environment)?;
        std::fs::write(info.join("attributes"), attributes).map_err(CliError::environment)?;
        match self.listed()? {
            Some(files) if files.is_empty() => {}
            Some(files) => {
                let list = self.git_dir.join("headworks-files");
                std::fs::write(&list, files).map_err(CliError::environment)?;
                let from = format!("--pathspec-from-file={}", list.display());
                let literal = [("GIT_LITERAL_PATHSPECS", "1")];
                self.git(&["add", "--force", &from, "--pathspec-file-nul"], &literal)?;
            }
            None => {
                self.git(&["add", "--all", "."], &[])?;
            }
        }
        let email = format!("{}@localhost", author.to_lowercase());
        let who = [
            ("GIT_AUTHOR_NAME", author),
            ("GIT_AUTHOR_EMAIL", &email),
            ("GIT_COMMITTER_NAME", author),
            ("GIT_COMMITTER_EMAIL", &email),
        ];
        self.git(&["commit", "-q", "--allow-empty", "-m", message], &who)?;
        Ok(())
    }

    /// The files that the folder's own repository has in it or does not ignore, each with a NUL behind it; `None` when the
    /// folder is in none. What is no file (a repository in the repository) is left out and named.
    fn listed(&self) -> Result<Option<Vec<u8>>, CliError> {
        #[expect(clippy::disallowed_methods, reason = "it plays the user, who runs git")]
        let mut command = Command::new("git");
        // Its settings may name programs; none of them is run.
        let safe = ["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"];
        command.current_dir(self.folder).args(safe).args(["ls-files", "-z", "-c", "-o", "--exclude-standard", "."]);
        command.env("GIT_OPTIONAL_LOCKS", "0").env_remove("GIT_DIR").env_remove("GIT_WORK_TREE");
        let output = command.output().map_err(|e| CliError::environment(format!("cannot run git: {e}")))?;
        if !output.status.success() {
            return Ok(None);
        }
        let mut files = Vec::new();
        for name in output.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
            let path = self.folder.join(std::ffi::OsStr::from_bytes(name));
            match path.symlink_metadata() {
                Ok(meta) if meta.is_dir() => {
                    let shown = String::from_utf8_lossy(name).escape_debug().to_string();
                    eprintln!("warning: {shown} is a repository of its own; its files are left out");
                }
                Ok(_) => {
                    files.extend_from_slice(name);
                    files.push(0);
                }
                // Deleted, and not committed yet.
                Err(_) => {}
            }
        }
        Ok(Some(files))
    }

    /// Pushes `main`; gives the commit's id. The credentials travel in the environment, never in the arguments, which every
    /// process may read.
    pub fn push(&self, url: &str, user: &str, password: &str) -> Result<String, CliError> {
        let header = format!("Authorization: Basic {}", STANDARD.encode(format!("{user}:{password}")));
        let config =
            [("GIT_CONFIG_COUNT", "1"), ("GIT_CONFIG_KEY_0", "http.extraHeader"), ("GIT_CONFIG_VALUE_0", &header)];
        self.git(&["push", "-q", url, "main"], &config)?;
        let id = self.git(&["rev-parse", "HEAD"], &[])?;
        Ok(String::from_utf8_lossy(&id.stdout).trim().to_owned())
    }

    /// Writes the commit's files into a zip.
    pub fn zip(&self, file: &Path) -> Result<(), CliError> {
        let file = file.to_str().ok_or_else(|| CliError::environment("a temporary folder's path is not text"))?;
        self.git(&["archive", "--format=zip", "-o", file, "HEAD"], &[]).map(drop)
    }

    fn git(&self, args: &[&str], variables: &[(&str, &str)]) -> Result<Output, CliError> {
        #[expect(clippy::disallowed_methods, reason = "it plays the user, who runs git")]
        let mut command = Command::new("git");
        command.current_dir(self.folder).args(args).env("GIT_DIR", self.git_dir).env("GIT_WORK_TREE", self.folder);
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0");
        command.env_remove("GIT_INDEX_FILE").envs(variables.iter().copied());
        let output = command
            .output()
            .map_err(|e| CliError::environment(format!("cannot run git: {e}")).hint("install git and try again"))?;
        if output.status.success() {
            return Ok(output);
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(CliError::environment(format!("git {} failed: {said}", args.first().unwrap_or(&""))))
    }
}
