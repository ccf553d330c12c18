//! Folders and files of a commit.

use crate::objects::Objects;
use crate::{Entry, Error, Mode, ObjectId, Repository};

/// Deeper trees are refused: they come from no honest user, and walks recurse.
const MAX_DEPTH: usize = 512;

impl Repository {
    /// The entries of one folder of a tree; `path` is relative to it, `""` is the tree itself.
    /// `None` when there is no such folder. Also returns the folder's own id.
    pub fn folder(&self, tree: ObjectId, path: &str) -> Result<Option<(ObjectId, Vec<Entry>)>, Error> {
        let objects = self.objects()?;
        match objects.lookup(tree, path)? {
            Some(Entry { mode: Mode::Tree, id, .. }) => Ok(Some((id, objects.tree(id)?))),
            _ => Ok(None),
        }
    }

    /// What `path` names in the tree.
    pub fn entry(&self, tree: ObjectId, path: &str) -> Result<Option<Entry>, Error> {
        self.objects()?.lookup(tree, path)
    }

    /// Every file, link and submodule of a commit with its path, in git's order.
    pub fn files(&self, commit: ObjectId) -> Result<Vec<Entry>, Error> {
        let objects = self.objects()?;
        let commit = objects.peel_to_commit(commit)?;
        let mut out = Vec::new();
        objects.walk(objects.commit(commit)?.tree, &mut Vec::new(), 0, &mut |entry| {
            if entry.mode != Mode::Tree {
                out.push(entry.clone());
            }
            Ok(())
        })?;
        Ok(out)
    }
}

impl Objects {
    /// Finds `path` below `tree`. Leading and trailing slashes do not matter.
    pub(crate) fn lookup(&self, tree: ObjectId, path: &str) -> Result<Option<Entry>, Error> {
        let mut at = Entry { path: Vec::new(), mode: Mode::Tree, id: tree };
        for part in path.split('/').filter(|p| !p.is_empty()) {
            if at.mode != Mode::Tree {
                return Ok(None);
            }
            match self.tree(at.id)?.into_iter().find(|e| e.path == part.as_bytes()) {
                Some(entry) => at = entry,
                None => return Ok(None),
            }
        }
        at.path = path.trim_matches('/').as_bytes().to_vec();
        Ok(Some(at))
    }

    /// Visits every entry below `tree`, folders before their content.
    pub(crate) fn walk(
        &self,
        tree: ObjectId,
        prefix: &mut Vec<u8>,
        depth: usize,
        visit: &mut dyn FnMut(&Entry) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if depth > MAX_DEPTH {
            return Err(Error::UnsafePath(String::from_utf8_lossy(prefix).into_owned()));
        }
        for mut entry in self.tree(tree)? {
            let length = prefix.len();
            if !prefix.is_empty() {
                prefix.push(b'/');
            }
            prefix.extend_from_slice(&entry.path);
            entry.path.clone_from(prefix);
            visit(&entry)?;
            if entry.mode == Mode::Tree {
                self.walk(entry.id, prefix, depth + 1, visit)?;
            }
            prefix.truncate(length);
        }
        Ok(())
    }
}
