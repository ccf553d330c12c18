//! Which commits stand behind others.

use crate::objects::Objects;
use crate::{Error, Kind, ObjectId, Repository};

impl Repository {
    /// The commits that `tips` reach and `known` do not, at most `max`, the tips first. A tag stands for what it points at; what
    /// is no commit, or not there, stands for nothing.
    pub fn commits_between(&self, tips: &[ObjectId], known: &[ObjectId], max: usize) -> Result<Vec<ObjectId>, Error> {
        let objects = self.objects()?;
        let commits = |ids: &[ObjectId]| -> Result<Vec<gix::ObjectId>, Error> {
            let peeled = ids.iter().filter_map(|id| peeled(&objects, *id).transpose());
            peeled.map(|id| id.map(|id| id.to_gix())).collect()
        };
        objects.history(commits(tips)?, commits(known)?, max)
    }

    /// The commit that an id stands for, if it does.
    pub fn peel(&self, id: ObjectId) -> Result<Option<ObjectId>, Error> {
        peeled(&self.objects()?, id)
    }
}

fn peeled(objects: &Objects, id: ObjectId) -> Result<Option<ObjectId>, Error> {
    match objects.peel_to_commit(id) {
        Ok(commit) => Ok(Some(commit)),
        Err(Error::NoObject(_)) => Ok(None),
        Err(Error::WrongKind { found, .. }) if found != Kind::Tag => Ok(None),
        Err(e) => Err(e),
    }
}
