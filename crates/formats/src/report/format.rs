//! The published formats.

/// What a report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportKind {
    Test,
    CodeCoverage,
}

impl ReportKind {
    /// The type as the API spells it.
    pub fn name(self) -> &'static str {
        match self {
            ReportKind::Test => "TEST",
            ReportKind::CodeCoverage => "CODE_COVERAGE",
        }
    }
}

/// A `file-format` of a buildspec.
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
    LcovInfo,
}

impl ReportFormat {
    /// Every format; those of test cases first.
    pub const ALL: [ReportFormat; 11] = [
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
        ReportFormat::LcovInfo,
    ];

    /// The format that a buildspec names. AWS's samples write `JunitXml` as well as `JUNITXML`.
    pub fn parse(text: &str) -> Option<Self> {
        let plain: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
        ReportFormat::ALL.into_iter().find(|format| format.name().eq_ignore_ascii_case(&plain))
    }

    /// The name in a buildspec.
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
            ReportFormat::LcovInfo => "LCOVINFO",
        }
    }

    /// What a report of this format is about.
    pub fn kind(self) -> ReportKind {
        match self {
            ReportFormat::JunitXml
            | ReportFormat::CucumberJson
            | ReportFormat::NunitXml
            | ReportFormat::Nunit3Xml
            | ReportFormat::TestngXml
            | ReportFormat::VisualStudioTrx => ReportKind::Test,
            ReportFormat::CloverXml
            | ReportFormat::CoberturaXml
            | ReportFormat::JacocoXml
            | ReportFormat::SimpleCov
            | ReportFormat::LcovInfo => ReportKind::CodeCoverage,
        }
    }

    /// The root elements of the XML formats.
    pub(super) fn roots(self) -> &'static [&'static str] {
        match self {
            ReportFormat::JunitXml => &["testsuites", "testsuite"],
            ReportFormat::NunitXml => &["test-results"],
            ReportFormat::Nunit3Xml => &["test-run"],
            ReportFormat::TestngXml => &["testng-results"],
            ReportFormat::VisualStudioTrx => &["TestRun"],
            // Cobertura's root has the same name; what is below differs.
            ReportFormat::CloverXml | ReportFormat::CoberturaXml => &["coverage"],
            ReportFormat::JacocoXml => &["report"],
            ReportFormat::CucumberJson | ReportFormat::SimpleCov | ReportFormat::LcovInfo => &[],
        }
    }

    /// The format whose files begin with this element.
    pub(super) fn of_root(root: &str) -> Option<Self> {
        ReportFormat::ALL.into_iter().find(|format| format.roots().contains(&root))
    }
}
