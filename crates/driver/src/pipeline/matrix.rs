//! Reads the runs of a matrix from a file of an input artifact.

use engine::pipeline::{ArtifactFile, ExecutionInput, RunAction};
use formats::pipeline::Matrix;
use platform::Cx;
use store::outbox::{self, Claimed};

use super::{Trouble, answer, artifact_file};
use crate::PerformError;

/// Reads the file and tells the execution what it holds.
pub(super) async fn read(
    (cx, acting): (&Cx, &Cx),
    claimed: &Claimed,
    run: &RunAction,
    file: &ArtifactFile,
) -> Result<(), Trouble> {
    let text = artifact_file::text(acting, claimed, run, file).await?;
    let runs = Matrix::parse(&text).and_then(|matrix| matrix.values()).map_err(|why| {
        let ArtifactFile { artifact, path } = file;
        Trouble::configuration(format!(
            "The file {path} of the artifact '{artifact}' is not a matrix for action '{}': {why}.",
            run.action
        ))
    })?;
    let claimed = claimed.clone();
    let told = cx.store.write(move |tx| {
        let input = ExecutionInput::MatrixRead { key: claimed.key.clone(), runs: runs.clone() };
        let claimed = claimed.clone();
        Box::pin(async move {
            answer::step(tx, &claimed.machine_id, input).await?;
            outbox::finish(tx, &claimed).await
        })
    });
    told.await.map_err(|e: store::Error| Trouble::Ours(PerformError::from(e)))
}
