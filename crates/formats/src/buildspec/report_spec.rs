//! What the `reports` section says.

pub use crate::report::ReportFormat;

/// One report group's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// A report group's name (CodeBuild puts the project's name and a dash before it) or its ARN.
    pub group: String,
    /// Patterns, relative to the base directory.
    pub files: Vec<String>,
    pub base_directory: Option<String>,
    pub discard_paths: bool,
    pub file_format: ReportFormat,
}

impl Report {
    /// True when the group is named by its ARN.
    pub fn is_arn(&self) -> bool {
        self.group.starts_with("arn:")
    }
}
