//! AWS services that others lean on, and the context in which every operation runs. Knows no HTTP.

mod byte_stream;
mod cx;
mod disk;
pub mod events;
pub mod iam;
pub mod logs;
pub mod needs;
pub mod s3;
mod sealing;
pub mod secretsmanager;
pub mod ssm;
pub mod sts;
pub mod testing;
mod transact;

pub use byte_stream::{ByteStream, Trailers};
pub use cx::{Caller, Cx, Front, Principal, Site};
pub use disk::Disk;
pub use sealing::{OpenError, SealingKey};
