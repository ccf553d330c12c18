//! The S3 deploy action: an artifact, or the files in it, put into a bucket.
//! <https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-S3Deploy.html>

use std::fs::File;
use std::path::{Path, PathBuf};

use bytes::BytesMut;
use engine::pipeline::{ActionResult, Artifact, RunAction, Work};
use futures_util::{StreamExt, TryStreamExt, stream};
use platform::{Cx, s3};
use store::outbox::Claimed;
use tokio::io::AsyncWriteExt;

use super::Trouble;
use super::blocking::blocking;
use super::clone_ref::{self, CloneRef};
use super::role::of_bucket;
use crate::scratch::Scratch;
use crate::{PerformError, archive};

/// Objects written at once.
const PARALLEL: usize = 16;

pub(super) async fn deploy(cx: &Cx, claimed: &Claimed, run: &RunAction) -> Result<ActionResult, Trouble> {
    // A canned ACL that passed the declaration's check gives access to the owner alone, as every object here has it.
    let Work::S3Deploy { bucket, object_key, extract, canned_acl: _, cache_control } = &run.work else {
        return Err(Trouble::configuration("The action is not a deployment to S3."));
    };
    let artifact = run.inputs.first().ok_or_else(|| Trouble::configuration("The action has no input artifact."))?;
    let target =
        Target { bucket, key: object_key.as_deref().unwrap_or_default(), cache_control: cache_control.as_deref() };
    if *extract {
        put_files(cx, claimed, artifact, &target).await?;
    } else {
        put_artifact(cx, artifact, &target).await?;
    }
    Ok(ActionResult::Succeeded {
        external_execution_id: None,
        external_execution_url: Some(format!("https://console.aws.amazon.com/s3/home?#/buckets/{bucket}")),
        summary: Some("Deployment Succeeded".to_owned()),
        output_variables: Default::default(),
        output_artifacts: Vec::new(),
        revision: None,
    })
}

struct Target<'a> {
    bucket: &'a str,
    /// The object's key, or what stands before the files' names.
    key: &'a str,
    cache_control: Option<&'a str>,
}

impl Target<'_> {
    fn describe(&self, name: &str) -> s3::Describe {
        s3::Describe {
            content_type: content_type(name).map(str::to_owned),
            cache_control: self.cache_control.map(str::to_owned),
            ..s3::Describe::default()
        }
    }

    fn key_of(&self, name: &str) -> String {
        match self.key.trim_matches('/') {
            "" => name.to_owned(),
            prefix => format!("{prefix}/{name}"),
        }
    }

    fn trouble(&self, key: &str, error: base::ApiError) -> Trouble {
        of_bucket(self.bucket, &format!("write s3://{}/{key}", self.bucket), error)
    }
}

async fn put_artifact(cx: &Cx, artifact: &Artifact, target: &Target<'_>) -> Result<(), Trouble> {
    let (found, mut content) = open(cx, artifact).await?;
    if found.size <= clone_ref::MAX_BYTES {
        let mut whole = BytesMut::new();
        while let Some(piece) = content.next().await {
            whole.extend_from_slice(&piece.map_err(|e| Trouble::Ours(PerformError::new("read an artifact", e)))?);
        }
        refuse_reference(&artifact.name, &whole)?;
        content = whole.freeze().into();
    }
    let describe = target.describe(target.key);
    s3::put_stream(cx, target.bucket, target.key, content, describe)
        .await
        .map_err(|e| target.trouble(target.key, e))?;
    Ok(())
}

async fn put_files(cx: &Cx, claimed: &Claimed, artifact: &Artifact, target: &Target<'_>) -> Result<(), Trouble> {
    let scratch = Scratch::new(cx, &claimed.key)?;
    let zip = scratch.path().join("artifact.zip");
    let folder = scratch.path().join("files");
    let size = fetch(cx, artifact, &zip).await?;
    let name = artifact.name.clone();
    let files = blocking("unpack an artifact", move || unpack(&name, &zip, size, &folder)).await?;
    stream::iter(files)
        .map(|(name, path)| async move {
            let key = target.key_of(&name);
            s3::put_file(cx, target.bucket, &key, &path, target.describe(&name))
                .await
                .map_err(|e| target.trouble(&key, e))
        })
        .buffer_unordered(PARALLEL)
        .try_for_each(|_| async { Ok(()) })
        .await
}

async fn open(cx: &Cx, artifact: &Artifact) -> Result<(s3::Found, platform::ByteStream), Trouble> {
    let opened = s3::open(cx, &artifact.bucket, &artifact.key, None).await;
    opened.map_err(|e| of_bucket(&artifact.bucket, &format!("read the artifact '{}'", artifact.name), e))
}

pub(super) async fn fetch(cx: &Cx, artifact: &Artifact, into: &Path) -> Result<u64, Trouble> {
    let ours = |e: std::io::Error| Trouble::Ours(PerformError::new("fetch an artifact", e));
    let (found, mut content) = open(cx, artifact).await?;
    let mut file = tokio::fs::File::create(into).await.map_err(ours)?;
    while let Some(piece) = content.next().await {
        file.write_all(&piece.map_err(ours)?).await.map_err(ours)?;
    }
    file.flush().await.map_err(ours)?;
    Ok(found.size)
}

/// Nothing but a build can do anything with the artifact of a source with CODEBUILD_CLONE_REF: a small document in place of a zip.
fn refuse_reference(artifact: &str, content: &[u8]) -> Result<(), Trouble> {
    match CloneRef::read(content) {
        Some(_) => Err(Trouble::configuration(format!(
            "The artifact '{artifact}' is a reference that only builds can use (OutputArtifactFormat CODEBUILD_CLONE_REF of its \
             source): it has no files to deploy."
        ))),
        None => Ok(()),
    }
}

/// The files of an artifact with their names in it. A link counts as what it leads to, which is always inside.
fn unpack(artifact: &str, zip: &Path, size: u64, folder: &Path) -> Result<Vec<(String, PathBuf)>, Trouble> {
    let trouble = |e: archive::ArchiveError| match e.is_users() {
        true => Trouble::configuration(format!("Cannot unpack the artifact '{artifact}': {e}")),
        false => Trouble::Ours(PerformError::new(format!("unpack the artifact '{artifact}'"), e)),
    };
    let ours = |e: std::io::Error| Trouble::Ours(PerformError::new("open an artifact", e));
    if size <= clone_ref::MAX_BYTES {
        refuse_reference(artifact, &std::fs::read(zip).map_err(ours)?)?;
    }
    let file = File::open(zip).map_err(ours)?;
    archive::unpack(file, size, folder, archive::Links::Inside, archive::Limits::default()).map_err(trouble)?;
    let members = archive::members(folder).map_err(trouble)?;
    let files = members.into_iter().map(|m| (folder.join(&m.name), m.name)).filter(|(path, _)| path.is_file());
    Ok(files.map(|(path, name)| (name, path)).collect())
}

/// The content type that a browser needs to show a deployed site.
fn content_type(name: &str) -> Option<&'static str> {
    let (_, extension) = name.rsplit('/').next()?.rsplit_once('.')?;
    Some(match extension.to_ascii_lowercase().as_str() {
        "html" | "htm" => "text/html",
        "css" => "text/css",
        "js" | "mjs" => "text/javascript",
        "json" | "map" => "application/json",
        "txt" | "log" => "text/plain",
        "md" => "text/markdown",
        "csv" => "text/csv",
        "xml" => "application/xml",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "pdf" => "application/pdf",
        "wasm" => "application/wasm",
        "woff" => "font/woff",
        "woff2" => "font/woff2",
        "ttf" => "font/ttf",
        "yml" | "yaml" => "application/yaml",
        "zip" => "application/zip",
        "gz" | "tgz" => "application/gzip",
        _ => return None,
    })
}
