//! Programs that come from the operating system.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::program::{is_root, must, program, works};

struct Need {
    /// What the tests use it for.
    purpose: &'static str,
    /// Debian's package.
    package: &'static str,
    is_there: fn() -> bool,
}

const NEEDS: &[Need] = &[
    Need { purpose: "git", package: "git", is_there: || works(program("git").arg("--version")) },
    Need { purpose: "a C compiler", package: "gcc", is_there: || works(program("cc").arg("--version")) },
    Need { purpose: "Python's venv", package: "python3-venv", is_there: python_has_venv },
    Need { purpose: "PostgreSQL's server", package: "postgresql", is_there: || postgres_folder().is_some() },
    Need { purpose: "openssl", package: "openssl", is_there: || works(program("openssl").arg("version")) },
    Need { purpose: "bash", package: "bash", is_there: || works(program("bash").arg("--version")) },
];

/// Installs what is missing when we are root on a Debian; else says what is missing.
pub fn run() -> Result<()> {
    let missing: Vec<&Need> = NEEDS.iter().filter(|need| !(need.is_there)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    if !is_root() || !works(program("apt-get").arg("--version")) {
        let list: Vec<String> = missing.iter().map(|n| format!("{} (Debian: {})", n.purpose, n.package)).collect();
        bail!(
            "missing on this machine: {}\n\
             hint: on Debian or Ubuntu `sudo apt-get install {}`; run setup as root to have it done",
            list.join(", "),
            packages.join(" ")
        );
    }
    must(program("apt-get").args(["update", "-q"]))?;
    must(
        program("apt-get")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(["install", "-y", "-q", "--no-install-recommends"])
            .args(&packages),
    )?;
    match missing.iter().find(|need| !(need.is_there)()) {
        Some(need) => bail!("{} is still missing after installing {}", need.purpose, need.package),
        None => Ok(()),
    }
}

fn python_has_venv() -> bool {
    works(program("python3").args(["-c", "import venv, ensurepip, sqlite3, ssl"]))
}

/// The folder with `initdb` and `postgres`, the newest if there are several.
pub fn postgres_folder() -> Option<PathBuf> {
    let has_both = |folder: &Path| folder.join("initdb").exists() && folder.join("postgres").exists();
    let mut debian: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, folder)| has_both(folder))
        .collect();
    debian.sort();
    debian
        .pop()
        .map(|(_, folder)| folder)
        .or_else(|| std::env::split_paths(&std::env::var_os("PATH")?).find(|folder| has_both(folder)))
}
