//! Which files of a working copy become artifacts. Blocks on the disk.

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

/// The files of a set, with the names that they get. Links are followed only to where the build could write: on the
/// host a link may lead to what the build never saw.
pub(super) fn collect(source_dir: &Path, set: &ArtifactPlan) -> Result<Vec<Member>, CollectError> {
    let root = root(source_dir)?;
    let matcher = FileMatcher::new(&set.files, &set.exclude).map_err(CollectError::User)?;
    let mut found = Vec::new();
    for base in base_directories(&root, set.base_directory.as_deref())? {
        walk(&base, &mut |path, meta| {
            let Ok(relative) = path.strip_prefix(&base) else { return Ok(()) };
            let relative = relative.to_string_lossy();
            if !matcher.matches(&relative) {
                return Ok(());
            }
            let name = match set.discard_paths {
                true => relative.rsplit('/').next().unwrap_or_default().to_owned(),
                false => relative.into_owned(),
            };
            let content = content(&root, path, meta, set.keep_symlinks)?;
            found.extend(content.map(|content| Member { name, content }));
            Ok(())
        })?;
    }
    if found.is_empty() {
        return Err(CollectError::User("no matching artifact paths found".to_owned()));
    }
    Ok(found)
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

fn content(root: &Path, path: &Path, meta: &fs::Metadata, keep: bool) -> Result<Option<Content>, CollectError> {
    let file = |path: PathBuf, meta: &fs::Metadata| {
        let executable = meta.permissions().mode() & 0o111 != 0;
        meta.is_file().then_some(Content::File { path, executable })
    };
    if !meta.is_symlink() {
        return Ok(file(path.to_owned(), meta));
    }
    if keep {
        let target = fs::read_link(path)?;
        return Ok(Some(Content::Link { target: target.to_string_lossy().into_owned() }));
    }
    match path.canonicalize() {
        Ok(target) if target.starts_with(root) => {
            let meta = target.metadata()?;
            Ok(file(target, &meta))
        }
        Ok(_) => {
            let shown = path.strip_prefix(root).unwrap_or(path).display().to_string();
            Err(CollectError::User(format!("the artifact {shown} is a link that leaves the source folder")))
        }
        Err(_) => Ok(None),
    }
}

/// The folders that a base directory names; it may hold patterns.
fn base_directories(root: &Path, wanted: Option<&str>) -> Result<Vec<PathBuf>, CollectError> {
    let Some(wanted) = wanted.map(|w| w.trim_matches('/')).filter(|w| !w.is_empty() && *w != ".") else {
        return Ok(vec![root.to_owned()]);
    };
    let missing = || CollectError::User(format!("no matching base directory path found for {wanted}"));
    let wanted_path = wanted.trim_start_matches("./");
    if !wanted_path.contains(['*', '?', '[', '{']) {
        let dir = root.join(wanted_path).canonicalize().map_err(|_| missing())?;
        return if dir.is_dir() && dir.starts_with(root) { Ok(vec![dir]) } else { Err(missing()) };
    }
    let matcher = FileMatcher::new(&[wanted_path.to_owned()], &[]).map_err(CollectError::User)?;
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
    if found.is_empty() { Err(missing()) } else { Ok(found) }
}

/// Every file and link below `dir`, in the order of their names; links to folders are not entered.
fn walk(
    dir: &Path,
    each: &mut impl FnMut(&Path, &fs::Metadata) -> Result<(), CollectError>,
) -> Result<(), CollectError> {
    let mut open = vec![dir.to_owned()];
    while let Some(dir) = open.pop() {
        let mut entries: Vec<PathBuf> = fs::read_dir(&dir)?.map(|e| e.map(|e| e.path())).collect::<Result<_, _>>()?;
        entries.sort();
        for path in entries {
            let meta = fs::symlink_metadata(&path)?;
            if meta.is_dir() {
                open.push(path);
            } else {
                each(&path, &meta)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use engine::build::Packaging;

    use super::*;

    fn set(files: &[&str]) -> ArtifactPlan {
        ArtifactPlan {
            identifier: None,
            files: files.iter().map(|s| (*s).to_owned()).collect(),
            exclude: Vec::new(),
            base_directory: None,
            discard_paths: false,
            keep_symlinks: false,
            bucket: "b".to_owned(),
            key: "k".to_owned(),
            packaging: Packaging::Zip,
            name_variable: None,
        }
    }

    fn copy() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for name in ["dist/a.js", "dist/sub/b.js", "dist2/c.js", "README.md", ".hidden"] {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, name).unwrap();
        }
        dir
    }

    fn names(dir: &Path, set: &ArtifactPlan) -> Vec<String> {
        let mut names: Vec<_> = collect(dir, set).unwrap().into_iter().map(|m| m.name).collect();
        names.sort();
        names
    }

    fn why(dir: &Path, set: &ArtifactPlan) -> String {
        match collect(dir, set).unwrap_err() {
            CollectError::User(why) => why,
            CollectError::Io(e) => panic!("{e}"),
        }
    }

    #[test]
    fn everything_means_everything() {
        let dir = copy();
        let all = names(dir.path(), &set(&["**/*"]));
        assert_eq!(all, [".hidden", "README.md", "dist/a.js", "dist/sub/b.js", "dist2/c.js"]);
    }

    #[test]
    fn base_directories_are_stripped_and_may_be_patterns() {
        let dir = copy();
        let with = |base: &str| ArtifactPlan { base_directory: Some(base.to_owned()), ..set(&["**/*"]) };
        assert_eq!(names(dir.path(), &with("dist")), ["a.js", "sub/b.js"]);
        assert_eq!(names(dir.path(), &with("dist*")), ["a.js", "c.js", "sub/b.js"]);
        assert_eq!(why(dir.path(), &with("nope")), "no matching base directory path found for nope");
        assert_eq!(why(dir.path(), &with("../..")), "no matching base directory path found for ../..");
    }

    #[test]
    fn paths_can_be_discarded_and_excluded() {
        let dir = copy();
        let set = ArtifactPlan { discard_paths: true, exclude: vec!["dist2/**/*".to_owned()], ..set(&["**/*.js"]) };
        assert_eq!(names(dir.path(), &set), ["a.js", "b.js"]);
    }

    #[test]
    fn nothing_found_is_said_in_the_words_of_aws() {
        assert_eq!(why(copy().path(), &set(&["target/*.jar"])), "no matching artifact paths found");
    }

    #[test]
    fn a_source_folder_that_was_replaced_by_a_link_or_removed_gives_no_artifacts() {
        let (work, elsewhere) = (tempfile::tempdir().unwrap(), copy());
        let source = work.path().join("src");
        symlink(elsewhere.path(), &source).unwrap();
        assert!(why(&source, &set(&["**/*"])).contains("was replaced"));
        fs::remove_file(&source).unwrap();
        assert!(why(&source, &set(&["**/*"])).contains("was removed"));
    }

    #[test]
    fn links_are_followed_inside_and_refused_outside() {
        let dir = copy();
        symlink("README.md", dir.path().join("inside")).unwrap();
        let found = collect(dir.path(), &set(&["inside"])).unwrap();
        assert!(matches!(&found[0].content, Content::File { path, .. } if path.ends_with("README.md")));
        symlink("/etc/hostname", dir.path().join("outside")).unwrap();
        assert!(why(dir.path(), &set(&["outside"])).contains("leaves the source folder"));
        let kept = ArtifactPlan { keep_symlinks: true, ..set(&["outside"]) };
        assert!(matches!(&collect(dir.path(), &kept).unwrap()[0].content, Content::Link { .. }));
    }
}
