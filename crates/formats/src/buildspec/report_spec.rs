//! What the `reports` section says.

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

/// The formats of report files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ReportFormat {
    #[default]
    JunitXml,
    CucumberJson,
    NunitXml,
    Nunit3Xml,
    TestngXml,
    VisualStudioTrx,
    CloverXml,
    CoberturaXml,
    JacocoXml,
    SimpleCov,
}

impl ReportFormat {
    /// All of them; those of test results first.
    pub const ALL: [ReportFormat; 10] = [
        ReportFormat::JunitXml,
        ReportFormat::CucumberJson,
        ReportFormat::NunitXml,
        ReportFormat::Nunit3Xml,
        ReportFormat::TestngXml,
        ReportFormat::VisualStudioTrx,
        ReportFormat::CloverXml,
        ReportFormat::CoberturaXml,
        ReportFormat::JacocoXml,
        ReportFormat::SimpleCov,
    ];

    /// The name in the buildspec.
    pub fn name(self) -> &'static str {
        match self {
            ReportFormat::JunitXml => "JUNITXML",
            ReportFormat::CucumberJson => "CUCUMBERJSON",
            ReportFormat::NunitXml => "NUNITXML",
            ReportFormat::Nunit3Xml => "NUNIT3XML",
            ReportFormat::TestngXml => "TESTNGXML",
            ReportFormat::VisualStudioTrx => "VISUALSTUDIOTRX",
            ReportFormat::CloverXml => "CLOVERXML",
            ReportFormat::CoberturaXml => "COBERTURAXML",
            ReportFormat::JacocoXml => "JACOCOXML",
            ReportFormat::SimpleCov => "SIMPLECOV",
        }
    }

    /// True for code coverage, false for test results.
    pub fn is_coverage(self) -> bool {
        match self {
            ReportFormat::CloverXml
            | ReportFormat::CoberturaXml
            | ReportFormat::JacocoXml
            | ReportFormat::SimpleCov => true,
            ReportFormat::JunitXml
            | ReportFormat::CucumberJson
            | ReportFormat::NunitXml
            | ReportFormat::Nunit3Xml
            | ReportFormat::TestngXml
            | ReportFormat::VisualStudioTrx => false,
        }
    }
}
