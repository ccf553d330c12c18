//! The command itself: reads the files, prints what is found, and chooses the exit code.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use formats::pipeline::document;
use formats::{Diagnostic, buildspec, nearest, yaml};

use super::codes;
use super::kind::{Kind, guess};
use super::output::{self, Checked};
use super::sarif;
use crate::cli::CliError;
use crate::cli::output::say;

/// Everything that makes a file too long for a person is refused before it is read.
const MAX_FILE_BYTES: u64 = 64 << 20;

#[derive(Args)]
pub struct Flags {
    /// Files to check; - reads stdin
    #[arg(required_unless_present = "explain")]
    files: Vec<PathBuf>,
    /// What the files are [default: what they look like]
    #[arg(long, value_enum)]
    kind: Option<Kind>,
    /// How to print what is found
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Explain a code instead, such as B012
    #[arg(long, value_name = "CODE")]
    explain: Option<String>,
}

/// `--format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// file:line:column: error[CODE]: message; mend
    Text,
    /// One document
    Json,
    /// SARIF 2.1.0, for code hosts and editors
    Sarif,
}

/// Checks files: 0 = no error, 1 = errors, 2 = a file could not be read. `region` is where pipelines are to run, if that
/// was said.
pub fn run(flags: &Flags, region: Option<&str>) -> Result<ExitCode, CliError> {
    if let Some(code) = &flags.explain {
        explain(code)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut checked = Vec::new();
    let mut unread = false;
    for path in &flags.files {
        match check(path, flags.kind, region) {
            Ok(file) => checked.push(file),
            Err(error) => {
                eprintln!("{}: {error}", path.display());
                unread = true;
            }
        }
    }
    match flags.format {
        Format::Text => output::text(&checked),
        Format::Json => say(output::json(&checked)),
        Format::Sarif => say(sarif::document(&checked)),
    }
    let errors = checked.iter().any(|file| file.diagnostics.iter().any(Diagnostic::is_error));
    Ok(ExitCode::from(match (unread, errors) {
        (true, _) => 2,
        (false, true) => 1,
        (false, false) => 0,
    }))
}

fn explain(code: &str) -> Result<(), CliError> {
    match codes::explain(code) {
        Some(code) => {
            say(format_args!("{}: {}\n\n{}", code.code, code.title, code.explanation));
            Ok(())
        }
        None => {
            let error = CliError::user(format!("there is no code {code}"));
            Err(match nearest(code, codes::all().map(|code| code.code)) {
                Some(near) => error.hint(format!("did you mean {near}?")),
                None => error.hint("codes look like B012; `headworks check` prints them with what it finds"),
            })
        }
    }
}

fn check(path: &Path, kind: Option<Kind>, region: Option<&str>) -> Result<Checked, String> {
    let text = read(path)?;
    let kind = match kind.or_else(|| guess(path, &text)) {
        Some(kind) => kind,
        None => return Err("it does not look like anything that is known; say what it is with --kind".to_owned()),
    };
    let diagnostics = match kind {
        Kind::Buildspec => buildspec::read(&text).1,
        Kind::Pipeline => document::read(&text, region).diagnostics,
        Kind::Template => template(&text, region)?,
        Kind::Appspec | Kind::Component => {
            return Err(format!("checking files of kind {} is not built yet", kind.name()));
        }
    };
    Ok(Checked { file: path.display().to_string(), kind, diagnostics })
}

/// Of a template, its pipelines.
fn template(text: &str, region: Option<&str>) -> Result<Vec<Diagnostic>, String> {
    let (root, mut diagnostics) = match yaml::parse(text) {
        Ok(parsed) => parsed,
        Err(diagnostics) => return Ok(diagnostics),
    };
    let pipelines = document::in_template(&root, region);
    if pipelines.is_empty() {
        return Err("it has no AWS::CodePipeline::Pipeline, and checking other resources is not built yet".to_owned());
    }
    diagnostics.extend(pipelines.into_iter().flat_map(|found| found.diagnostics));
    Ok(diagnostics)
}

fn read(path: &Path) -> Result<String, String> {
    let is_stdin = path == Path::new("-");
    let opened = if is_stdin { Path::new("/dev/stdin") } else { path };
    let file = std::fs::File::open(opened).map_err(|e| e.to_string())?;
    if file.metadata().map_err(|e| e.to_string())?.is_dir() {
        return Err("it is a folder".to_owned());
    }
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_FILE_BYTES {
        return Err(format!("it is longer than {MAX_FILE_BYTES} bytes"));
    }
    String::from_utf8(bytes).map_err(|e| format!("it is not text in UTF-8 (byte {})", e.utf8_error().valid_up_to()))
}
