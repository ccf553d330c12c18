//! Where repositories live on disk, and the copy of their refs.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::refs::{mirror_number, packed, parse_packed};
use crate::{Error, ObjectId};

/// The folder that holds all repositories, one sub-folder each, named by the repository's id.
#[derive(Clone, Debug)]
pub struct Repositories {
    root: PathBuf,
}

/// One bare repository. Cheap to make; holds no open files.
#[derive(Clone, Debug)]
pub struct Repository {
    dir: PathBuf,
    id: String,
}

/// Keeps others from mirroring refs into a repository, in this and other processes, until dropped.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "the lock ends when the file closes")] File);

const CONFIG: &str = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n";
const TRASH: &str = ".trash";

impl Repositories {
    /// Repositories below `root`, which need not exist yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Repositories { root: root.into() }
    }

    /// Makes an empty repository. Making one that exists changes nothing.
    pub fn create(&self, id: &str) -> Result<Repository, Error> {
        let repository = self.at(id)?;
        let dir = &repository.dir;
        for sub in ["objects/info", "objects/pack", "refs/heads", "refs/tags"] {
            let path = dir.join(sub);
            fs::create_dir_all(&path).map_err(Error::io("making the folder", &path))?;
        }
        // HEAD comes last: with it the folder is a repository.
        for (name, text) in [("config", CONFIG), ("HEAD", "ref: refs/heads/main\n")] {
            if !dir.join(name).exists() {
                write_atomically(&dir.join(name), text.as_bytes())?;
            }
        }
        Ok(repository)
    }

    /// The repository with this id.
    pub fn open(&self, id: &str) -> Result<Repository, Error> {
        let repository = self.at(id)?;
        if repository.dir.join("HEAD").exists() { Ok(repository) } else { Err(Error::NoRepository(id.to_owned())) }
    }

    /// Whether there is a repository with this id.
    pub fn exists(&self, id: &str) -> bool {
        self.open(id).is_ok()
    }

    /// Deletes the repository: first its name goes, so that nobody finds half of it, then its content.
    pub fn delete(&self, id: &str) -> Result<(), Error> {
        let repository = self.at(id)?;
        let trash = self.root.join(TRASH);
        fs::create_dir_all(&trash).map_err(Error::io("making the folder", &trash))?;
        let gone = trash.join(id);
        match fs::rename(&repository.dir, &gone) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(Error::io("deleting the repository", &repository.dir)(e)),
        }
        match fs::remove_dir_all(&gone) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::io("deleting the repository", &gone)(e)),
            _ => Ok(()),
        }
    }

    /// The ids of all repositories on disk. Also finishes deletions that a crash cut short.
    pub fn ids(&self) -> Result<Vec<String>, Error> {
        let trash = self.root.join(TRASH);
        if let Err(e) = fs::remove_dir_all(&trash)
            && e.kind() != io::ErrorKind::NotFound
        {
            return Err(Error::io("emptying", &trash)(e));
        }
        let entries = match fs::read_dir(&self.root) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other.map_err(Error::io("listing", &self.root))?,
        };
        let mut ids = Vec::new();
        for entry in entries {
            let name = entry.map_err(Error::io("listing", &self.root))?.file_name();
            if let Some(id) = name.to_str().filter(|n| valid_id(n)) {
                ids.push(id.to_owned());
            }
        }
        ids.sort();
        Ok(ids)
    }

    fn at(&self, id: &str) -> Result<Repository, Error> {
        if !valid_id(id) {
            return Err(Error::BadId(id.to_owned()));
        }
        Ok(Repository { dir: self.root.join(id), id: id.to_owned() })
    }
}

/// Ids become folder names: only what a UUID has.
fn valid_id(id: &str) -> bool {
    (8..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') && !id.starts_with('-')
}

impl Repository {
    /// The repository `id` below `root`.
    pub fn open(root: impl Into<PathBuf>, id: &str) -> Result<Self, Error> {
        Repositories::new(root).open(id)
    }

    /// The repository's id.
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn gone(&self) -> Error {
        Error::NoRepository(self.id.clone())
    }

    /// Waits for and takes the right to mirror refs.
    pub fn lock(&self) -> Result<Lock, Error> {
        let path = self.dir.join("mirror.lock");
        let file = match File::options().create(true).truncate(false).write(true).open(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Err(self.gone()),
            other => other.map_err(Error::io("opening", &path))?,
        };
        file.lock().map_err(Error::io("locking", &path))?;
        Ok(Lock(file))
    }

    /// The number given to the last [`mirror`](Self::mirror), or `None` before the first.
    pub fn mirrored(&self) -> Result<Option<i64>, Error> {
        let path = self.dir.join("packed-refs");
        let mut head = Vec::with_capacity(96);
        match File::open(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Error::io("opening", &path)(e)),
            Ok(file) => file.take(96).read_to_end(&mut head).map_err(Error::io("reading", &path))?,
        };
        Ok(mirror_number(&String::from_utf8_lossy(&head)))
    }

    /// Makes the refs on disk equal `refs` at once, and `HEAD` point at `head` (a full ref name).
    /// `number` says which state of the store this is.
    pub fn mirror(
        &self,
        _lock: &Lock,
        refs: &[(String, ObjectId)],
        head: Option<&str>,
        number: i64,
    ) -> Result<(), Error> {
        if let Some(head) = head
            && self.mirrored_head()?.as_deref() != Some(head)
        {
            write_atomically(&self.dir.join("HEAD"), format!("ref: {head}\n").as_bytes())?;
        }
        write_atomically(&self.dir.join("packed-refs"), packed(refs, number).as_bytes())
    }

    /// The refs on disk, sorted by name.
    pub fn mirrored_refs(&self) -> Result<Vec<(String, ObjectId)>, Error> {
        let path = self.dir.join("packed-refs");
        match fs::read(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(e) => Err(Error::io("reading", &path)(e)),
            Ok(bytes) => Ok(parse_packed(&String::from_utf8_lossy(&bytes))),
        }
    }

    /// The ref that `HEAD` on disk points at.
    pub(crate) fn mirrored_head(&self) -> Result<Option<String>, Error> {
        let path = self.dir.join("HEAD");
        match fs::read_to_string(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Err(self.gone()),
            Err(e) => Err(Error::io("reading", &path)(e)),
            Ok(text) => Ok(text.trim_end().strip_prefix("ref: ").map(str::to_owned)),
        }
    }
}

/// Readers see the old or the new content, never a part. Not flushed: refs on disk can be made again from the store.
fn write_atomically(path: &Path, content: &[u8]) -> Result<(), Error> {
    let new = path.with_extension("new");
    let mut file = File::create(&new).map_err(Error::io("creating", &new))?;
    file.write_all(content).map_err(Error::io("writing", &new))?;
    drop(file);
    fs::rename(&new, path).map_err(Error::io("replacing", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_uuids_become_folders() {
        let root = tempfile::tempdir().unwrap();
        let all = Repositories::new(root.path());
        for bad in ["", "..", "../../etc", "a/b", ".trash", "demo.git", "-rf-0000000", "0123\0abc4567"] {
            assert!(matches!(all.create(bad), Err(Error::BadId(_))), "{bad:?}");
        }
        assert!(all.ids().unwrap().is_empty());
    }

    #[test]
    fn a_repository_is_made_listed_and_deleted() {
        let root = tempfile::tempdir().unwrap();
        let all = Repositories::new(root.path());
        let id = "12345678-1234-5678-abcd-12345678abcd";
        assert!(matches!(all.open(id), Err(Error::NoRepository(_))));
        let made = all.create(id).unwrap();
        assert_eq!(all.ids().unwrap(), [id]);
        assert_eq!(made.mirrored().unwrap(), None);
        let lock = made.lock().unwrap();
        made.mirror(&lock, &[], Some("refs/heads/trunk"), 3).unwrap();
        assert_eq!(made.mirrored().unwrap(), Some(3));
        assert_eq!(made.mirrored_head().unwrap().as_deref(), Some("refs/heads/trunk"));
        all.delete(id).unwrap();
        all.delete(id).unwrap();
        assert!(!all.exists(id));
        assert!(matches!(made.lock(), Err(Error::NoRepository(_))));
    }
}
