//! Reads of single objects.

use std::path::Path;

use crate::{Error, Kind, Mode, ObjectId, Repository};

/// A folder's list of names may have this size; with names of 30 characters these are a million files in one folder.
const MAX_TREE_BYTES: u64 = 64 << 20;

/// An open view of a repository's objects.
pub(crate) struct Objects {
    repo: gix::Repository,
}

/// A commit's own data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Commit {
    pub id: ObjectId,
    pub tree: ObjectId,
    pub parents: Vec<ObjectId>,
    pub author: Identity,
    pub committer: Identity,
    /// The whole message. Bytes that are not UTF-8 are replaced.
    pub message: String,
    /// Further headers (`encoding`, `gpgsig` ...), a line each.
    pub extra: String,
}

/// Who did something to a commit, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub name: String,
    pub email: String,
    /// Seconds since 1970 and the zone, `1484167798 -0800` say.
    pub date: String,
    /// Seconds since 1970, UTC.
    pub seconds: i64,
}

/// One name in a folder, or with its whole path one file of a tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// As git stores it: any bytes but NUL. In a listing the name; from a walk the path with `/` between the parts.
    pub path: Vec<u8>,
    pub mode: Mode,
    pub id: ObjectId,
}

impl Entry {
    /// The path as text; bytes that are not UTF-8 are replaced.
    pub fn path_text(&self) -> String {
        String::from_utf8_lossy(&self.path).into_owned()
    }
}

impl Repository {
    pub(crate) fn objects(&self) -> Result<Objects, Error> {
        if !self.dir().join("HEAD").exists() {
            return Err(self.gone());
        }
        let repo = gix::open::Options::isolated()
            .with(gix::sec::Trust::Full)
            .open_path_as_is(true)
            .open(self.dir())
            .map_err(Error::objects(format!("opening repository {}", self.id())))?;
        Ok(Objects { repo: repo.to_thread_local() })
    }

    /// A commit's data.
    pub fn commit(&self, id: ObjectId) -> Result<Commit, Error> {
        self.objects()?.commit(id)
    }

    /// What the object is.
    pub fn kind(&self, id: ObjectId) -> Result<Kind, Error> {
        self.objects()?.kind(id)
    }

    /// A blob's content.
    pub fn blob(&self, id: ObjectId) -> Result<Vec<u8>, Error> {
        self.objects()?.read(id, Kind::Blob)
    }

    /// A blob's size in bytes, without reading it.
    pub fn blob_size(&self, id: ObjectId) -> Result<u64, Error> {
        self.objects()?.blob_size(id)
    }
}

/// What a commit of a working copy says.
pub fn commit_of_working_copy(dir: &Path, id: &str) -> Result<Commit, Error> {
    let id = ObjectId::parse(id).ok_or_else(|| Error::NoRevision(id.to_owned()))?;
    let repo = gix::open::Options::isolated()
        .with(gix::sec::Trust::Full)
        .open_path_as_is(true)
        .open(dir.join(".git"))
        .map_err(Error::objects("opening a working copy"))?;
    Objects { repo: repo.to_thread_local() }.commit(id)
}

impl Objects {
    pub(crate) fn kind(&self, id: ObjectId) -> Result<Kind, Error> {
        let header = self.repo.try_find_header(id.to_gix()).map_err(Error::objects(format!("reading object {id}")))?;
        header.map(|h| Kind::from_gix(h.kind())).ok_or(Error::NoObject(id))
    }

    pub(crate) fn blob_size(&self, id: ObjectId) -> Result<u64, Error> {
        let header = self.repo.try_find_header(id.to_gix()).map_err(Error::objects(format!("reading object {id}")))?;
        let header = header.ok_or(Error::NoObject(id))?;
        match Kind::from_gix(header.kind()) {
            Kind::Blob => Ok(header.size()),
            found => Err(Error::WrongKind { id, found, wanted: Kind::Blob }),
        }
    }

    /// An error when an object is larger than `limit`. To be called before it is read.
    pub(crate) fn fits(&self, id: ObjectId, what: impl FnOnce() -> String, limit: u64) -> Result<u64, Error> {
        let header = self.repo.try_find_header(id.to_gix()).map_err(Error::objects(format!("reading object {id}")))?;
        let bytes = header.ok_or(Error::NoObject(id))?.size();
        if bytes > limit { Err(Error::TooLarge { what: what(), bytes, limit }) } else { Ok(bytes) }
    }

    pub(crate) fn read(&self, id: ObjectId, wanted: Kind) -> Result<Vec<u8>, Error> {
        match self.read_any(id)? {
            (found, data) if found == wanted => Ok(data),
            (found, _) => Err(Error::WrongKind { id, found, wanted }),
        }
    }

    fn read_any(&self, id: ObjectId) -> Result<(Kind, Vec<u8>), Error> {
        let object = self.repo.try_find_object(id.to_gix()).map_err(Error::objects(format!("reading object {id}")))?;
        let object = object.ok_or(Error::NoObject(id))?.detach();
        Ok((Kind::from_gix(object.kind), object.data))
    }

    /// Follows annotated tags.
    pub(crate) fn peel_to_commit(&self, mut id: ObjectId) -> Result<ObjectId, Error> {
        // A tag's id depends on its target's, so the chain ends; the bound is against sheer length.
        for _ in 0..64 {
            match self.kind(id)? {
                Kind::Commit => return Ok(id),
                Kind::Tag => {
                    let data = self.read(id, Kind::Tag)?;
                    id = gix::objs::TagRefIter::from_bytes(&data, gix::hash::Kind::Sha1)
                        .target_id()
                        .map(|t| ObjectId::from_gix(&t))
                        .map_err(Error::objects(format!("reading tag {id}")))?;
                }
                found => return Err(Error::WrongKind { id, found, wanted: Kind::Commit }),
            }
        }
        Err(Error::WrongKind { id, found: Kind::Tag, wanted: Kind::Commit })
    }

    pub(crate) fn commit(&self, id: ObjectId) -> Result<Commit, Error> {
        let data = self.read(id, Kind::Commit)?;
        let doing = || format!("reading commit {id}");
        let commit = gix::objs::CommitRef::from_bytes(&data, gix::hash::Kind::Sha1).map_err(Error::objects(doing()))?;
        let extra = commit.extra_headers.iter().map(|(key, value)| format!("{key} {value}")).collect::<Vec<_>>();
        Ok(Commit {
            id,
            tree: ObjectId::from_gix(&commit.tree()),
            parents: commit.parents().map(|p| ObjectId::from_gix(&p)).collect(),
            author: identity(commit.author().map_err(Error::objects(doing()))?),
            committer: identity(commit.committer().map_err(Error::objects(doing()))?),
            message: commit.message.to_string(),
            extra: extra.join("\n"),
        })
    }

    /// At most `max` of the commits that `tips` reach and `known` do not.
    pub(crate) fn history(
        &self,
        tips: Vec<gix::ObjectId>,
        known: Vec<gix::ObjectId>,
        max: usize,
    ) -> Result<Vec<ObjectId>, Error> {
        if tips.is_empty() {
            return Ok(Vec::new());
        }
        let walk = self.repo.rev_walk(tips).with_hidden(known).all();
        let walk = walk.map_err(Error::objects("reading a history"))?;
        let read = |commit: Result<gix::revision::walk::Info<'_>, _>| {
            commit.map(|found| ObjectId::from_gix(&found.id)).map_err(Error::objects("reading a history"))
        };
        walk.take(max).map(read).collect()
    }

    /// The entries of a folder, in git's order.
    pub(crate) fn tree(&self, id: ObjectId) -> Result<Vec<Entry>, Error> {
        self.fits(id, || format!("folder {id}"), MAX_TREE_BYTES)?;
        let data = self.read(id, Kind::Tree)?;
        let tree = gix::objs::TreeRef::from_bytes(&data, gix::hash::Kind::Sha1)
            .map_err(Error::objects(format!("reading tree {id}")))?;
        let entry = |e: &gix::objs::tree::EntryRef<'_>| Entry {
            path: e.filename.to_vec(),
            mode: Mode::from_gix(e.mode.kind()),
            id: ObjectId::from_gix(e.oid),
        };
        Ok(tree.entries.iter().map(entry).collect())
    }

    pub(crate) fn write(&self, kind: gix::objs::Kind, content: &[u8]) -> Result<ObjectId, Error> {
        use gix::objs::Write as _;
        let id = self.repo.objects.write_buf(kind, content).map_err(Error::objects("writing an object"))?;
        Ok(ObjectId::from_gix(&id))
    }
}

fn identity(signature: gix::actor::SignatureRef<'_>) -> Identity {
    Identity {
        name: signature.name.to_string(),
        email: signature.email.to_string(),
        date: signature.time.trim().to_owned(),
        seconds: signature.seconds(),
    }
}
