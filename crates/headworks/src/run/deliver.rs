//! Artifacts and report files on their way from the private account to a folder of the user's.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use driver::archive::{self, Limits, Links};
use engine::build::BuildState;
use futures_util::StreamExt as _;
use platform::{Cx, s3};
use tokio::io::AsyncWriteExt as _;

use crate::cli::CliError;

/// A set of artifacts that was put into a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// `None` for the primary artifact.
    pub identifier: Option<String>,
    pub folder: PathBuf,
    pub files: usize,
}

/// What comes out was on this disk a moment ago: no archive can be a trap.
const NO_LIMITS: Limits = Limits { entries: usize::MAX, total_bytes: u64::MAX, ratio: u64::MAX, free_bytes: u64::MAX };

/// Puts the build's artifacts into `target`: the primary one into it, each secondary one into a folder of its name. Files
/// of the same names are replaced, others stay.
pub async fn artifacts(cx: &Cx, state: &BuildState, target: &Path) -> Result<Vec<Delivered>, CliError> {
    let mut delivered = Vec::new();
    for artifact in &state.facts.artifacts {
        let folder = artifact.identifier.as_ref().map_or_else(|| target.to_owned(), |id| target.join(id));
        let files = zip(cx, &artifact.bucket, &artifact.key, &folder).await?;
        delivered.push(Delivered { identifier: artifact.identifier.clone(), folder, files });
    }
    Ok(delivered)
}

/// Unpacks a zip of the private account into `folder`, and gives how many files it holds.
pub async fn zip(cx: &Cx, bucket: &str, key: &str, folder: &Path) -> Result<usize, CliError> {
    let scratch = tempfile::tempdir_in(&cx.site.data_dir).map_err(CliError::environment)?;
    let zip = scratch.path().join("files.zip");
    download(cx, bucket, key, &zip).await.map_err(CliError::environment)?;
    let to = folder.to_owned();
    let moved = tokio::task::spawn_blocking(move || unpack(&zip, &scratch.path().join("files"), &to));
    moved.await.map_err(CliError::internal)?.map_err(|e| {
        CliError::environment(format!("cannot put files into {}: {e}", folder.display()))
            .hint("the folder must be one that you may write in")
    })
}

/// Writes the objects of a bucket of the private account into `folder`, and gives how many. Those whose keys cannot be files
/// are named and left out.
pub async fn bucket(cx: &Cx, bucket: &str, folder: &Path) -> Result<usize, CliError> {
    let scratch = tempfile::tempdir_in(&cx.site.data_dir).map_err(CliError::environment)?;
    for object in s3::list(cx, bucket, "").await.map_err(CliError::environment)? {
        let Some(file) = inside(scratch.path(), &object.key) else {
            eprintln!("warning: {} cannot be a file's name; it is not kept", object.key.escape_debug());
            continue;
        };
        let made = file.parent().map_or(Ok(()), fs::create_dir_all);
        // A key may be a folder of another's.
        if made.is_err() || file.is_dir() {
            eprintln!("warning: {} is a file and a folder; it is not kept", object.key.escape_debug());
            continue;
        }
        download(cx, bucket, &object.key, &file).await.map_err(CliError::environment)?;
    }
    let to = folder.to_owned();
    let moved = tokio::task::spawn_blocking(move || {
        own_folder(&to)?;
        place(scratch.path(), &to)
    });
    let moved = moved.await.map_err(CliError::internal)?;
    moved.map_err(|e| CliError::environment(format!("cannot put files into {}: {e}", folder.display())))
}

/// Makes the folder. A link that stands for it, or for the folder around it, is not followed: it may have come with the source.
fn own_folder(folder: &Path) -> io::Result<()> {
    for path in folder.parent().into_iter().chain([folder]) {
        if fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink()) {
            return Err(io::Error::other(format!("{} is a link", path.display())));
        }
    }
    fs::create_dir_all(folder)
}

fn inside(folder: &Path, key: &str) -> Option<PathBuf> {
    let plain = |part: &str| !matches!(part, "" | "." | "..") && !part.contains('\0');
    key.split('/').all(plain).then(|| folder.join(key))
}

async fn download(cx: &Cx, bucket: &str, key: &str, to: &Path) -> io::Result<()> {
    let (_, mut body) = s3::open(cx, bucket, key, None).await.map_err(io::Error::other)?;
    let mut file = tokio::fs::File::create(to).await?;
    while let Some(piece) = body.next().await {
        file.write_all(&piece?).await?;
    }
    file.flush().await
}

fn unpack(zip: &Path, scratch: &Path, target: &Path) -> io::Result<usize> {
    let file = fs::File::open(zip)?;
    let size = file.metadata()?.len();
    archive::unpack(file, size, scratch, Links::Any, NO_LIMITS).map_err(io::Error::other)?;
    fs::create_dir_all(target)?;
    place(scratch, target)
}

/// Moves what is in `from` into `to`, which is a folder. A link that stands in the way is replaced, never followed: it may
/// have come with an earlier artifact and lead anywhere.
fn place(from: &Path, to: &Path) -> io::Result<usize> {
    let mut files = 0;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        let meta = fs::symlink_metadata(&path)?;
        let there = match fs::symlink_metadata(&target) {
            Ok(there) => Some(there),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(e),
        };
        if meta.is_dir() {
            if there.is_some_and(|there| !there.is_dir()) {
                fs::remove_file(&target)?;
            }
            fs::create_dir_all(&target)?;
            files += place(&path, &target)?;
            continue;
        }
        match there {
            Some(there) if there.is_dir() => fs::remove_dir_all(&target)?,
            Some(_) => fs::remove_file(&target)?,
            None => {}
        }
        if fs::rename(&path, &target).is_err() {
            // The folder is on another disk.
            if meta.is_symlink() {
                std::os::unix::fs::symlink(fs::read_link(&path)?, &target)?;
            } else {
                fs::copy(&path, &target)?;
            }
        }
        files += 1;
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn files_of_the_same_name_are_replaced_and_others_stay() {
        let top = tempfile::tempdir().unwrap();
        let (from, to) = (top.path().join("from"), top.path().join("to"));
        fs::create_dir_all(from.join("sub")).unwrap();
        fs::create_dir_all(&to).unwrap();
        fs::write(from.join("sub/new"), "new").unwrap();
        fs::write(from.join("old"), "newer").unwrap();
        fs::write(to.join("old"), "old").unwrap();
        fs::write(to.join("mine"), "mine").unwrap();
        assert_eq!(place(&from, &to).unwrap(), 2);
        let read = |name: &str| fs::read_to_string(to.join(name)).unwrap();
        assert_eq!((read("sub/new"), read("old"), read("mine")), ("new".into(), "newer".into(), "mine".into()));
    }

    #[test]
    fn no_file_is_written_through_a_link() {
        let top = tempfile::tempdir().unwrap();
        let (from, to, outside) = (top.path().join("from"), top.path().join("to"), top.path().join("outside"));
        for dir in [&from.join("link"), &to, &outside] {
            fs::create_dir_all(dir).unwrap();
        }
        fs::write(from.join("link/file"), "x").unwrap();
        fs::write(from.join("other"), "x").unwrap();
        fs::write(outside.join("kept"), "kept").unwrap();
        symlink(&outside, to.join("link")).unwrap();
        symlink(outside.join("kept"), to.join("other")).unwrap();
        place(&from, &to).unwrap();
        assert!(!outside.join("file").exists());
        assert_eq!(fs::read_to_string(outside.join("kept")).unwrap(), "kept");
        assert_eq!(fs::read_to_string(to.join("link/file")).unwrap(), "x");
    }
}
