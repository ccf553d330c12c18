//! The root key: made at the first start with a random secret, kept in a file that only its owner can read.

use std::fs;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base::{Ids, Secret};
use serde::{Deserialize, Serialize};

use crate::cli::CliError;

/// An access key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RootKey {
    pub access_key_id: String,
    pub secret_access_key: Secret<String>,
}

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("root-key.json")
}

/// The key of this data folder; the first call makes it (40 random characters, file mode 0600).
pub fn read_or_make(data_dir: &Path, ids: &dyn Ids) -> Result<RootKey, CliError> {
    if path(data_dir).exists() {
        return read(data_dir);
    }
    let new = platform::iam::new_root_key(ids);
    let key = RootKey { access_key_id: new.access_key, secret_access_key: new.secret };
    let text = serde_json::to_vec_pretty(&key).map_err(CliError::internal)?;
    let temporary = data_dir.join("root-key.json.new");
    let write = || -> std::io::Result<()> {
        let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        file.write_all(&text)?;
        file.sync_all()?;
        fs::rename(&temporary, path(data_dir))?;
        fs::File::open(data_dir)?.sync_all()
    };
    write().map_err(|e| CliError::environment(format!("cannot write the root key: {e}")))?;
    Ok(key)
}

/// The key of this data folder.
pub fn read(data_dir: &Path) -> Result<RootKey, CliError> {
    let path = path(data_dir);
    let text = fs::read(&path).map_err(|e| {
        let hint = match e.kind() {
            std::io::ErrorKind::NotFound => "the first `headworks up` makes it",
            _ => "only the user who runs the server may read it",
        };
        CliError::user(format!("cannot read {}: {e}", path.display())).hint(hint)
    })?;
    serde_json::from_slice(&text).map_err(|e| CliError::environment(format!("{} is damaged: {e}", path.display())))
}
