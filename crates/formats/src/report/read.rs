//! From a file's bytes to what it reports.

use std::io::BufRead;

use super::cases::TestReport;
use super::clover::Clover;
use super::cobertura::Cobertura;
use super::coverage::CoverageReport;
use super::cucumber::Cucumber;
use super::error::{Fault, ReadError};
use super::format::ReportFormat;
use super::jacoco::Jacoco;
use super::junit::Junit;
use super::nunit::Nunit;
use super::nunit3::Nunit3;
use super::simplecov::SimpleCov;
use super::testng::TestNg;
use super::trx::Trx;
use super::xml::{Visitor, visit};
use super::{json, lcov};
use crate::Span;

/// Reads a file of test cases.
pub fn read_tests(format: ReportFormat, input: &mut dyn BufRead) -> Result<TestReport, ReadError> {
    let mut xml = |visitor: &mut dyn Visitor| visit(format, input, visitor);
    match format {
        ReportFormat::JunitXml => {
            let mut visitor = Junit::default();
            xml(&mut visitor).map(|()| visitor.report)
        }
        ReportFormat::NunitXml => {
            let mut visitor = Nunit::default();
            xml(&mut visitor).map(|()| visitor.report)
        }
        ReportFormat::Nunit3Xml => {
            let mut visitor = Nunit3::default();
            xml(&mut visitor).map(|()| visitor.report)
        }
        ReportFormat::TestngXml => {
            let mut visitor = TestNg::default();
            xml(&mut visitor).map(|()| visitor.report)
        }
        ReportFormat::VisualStudioTrx => {
            let mut visitor = Trx::default();
            xml(&mut visitor).map(|()| visitor.done())
        }
        ReportFormat::CucumberJson => json::visit(format, input, Cucumber),
        ReportFormat::CloverXml
        | ReportFormat::CoberturaXml
        | ReportFormat::JacocoXml
        | ReportFormat::SimpleCov
        | ReportFormat::LcovInfo => Err(other_kind(format, "test cases")),
    }
}

/// Reads a file of covered lines.
pub fn read_coverage(format: ReportFormat, input: &mut dyn BufRead) -> Result<CoverageReport, ReadError> {
    let mut xml = |visitor: &mut dyn Visitor| visit(format, input, visitor);
    match format {
        ReportFormat::CloverXml => {
            let mut visitor = Clover::default();
            xml(&mut visitor).map(|()| visitor.report)
        }
        ReportFormat::CoberturaXml => {
            let mut visitor = Cobertura::default();
            xml(&mut visitor).map(|()| visitor.report)
        }
        ReportFormat::JacocoXml => {
            let mut visitor = Jacoco::default();
            xml(&mut visitor).map(|()| visitor.report)
        }
        ReportFormat::SimpleCov => json::visit(format, input, SimpleCov),
        ReportFormat::LcovInfo => lcov::read(input),
        ReportFormat::JunitXml
        | ReportFormat::CucumberJson
        | ReportFormat::NunitXml
        | ReportFormat::Nunit3Xml
        | ReportFormat::TestngXml
        | ReportFormat::VisualStudioTrx => Err(other_kind(format, "covered lines")),
    }
}

fn other_kind(format: ReportFormat, wanted: &str) -> ReadError {
    Fault::format(format!("{} tells no {wanted}", format.name())).at(Span::START)
}
