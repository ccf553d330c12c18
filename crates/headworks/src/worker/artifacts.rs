//! Input artifacts become folders, and folders become output artifacts.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use driver::archive;
use serde_json::Value;

use super::folder::{Folder, artifacts};
use super::job::text;
use super::objects;
use crate::client::Client;

/// Fetches and unpacks all inputs. An entry that would land outside of its folder fails the job.
pub(super) async fn fetch(s3: &Client, job: &Value, folder: &Folder) -> Result<(), String> {
    for artifact in artifacts(job, "inputArtifacts") {
        let (name, bucket, key) = parts(artifact);
        let zip = folder.path().join(format!("{name}.in.zip"));
        let into = folder.artifact("inputs", &name).map_err(|e| e.to_string())?;
        let failed = |e: String| format!("The worker cannot fetch the input artifact '{name}': {e}");
        objects::get(s3, &bucket, &key, &zip).await.map_err(|e| failed(e.to_string()))?;
        let unpacked = tokio::task::spawn_blocking(move || unpack(&zip, &into)).await;
        unpacked.map_err(|e| failed(e.to_string()))?.map_err(failed)?;
    }
    Ok(())
}

fn unpack(zip: &Path, into: &Path) -> Result<(), String> {
    let file = File::open(zip).map_err(|e| e.to_string())?;
    let size = file.metadata().map_err(|e| e.to_string())?.len();
    let unpacked = archive::unpack(file, size, into, archive::Links::Inside, archive::Limits::default());
    unpacked.map_err(|e| e.to_string())?;
    fs::remove_file(zip).map_err(|e| e.to_string())
}

/// Packs and stores all outputs; one without files is an error, because the next action would look for it in vain.
pub(super) async fn store(s3: &Client, job: &Value, folder: &Folder) -> Result<(), String> {
    for artifact in artifacts(job, "outputArtifacts") {
        let (name, bucket, key) = parts(artifact);
        let zip = folder.path().join(format!("{name}.out.zip"));
        let from = folder.artifact("outputs", &name).map_err(|e| e.to_string())?;
        let failed = |e: String| format!("The worker cannot store the output artifact '{name}': {e}");
        let packed = tokio::task::spawn_blocking(move || pack(&from, zip)).await;
        let zip = packed.map_err(|e| failed(e.to_string()))?.map_err(failed)?;
        objects::put(s3, &bucket, &key, &zip).await.map_err(|e| failed(e.to_string()))?;
    }
    Ok(())
}

fn pack(from: &Path, zip: PathBuf) -> Result<PathBuf, String> {
    let members = archive::members(from).map_err(|e| e.to_string())?;
    if members.is_empty() {
        return Err("the command has put no file into its folder".to_owned());
    }
    let out = File::create(&zip).map_err(|e| e.to_string())?;
    archive::pack(&members, out).map_err(|e| e.to_string())?;
    Ok(zip)
}

fn parts(artifact: &Value) -> (String, String, String) {
    let of = |pointer: &str| text(artifact, pointer);
    (of("/name"), of("/location/s3Location/bucketName"), of("/location/s3Location/objectKey"))
}
