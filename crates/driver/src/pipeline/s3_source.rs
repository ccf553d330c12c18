//! The S3 source: an object, copied into the artifact store.
//! <https://docs.aws.amazon.com/codepipeline/latest/userguide/action-reference-S3.html>
//!
//! The summary of a revision is what the uploader says in the object's metadata, under `codepipeline-artifact-revision-summary`.
//!
//! Deviation: AWS asks for a bucket with versioning; without it the object's ETag is the revision here.

use engine::pipeline::{ActionResult, Revision, RunAction};
use platform::{Cx, s3};

use super::Trouble;
use super::codecommit::{MAX_SUMMARY, zip_type};
use super::role::of_bucket;

/// The metadata of an object that describes it.
const SUMMARY: &str = "codepipeline-artifact-revision-summary";

pub(super) async fn source(
    cx: &Cx,
    run: &RunAction,
    bucket: &str,
    key: &str,
    version: Option<&str>,
) -> Result<ActionResult, Trouble> {
    let mut found = None;
    for output in &run.outputs {
        let (object, content) = s3::open(cx, bucket, key, version)
            .await
            .map_err(|e| of_bucket(bucket, &format!("read s3://{bucket}/{key}"), e))?;
        s3::put_stream(cx, &output.bucket, &output.key, content, zip_type())
            .await
            .map_err(|e| of_bucket(&output.bucket, &format!("store the artifact '{}'", output.name), e))?;
        found = Some(object);
    }
    let object = found.ok_or_else(|| Trouble::configuration("A source action needs an output artifact."))?;
    let id = object.version_id.clone().filter(|v| v != "null").unwrap_or_else(|| object.etag.clone());
    let url = format!("https://{}.console.aws.amazon.com/s3/object/{bucket}/{key}", cx.scope().region);
    let said = object.metadata.get(SUMMARY).filter(|text| !text.is_empty());
    let said = said.map(|text| text.chars().take(MAX_SUMMARY).collect());
    let summary = said.or_else(|| Some(format!("Amazon S3 version id: {id}")));
    let change = Some(object.etag.clone());
    let variables = [
        ("BucketName", bucket.to_owned()),
        ("ETag", object.etag),
        ("ObjectKey", key.to_owned()),
        ("VersionId", object.version_id.unwrap_or_else(|| "null".to_owned())),
    ];
    Ok(ActionResult::Succeeded {
        external_execution_id: Some(id.clone()),
        external_execution_url: Some(url.clone()),
        summary: summary.clone(),
        output_variables: variables.into_iter().map(|(k, v)| (k.to_owned(), v)).collect(),
        output_artifacts: run.outputs.clone(),
        revision: Some(Revision {
            id,
            change,
            summary,
            url: Some(url),
            created: Some(object.modified),
            pushers: Vec::new(),
            commit: None,
        }),
    })
}
