//! Finds the Python that has botocore.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A command for the Python with botocore; `None`, having said why, when there is none.
#[expect(clippy::disallowed_methods, reason = "the test runs a real client beside us")]
pub fn python(test: &str) -> Option<Command> {
    let named = std::env::var_os("HEADWORKS_PYTHON").map(PathBuf::from);
    let default = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/venv/bin/python"));
    let path = named.unwrap_or(default);
    let works = Command::new(&path)
        .args(["-c", "import botocore"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !works {
        println!("SKIPPED {test}: {} has no botocore; `cargo xtask setup` installs it", path.display());
        return None;
    }
    Some(Command::new(path))
}
