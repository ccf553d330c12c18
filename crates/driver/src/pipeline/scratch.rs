//! A folder for the time of one effect.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use platform::Cx;

use super::Trouble;
use crate::PerformError;

/// A folder that goes with this value. It is named after the effect, so that what a killed server left behind is
/// removed by the next try.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    pub fn new(cx: &Cx, effect_key: &str) -> Result<Scratch, Trouble> {
        let name = base::derived_hex(&["scratch", effect_key], 32);
        let dir = cx.site.data_dir.join("scratch").join(name);
        let fresh = || {
            match fs::remove_dir_all(&dir) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                _ => {}
            }
            fs::create_dir_all(&dir)
        };
        fresh().map_err(|e| Trouble::Ours(PerformError::new(format!("make the folder {}", dir.display()), e)))?;
        Ok(Scratch(dir))
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(e) = fs::remove_dir_all(&self.0) {
            tracing::warn!(error = %e, folder = %self.0.display(), "a scratch folder was left behind");
        }
    }
}

/// Runs what waits for the disk away from the threads that serve requests.
pub(super) async fn blocking<T: Send + 'static>(
    doing: &'static str,
    work: impl FnOnce() -> Result<T, Trouble> + Send + 'static,
) -> Result<T, Trouble> {
    tokio::task::spawn_blocking(work).await.map_err(|e| Trouble::Ours(PerformError::new(doing, e)))?
}
