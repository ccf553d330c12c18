//! Packs and stores artifacts.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context as Sha256, SHA256};
use base::{ApiError, ErrorKind};
use engine::build::{ArtifactPlan, BuildInput, Packaging, Results, UploadedArtifact};
use md5::{Digest, Md5};
use platform::{Cx, s3};
use store::outbox::Claimed;

use super::collect::{CollectError, Ground, collect};
use super::credentials::as_role;
use super::{answer, cache, report};
use crate::PerformError;
use crate::archive::{Content, Member, pack};
use crate::scratch::Scratch;

/// What went wrong: the user's failure, or ours to be tried again.
pub(crate) enum Trouble {
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

/// What a build leaves.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub source_dir: &'a Path,
    pub build_arn: &'a str,
    pub sets: &'a [ArtifactPlan],
    pub results: &'a Results,
}

pub(super) async fn upload(cx: &Cx, claimed: &Claimed, wanted: Wanted<'_>) -> Result<(), PerformError> {
    let Wanted { source_dir, build_arn, sets, results } = wanted;
    let state = answer::state(cx, claimed).await?;
    // Not in the build's own folder: what it left there may be a link to anywhere.
    let scratch = Scratch::new(cx, &claimed.key)?;
    let outside = state.as_ref().map(|state| state.request.work_dir.join(ArtifactPlan::OUTSIDE));
    let ground = Ground { source_dir, outside: outside.as_deref() };
    let place = report::Where { ground, scratch: scratch.path(), project: &results.project, build_arn };
    let mut reports = results.reports.clone();
    if let Some(pattern) = results.discover.as_ref().filter(|_| state.as_ref().is_some_and(|s| s.completed().is_none()))
    {
        reports.extend(report::discovered(ground, pattern, &results.reports).await?);
    }
    let opened = report::open(cx, claimed, place, &reports).await?;
    let Some(state) = state.filter(|state| state.completed().is_none()) else {
        // Stopped while this was done before: what was begun then is not completed any more.
        let given_up = report::given_up(opened);
        return answer::told(cx, claimed, given_up, Vec::new(), None).await;
    };
    let acting = as_role(cx, &state.request).await?;
    let reported = report::read(&acting, place, &reports, opened).await?;
    let failed = |code: &str, message: String| BuildInput::UploadFailed {
        key: claimed.key.clone(),
        code: code.to_owned(),
        message,
    };
    let mut lines = reported.lines.clone();
    let mut artifacts = Vec::new();
    let mut failure = results.problem.as_ref().map(|problem| failed(&problem.status_code, problem.message.clone()));
    for set in sets {
        match one(&acting, ground, scratch.path(), build_arn, set, &mut lines).await {
            Ok(artifact) => artifacts.push(artifact),
            Err(Trouble::Failure(message)) => {
                failure = Some(failed("CLIENT_ERROR", message));
                break;
            }
            Err(Trouble::Retry(e)) => return Err(e),
        }
    }
    let failure = failure.or_else(|| reported.failure.clone().map(|why| failed("CLIENT_ERROR", why)));
    if let Some(plan) = results.cache.as_ref().filter(|_| failure.is_none()) {
        let work_dir = &state.request.work_dir;
        let owner = cache::Owner { scope: &claimed.scope, work_dir, source_dir };
        lines.extend(cache::save(&acting, scratch.path(), owner, plan).await?);
    }
    let uploaded = BuildInput::Uploaded { key: claimed.key.clone(), artifacts };
    answer::told(cx, claimed, reported, lines, Some(failure.unwrap_or(uploaded))).await
}

/// Stores one set of artifacts of a build; `scratch` takes a zip that is being made, `lines` what the log is to say.
pub(crate) async fn one(
    cx: &Cx,
    ground: Ground<'_>,
    scratch: &Path,
    build_arn: &str,
    set: &ArtifactPlan,
    lines: &mut Vec<String>,
) -> Result<UploadedArtifact, Trouble> {
    let (source_dir, outside, wanted) = (ground.source_dir.to_owned(), ground.outside.map(Path::to_owned), set.clone());
    let collected = tokio::task::spawn_blocking(move || {
        let mut told = Vec::new();
        let ground = Ground { source_dir: &source_dir, outside: outside.as_deref() };
        (collect(ground, &wanted, &mut told), told)
    });
    let (collected, told) = collected.await.map_err(|e| PerformError::new("look for artifacts", e))?;
    lines.extend(told);
    let members = match collected {
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
                let Content::File { path, .. } = &member.content else {
                    let why = "a link can be kept in a zip only, and the artifact is a folder";
                    lines.push(format!("Skipping invalid file path {}: {why}", member.name));
                    continue;
                };
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
