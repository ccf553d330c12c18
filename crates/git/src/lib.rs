//! Git repositories: smart HTTP, refs, and reads and writes of objects.
//!
//! # Who decides what a ref points at
//!
//! The refs of a repository live in the server's store; the files on disk follow. A push goes: unpack into a
//! quarantine, check, move the objects into the repository, hand the wanted ref changes to a [`RefPublisher`] (one
//! transaction in the store: compare, update, append the events), then [`Repository::mirror`] writes `packed-refs` and
//! `HEAD` from the store. A crash at any point leaves either nothing (and some unreferenced objects) or a committed
//! change whose mirror is out of date, which its number ([`Repository::mirrored`]) shows to the next reader.
//! That is why pushes are not left to `git receive-pack`: it updates refs on disk by itself, and what it changed would
//! have to be guessed after a crash. Unpacking, checking and serving objects stay with the `git` program.
//!
//! Objects are read with gix; none of its types leave this crate. Methods that are not `async` block on the disk.

mod body;
mod checkout;
mod diff;
mod error;
mod history;
mod maintain;
mod objects;
mod pkt;
mod process;
mod quarantine;
mod receive;
mod refs;
mod remote;
mod repository;
mod tree;
mod types;
mod upload;
mod working_copy;
mod write;

pub use body::{BodyStream, gunzip};
pub use diff::{Change, ChangeKind, Side};
pub use error::{EditConflict, Error};
pub use objects::{Commit, Entry, Identity, commit_of_working_copy};
pub use receive::{PublishError, PushLimits, RefPublisher, RefRefusal, advertise_receive_pack};
pub use refs::{RefChange, valid_ref_name};
pub use remote::{Login, Remote, RemoteError};
pub use repository::{Lock, Repositories, Repository};
pub use types::{BoxFuture, Kind, Mode, ObjectId};
pub use upload::Service;
pub use working_copy::Submodule;
pub use write::{Author, CommitSpec, Content, Edit, Written};
