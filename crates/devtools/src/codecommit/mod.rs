//! CodeCommit: git repositories with an API beside git itself.
//!
//! Refs live in the table `codecommit_ref`; [`publish`] is the only way to change them, for pushes and operations
//! alike, and what appends the events. The `git` crate keeps the objects, and a copy of the refs for `git` to read.

mod batch_get_commits;
mod batch_get_repositories;
mod commit_files;
mod create_branch;
mod create_commit;
mod create_repository;
mod delete_branch;
mod delete_file;
mod delete_repository;
pub mod errors;
mod get_blob;
mod get_branch;
mod get_commit;
mod get_differences;
mod get_file;
mod get_folder;
mod get_repository;
mod list_branches;
mod list_repositories;
mod list_tags_for_resource;
mod publish;
mod put_file;
mod recover;
mod repository;
mod resolve;
mod tag_resource;
#[cfg(test)]
mod tests;
mod untag_resource;
mod update_default_branch;
mod update_repository_description;
mod update_repository_name;

pub use batch_get_commits::batch_get_commits;
pub use batch_get_repositories::batch_get_repositories;
pub use create_branch::create_branch;
pub use create_commit::create_commit;
pub use create_repository::create_repository;
pub use delete_branch::delete_branch;
pub use delete_file::delete_file;
pub use delete_repository::delete_repository;
pub use errors::CODES;
pub use get_blob::get_blob;
pub use get_branch::get_branch;
pub use get_commit::get_commit;
pub use get_differences::get_differences;
pub use get_file::get_file;
pub use get_folder::get_folder;
pub use get_repository::get_repository;
pub use list_branches::list_branches;
pub use list_repositories::list_repositories;
pub use list_tags_for_resource::list_tags_for_resource;
pub use publish::{Publisher, mirror, publish};
pub use put_file::put_file;
pub use recover::recover;
pub use repository::{find_repository, open, open_for_git, repositories};
pub use resolve::resolve;
pub use tag_resource::tag_resource;
pub use untag_resource::untag_resource;
pub use update_default_branch::update_default_branch;
pub use update_repository_description::update_repository_description;
pub use update_repository_name::update_repository_name;
