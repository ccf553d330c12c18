//! A folder for the time of one effect.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use platform::Cx;

use crate::PerformError;

/// A folder that goes with this value. It is named after the effect, so that what a killed server left behind is
/// removed by the next try.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub fn new(cx: &Cx, effect_key: &str) -> Result<Scratch, PerformError> {
        let name = base::derived_hex::<32>(&["scratch", effect_key]);
        let dir = cx.site.data_dir.join("scratch").join(name);
        let fresh = || {
            match fs::remove_dir_all(&dir) {
                Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                _ => {}
            }
            fs::create_dir_all(&dir)
        };
        fresh().map_err(|e| PerformError::new(format!("make the folder {}", dir.display()), e))?;
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
