//! Which format a file seems to be of, by its name's ending and its first elements. Reading it settles the matter.

use std::io::{BufRead, Read};

use quick_xml::Reader;
use quick_xml::events::Event;

use super::format::ReportFormat;
use super::thin_xml::ThinXml;

/// Events that are looked at before a file counts as something else.
const MAX_EVENTS: usize = 64;
/// Bytes of a file of another kind than XML that are looked at.
const MAX_BYTES: u64 = 4096;

/// The format of a file, if it seems to be a report.
pub fn detect(name: &str, input: &mut dyn BufRead) -> Option<ReportFormat> {
    let name = name.rsplit('/').next().unwrap_or(name);
    match name.rsplit_once('.').map(|(_, ending)| ending) {
        Some("xml" | "trx") => xml(input),
        Some("json") if matches!(name, ".resultset.json" | "resultset.json") => Some(ReportFormat::SimpleCov),
        Some("json") => beginning(input).filter(|text| is_cucumber(text)).map(|_| ReportFormat::CucumberJson),
        Some("info") => {
            let is_record = |text: &str| text.starts_with("TN:") || text.starts_with("SF:");
            beginning(input).filter(|text| is_record(text)).map(|_| ReportFormat::LcovInfo)
        }
        _ => None,
    }
}

fn beginning(input: &mut dyn BufRead) -> Option<String> {
    let mut bytes = Vec::new();
    input.take(MAX_BYTES).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).trim_start().to_owned())
}

/// A list whose first object has what features have.
fn is_cucumber(text: &str) -> bool {
    let first = text.strip_prefix('[').map(str::trim_start).is_some_and(|rest| rest.starts_with('{'));
    first && text.contains("\"keyword\"") && (text.contains("\"elements\"") || text.contains("\"uri\""))
}

fn xml(input: &mut dyn BufRead) -> Option<ReportFormat> {
    let mut reader = Reader::from_reader(ThinXml::new(input));
    let mut buffer = Vec::new();
    let mut root: Option<String> = None;
    for _ in 0..MAX_EVENTS {
        buffer.clear();
        reader.get_mut().event_over();
        let name = match reader.read_event_into(&mut buffer).ok()? {
            Event::Start(start) | Event::Empty(start) => start.local_name().into_inner().to_owned(),
            Event::Eof => return None,
            Event::End(_)
            | Event::Text(_)
            | Event::CData(_)
            | Event::Comment(_)
            | Event::Decl(_)
            | Event::PI(_)
            | Event::DocType(_)
            | Event::GeneralRef(_) => continue,
        };
        match (root.as_deref(), name.as_str()) {
            // Two formats share the one, anything may be the other.
            (None, "coverage" | "report") => root = Some(name),
            (None, other) => return ReportFormat::of_root(other),
            (Some("coverage"), "project" | "testproject") => return Some(ReportFormat::CloverXml),
            (Some("coverage"), "packages" | "sources") => return Some(ReportFormat::CoberturaXml),
            (Some("report"), "sessioninfo" | "package" | "group") => return Some(ReportFormat::JacocoXml),
            (Some(_), _) => return None,
        }
    }
    None
}
