//! One file out of an input artifact.

use std::fs::File;

use engine::pipeline::{ArtifactFile, RunAction};
use platform::Cx;
use store::outbox::Claimed;

use super::Trouble;
use super::blocking::blocking;
use super::clone_ref::{self, CloneRef};
use super::deploy::fetch;
use crate::scratch::Scratch;
use crate::{PerformError, archive};

/// A larger file is none that an action reads.
const MAX_BYTES: u64 = 1 << 20;

/// The text of the file that an action reads.
pub(super) async fn text(cx: &Cx, claimed: &Claimed, run: &RunAction, file: &ArtifactFile) -> Result<String, Trouble> {
    let (name, path) = (file.artifact.clone(), file.path.clone());
    let artifact = run.inputs.iter().find(|a| a.name == name);
    let artifact =
        artifact.ok_or_else(|| Trouble::configuration(format!("The action has no input artifact '{name}'.")))?;
    let scratch = Scratch::new(cx, &claimed.key)?;
    let zip = scratch.path().join("artifact.zip");
    let size = fetch(cx, artifact, &zip).await?;
    blocking("read a file of an artifact", move || {
        let open = |e: std::io::Error| Trouble::Ours(PerformError::new("open an artifact", e));
        if size <= clone_ref::MAX_BYTES && CloneRef::read(&std::fs::read(&zip).map_err(open)?).is_some() {
            return Err(Trouble::configuration(format!(
                "The artifact '{name}' is a reference that only builds can use (CODEBUILD_CLONE_REF): it has no file {path}."
            )));
        }
        let content = archive::read_file(File::open(&zip).map_err(open)?, &path, MAX_BYTES).map_err(|e| {
            match e.is_users() {
                true => Trouble::configuration(format!("Cannot read {path} of the artifact '{name}': {e}")),
                false => Trouble::Ours(PerformError::new(format!("read a file of the artifact '{name}'"), e)),
            }
        })?;
        let content = content
            .ok_or_else(|| Trouble::configuration(format!("The artifact '{name}' has no file {path}.")))?;
        String::from_utf8(content)
            .map_err(|_| Trouble::configuration(format!("The file {path} of the artifact '{name}' is not UTF-8 text.")))
    })
    .await
}
