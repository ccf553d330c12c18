//! Every file of `tests/buildspec` and of the corpus of published buildspecs.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use formats::buildspec::read;

use super::corpus::corpus;

/// What this thread has worked: a busy machine does not count.
pub(super) fn worked() -> Duration {
    Duration::try_from(rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime)).unwrap()
}

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/buildspec").join(folder);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    files
}

#[expect(clippy::disallowed_methods, reason = "the test runs a validator that is written in Python")]
fn python(script: &Path, arguments: &[PathBuf]) -> Option<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let venv = root.join("target/venv/bin/python");
    for program in [venv.as_path(), Path::new("python3")] {
        let can = std::process::Command::new(program).args(["-c", "import yaml, jsonschema"]).output();
        if can.is_ok_and(|output| output.status.success()) {
            let output = std::process::Command::new(program).arg(script).args(arguments).output().unwrap();
            let text = [output.stdout, output.stderr].concat();
            return Some(String::from_utf8_lossy(&text).into_owned());
        }
    }
    None
}

fn report(file: &str, text: &str) -> String {
    read(text).1.iter().map(|d| format!("{}\n", d.in_file(file))).collect()
}

#[test]
fn good_files_are_read_as_their_snapshots_say() {
    for path in files("ok") {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        let (spec, _) = read(&text);
        assert!(spec.is_some(), "{}", report(&name, &text));
        insta::assert_snapshot!(format!("ok_{name}"), format!("{}{:#?}", report(&name, &text), spec.unwrap()));
    }
}

#[test]
fn bad_files_get_all_their_diagnostics() {
    for path in files("bad") {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).unwrap();
        assert!(read(&text).0.is_none(), "{name} must have an error");
        insta::assert_snapshot!(format!("bad_{name}"), report("buildspec.yml", &text));
    }
}

/// The buildspecs of the corpus, and whether CodeBuild refuses them. A command that YAML reads as a mapping is refused
/// (YAML_FILE_ERROR).
fn listed(corpus: &Path) -> Vec<(PathBuf, bool)> {
    let manifest = fs::read_to_string(corpus.join("MANIFEST.tsv")).unwrap();
    let lines = manifest.lines().filter(|l| l.starts_with("buildspec\t"));
    let entry = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        let notes = fields.get(9).copied().unwrap_or("");
        let bad = fields[6] != "ok" || fields[7] == "1" || notes.contains("cmd-is-map");
        (corpus.join(fields[1]), bad)
    };
    lines.map(entry).collect()
}

#[test]
fn published_buildspecs_are_read_as_the_manifest_says() {
    let Some(corpus) = corpus() else { return };
    let listed = listed(&corpus);
    assert!(listed.len() >= 50, "the corpus has {} buildspecs", listed.len());
    for (path, bad) in listed {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let found = report(&name, &text);
        assert_eq!(read(&text).0.is_none(), bad, "{name}\n{found}");
        if !found.is_empty() {
            insta::assert_snapshot!(format!("corpus_{name}"), found);
        }
    }
}

#[test]
fn bombs_of_every_kind_are_refused_in_bounded_time() {
    let levels: String =
        (1..20).map(|i| format!("a{i}: &a{i} [{}]\n", vec![format!("*a{}", i - 1); 9].join(","))).collect();
    let bombs = [
        format!("version: 0.2\na0: &a0 [x]\n{levels}phases: *a19\n"),
        format!("version: 0.2\nphases: {}\n", "[".repeat(10_000)),
        format!("version: 0.2\nphases: {}\n", "{a: ".repeat(10_000)),
        format!("version: 0.2\nbig: &b '{}'\nphases:\n{}", "x".repeat(1 << 20), "  - *b\n".repeat(5_000)),
        "- ".repeat(1 << 20),
        "{".repeat(1 << 20),
    ];
    for bomb in bombs {
        let before = worked();
        let (spec, found) = read(&bomb);
        assert!(spec.is_none());
        assert!(found.iter().any(|d| d.is_error()), "{}", bomb.get(..80).unwrap_or(&bomb));
        assert!((worked() - before).as_secs() < 10, "{}", bomb.get(..80).unwrap_or(&bomb));
    }
}

#[test]
fn a_file_of_mistakes_is_read_in_bounded_time() {
    let keys: String = (0..8_000).map(|i| format!("command{i}: x\n")).collect();
    let tasks: String = (0..3_000).map(|i| format!("    - {{identifier: t{i}, depend-on: [u{i}]}}\n")).collect();
    let text = format!("version: 0.2\n{keys}batch:\n  build-graph:\n{tasks}phases: {{}}\n");
    let before = worked();
    let (spec, found) = read(&text);
    assert!(spec.is_none());
    assert!(found.len() <= 1001, "{}", found.len());
    let took = worked() - before;
    assert!(took.as_secs() < 20, "{took:?}");
}

/// What CodeBuild accepts is no error.
#[test]
fn a_value_is_read_in_every_spelling_that_codebuild_takes() {
    for (text, expected) in [
        ("phases: {build: {commands: a}}", "a"),
        ("phases: {build: {commands: [a]}}", "a"),
        ("phases: {BUILD: {commands: [a, ~]}}", "a"),
        ("phases:\r\n  build:\r\n    commands:\r\n      - a\r\n", "a"),
        ("phases: {build: {commands: 3.10}}", "3.10"),
        ("phases: {build: {commands: [0644]}}", "0644"),
        ("phases: {build: {commands: yes}}", "yes"),
    ] {
        let (spec, found) = read(&format!("\u{feff}version: 0.2\n{text}\n"));
        let spec = spec.unwrap_or_else(|| panic!("{text}: {found:?}"));
        let commands: Vec<&str> = spec.phases.iter().flat_map(|p| &p.commands).map(|c| c.trim()).collect();
        assert_eq!(commands, [expected], "{text}");
    }
}

/// Follows the editors' way: the file as YAML, then the schema. Needs a Python with `yaml` and `jsonschema`.
#[test]
fn the_published_schema_accepts_what_the_reader_accepts() {
    let Some(corpus) = corpus() else { return };
    let mut good = files("ok");
    good.extend(listed(&corpus).into_iter().filter(|(_, bad)| !bad).map(|(path, _)| path));
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/validate_schema.py");
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/buildspec/schema.json");
    let Some(output) = python(&script, &[vec![schema], good, vec!["--bad".into()], files("bad")].concat()) else {
        println!("skipped: no Python with yaml and jsonschema");
        return;
    };
    assert_eq!(output, "", "{output}");
}

#[test]
fn a_file_cut_anywhere_or_without_a_line_is_read_without_a_panic() {
    for path in files("ok").into_iter().chain(files("bad")) {
        let text = fs::read_to_string(&path).unwrap();
        for (at, _) in text.char_indices() {
            let _ = read(text.get(..at).unwrap());
            let _ = read(text.get(at..).unwrap());
        }
        let lines: Vec<&str> = text.lines().collect();
        for left_out in 0..lines.len() {
            let rest: Vec<&str> = lines.iter().enumerate().filter(|(i, _)| *i != left_out).map(|(_, l)| *l).collect();
            let _ = read(&rest.join("\n"));
        }
    }
}
