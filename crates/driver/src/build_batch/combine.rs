//! Puts the artifacts of all builds of a batch into one place, each build's in a folder of its name.

use std::path::Path;

use engine::build::{ArtifactPlan, ArtifactTarget, Packaging, Place, destination_key};
use engine::build_batch::{BatchInput, BuildBatch, CombinePart};
use platform::Cx;
use store::machine;
use store::outbox::Claimed;

use super::answer;
use crate::PerformError;
use crate::archive::{self, Limits, Links};
use crate::build::{Ground, PrepareTrouble, UploadTrouble, as_role, download, fetch_folder, upload_set};
use crate::scratch::Scratch;

/// What is to be combined, and where to.
pub(super) struct Wanted {
    pub parts: Vec<CombinePart>,
    pub target: ArtifactTarget,
    pub batch_uuid: String,
    pub batch_arn: String,
}

enum Trouble {
    Failure(String),
    Retry(PerformError),
}

impl From<PerformError> for Trouble {
    fn from(e: PerformError) -> Self {
        Trouble::Retry(e)
    }
}

pub(super) async fn combine(cx: &Cx, claimed: &Claimed, wanted: &Wanted) -> Result<(), PerformError> {
    let batch = {
        let mut tx = cx.store.read().await?;
        machine::get::<BuildBatch>(&mut tx, &claimed.machine_id).await?
    };
    let key = claimed.key.clone();
    let Some(batch) = batch else {
        let message = "the batch is gone".to_owned();
        return answer::result(
            cx,
            claimed,
            BatchInput::CombineFailed { key, code: "CLIENT_ERROR".to_owned(), message },
        )
        .await;
    };
    let scratch = Scratch::new(cx, &claimed.key)?;
    let input = match combined(&as_role(cx, &batch.state.request.template).await?, wanted, scratch.path()).await {
        Ok(artifact) => BatchInput::Combined { key, artifact },
        Err(Trouble::Failure(message)) => BatchInput::CombineFailed { key, code: "CLIENT_ERROR".to_owned(), message },
        Err(Trouble::Retry(e)) => return Err(e),
    };
    answer::result(cx, claimed, input).await
}

async fn combined(cx: &Cx, wanted: &Wanted, scratch: &Path) -> Result<engine::build::UploadedArtifact, Trouble> {
    let gathered = scratch.join("gathered");
    for (n, part) in wanted.parts.iter().enumerate() {
        gather(cx, part, &gathered.join(&part.folder), &scratch.join(format!("part{n}.zip"))).await?;
    }
    let (bucket, key, packaging, identifier) = match &wanted.target {
        ArtifactTarget::S3 { bucket, name, zip, .. } => {
            let key = destination_key(&wanted.target, &wanted.batch_uuid, name);
            (bucket.clone(), key, if *zip { Packaging::Zip } else { Packaging::Folder }, None)
        }
        ArtifactTarget::Pipeline(outputs) => match outputs.first() {
            Some(output) => {
                let Place { bucket, key } = output.place.clone();
                (bucket, key, Packaging::Zip, Some(output.name.clone()))
            }
            None => return Err(Trouble::Failure("the action has no output artifact".to_owned())),
        },
        ArtifactTarget::NoArtifacts => return Err(Trouble::Failure("the project keeps no artifacts".to_owned())),
    };
    let set = ArtifactPlan {
        identifier,
        files: vec!["**/*".to_owned()],
        exclude: Vec::new(),
        base_directory: None,
        discard_paths: false,
        keep_symlinks: true,
        bucket,
        key,
        packaging,
        name_variable: None,
    };
    // What was left out the builds have said; a batch has no log of its own.
    let ground = Ground { source_dir: &gathered, outside: None };
    upload_set(cx, ground, scratch, &wanted.batch_arn, &set, &mut Vec::new()).await.map_err(|e| match e {
        UploadTrouble::Failure(why) => Trouble::Failure(why),
        UploadTrouble::Retry(e) => Trouble::Retry(e),
    })
}

/// Fetches one set of artifacts into `into`.
async fn gather(cx: &Cx, part: &CombinePart, into: &Path, zip: &Path) -> Result<(), Trouble> {
    let fetched = match part.packaging {
        Packaging::Folder => {
            let key = if part.key.is_empty() { String::new() } else { format!("{}/", part.key) };
            fetch_folder(cx, &Place { bucket: part.bucket.clone(), key }, into).await
        }
        Packaging::Zip => download(cx, &Place { bucket: part.bucket.clone(), key: part.key.clone() }, None, zip).await,
    };
    fetched.map_err(|e| match e {
        PrepareTrouble::Failure(failure) => Trouble::Failure(format!("{}: {failure:?}", part.folder)),
        PrepareTrouble::Retry(e) => Trouble::Retry(e),
    })?;
    if part.packaging == Packaging::Folder {
        return Ok(());
    }
    let (from, into, folder) = (zip.to_owned(), into.to_owned(), part.folder.clone());
    let unpacked = tokio::task::spawn_blocking(move || {
        let file = std::fs::File::open(&from)?;
        let size = file.metadata()?.len();
        Ok::<_, std::io::Error>(archive::unpack(file, size, &into, Links::Inside, Limits::default()))
    });
    let unpacked = unpacked.await.map_err(|e| PerformError::new("unpack an artifact", e))?;
    match unpacked.map_err(|e| PerformError::new("unpack an artifact", e))? {
        Ok(()) => Ok(()),
        Err(e) if e.is_users() => Err(Trouble::Failure(format!("{folder}: {e}"))),
        Err(e) => Err(PerformError::new("unpack an artifact", e).into()),
    }
}
