//! CodeCommit's errors. Where AWS's wording is not known, the sentence of its API reference stands in.

use base::ApiError;

macro_rules! errors {
    ($($name:ident => $code:literal, $message:literal;)*) => {
        /// Every code that this service answers with.
        pub const CODES: &[&str] = &[
            "FolderContentSizeLimitExceededException", "RepositoryDoesNotExistException", "RepositoryNameExistsException",
            $($code),*
        ];
        $(pub(super) fn $name() -> ApiError { ApiError::new($code, $message) })*
    };
}

pub(super) fn too_large(found: &git::Error) -> ApiError {
    ApiError::new("FolderContentSizeLimitExceededException", found.to_string())
}

pub(super) fn repository_does_not_exist(name: &str) -> ApiError {
    ApiError::new("RepositoryDoesNotExistException", format!("{name} does not exist"))
}

pub(super) fn repository_name_exists(name: &str) -> ApiError {
    ApiError::new("RepositoryNameExistsException", format!("Repository named {name} already exists"))
}

#[rustfmt::skip]
errors! {
    blob_does_not_exist => "BlobIdDoesNotExistException", "The specified blob does not exist.";
    branch_does_not_exist => "BranchDoesNotExistException", "The specified branch does not exist.";
    branch_exists => "BranchNameExistsException", "Cannot create the branch with the specified name because the commit conflicts with an existing branch with the same name. Branch names must be unique.";
    branch_is_tag => "BranchNameIsTagNameException", "The specified branch name is not valid because it is a tag name. Enter the name of a branch in the repository. For a list of valid branch names, use ListBranches.";
    branch_name_required => "BranchNameRequiredException", "A branch name is required, but was not specified.";
    commit_does_not_exist => "CommitDoesNotExistException", "The specified commit does not exist or no commit was specified, and the specified repository has no default branch.";
    commit_id_does_not_exist => "CommitIdDoesNotExistException", "The specified commit ID does not exist.";
    commit_ids_limit_exceeded => "CommitIdsLimitExceededException", "The maximum number of allowed commit IDs in a batch request is 100. Verify that your batch requests contains no more than 100 commit IDs, and then try again.";
    commit_ids_required => "CommitIdsListRequiredException", "A list of commit IDs is required, but was either not specified or the list was empty.";
    commit_message_too_long => "CommitMessageLengthExceededException", "The commit message is too long. Provide a shorter string.";
    default_branch_stays => "DefaultBranchCannotBeDeletedException", "The specified branch is the default branch for the repository, and cannot be deleted. To delete this branch, you must first set another branch as the default branch.";
    parent_is_file => "DirectoryNameConflictsWithFileNameException", "A file cannot be added to the repository because the specified path name has the same name as a file that already exists in this repository. Either provide a different name for the file, or specify a different path for the file.";
    content_and_source => "FileContentAndSourceFileSpecifiedException", "The commit cannot be created because both a source file and file content have been specified for the same file. You cannot provide both. Either specify a source file or provide the file content directly.";
    content_required => "FileContentRequiredException", "The file cannot be added because it is empty. Empty files cannot be added to the repository with this API.";
    content_too_large => "FileContentSizeLimitExceededException", "The file cannot be added because it is too large. The maximum file size is 6 MB, and the combined file content change size is 7 MB. Consider making these changes using a Git client.";
    file_does_not_exist => "FileDoesNotExistException", "The specified file does not exist. Verify that you have used the correct file name, full path, and extension.";
    file_entry_required => "FileEntryRequiredException", "The commit cannot be created because no files have been specified as added, updated, or changed (PutFile or DeleteFile) for the commit.";
    is_folder => "FileNameConflictsWithDirectoryNameException", "A file cannot be added to the repository because the specified file name has the same name as a directory in this repository. Either provide another name for the file, or add the file in a directory that does not match the file name.";
    in_submodule => "FilePathConflictsWithSubmodulePathException", "The commit cannot be created because a specified file path points to a submodule. Verify that the destination files have valid file paths that do not point to a submodule.";
    file_too_large => "FileTooLargeException", "The specified file exceeds the file size limit for CodeCommit. For more information about limits in CodeCommit, see Quotas in the CodeCommit User Guide.";
    folder_does_not_exist => "FolderDoesNotExistException", "The specified folder does not exist. Either the folder name is not correct, or you did not enter the full path to the folder.";
    invalid_blob_id => "InvalidBlobIdException", "The specified blob is not valid.";
    invalid_branch_name => "InvalidBranchNameException", "The specified reference name is not valid.";
    invalid_commit_id => "InvalidCommitIdException", "The specified commit ID is not valid.";
    invalid_token => "InvalidContinuationTokenException", "The specified continuation token is not valid.";
    invalid_email => "InvalidEmailException", "The specified email address either contains one or more characters that are not allowed, or it exceeds the maximum number of characters allowed for an email address.";
    invalid_max_results => "InvalidMaxResultsException", "The specified number of maximum results is not valid.";
    invalid_parent_commit_id => "InvalidParentCommitIdException", "The parent commit ID is not valid. The commit ID cannot be empty, and must match the head commit ID for the branch of the repository where you want to add or update a file.";
    invalid_path => "InvalidPathException", "The specified path is not valid.";
    invalid_repository_name => "InvalidRepositoryNameException", "The repository name is not valid. Repository names can be any valid combination of letters, numbers, periods, underscores, and dashes between 1 and 100 characters in length. Names are case sensitive. For more information, see Limits in the AWS CodeCommit User Guide. ";
    invalid_resource_arn => "InvalidResourceArnException", "The value for the resource ARN is not valid. For more information about resources in CodeCommit, see CodeCommit Resources and Operations in the CodeCommit User Guide.";
    invalid_system_tag => "InvalidSystemTagUsageException", "The specified tag is not valid. Key names cannot be prefixed with aws:.";
    too_many_file_entries => "MaximumFileEntriesExceededException", "The number of specified files to change as part of this commit exceeds the maximum number of files that can be changed in a single commit. Consider using a Git client for these changes.";
    too_many_repository_names => "MaximumRepositoryNamesExceededException", "The maximum number of allowed repository names was exceeded. Currently, this number is 100.";
    name_too_long => "NameLengthExceededException", "The user name is not valid because it has exceeded the character limit for author names.";
    no_change => "NoChangeException", "The commit cannot be created because no changes will be made to the repository as a result of this commit. A commit must contain at least one change.";
    kms_key_not_supported => "OperationNotAllowedException", "kmsKeyId is not supported: repositories are not encrypted with keys of their own here. Leave it out.";
    parent_does_not_exist => "ParentCommitDoesNotExistException", "The parent commit ID is not valid because it does not exist. The specified parent commit ID does not exist in the specified branch of the repository.";
    parent_outdated => "ParentCommitIdOutdatedException", "The file could not be added because the provided parent commit ID is not the current tip of the specified branch. To view the full commit ID of the current head of the branch, use GetBranch.";
    parent_required => "ParentCommitIdRequiredException", "A parent commit ID is required. To view the full commit ID of a branch in a repository, use GetBranch or a Git command (for example, git pull or git log).";
    path_does_not_exist => "PathDoesNotExistException", "The specified path does not exist.";
    path_required => "PathRequiredException", "The filePath for a location cannot be null.";
    put_conflict => "PutFileEntryConflictException", "The commit cannot be created because one or more files specified in the commit reference both a file and a folder.";
    repository_name_required => "RepositoryNameRequiredException", "A repository name is required, but was not specified.";
    repository_names_required => "RepositoryNamesRequiredException", "At least one repository name object is required, but was not specified.";
    restricted_source => "RestrictedSourceFileException", "The commit cannot be created because one of the changes specifies copying or moving a .gitkeep file.";
    same_content => "SameFileContentException", "The file was not added or updated because the content of the file is exactly the same as the content of that file in the repository and branch that you specified.";
    same_path => "SamePathRequestException", "The commit cannot be created because one or more changes in this commit duplicate actions in the same file path. For example, you cannot make the same delete request to the same file in the same file path twice, or make a delete request and a move request to the same file as part of the same commit.";
    source_or_content_required => "SourceFileOrContentRequiredException", "The commit cannot be created because no source files or file content have been specified for the commit.";
    too_many_tags => "TooManyTagsException", "The maximum number of tags for an CodeCommit resource has been exceeded.";
}
