//! The example repository, carried in the binary so that the demo needs nothing beside it.

use std::fs;
use std::io;
use std::path::Path;

/// Path in the repository and content.
const FILES: &[(&str, &str)] = &[
    ("README.md", include_str!("../../../../examples/site/README.md")),
    ("buildspec.yml", include_str!("../../../../examples/site/buildspec.yml")),
    ("check.sh", include_str!("../../../../examples/site/check.sh")),
    ("render.sh", include_str!("../../../../examples/site/render.sh")),
    ("template.html", include_str!("../../../../examples/site/template.html")),
    ("content/index.page", include_str!("../../../../examples/site/content/index.page")),
    ("content/how.page", include_str!("../../../../examples/site/content/how.page")),
];

/// The account that the example names.
pub const ACCOUNT: &str = "123456789012";
/// Who may act as the roles of project and pipeline, as `create-role` takes it.
pub const TRUST: &str = include_str!("../../../../examples/site/trust.json");
/// What the pipeline's role may do, as `put-role-policy` takes it.
pub const POLICY: &str = include_str!("../../../../examples/site/policy.json");
/// What the project's role may do.
pub const BUILD_POLICY: &str = include_str!("../../../../examples/site/build-policy.json");
/// The CodeBuild project, as `create-project` takes it.
pub const PROJECT: &str = include_str!("../../../../examples/site/project.json");
/// The pipeline, as `create-pipeline` takes it.
pub const PIPELINE: &str = include_str!("../../../../examples/site/pipeline.json");

/// Writes the repository's files below `dir`.
pub fn write(dir: &Path) -> io::Result<()> {
    for (path, content) in FILES {
        let path = dir.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(path, content)?;
    }
    Ok(())
}
