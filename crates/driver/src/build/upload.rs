//! Packs and stores artifacts.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context as Sha256, SHA256};
use base::{ApiError, ErrorKind};
use engine::build::{ArtifactPlan, BuildInput, Packaging, UploadedArtifact};
use md5::{Digest, Md5};
use platform::{Cx, s3};
use store::outbox::Claimed;

use super::answer;
use super::collect::{CollectError, collect};
use crate::PerformError;
use crate::archive::{Content, Member, pack};
use crate::scratch::Scratch;

/// What went wrong: the user's failure, or ours to be tried again.
enum Trouble {
    Failure(String),
    Retry(PerformError),
}

impl From<PerformError> for Trouble {
    fn from(e: PerformError) -> Self {
        Trouble::Retry(e)
    }
}

impl From<ApiError> for Trouble {
    fn from(e: ApiError) -> Self {
        match e.kind {
            ErrorKind::Client => Trouble::Failure(format!("{}: {}", e.code, e.message)),
            ErrorKind::Server => Trouble::Retry(PerformError::new("store an artifact", e)),
        }
    }
}

pub(super) async fn upload(
    cx: &Cx,
    claimed: &Claimed,
    source_dir: &Path,
    build_arn: &str,
    sets: &[ArtifactPlan],
) -> Result<(), PerformError> {
    match answer::state(cx, &claimed.machine_id).await? {
        Some(state) if state.completed().is_none() => {}
        Some(_) | None => return answer::done(cx, claimed).await,
    }
    // Not in the build's own folder: what it left there may be a link to anywhere.
    let scratch = Scratch::new(cx, &claimed.key)?;
    let mut artifacts = Vec::new();
    for set in sets {
        match one(cx, source_dir, scratch.path(), build_arn, set).await {
            Ok(artifact) => artifacts.push(artifact),
            Err(Trouble::Failure(message)) => {
                let (key, code) = (claimed.key.clone(), "CLIENT_ERROR".to_owned());
                let failed = BuildInput::UploadFailed { key, code, message };
                return answer::result(cx, claimed, failed).await.map(|_| ());
            }
            Err(Trouble::Retry(e)) => return Err(e),
        }
    }
    answer::result(cx, claimed, BuildInput::Uploaded { key: claimed.key.clone(), artifacts }).await.map(|_| ())
}

async fn one(
    cx: &Cx,
    source_dir: &Path,
    scratch: &Path,
    build_arn: &str,
    set: &ArtifactPlan,
) -> Result<UploadedArtifact, Trouble> {
    let (dir, wanted) = (source_dir.to_owned(), set.clone());
    let collected = tokio::task::spawn_blocking(move || collect(&dir, &wanted));
    let members = match collected.await.map_err(|e| PerformError::new("look for artifacts", e))? {
        Ok(members) => members,
        Err(CollectError::User(why)) => return Err(Trouble::Failure(why)),
        Err(CollectError::Io(e)) => return Err(PerformError::new("look for artifacts", e).into()),
    };
    let mut metadata = BTreeMap::from([("codebuild-buildarn".to_owned(), build_arn.to_owned())]);
    let (md5, sha256) = match set.packaging {
        Packaging::Zip => {
            let name = format!("artifact-{}.zip", set.identifier.as_deref().unwrap_or("primary"));
            let zip = scratch.join(name);
            let packed = packed(members, zip.clone()).await?;
            metadata.insert("codebuild-content-md5".to_owned(), packed.0.clone());
            metadata.insert("codebuild-content-sha256".to_owned(), packed.1.clone());
            let content_type = Some("application/zip".to_owned());
            let describe = s3::Describe { content_type, metadata, cache_control: None };
            s3::put_file(cx, &set.bucket, &set.key, &zip, describe).await?;
            packed
        }
        Packaging::Folder => {
            for member in members {
                let Content::File { path, .. } = &member.content else { continue };
                let key = if set.key.is_empty() { member.name.clone() } else { format!("{}/{}", set.key, member.name) };
                let describe = s3::Describe { metadata: metadata.clone(), ..s3::Describe::default() };
                s3::put_file(cx, &set.bucket, &key, path, describe).await?;
            }
            (String::new(), String::new())
        }
    };
    Ok(UploadedArtifact {
        identifier: set.identifier.clone(),
        location: format!("arn:aws:s3:::{}/{}", set.bucket, set.key),
        bucket: set.bucket.clone(),
        key: set.key.clone(),
        packaging: set.packaging,
        md5,
        sha256,
    })
}

/// Packs into `zip` and gives its MD5 and SHA-256.
async fn packed(members: Vec<Member>, zip: PathBuf) -> Result<(String, String), Trouble> {
    let work = tokio::task::spawn_blocking(move || -> Result<_, Box<dyn std::error::Error + Send + Sync>> {
        pack(&members, File::create(&zip)?)?;
        Ok(digests(File::open(&zip)?)?)
    });
    let digests = work.await.map_err(|e| PerformError::new("pack artifacts", e))?;
    Ok(digests.map_err(|e| PerformError::new("pack artifacts", e))?)
}

fn digests(mut file: File) -> io::Result<(String, String)> {
    let (mut md5, mut sha256) = (Md5::new(), Sha256::new(&SHA256));
    let mut buffer = vec![0; 256 << 10];
    loop {
        let n = file.read(&mut buffer)?;
        let Some(piece) = buffer.get(..n).filter(|piece| !piece.is_empty()) else { break };
        md5.update(piece);
        sha256.update(piece);
    }
    Ok((hex::encode(md5.finalize()), hex::encode(sha256.finish())))
}
