//! Amazon S3: buckets and objects, versions, multipart uploads, tags.
//!
//! One file per operation. What they share: `bucket` (names, ownership), `body` (taking content in), `content` (giving
//! it out), `version` (how versions come and go, and the events that tell of it), `listing` (walking a bucket),
//! `condition`, `range`, `checksum`. Content goes to `store::objects` before its row is committed, and is deleted after
//! its row is gone, so a reader sees the old object or the new one and never half of either.
//!
//! The HTTP layer adds three things that the model does not say: status 206 when `ContentRange` is in the answer of
//! GetObject or HeadObject, no body in a 304 or in any answer to HEAD, and the trailers of a chunked upload.

pub mod abort_multipart_upload;
mod body;
mod bucket;
mod checksum;
pub mod complete_multipart_upload;
mod condition;
mod content;
pub mod copy_object;
mod copy_source;
pub mod create_bucket;
pub mod create_multipart_upload;
pub mod delete_bucket;
pub mod delete_bucket_tagging;
pub mod delete_object;
pub mod delete_object_tagging;
pub mod delete_objects;
pub mod errors;
pub mod get_bucket_accelerate_configuration;
pub mod get_bucket_acl;
pub mod get_bucket_cors;
pub mod get_bucket_encryption;
pub mod get_bucket_lifecycle_configuration;
pub mod get_bucket_location;
pub mod get_bucket_logging;
pub mod get_bucket_notification_configuration;
pub mod get_bucket_ownership_controls;
pub mod get_bucket_policy;
pub mod get_bucket_policy_status;
pub mod get_bucket_replication;
pub mod get_bucket_request_payment;
pub mod get_bucket_tagging;
pub mod get_bucket_versioning;
pub mod get_bucket_website;
pub mod get_object;
pub mod get_object_acl;
pub mod get_object_attributes;
pub mod get_object_lock_configuration;
pub mod get_object_tagging;
pub mod get_public_access_block;
pub mod head_bucket;
pub mod head_object;
mod internal;
pub mod list_buckets;
pub mod list_multipart_uploads;
pub mod list_object_versions;
pub mod list_objects;
pub mod list_objects_v2;
pub mod list_parts;
mod listing;
mod lookup;
mod place;
pub mod put_bucket_tagging;
pub mod put_bucket_versioning;
pub mod put_object;
pub mod put_object_tagging;
mod range;
mod read;
mod shape;
mod sweep;
mod upload;
pub mod upload_part;
pub mod upload_part_copy;
mod version;

#[cfg(test)]
mod tests;

pub use errors::CODES;
pub use internal::{Describe, Found, Written, head, keeps_versions, list, open, put_bytes, put_file, put_stream};
pub use shape::{BucketInput, ChecksumMembers, Empty, ObjectHeaders, Owner, Refused, Tag, Tagging};
pub use sweep::sweep;

use place::{inline, place_new};
