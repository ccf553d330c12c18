//! Pushing as a user does: with the git that is on this machine.

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
    /// Commits everything in the folder that `.gitignore` does not name, to a new branch `main`.
    pub fn commit(&self, author: &str, message: &str) -> Result<(), CliError> {
        self.git(&["init", "-q", "-b", "main"], &[])?;
        self.git(&["add", "--all", "."], &[])?;
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
