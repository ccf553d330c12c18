//! Cobertura's XML, as Cobertura, coverage.py, coverlet, gocover and Istanbul write it. A class's `lines` count, those
//! of its methods say the same again. `condition-coverage="50% (1/2)"` tells a line's branches.

use super::coverage::CoverageReport;
use super::error::Fault;
use super::lines::{Line, Lines};
use super::xml::{Path, Tag, Visitor};

#[derive(Debug, Default)]
pub(super) struct Cobertura {
    pub report: CoverageReport,
    open: Option<(String, Lines)>,
}

impl Visitor for Cobertura {
    fn open(&mut self, path: &Path, tag: &Tag<'_>) -> Result<(), Fault> {
        match path.last() {
            "project" if path.depth() == 2 => {
                let fault = Fault::format("this is no COBERTURAXML: <coverage> holds a project and no packages");
                return Err(fault.with_help("write file-format: CLOVERXML"));
            }
            "class" => self.open = Some((tag.text("filename"), Lines::default())),
            "line" if path.ends(&["class", "lines", "line"]) => {
                let (Some((_, lines)), Some(number)) = (&mut self.open, tag.number("number")) else { return Ok(()) };
                let covered = Some(tag.number("hits").unwrap_or(0) > 0);
                let (branches_covered, branches) =
                    tag.get("condition-coverage").and_then(|text| fraction(&text)).unwrap_or((0, 0));
                lines.add(Line { number, covered, branches_covered, branches })?;
            }
            _ => {}
        }
        Ok(())
    }

    fn close(&mut self, path: &Path) -> Result<(), Fault> {
        if path.last() == "class"
            && let Some((name, lines)) = self.open.take()
        {
            self.report.put(&name, lines)?;
        }
        Ok(())
    }
}

/// `50% (1/2)`.
fn fraction(text: &str) -> Option<(u64, u64)> {
    let (_, rest) = text.split_once('(')?;
    let (covered, rest) = rest.split_once('/')?;
    let (all, _) = rest.split_once(')')?;
    Some((covered.trim().parse().ok()?, all.trim().parse().ok()?))
}
