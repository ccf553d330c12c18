//! Caches: archives in S3, or in a folder of this server.
//!
//! What is restored is unpacked where no job can reach, and then appears in the job's folder under a name of its own in
//! one step: nothing is ever written through what a job may have put there. The job itself copies it to its places, with
//! its own rights; and before it ends, what only it can see to where it can be collected.
//!
//! Deviation: files come back with the time of their restoring, not their own.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context as Sha256, SHA256};
use base::{ApiError, ErrorKind, JobLayers, JobSpec, Scope, Timestamp};
use engine::build::{ArtifactPlan, CachePlace, CachePlan, FileMatcher, Packaging, Place, Request};
use futures_util::StreamExt;
use platform::{Cx, s3};
use tokio::io::AsyncWriteExt;

use super::collect::{CollectError, Ground, collect};
use super::prepare::is_full_disk;
use crate::PerformError;
use crate::archive::{self, ArchiveError, Content, Limits, Links, Member, pack};
use crate::scratch::Scratch;

/// Trying again would not help, and the job has more to write.
const NO_ROOM: &str = "there is no room for it on the server's disk";

/// Whose cache it is, and where its build is.
#[derive(Clone, Copy)]
pub(super) struct Owner<'a> {
    pub scope: &'a Scope,
    pub work_dir: &'a Path,
    pub source_dir: &'a Path,
}

/// What went wrong: something to say in the log, or ours to be tried again. A build never fails for its cache.
enum Trouble {
    Said(String),
    Retry(PerformError),
}

impl From<ApiError> for Trouble {
    fn from(e: ApiError) -> Self {
        match e.kind {
            ErrorKind::Client => Trouble::Said(format!("{}: {}", e.code, e.message)),
            ErrorKind::Server => Trouble::Retry(PerformError::new("reach a cache", e)),
        }
    }
}

impl From<io::Error> for Trouble {
    fn from(e: io::Error) -> Self {
        Trouble::Retry(PerformError::new("read or write a cache", e))
    }
}

impl From<ArchiveError> for Trouble {
    fn from(e: ArchiveError) -> Self {
        if e.is_users() { Trouble::Said(e.to_string()) } else { Trouble::Retry(PerformError::new("unpack a cache", e)) }
    }
}

/// The folder of a project's local caches, as long as nobody invalidates them.
pub(super) async fn local_folder(cx: &Cx, request: &Request) -> Result<PathBuf, PerformError> {
    let namespace = request.cache_namespace();
    let mut tx = cx.store.read().await?;
    let generation = store::tables::codebuild_cache::generation(&mut tx, &request.scope, namespace).await?;
    Ok(devtools::codebuild::cache_folder(cx, &request.scope, namespace).join(generation.to_string()))
}

/// The job with the layers that its project keeps for container engines.
pub(super) async fn with_layers(cx: &Cx, request: &Request, spec: &JobSpec) -> Result<JobSpec, PerformError> {
    let mut spec = spec.clone();
    if request.has_local_cache("LOCAL_DOCKER_LAYER_CACHE") {
        let dir = local_folder(cx, request).await?.join("layers");
        spec.container.layers = Some(JobLayers { dir, writes: request.may_fill_caches() });
    }
    Ok(spec)
}

/// Makes the cache appear in the job's folder, before the job starts. Gives lines for the log.
pub(super) async fn restore(
    cx: &Cx,
    effect_key: &str,
    owner: Owner<'_>,
    plan: &CachePlan,
) -> Result<Vec<String>, PerformError> {
    match try_restore(cx, effect_key, owner, plan).await {
        Ok(line) => Ok(vec![line]),
        Err(Trouble::Said(why)) => Ok(vec![format!("The cache is not restored: {why}")]),
        Err(Trouble::Retry(e)) if is_full_disk(&e) => Ok(vec![format!("The cache is not restored: {NO_ROOM}")]),
        Err(Trouble::Retry(e)) => Err(e),
    }
}

async fn try_restore(cx: &Cx, effect_key: &str, owner: Owner<'_>, plan: &CachePlan) -> Result<String, Trouble> {
    let into = owner.work_dir.join(CachePlan::IN);
    if fs::symlink_metadata(&into).is_ok() {
        return Ok("The cache was restored before".to_owned());
    }
    let shelf = shelf(cx, owner, plan).await?;
    let names = names(owner, plan).await?;
    let scratch = Scratch::new(cx, &format!("{effect_key}/cache")).map_err(Trouble::Retry)?;
    let packed = scratch.path().join("cache.zip");
    let Some(found) = shelf.fetch(cx, &names, &packed).await? else {
        return Ok("There is no cache to restore".to_owned());
    };
    let unpacked = scratch.path().join("tree");
    let (from, to) = (packed.clone(), unpacked.clone());
    let work = tokio::task::spawn_blocking(move || {
        let file = File::open(&from)?;
        let size = file.metadata()?.len();
        archive::unpack(file, size, &to, Links::Inside, Limits::default())?;
        Ok::<_, Trouble>(())
    });
    work.await.map_err(|e| Trouble::Retry(PerformError::new("unpack a cache", e)))??;
    fs::create_dir_all(owner.work_dir)?;
    fs::rename(&unpacked, &into)?;
    Ok(format!("Restored cache {found}"))
}

/// Keeps what the build's cache paths name. Gives lines for the log.
pub(super) async fn save(
    cx: &Cx,
    scratch: &Path,
    owner: Owner<'_>,
    plan: &CachePlan,
) -> Result<Vec<String>, PerformError> {
    match try_save(cx, scratch, owner, plan).await {
        Ok(lines) => Ok(lines),
        Err(Trouble::Said(why)) => Ok(vec![format!("The cache is not saved: {why}")]),
        Err(Trouble::Retry(e)) if is_full_disk(&e) => Ok(vec![format!("The cache is not saved: {NO_ROOM}")]),
        Err(Trouble::Retry(e)) => Err(e),
    }
}

async fn try_save(cx: &Cx, scratch: &Path, owner: Owner<'_>, plan: &CachePlan) -> Result<Vec<String>, Trouble> {
    let shelf = shelf(cx, owner, plan).await?;
    let names = names(owner, plan).await?;
    if plan.key.is_some() && shelf.has(cx, &names.exact).await? {
        return Ok(vec![format!("Cache {} exists and stays as it is", names.exact)]);
    }
    let mut lines = Vec::new();
    let (source, outside) = (owner.source_dir.to_owned(), owner.work_dir.join(CachePlan::OUT));
    let (relative, absolute) = (plan.relative_paths(), plan.absolute_paths());
    let zip = scratch.join("cache.zip");
    let to = zip.clone();
    let work = tokio::task::spawn_blocking(move || {
        let mut told = Vec::new();
        let mut members = gather(&source, "src", &relative, &mut told)?;
        members.extend(gather(&outside, "abs", &absolute, &mut told)?);
        let found = members.len();
        members.retain(|member| match &member.content {
            Content::Link { target } => archive::link_stays_inside(&member.name, target),
            Content::File { .. } => true,
        });
        let left_out = found - members.len();
        if !members.is_empty() {
            pack(&members, File::create(&to)?)?;
        }
        Ok::<_, Trouble>((members.len(), left_out, told))
    });
    let (kept, left_out, told) = work.await.map_err(|e| Trouble::Retry(PerformError::new("pack a cache", e)))??;
    lines.extend(told);
    if left_out > 0 {
        lines.push(format!("{left_out} link(s) that lead out of the cache are not kept"));
    }
    if kept == 0 {
        lines.push("No matching cache paths found; the cache is not saved".to_owned());
        return Ok(lines);
    }
    shelf.store(cx, &names.exact, &zip).await?;
    lines.push(format!("Saved cache {} ({kept} files)", names.exact));
    Ok(lines)
}

/// Files and links of a folder that match, under names that begin with `folder`.
fn gather(root: &Path, folder: &str, patterns: &[String], told: &mut Vec<String>) -> Result<Vec<Member>, Trouble> {
    if patterns.is_empty() || fs::symlink_metadata(root).is_err() {
        return Ok(Vec::new());
    }
    let set = ArtifactPlan {
        identifier: None,
        files: patterns.to_vec(),
        exclude: Vec::new(),
        base_directory: None,
        discard_paths: false,
        keep_symlinks: true,
        bucket: String::new(),
        key: String::new(),
        packaging: Packaging::Zip,
        name_variable: None,
    };
    match collect(Ground { source_dir: root, outside: None }, &set, told) {
        Ok(mut members) => {
            for member in &mut members {
                member.name = format!("{folder}/{}", member.name);
            }
            Ok(members)
        }
        Err(CollectError::User(why)) if why.starts_with("no matching") => Ok(Vec::new()),
        Err(CollectError::User(why)) => Err(Trouble::Said(why)),
        Err(CollectError::Io(e)) => Err(e.into()),
    }
}

/// Names of archives.
struct Names {
    /// The build's own.
    exact: String,
    /// What others may begin with, the best first.
    fallback: Vec<String>,
}

async fn names(owner: Owner<'_>, plan: &CachePlan) -> Result<Names, Trouble> {
    let (source, key, fallback) = (owner.source_dir.to_owned(), plan.key.clone(), plan.fallback_keys.clone());
    let work = tokio::task::spawn_blocking(move || {
        let name = |key: &str| settled(key, &source).map(|key| encoded(&key));
        let exact = key.as_deref().map_or(Ok("cache".to_owned()), name)?;
        Ok::<_, Trouble>(Names { exact, fallback: fallback.iter().map(|k| name(k)).collect::<Result<_, _>>()? })
    });
    work.await.map_err(|e| Trouble::Retry(PerformError::new("settle a cache's key", e)))?
}

/// A key with the hashes of files put in.
fn settled(key: &str, source: &Path) -> Result<String, Trouble> {
    let mut out = String::new();
    let mut rest = key;
    while let Some((before, from)) = rest.split_once("$(codebuild-hash-files") {
        out.push_str(before);
        let Some((patterns, after)) = from.split_once(')') else {
            return Err(Trouble::Said(format!("the key '{key}' holds a command that does not end")));
        };
        let patterns: Vec<String> =
            patterns.split_whitespace().map(|word| word.trim_matches(['"', '\'']).to_owned()).collect();
        out.push_str(&hash(source, &patterns)?);
        rest = after;
    }
    out.push_str(rest);
    Ok(out)
}

/// One hash over the names and contents of all files that match; links are not followed.
fn hash(source: &Path, patterns: &[String]) -> Result<String, Trouble> {
    let matcher = FileMatcher::new(patterns, &[]).map_err(Trouble::Said)?;
    let mut all = Sha256::new(&SHA256);
    let mut found = false;
    for member in archive::members(source)? {
        let Content::File { path, .. } = &member.content else { continue };
        if !matcher.matches(&member.name) {
            continue;
        }
        found = true;
        let mut one = Sha256::new(&SHA256);
        let mut file = File::open(path)?;
        let mut buffer = vec![0; 64 << 10];
        loop {
            let n = file.read(&mut buffer)?;
            let Some(piece) = buffer.get(..n).filter(|piece| !piece.is_empty()) else { break };
            one.update(piece);
        }
        all.update(member.name.as_bytes());
        all.update(&[0]);
        all.update(one.finish().as_ref());
    }
    // As the command does: nothing in, nothing out.
    Ok(if found { hex::encode(all.finish()) } else { String::new() })
}

/// A key as a file's name, of which a key's beginning is the beginning.
fn encoded(key: &str) -> String {
    let mut out = String::new();
    for b in key.bytes().take(400) {
        if b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_') {
            out.push(char::from(b));
        } else {
            out.push_str(&format!("%{b:02X}"));
        }
    }
    out
}

/// Where archives are.
enum Shelf {
    S3(Place),
    Folder(PathBuf),
}

async fn shelf(cx: &Cx, owner: Owner<'_>, plan: &CachePlan) -> Result<Shelf, Trouble> {
    let generation = {
        let mut tx = cx.store.read().await.map_err(|e| Trouble::Retry(e.into()))?;
        store::tables::codebuild_cache::generation(&mut tx, owner.scope, &plan.namespace)
            .await
            .map_err(|e| Trouble::Retry(e.into()))?
    };
    Ok(match &plan.place {
        CachePlace::S3(Place { bucket, key }) => {
            let parts = [key.as_str(), &plan.namespace, &generation.to_string()];
            let parts: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
            Shelf::S3(Place { bucket: bucket.clone(), key: parts.join("/") })
        }
        CachePlace::Local => Shelf::Folder(
            devtools::codebuild::cache_folder(cx, owner.scope, &plan.namespace).join(generation.to_string()),
        ),
    })
}

const ENDING: &str = ".zip";
/// So many archives of a cache are kept on this server.
const MAX_ARCHIVES: usize = 10;

impl Shelf {
    async fn has(&self, cx: &Cx, name: &str) -> Result<bool, Trouble> {
        match self {
            Shelf::Folder(dir) => Ok(fs::metadata(dir.join(format!("{name}{ENDING}"))).is_ok()),
            Shelf::S3(Place { bucket, key }) => {
                match s3::head(cx, bucket, &format!("{key}/{name}{ENDING}"), None).await {
                    Ok(_) => Ok(true),
                    Err(e) if is_missing(&e) => Ok(false),
                    Err(e) => Err(e.into()),
                }
            }
        }
    }

    /// Copies the best archive that there is; gives its name.
    async fn fetch(&self, cx: &Cx, names: &Names, to: &Path) -> Result<Option<String>, Trouble> {
        let mut wanted = self.has(cx, &names.exact).await?.then(|| names.exact.clone());
        for prefix in &names.fallback {
            if wanted.is_none() {
                wanted = self.newest(cx, prefix).await?;
            }
        }
        let Some(name) = wanted else { return Ok(None) };
        match self {
            Shelf::Folder(dir) => {
                fs::copy(dir.join(format!("{name}{ENDING}")), to)?;
            }
            Shelf::S3(Place { bucket, key }) => {
                let (_, mut body) = s3::open(cx, bucket, &format!("{key}/{name}{ENDING}"), None).await?;
                let mut file = tokio::fs::File::create_new(to).await?;
                while let Some(piece) = body.next().await {
                    file.write_all(&piece?).await?;
                }
                file.flush().await?;
            }
        }
        Ok(Some(name))
    }

    async fn newest(&self, cx: &Cx, prefix: &str) -> Result<Option<String>, Trouble> {
        let mut found: Vec<(Timestamp, String)> = match self {
            Shelf::Folder(dir) => {
                let entries = match fs::read_dir(dir) {
                    Ok(entries) => entries,
                    Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
                    Err(e) => return Err(e.into()),
                };
                let mut found = Vec::new();
                for entry in entries {
                    let entry = entry?;
                    let age = entry.metadata()?.modified()?.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
                    let micros = i64::try_from(age.as_micros()).unwrap_or(i64::MAX);
                    found.push((Timestamp::from_micros(micros), entry.file_name().to_string_lossy().into_owned()));
                }
                found
            }
            Shelf::S3(Place { bucket, key }) => {
                let listed = s3::list(cx, bucket, &format!("{key}/{prefix}")).await?;
                let name = |key: &str| key.rsplit('/').next().unwrap_or_default().to_owned();
                listed.into_iter().map(|object| (object.modified, name(&object.key))).collect()
            }
        };
        found.retain(|(_, name)| name.starts_with(prefix) && name.ends_with(ENDING));
        found.sort();
        Ok(found.pop().map(|(_, name)| name.trim_end_matches(ENDING).to_owned()))
    }

    async fn store(&self, cx: &Cx, name: &str, zip: &Path) -> Result<(), Trouble> {
        match self {
            Shelf::Folder(dir) => {
                fs::create_dir_all(dir)?;
                // Readers see the old one or the new one, never a part.
                let part = dir.join(format!("{name}.part"));
                fs::copy(zip, &part)?;
                fs::rename(&part, dir.join(format!("{name}{ENDING}")))?;
                prune(dir)?;
            }
            Shelf::S3(Place { bucket, key }) => {
                let describe = s3::Describe { content_type: Some("application/zip".to_owned()), ..Default::default() };
                s3::put_file(cx, bucket, &format!("{key}/{name}{ENDING}"), zip, describe).await?;
            }
        }
        Ok(())
    }
}

/// Removes the oldest archives of a folder: keys follow the files that they are made of, so old ones are hardly asked for.
fn prune(dir: &Path) -> Result<(), Trouble> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().ends_with(ENDING) {
            found.push((entry.metadata()?.modified()?, entry.path()));
        }
    }
    found.sort();
    let surplus = found.len().saturating_sub(MAX_ARCHIVES);
    for (_, path) in found.into_iter().take(surplus) {
        match fs::remove_file(&path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e.into()),
            _ => {}
        }
    }
    Ok(())
}

fn is_missing(e: &ApiError) -> bool {
    e.kind == ErrorKind::Client && (e.status == Some(404) || matches!(e.code, "NoSuchKey" | "NotFound" | "404"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn said(result: Result<String, Trouble>) -> String {
        match result {
            Ok(key) => key,
            Err(Trouble::Said(why)) => why,
            Err(Trouble::Retry(e)) => panic!("{e}"),
        }
    }

    #[test]
    fn a_key_follows_the_files_that_it_names() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("a")).unwrap();
        for name in ["package-lock.json", "a/package-lock.json", "other"] {
            fs::write(dir.path().join(name), name).unwrap();
        }
        symlink("/etc/hostname", dir.path().join("b-lock.json")).unwrap();
        let key = |text: &str| said(settled(text, dir.path()));
        let first = key("npm-$(codebuild-hash-files '**/*-lock.json')");
        assert_eq!(first.len(), "npm-".len() + 64);
        assert_eq!(first, key("npm-$(codebuild-hash-files \"**/*-lock.json\")"));
        assert_ne!(first, key("npm-$(codebuild-hash-files package-lock.json)"));
        fs::write(dir.path().join("a/package-lock.json"), "changed").unwrap();
        assert_ne!(first, key("npm-$(codebuild-hash-files '**/*-lock.json')"));
        assert_eq!(key("k$(codebuild-hash-files none)k"), "kk");
    }

    #[test]
    fn the_newest_archives_of_a_folder_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        for i in 0..MAX_ARCHIVES + 3 {
            let file = File::create(dir.path().join(format!("k{i}.zip"))).unwrap();
            let age = std::time::Duration::from_secs(1000 - i as u64);
            file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(10_000) - age).unwrap();
        }
        assert!(prune(dir.path()).is_ok());
        let mut left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left.len(), MAX_ARCHIVES);
        assert!(!left.iter().any(|name| ["k0.zip", "k1.zip", "k2.zip"].iter().any(|old| name == old)), "{left:?}");
    }

    #[test]
    fn names_of_archives_are_plain_and_begin_as_their_keys_do() {
        assert_eq!(encoded("npm-../a b"), "npm-%2E%2E%2Fa%20b");
        assert!(encoded("npm-abc").starts_with(&encoded("npm-")));
    }
}
