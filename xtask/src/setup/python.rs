//! Python environments with pinned packages, under `target/`.

use std::path::Path;

use anyhow::{Context, Result};

use crate::program::{must, program, works};
use crate::workspace;

/// Makes `environment` hold exactly the packages that the file `list` pins.
pub fn install(environment: &Path, list: &str) -> Result<()> {
    let wanted =
        std::fs::read_to_string(workspace::root().join(list)).with_context(|| format!("cannot read {list}"))?;
    // Written last, so that an interrupted installation is done again.
    let stamp = environment.join(".installed");
    let python = environment.join("bin/python");
    if std::fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted)
        && works(program(&python).arg("--version"))
    {
        return Ok(());
    }
    must(program("python3").args(["-m", "venv", "--clear"]).arg(environment))?;
    must(program(&python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", list]))?;
    std::fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}
