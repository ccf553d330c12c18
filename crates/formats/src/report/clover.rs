//! Clover's XML, as Clover, PHPUnit and Istanbul write it. Statements and methods are lines; a condition has two
//! branches, one that was taken when `truecount` is above 0, one when `falsecount` is.

use super::coverage::CoverageReport;
use super::error::Fault;
use super::lines::{Line, Lines};
use super::xml::{Path, Tag, Visitor};

#[derive(Debug, Default)]
pub(super) struct Clover {
    pub report: CoverageReport,
    open: Option<(String, Lines)>,
    seen: bool,
}

impl Visitor for Clover {
    fn open(&mut self, path: &Path, tag: &Tag<'_>) -> Result<(), Fault> {
        match path.last() {
            "project" | "testproject" => self.seen = true,
            "packages" | "sources" if path.depth() == 2 && !self.seen => {
                let fault = Fault::format("this is no CLOVERXML: <coverage> holds packages and no project");
                return Err(fault.with_help("write file-format: COBERTURAXML"));
            }
            "file" => {
                // `path` is Clover's and Istanbul's; PHPUnit has the whole path in `name`.
                let name = tag.get("path").filter(|p| !p.is_empty()).unwrap_or_else(|| tag.text("name"));
                self.open = Some((name, Lines::default()));
            }
            "line" => {
                let (Some((_, lines)), Some(number)) = (&mut self.open, tag.number("num")) else { return Ok(()) };
                let count = tag.number("count").unwrap_or(0);
                let line = match tag.text("type").as_str() {
                    "cond" => {
                        let taken = |name: &str| u64::from(tag.number(name).is_some_and(|n| n > 0));
                        let branches_covered = taken("truecount") + taken("falsecount");
                        let covered = Some(count > 0 || branches_covered > 0);
                        Line { number, covered, branches_covered, branches: 2 }
                    }
                    _ => Line::plain(number, count > 0),
                };
                lines.add(line)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, path: &Path) -> Result<(), Fault> {
        if path.last() == "file"
            && let Some((name, lines)) = self.open.take()
        {
            self.report.put(&name, lines)?;
        }
        Ok(())
    }
}
