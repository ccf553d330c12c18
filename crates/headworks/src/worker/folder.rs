//! The folder of one job, and what the command is told.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::job::text;

/// The file that says which job a folder is of, with the nonce of the hand-out; the next worker finds it.
pub(super) const JOB_ID: &str = "job-id";
/// What the job is, without credentials.
pub(super) const JOB_FILE: &str = "job.json";
/// Where the command says `NAME=VALUE`.
pub(super) const VARIABLES: &str = "variables";
/// Where the command may say more, as PutJobSuccessResult takes it.
pub(super) const RESULT: &str = "result.json";

/// A job's folder.
pub(super) struct Folder(PathBuf);

impl Folder {
    /// Makes the folder with all that is known before the artifacts are there.
    pub(super) fn make(dir: &Path, job: &Value) -> io::Result<Folder> {
        let folder = |path: &Path| fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
        folder(dir)?;
        let whose = format!("{}\n{}", text(job, "/id"), text(job, "/nonce"));
        private_file(&dir.join(JOB_ID), whose.as_bytes())?;
        for name in ["inputs", "outputs", "files"] {
            folder(&dir.join(name))?;
        }
        for artifact in artifacts(job, "outputArtifacts") {
            folder(&dir.join("outputs").join(checked(&text(artifact, "/name"))?))?;
        }
        let mut told = job["data"].clone();
        if let Some(told) = told.as_object_mut() {
            told.remove("artifactCredentials");
        }
        private_file(&dir.join(JOB_FILE), told.to_string().as_bytes())?;
        let configuration = &job["data"]["actionConfiguration"]["configuration"];
        private_file(&dir.join("configuration.json"), configuration.to_string().as_bytes())?;
        private_file(&dir.join(VARIABLES), b"")?;
        Ok(Folder(dir.to_owned()))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Where an artifact's files are, or are to be.
    pub(super) fn artifact(&self, kind: &str, name: &str) -> io::Result<PathBuf> {
        Ok(self.0.join(kind).join(checked(name)?))
    }

    /// Where the command runs: among the files of the first input, if there is one.
    pub(super) fn cwd(&self, job: &Value) -> PathBuf {
        let first = artifacts(job, "inputArtifacts").next().map(|artifact| text(artifact, "/name"));
        first.and_then(|name| self.artifact("inputs", &name).ok()).unwrap_or_else(|| self.0.join("files"))
    }

    /// Removes the folder; what cannot be removed is said.
    pub(super) fn remove(self) {
        if let Err(e) = fs::remove_dir_all(&self.0) {
            eprintln!("cannot remove {}: {e}", self.0.display());
        }
    }
}

pub(super) fn artifacts<'a>(job: &'a Value, kind: &str) -> impl Iterator<Item = &'a Value> {
    job["data"][kind].as_array().into_iter().flatten()
}

/// The name of an artifact, which becomes a folder's.
fn checked(name: &str) -> io::Result<&str> {
    let good = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if good { Ok(name) } else { Err(io::Error::other(format!("'{name}' is not the name of an artifact"))) }
}

fn private_file(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = fs::File::options().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(content)
}

/// The variables that the command gets beside the worker's own.
pub(super) fn environment(job: &Value, folder: &Folder) -> Result<Vec<(String, OsString)>, String> {
    let mut variables: Vec<(String, OsString)> = Vec::new();
    let mut put = |name: String, value: OsString| variables.push((name, value));
    for (name, pointer) in [
        ("JOB_ID", "/id"),
        ("PIPELINE", "/data/pipelineContext/pipelineName"),
        ("STAGE", "/data/pipelineContext/stage/name"),
        ("ACTION", "/data/pipelineContext/action/name"),
        ("EXECUTION_ID", "/data/pipelineContext/pipelineExecutionId"),
        ("CONTINUATION_TOKEN", "/data/continuationToken"),
    ] {
        put(format!("HEADWORKS_{name}"), text(job, pointer).into());
    }
    for (name, file) in [
        ("JOB_FILE", JOB_FILE),
        ("CONFIGURATION_FILE", "configuration.json"),
        ("INPUTS", "inputs"),
        ("OUTPUTS", "outputs"),
        ("VARIABLES", VARIABLES),
        ("RESULT", RESULT),
    ] {
        put(format!("HEADWORKS_{name}"), folder.path().join(file).into());
    }
    for (kind, one, members) in [("inputs", "INPUT", "inputArtifacts"), ("outputs", "OUTPUT", "outputArtifacts")] {
        for artifact in artifacts(job, members) {
            let name = text(artifact, "/name");
            let path = folder.artifact(kind, &name).map_err(|e| e.to_string())?;
            put(format!("HEADWORKS_{one}_{}", word(&name)), path.into());
        }
    }
    let configuration = job["data"]["actionConfiguration"]["configuration"].as_object();
    for (name, value) in configuration.into_iter().flatten() {
        let value = value.as_str().unwrap_or_default();
        if value.contains('\0') {
            return Err(format!("The configuration value of '{name}' has a NUL, which no program can be told."));
        }
        put(format!("HEADWORKS_CONFIG_{}", word(name)), value.into());
    }
    Ok(variables)
}

/// A name as a variable's: upper case, and `_` for all that shells do not take.
pub(super) fn word(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}
