//! Pushing as a user does: with the git that is on this machine.

use std::path::Path;
use std::process::{Command, Output};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::cli::CliError;

/// Commits everything in `dir` and pushes it to `main` of `url`; gives the commit's id. The credentials travel
/// in the environment, never in the arguments, which every process may read.
pub fn commit_and_push(dir: &Path, url: &str, user: &str, password: &str) -> Result<String, CliError> {
    git(dir, &["init", "-q", "-b", "main"], None)?;
    git(dir, &["add", "."], None)?;
    git(dir, &["commit", "-q", "-m", "The site"], None)?;
    let header = format!("Authorization: Basic {}", STANDARD.encode(format!("{user}:{password}")));
    git(dir, &["push", "-q", url, "main"], Some(&header))?;
    let id = git(dir, &["rev-parse", "HEAD"], None)?;
    Ok(String::from_utf8_lossy(&id.stdout).trim().to_owned())
}

fn git(dir: &Path, args: &[&str], header: Option<&str>) -> Result<Output, CliError> {
    #[expect(clippy::disallowed_methods, reason = "the demo plays the user, who runs git")]
    let mut command = Command::new("git");
    command.current_dir(dir).args(args);
    command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1").env("GIT_TERMINAL_PROMPT", "0");
    for (name, value) in [("NAME", "Demo"), ("EMAIL", "demo@localhost")] {
        command.env(format!("GIT_AUTHOR_{name}"), value).env(format!("GIT_COMMITTER_{name}"), value);
    }
    if let Some(header) = header {
        command.env("GIT_CONFIG_COUNT", "1").env("GIT_CONFIG_KEY_0", "http.extraHeader");
        command.env("GIT_CONFIG_VALUE_0", header);
    }
    let output = command
        .output()
        .map_err(|e| CliError::environment(format!("cannot run git: {e}")).hint("install git and try again"))?;
    if output.status.success() {
        return Ok(output);
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(CliError::environment(format!("git {} failed: {said}", args.first().unwrap_or(&""))))
}
