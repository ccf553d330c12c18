//! New commits made by the server itself.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::path::PathBuf;

use crate::objects::Objects;
use crate::{EditConflict, Entry, Error, Kind, Mode, ObjectId, Repository};

/// Who a commit is by. Author and committer are the same.
#[derive(Clone, Debug)]
pub struct Author {
    /// Characters that would end the field (`<`, `>`, line breaks, NUL) are left out.
    pub name: String,
    /// As for the name.
    pub email: String,
    /// Seconds since 1970; the zone is UTC.
    pub seconds: i64,
}

/// A change of one path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Writes a file, new or over the old one. The mode is a file's, an executable's or a link's.
    Put { path: String, content: Content, mode: Mode },
    /// Deletes a file.
    Delete { path: String },
    /// Changes a file's mode alone.
    SetMode { path: String, mode: Mode },
}

/// Where a file's bytes come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    Bytes(Vec<u8>),
    /// A blob that is already in the repository.
    Blob(ObjectId),
}

/// A commit to make.
#[derive(Clone, Debug)]
pub struct CommitSpec {
    pub parent: Option<ObjectId>,
    pub author: Author,
    pub message: String,
    /// Applied in this order.
    pub edits: Vec<Edit>,
    /// Puts a `.gitkeep` into folders that deletions empty.
    pub keep_empty_folders: bool,
}

/// A commit that was made.
#[derive(Clone, Debug)]
pub struct Written {
    pub commit: ObjectId,
    pub tree: ObjectId,
    /// The parent's tree; equal to `tree` when the edits changed nothing.
    pub parent_tree: Option<ObjectId>,
}

impl Repository {
    /// Writes the objects of a commit, durably. No ref changes: that is the caller's next step.
    pub fn write_commit(&self, spec: &CommitSpec) -> Result<Written, Error> {
        let objects = self.objects()?;
        let parent_tree = spec.parent.map(|id| objects.commit(id).map(|c| c.tree)).transpose()?;
        let mut writer = Writer { objects: &objects, written: BTreeSet::new() };
        let mut root = Folder::Stored(parent_tree);
        for edit in &spec.edits {
            writer.apply(&mut root, edit, spec.keep_empty_folders)?;
        }
        let tree = match writer.store(root)? {
            Some(id) => id,
            None => writer.write(gix::objs::Kind::Tree, b"")?,
        };
        let commit = writer.write(gix::objs::Kind::Commit, commit_text(spec, tree).as_bytes())?;
        let written = writer.written;
        self.flush(&written)?;
        Ok(Written { commit, tree, parent_tree })
    }

    /// Flushes loose objects and the folders that hold them.
    fn flush(&self, ids: &BTreeSet<ObjectId>) -> Result<(), Error> {
        let objects = self.dir().join("objects");
        let mut folders: BTreeSet<PathBuf> = BTreeSet::from([objects.clone()]);
        for id in ids {
            let text = id.to_string();
            let (folder, name) = text.split_at(2);
            let folder = objects.join(folder);
            let path = folder.join(name);
            match File::open(&path) {
                // It was there before, in a pack.
                Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
                Err(e) => return Err(Error::io("opening", &path)(e)),
                Ok(file) => file.sync_all().map_err(Error::io("flushing", &path))?,
            }
            folders.insert(folder);
        }
        for folder in folders {
            File::open(&folder).and_then(|f| f.sync_all()).map_err(Error::io("flushing", &folder))?;
        }
        Ok(())
    }
}

fn commit_text(spec: &CommitSpec, tree: ObjectId) -> String {
    let clean = |text: &str| -> String {
        let kept: String = text.chars().filter(|c| !matches!(c, '<' | '>' | '\n' | '\r' | '\0')).collect();
        kept.trim().to_owned()
    };
    let Author { name, email, seconds } = &spec.author;
    let who = format!("{} <{}> {seconds} +0000", clean(name), clean(email));
    let parent = spec.parent.map(|id| format!("parent {id}\n")).unwrap_or_default();
    let message = spec.message.replace('\0', "");
    format!("tree {tree}\n{parent}author {who}\ncommitter {who}\n\n{message}")
}

/// A folder, read only when an edit enters it.
enum Folder {
    Stored(Option<ObjectId>),
    Open(Nodes),
}

type Nodes = BTreeMap<Vec<u8>, Node>;

enum Node {
    Leaf { mode: Mode, id: ObjectId },
    Folder(Folder),
}

struct Writer<'a> {
    objects: &'a Objects,
    written: BTreeSet<ObjectId>,
}

impl Writer<'_> {
    fn write(&mut self, kind: gix::objs::Kind, content: &[u8]) -> Result<ObjectId, Error> {
        let id = self.objects.write(kind, content)?;
        self.written.insert(id);
        Ok(id)
    }

    fn apply(&mut self, root: &mut Folder, edit: &Edit, keep_empty: bool) -> Result<(), Error> {
        match edit {
            Edit::Put { path, content, mode } => {
                let id = match content {
                    Content::Bytes(bytes) => self.write(gix::objs::Kind::Blob, bytes)?,
                    Content::Blob(id) => match self.objects.kind(*id)? {
                        Kind::Blob => *id,
                        found => return Err(Error::WrongKind { id: *id, found, wanted: Kind::Blob }),
                    },
                };
                let (folder, name) = self.enter(root, path, true)?;
                match folder.get(&name) {
                    Some(Node::Folder(_)) => return Err(EditConflict::IsFolder(path.clone()).into()),
                    Some(Node::Leaf { mode: Mode::Submodule, .. }) => {
                        return Err(EditConflict::InSubmodule(path.clone()).into());
                    }
                    Some(Node::Leaf { .. }) | None => {}
                }
                folder.insert(name, Node::Leaf { mode: *mode, id });
            }
            Edit::SetMode { path, mode } => {
                let (folder, name) = self.enter(root, path, false)?;
                match folder.get_mut(&name) {
                    Some(Node::Leaf { mode: old, .. }) if old.is_blob() => *old = *mode,
                    _ => return Err(EditConflict::Missing(path.clone()).into()),
                }
            }
            Edit::Delete { path } => {
                let (folder, name) = self.enter(root, path, false)?;
                match folder.get(&name) {
                    Some(Node::Leaf { mode, .. }) if mode.is_blob() => folder.remove(&name),
                    _ => return Err(EditConflict::Missing(path.clone()).into()),
                };
                let in_folder = path.trim_matches('/').contains('/');
                if keep_empty && in_folder && folder.is_empty() {
                    let id = self.write(gix::objs::Kind::Blob, b"")?;
                    let (folder, _) = self.enter(root, path, true)?;
                    folder.insert(b".gitkeep".to_vec(), Node::Leaf { mode: Mode::File, id });
                }
            }
        }
        Ok(())
    }

    /// The folder that holds `path`, opened, and the last part of the path.
    fn enter<'f>(&self, root: &'f mut Folder, path: &str, make: bool) -> Result<(&'f mut Nodes, Vec<u8>), Error> {
        let mut parts: Vec<&str> = path.split('/').filter(|p| !p.is_empty()).collect();
        let name = parts.pop().ok_or_else(|| EditConflict::IsFolder(path.to_owned()))?;
        let mut at = self.open(root)?;
        for part in parts {
            let missing = !at.contains_key(part.as_bytes());
            if missing && !make {
                return Err(EditConflict::Missing(path.to_owned()).into());
            }
            let node =
                at.entry(part.as_bytes().to_vec()).or_insert_with(|| Node::Folder(Folder::Open(BTreeMap::new())));
            at = match node {
                Node::Folder(folder) => self.open(folder)?,
                Node::Leaf { mode: Mode::Submodule, .. } => {
                    return Err(EditConflict::InSubmodule(path.to_owned()).into());
                }
                Node::Leaf { .. } if make => return Err(EditConflict::ParentIsFile(path.to_owned()).into()),
                Node::Leaf { .. } => return Err(EditConflict::Missing(path.to_owned()).into()),
            };
        }
        Ok((at, name.as_bytes().to_vec()))
    }

    fn open<'f>(&self, folder: &'f mut Folder) -> Result<&'f mut Nodes, Error> {
        if let Folder::Stored(id) = folder {
            let entries = id.map_or_else(|| Ok(Vec::new()), |id| self.objects.tree(id))?;
            let node = |Entry { path, mode, id }| match mode {
                Mode::Tree => (path, Node::Folder(Folder::Stored(Some(id)))),
                Mode::File | Mode::Executable | Mode::Link | Mode::Submodule => (path, Node::Leaf { mode, id }),
            };
            *folder = Folder::Open(entries.into_iter().map(node).collect());
        }
        match folder {
            Folder::Open(entries) => Ok(entries),
            Folder::Stored(_) => Err(Error::Protocol("a folder that does not open")),
        }
    }

    /// Writes the folder's trees; `None` when nothing is left in it, as git keeps no empty folders.
    fn store(&mut self, folder: Folder) -> Result<Option<ObjectId>, Error> {
        let entries = match folder {
            Folder::Stored(id) => return Ok(id),
            Folder::Open(entries) => entries,
        };
        let mut lines: Vec<(Vec<u8>, Mode, ObjectId)> = Vec::new();
        for (name, node) in entries {
            match node {
                Node::Leaf { mode, id } => lines.push((name, mode, id)),
                Node::Folder(folder) => {
                    if let Some(id) = self.store(folder)? {
                        lines.push((name, Mode::Tree, id));
                    }
                }
            }
        }
        if lines.is_empty() {
            return Ok(None);
        }
        // Git sorts folders as if their names ended with a slash.
        lines.sort_by_cached_key(|(name, mode, _)| {
            let mut key = name.clone();
            if *mode == Mode::Tree {
                key.push(b'/');
            }
            key
        });
        let mut out = Vec::new();
        for (name, mode, id) in lines {
            out.extend_from_slice(mode.in_tree().as_bytes());
            out.push(b' ');
            out.extend_from_slice(&name);
            out.push(0);
            out.extend_from_slice(id.as_bytes());
        }
        self.write(gix::objs::Kind::Tree, &out).map(Some)
    }
}
