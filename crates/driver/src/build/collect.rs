//! Which files of a working copy become artifacts. Blocks on the disk.
//!
//! Everything is read from the build's own folder, after its job: what the build left there may be a link to anywhere on
//! this machine, so links are followed only to where the build could write. What they lead to elsewhere the job itself has
//! copied, with its own rights (`engine/src/build/outside.rs`); what has no copy is left out, and said.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use engine::build::{ArtifactPlan, FileMatcher};

use crate::archive::{Content, Member};

/// Why there are no artifacts.
#[derive(Debug)]
pub(super) enum CollectError {
    /// In AWS's words, for the user.
    User(String),
    Io(io::Error),
}

impl From<io::Error> for CollectError {
    fn from(e: io::Error) -> Self {
        CollectError::Io(e)
    }
}

const MAX_FILES: usize = 1_000_000;
/// So many paths are looked at. Some folders with links to each other have more than anybody can count.
const MAX_VISITED: usize = 2_000_000;
/// So many lines tell of single files.
const MAX_TOLD: usize = 100;

/// Where the files of a build are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ground<'a> {
    pub source_dir: &'a Path,
    /// What the job has copied from elsewhere, if it had a chance to.
    pub outside: Option<&'a Path>,
}

/// The files of a set, with the names that they get. `told` takes a line for each that is left out.
pub(super) fn collect(
    ground: Ground<'_>,
    set: &ArtifactPlan,
    told: &mut Vec<String>,
) -> Result<Vec<Member>, CollectError> {
    within(MAX_VISITED, ground, set, told)
}

fn within(
    max_visited: usize,
    ground: Ground<'_>,
    set: &ArtifactPlan,
    told: &mut Vec<String>,
) -> Result<Vec<Member>, CollectError> {
    let root = root(ground.source_dir)?;
    let matcher = FileMatcher::new(&set.files, &set.exclude).map_err(CollectError::User)?;
    let mut collector = Collector {
        inside: ground.source_dir.to_owned(),
        copies: ground.outside.and_then(|outside| copies(outside, set.keep_symlinks)),
        root,
        matcher,
        set,
        found: Vec::new(),
        left_out: Vec::new(),
        untold: 0,
        visited: 0,
        max_visited,
    };
    let walked = collector.all();
    told.append(&mut collector.left_out);
    if collector.untold > 0 {
        told.push(format!("Skipping {} more", collector.untold));
    }
    walked?;
    if collector.found.is_empty() {
        return Err(CollectError::User("no matching artifact paths found".to_owned()));
    }
    Ok(collector.found)
}

/// The source folder, without links in its path. The build could write in the folder above it, so it may have put a
/// link to the server's files in its place.
fn root(source_dir: &Path) -> Result<PathBuf, CollectError> {
    match fs::symlink_metadata(source_dir) {
        Ok(found) if found.is_dir() => Ok(source_dir.canonicalize()?),
        Ok(_) => Err(CollectError::User("the source folder was replaced by something else".to_owned())),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            Err(CollectError::User("no matching artifact paths found: the source folder was removed".to_owned()))
        }
        Err(e) => Err(e.into()),
    }
}

/// The tree of copies, unless the build has put something else in its place.
fn copies(outside: &Path, keep_symlinks: bool) -> Option<PathBuf> {
    let tree = outside.join(if keep_symlinks { ArtifactPlan::KEPT } else { ArtifactPlan::FOLLOWED });
    let is_folder = |path: &Path| fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
    if is_folder(outside) && is_folder(&tree) { tree.canonicalize().ok() } else { None }
}

struct Collector<'a> {
    /// The source folder as the job has it.
    inside: PathBuf,
    root: PathBuf,
    copies: Option<PathBuf>,
    matcher: FileMatcher,
    set: &'a ArtifactPlan,
    found: Vec<Member>,
    left_out: Vec<String>,
    /// How many more were left out.
    untold: usize,
    visited: usize,
    max_visited: usize,
}

/// A folder that is still to be looked at.
struct Open {
    /// Without links in it.
    path: PathBuf,
    /// Relative to the base directory; empty for that itself.
    name: String,
    /// The folders from which links led here.
    through: Vec<PathBuf>,
}

impl Collector<'_> {
    fn all(&mut self) -> Result<(), CollectError> {
        for pattern in &self.set.files {
            let why = match pattern {
                _ if pattern.trim().starts_with('/') => "it is absolute, and files are looked for below base-directory",
                _ if pattern.split('/').any(|part| part.trim() == "..") => "it leads out of the base directory",
                _ => continue,
            };
            self.leave_out(pattern, why);
        }
        for base in self.base_directories()? {
            self.walk(base)?;
        }
        Ok(())
    }

    /// The folders that the base directory names; it may hold patterns.
    fn base_directories(&self) -> Result<Vec<PathBuf>, CollectError> {
        let written = self.set.base_directory.as_deref().unwrap_or_default().trim();
        let wanted = Path::new(written).strip_prefix(&self.inside).unwrap_or(Path::new(written));
        let is_elsewhere = wanted.is_absolute();
        let wanted = wanted.to_string_lossy().trim_start_matches("./").trim_matches('/').to_owned();
        if !is_elsewhere && matches!(wanted.as_str(), "" | ".") {
            return Ok(vec![self.root.clone()]);
        }
        let missing = || CollectError::User(format!("no matching base directory path found for {written}"));
        if !wanted.contains(['*', '?', '[', '{']) {
            let own = self.root.join(&wanted).canonicalize().ok().filter(|dir| dir.starts_with(&self.root));
            let own = own.filter(|_| !is_elsewhere);
            let copied =
                || self.copied(&if is_elsewhere { Path::new("/").join(&wanted) } else { self.inside.join(&wanted) });
            return own.or_else(copied).filter(|dir| dir.is_dir()).map(|dir| vec![dir]).ok_or_else(missing);
        }
        let root = if is_elsewhere { self.copies.clone().ok_or_else(missing)? } else { self.root.clone() };
        let found = folders(&root, &wanted)?;
        if found.is_empty() { Err(missing()) } else { Ok(found) }
    }

    /// The copy of what the job had at this path.
    fn copied(&self, path: &Path) -> Option<PathBuf> {
        let copies = self.copies.as_ref()?;
        let copy = copies.join(path.strip_prefix("/").ok()?).canonicalize().ok()?;
        copy.starts_with(copies).then_some(copy)
    }

    /// Every file and link below a folder, in the order of their names.
    fn walk(&mut self, base: PathBuf) -> Result<(), CollectError> {
        let mut open = vec![Open { path: base, name: String::new(), through: Vec::new() }];
        while let Some(dir) = open.pop() {
            let mut entries: Vec<PathBuf> =
                fs::read_dir(&dir.path)?.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
            entries.sort();
            for path in entries {
                self.visited += 1;
                if self.visited > self.max_visited {
                    return Err(CollectError::User(format!(
                        "there are more than {} paths to look at, each way through links to folders counted; begin the \
                         patterns with the folders that are wanted, or exclude others (**/node_modules/**/*)",
                        self.max_visited
                    )));
                }
                let last = path.file_name().unwrap_or_default().to_string_lossy();
                let name = if dir.name.is_empty() { last.into_owned() } else { format!("{}/{last}", dir.name) };
                let meta = fs::symlink_metadata(&path)?;
                if meta.is_dir() {
                    if !self.matcher.passes_over(&name) {
                        open.push(Open { path, name, through: dir.through.clone() });
                    }
                } else if !meta.is_symlink() || self.set.keep_symlinks {
                    self.entry(path, &name, &meta)?;
                } else {
                    open.extend(self.link(&path, name, &dir)?);
                }
            }
        }
        Ok(())
    }

    /// What is no folder.
    fn entry(&mut self, path: PathBuf, name: &str, meta: &fs::Metadata) -> Result<(), CollectError> {
        if !self.matcher.matches(name) {
            return Ok(());
        }
        let content = if meta.is_symlink() {
            Content::Link { target: fs::read_link(&path)?.to_string_lossy().into_owned() }
        } else if meta.is_file() {
            Content::File { path, executable: meta.permissions().mode() & 0o111 != 0 }
        } else {
            self.leave_out(name, "it is no file");
            return Ok(());
        };
        if self.found.len() >= MAX_FILES {
            return Err(CollectError::User(format!("the artifact has more than {MAX_FILES} files")));
        }
        let name = match self.set.discard_paths {
            true => name.rsplit('/').next().unwrap_or_default().to_owned(),
            false => name.to_owned(),
        };
        self.found.push(Member { name, content });
        Ok(())
    }

    /// What a link leads to. Gives the folder that it is.
    fn link(&mut self, path: &Path, name: String, dir: &Open) -> Result<Option<Open>, CollectError> {
        if !self.matcher.matches(&name) && self.matcher.passes_over(&name) {
            return Ok(None);
        }
        let copies = self.copies.as_ref().filter(|copies| path.starts_with(copies));
        let zone = copies.unwrap_or(&self.root).clone();
        let target = path.canonicalize().ok().filter(|target| target.starts_with(&zone));
        let target = match (target, path.strip_prefix(&self.root)) {
            (None, Ok(relative)) => self.copied(&self.inside.join(relative)),
            (target, _) => target,
        };
        let Some(target) = target else {
            if self.matcher.matches(&name) {
                let leads = fs::read_link(path)?.display().to_string();
                let why = format!(
                    "it is a link to {leads}, which is not in the source folder and no file that the build can read"
                );
                self.leave_out(&name, &why);
            }
            return Ok(None);
        };
        let meta = target.metadata()?;
        if !meta.is_dir() {
            self.entry(target, &name, &meta)?;
            return Ok(None);
        }
        if dir.through.iter().chain([&dir.path]).any(|above| above.starts_with(&target)) {
            if self.matcher.matches(&name) {
                self.leave_out(&name, "it is a link to a folder that it lies in");
            }
            return Ok(None);
        }
        if self.matcher.passes_over(&name) {
            return Ok(None);
        }
        let through = dir.through.iter().chain([&dir.path]).cloned().collect();
        Ok(Some(Open { path: target, name, through }))
    }

    fn leave_out(&mut self, path: &str, why: &str) {
        if self.left_out.len() < MAX_TOLD {
            // As CodeBuild's agent begins the line.
            self.left_out.push(format!("Skipping invalid file path {path}: {why}"));
        } else {
            self.untold += 1;
        }
    }
}

/// The folders below `root` that a pattern matches, and none below those.
fn folders(root: &Path, pattern: &str) -> Result<Vec<PathBuf>, CollectError> {
    let matcher = FileMatcher::new(&[pattern.to_owned()], &[]).map_err(CollectError::User)?;
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir)? {
            let path = entry?.path();
            if !fs::symlink_metadata(&path)?.is_dir() {
                continue;
            }
            let relative = path.strip_prefix(root).map(|p| p.to_string_lossy().into_owned()).unwrap_or_default();
            if matcher.matches(&relative) {
                found.push(path);
            } else {
                open.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
#[path = "collect_tests.rs"]
mod tests;
