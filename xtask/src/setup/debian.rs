//! Programs that come from the operating system.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::program::{is_root, must, output_of, program, works};

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

/// What a single test uses and skips without: a machine that lacks it is still able to test.
const WISHES: &[Need] = &[
    Need {
        purpose: "version 2 of the aws command (`aws logs tail --follow`; PyPI has version 1 only)",
        package: "awscli",
        is_there: aws_version_2,
    },
    Need {
        purpose: "Podman (tests of the container executor)",
        package: "podman",
        is_there: || works(program("podman").arg("--version")),
    },
    Need {
        purpose: "runc (Podman's runtime in the tests)",
        package: "runc",
        is_there: || works(program("runc").arg("--version")),
    },
    Need {
        purpose: "networks for Podman",
        package: "containernetworking-plugins",
        is_there: || Path::new("/usr/lib/cni/bridge").exists(),
    },
    Need {
        purpose: "iptables (networks for Podman)",
        package: "iptables",
        is_there: || works(program("iptables").arg("--version")),
    },
    Need {
        purpose: "buildah (container images in builds)",
        package: "buildah",
        is_there: || works(program("buildah").arg("--version")),
    },
    Need {
        purpose: "subordinate users (containers without root)",
        package: "uidmap",
        is_there: || Path::new("/usr/bin/newuidmap").exists(),
    },
    Need {
        purpose: "a static busybox (the image of the tests)",
        package: "busybox-static",
        is_there: || works(program("busybox").arg("--help")),
    },
];

/// Installs what is missing when we are root on a Debian; else says what is missing.
pub fn run() -> Result<()> {
    need()?;
    for wish in WISHES.iter().filter(|wish| !(wish.is_there)()) {
        let installed = can_install() && install(&[wish.package]).is_ok() && (wish.is_there)();
        if !installed {
            eprintln!("setup: without {} (Debian 12: {}), a test of it will be skipped", wish.purpose, wish.package);
        }
    }
    Ok(())
}

fn need() -> Result<()> {
    let missing: Vec<&Need> = NEEDS.iter().filter(|need| !(need.is_there)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let packages: Vec<&str> = missing.iter().map(|need| need.package).collect();
    if !can_install() {
        let list: Vec<String> = missing.iter().map(|n| format!("{} (Debian: {})", n.purpose, n.package)).collect();
        bail!(
            "missing on this machine: {}\n\
             hint: on Debian or Ubuntu `sudo apt-get install {}`; run setup as root to have it done",
            list.join(", "),
            packages.join(" ")
        );
    }
    install(&packages)?;
    match missing.iter().find(|need| !(need.is_there)()) {
        Some(need) => bail!("{} is still missing after installing {}", need.purpose, need.package),
        None => Ok(()),
    }
}

fn can_install() -> bool {
    is_root() && works(program("apt-get").arg("--version"))
}

fn install(packages: &[&str]) -> Result<()> {
    must(program("apt-get").args(["update", "-q"]))?;
    must(
        program("apt-get")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(["install", "-y", "-q", "--no-install-recommends"])
            .args(packages),
    )
}

/// Version 1 prints its version, too, and may come first in `PATH`.
fn aws_version_2() -> bool {
    output_of(program("/usr/bin/aws").arg("--version")).is_ok_and(|version| version.starts_with("aws-cli/2."))
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
