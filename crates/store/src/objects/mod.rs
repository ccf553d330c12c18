//! Content on local disk: written once, synced before anyone may name it, read in large pieces, deleted whole.
//!
//! A *blob* is one file, `blobs/xx/<id>`, that never changes. While it is written it lies in `incoming/`; it is
//! renamed into place after its bytes have reached the disk. Which blob is which object is known to tables alone: a
//! blob that no row names is garbage. So a writer stores the blob first and commits the row second, and a deleter
//! commits first and deletes second; a crash between the two leaves garbage, never a row without content.
//! `Objects::sweep` collects it.

mod blob;
mod checksum;
mod disk;
mod error;
mod pool;
mod reader;
mod sweep;
mod writer;

#[cfg(test)]
mod tests;

pub use blob::BlobId;
pub use checksum::{ChecksumAlgorithm, Checksums, Hasher};
pub use disk::{Objects, Space};
pub use error::ObjectError;
pub use reader::{BlobFile, BlobStream};
pub use writer::{Content, ObjectWriter, Stored};
