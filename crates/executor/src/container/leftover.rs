//! The note beside a job that tells whoever removes it, after any crash, which container goes with it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::engine::{Engine, EngineError};
use crate::folder::{Folder, write_durably};

/// Notes of containers whose engine did not answer when they were to be removed; beside the jobs' folders.
const LEFT: &str = ".container-";

/// Which container, of which engine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Note {
    pub socket: PathBuf,
    pub name: String,
}

impl Note {
    pub fn write(&self, folder: &Folder) -> io::Result<()> {
        write_durably(&folder.container(), &serde_json::to_vec(self)?)
    }

    fn read(path: &Path) -> Option<Note> {
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    async fn remove(&self) -> Result<(), EngineError> {
        Engine::connect(&self.socket).await?.remove(&self.name).await
    }
}

/// Removes the job's container, if it has one; says whether it has. An engine that does not answer must not keep a job from
/// being removed: then the note stays until [`remove_left`].
pub(crate) async fn remove_noted(folder: &Folder, jobs_dir: &Path) -> io::Result<bool> {
    let Some(note) = Note::read(&folder.container()) else { return Ok(false) };
    if let Err(error) = note.remove().await {
        tracing::warn!(container.name = note.name, error = %error, "a container could not be removed yet");
        let left = jobs_dir.join(format!("{LEFT}{}", note.name));
        write_durably(&left, &serde_json::to_vec(&note)?)?;
    }
    Ok(true)
}

/// Removes what could not be removed before.
pub(crate) async fn remove_left(jobs_dir: &Path) {
    for entry in fs::read_dir(jobs_dir).into_iter().flatten().flatten() {
        if !entry.file_name().to_string_lossy().starts_with(LEFT) {
            continue;
        }
        let removed = match Note::read(&entry.path()) {
            Some(note) => note.remove().await,
            None => Ok(()),
        };
        if removed.is_ok() {
            let _ = fs::remove_file(entry.path());
        }
    }
}
