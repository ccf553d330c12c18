//! What differs between two trees, file by file.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use crate::objects::Objects;
use crate::{Entry, Error, Mode, ObjectId, Repository};

/// What happened to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    Added,
    Modified,
    Deleted,
}

/// One side of a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Side {
    pub id: ObjectId,
    pub mode: Mode,
}

/// One file that differs. Renames show as a deletion and an addition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The path with `/` between the parts; bytes that are not UTF-8 are replaced.
    pub path: String,
    pub before: Option<Side>,
    pub after: Option<Side>,
}

impl Change {
    /// Added, modified or deleted.
    pub fn kind(&self) -> ChangeKind {
        match (&self.before, &self.after) {
            (None, _) => ChangeKind::Added,
            (Some(_), None) => ChangeKind::Deleted,
            (Some(_), Some(_)) => ChangeKind::Modified,
        }
    }
}

impl Repository {
    /// The files that differ from `before` (`None`: nothing at all) to `after`, both commits, ordered by path.
    pub fn diff(&self, before: Option<ObjectId>, after: ObjectId) -> Result<Vec<Change>, Error> {
        let mut out = Vec::new();
        self.diff_each(before, after, &mut |change| {
            out.push(change);
            ControlFlow::Continue(())
        })?;
        Ok(out)
    }

    /// The same one after the other, until `visit` has seen enough: a first commit of a large repository differs from
    /// nothing in all of its files.
    pub fn diff_each(
        &self,
        before: Option<ObjectId>,
        after: ObjectId,
        visit: &mut dyn FnMut(Change) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let objects = self.objects()?;
        let root = |commit| -> Result<_, Error> { Ok(objects.commit(objects.peel_to_commit(commit)?)?.tree) };
        let before = before.map(root).transpose()?;
        objects.diff_trees(before, Some(root(after)?), "", 0, visit).map(|_| ())
    }
}

impl Objects {
    fn diff_trees(
        &self,
        before: Option<ObjectId>,
        after: Option<ObjectId>,
        prefix: &str,
        depth: usize,
        visit: &mut dyn FnMut(Change) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Error> {
        if before == after {
            return Ok(ControlFlow::Continue(()));
        }
        if depth > 512 {
            return Err(Error::UnsafePath(prefix.to_owned()));
        }
        let read = |id: Option<ObjectId>| id.map_or_else(|| Ok(Vec::new()), |id| self.tree(id));
        let mut names: BTreeMap<Vec<u8>, (Option<Entry>, Option<Entry>)> = BTreeMap::new();
        for entry in read(before)? {
            let name = entry.path.clone();
            names.entry(name).or_default().0 = Some(entry);
        }
        for entry in read(after)? {
            let name = entry.path.clone();
            names.entry(name).or_default().1 = Some(entry);
        }
        for (name, (old, new)) in names {
            if old.as_ref().map(|e| (e.mode, e.id)) == new.as_ref().map(|e| (e.mode, e.id)) {
                continue;
            }
            let name = String::from_utf8_lossy(&name);
            let path = if prefix.is_empty() { name.into_owned() } else { format!("{prefix}/{name}") };
            let tree = |e: &Option<Entry>| e.as_ref().filter(|e| e.mode == Mode::Tree).map(|e| e.id);
            let file = |e: &Option<Entry>| {
                e.as_ref().filter(|e| e.mode != Mode::Tree).map(|e| Side { id: e.id, mode: e.mode })
            };
            let (file_before, file_after) = (file(&old), file(&new));
            if file_before.is_some() || file_after.is_some() {
                let change = Change { path: path.clone(), before: file_before, after: file_after };
                if visit(change).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            if self.diff_trees(tree(&old), tree(&new), &path, depth + 1, visit)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }
}
