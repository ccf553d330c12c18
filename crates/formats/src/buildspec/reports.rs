//! The `reports` section.

use super::artifacts::{leads_outside, never_matches};
use super::reader::Reader;
use super::{Report, ReportFormat};
use crate::Diagnostic;
use crate::yaml::Node;

const KEYS: &[&str] = &["files", "base-directory", "discard-paths", "file-format"];
/// How many report groups CodeBuild takes from one buildspec.
const MAX_GROUPS: usize = 5;

pub(super) fn reports(r: &mut Reader, node: Option<&Node>) -> Vec<Report> {
    let entries = r.entries("reports", node);
    if let (Some(node), true) = (node, entries.len() > MAX_GROUPS) {
        let message = format!("{} report groups; CodeBuild takes {MAX_GROUPS} of one buildspec", entries.len());
        r.warning("B040", node.span, message);
    }
    let mut out = Vec::new();
    for (group, key, value) in entries {
        check_group(r, group, key);
        out.extend(report(r, group, value));
    }
    out
}

fn report(r: &mut Reader, group: &str, node: &Node) -> Option<Report> {
    if !r.is_mapping(&format!("report group '{group}'"), node) {
        return None;
    }
    r.unknown_keys(&format!("report group '{group}'"), node, KEYS);
    let files = r.list("files", node.get("files"));
    if files.is_empty() {
        let found = Diagnostic::warning("B042", node.span, format!("report group '{group}' has no 'files'"));
        r.found.push(found.with_help("add 'files:' with patterns, '**/*.xml' say"));
    }
    never_matches(r, "files", node.get("files"));
    leads_outside(r, "base-directory", node.get("base-directory"));
    let format = node.get("file-format").filter(|n| !n.is_null());
    Some(Report {
        group: group.to_owned(),
        files,
        base_directory: r.optional("base-directory", node),
        discard_paths: r.flag("discard-paths", node.get("discard-paths")),
        file_format: format.and_then(|n| file_format(r, n)).unwrap_or_default(),
    })
}

fn file_format(r: &mut Reader, node: &Node) -> Option<ReportFormat> {
    let text = r.text("file-format", node)?;
    let folded: String = text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
    let found = ReportFormat::parse(&text);
    if found.is_none() {
        let names = ReportFormat::ALL.map(ReportFormat::name);
        let error = Diagnostic::error("B041", node.span, format!("report format '{text}' is not known"));
        let near = names.into_iter().find(|name| folded.len() > 2 && name.starts_with(&folded));
        r.found.push(match near.or_else(|| crate::nearest(&text, names)) {
            Some(near) => error.with_help(format!("did you mean '{near}'?")),
            None => error.with_help(format!("the formats are {}", names.join(", "))),
        });
    }
    found
}

fn check_group(r: &mut Reader, group: &str, key: &Node) {
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let is_name = group.len() <= 128 && !group.is_empty() && group.chars().all(word);
    // A variable in a name is left to whoever runs the build.
    let is_arn = group.starts_with("arn:") && group.contains(":report-group/");
    if !is_name && !is_arn && !group.contains('$') {
        let found =
            Diagnostic::warning("B043", key.span, format!("'{group}' is neither a report group's name nor an ARN"));
        r.found.push(found.with_help("use letters, digits, '-' and '_', or the group's whole ARN"));
    }
}
