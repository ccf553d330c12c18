//! JaCoCo's XML: a line was run when one of its instructions was (`ci`), its branches are `mb` and `cb`.

use super::coverage::CoverageReport;
use super::error::Fault;
use super::lines::{Line, Lines};
use super::xml::{Path, Tag, Visitor};

#[derive(Debug, Default)]
pub(super) struct Jacoco {
    pub report: CoverageReport,
    package: String,
    open: Option<(String, Lines)>,
}

impl Visitor for Jacoco {
    fn open(&mut self, path: &Path, tag: &Tag<'_>) -> Result<(), Fault> {
        match path.last() {
            "package" => self.package = tag.text("name"),
            "sourcefile" => {
                let name = tag.text("name");
                let full = if self.package.is_empty() { name } else { format!("{}/{name}", self.package) };
                self.open = Some((full, Lines::default()));
            }
            "line" => {
                let (Some((_, lines)), Some(number)) = (&mut self.open, tag.number("nr")) else { return Ok(()) };
                let count = |name: &str| tag.number(name).unwrap_or(0);
                lines.add(Line {
                    number,
                    covered: Some(count("ci") > 0),
                    branches_covered: count("cb"),
                    branches: count("cb").saturating_add(count("mb")),
                })?;
            }
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, path: &Path) -> Result<(), Fault> {
        if path.last() == "sourcefile"
            && let Some((name, lines)) = self.open.take()
        {
            self.report.put(&name, lines)?;
        }
        Ok(())
    }
}
