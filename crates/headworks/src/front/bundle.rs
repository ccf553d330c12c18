//! The certificates that builds trust: the machine's and our authority's.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use crate::tls;

/// Where distributions keep their bundle.
const PLACES: [&str; 5] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Where programs on this machine look for trusted certificates: each file once, whatever links lead to it. Never empty.
pub(crate) fn bundle_paths() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = Vec::new();
    for place in PLACES {
        if let Ok(real) = fs::canonicalize(place)
            && real.is_file()
            && !found.contains(&real)
        {
            found.push(real);
        }
    }
    if found.is_empty() {
        found.extend(PLACES.first().map(PathBuf::from));
    }
    found
}

/// Writes the bundle; builds read it, so it is readable by all.
pub(crate) fn write_bundle(data_dir: &Path, paths: &[PathBuf]) -> io::Result<PathBuf> {
    let mut text = paths.first().and_then(|path| fs::read(path).ok()).unwrap_or_default();
    if !text.is_empty() && !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    text.extend(fs::read(tls::authority_path(data_dir))?);
    let path = data_dir.join("tls").join("bundle.pem");
    let temporary = data_dir.join("tls").join("bundle.pem.new");
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(&temporary)?;
    file.write_all(&text)?;
    fs::set_permissions(&temporary, fs::Permissions::from_mode(0o644))?;
    fs::rename(&temporary, &path)?;
    Ok(path)
}
