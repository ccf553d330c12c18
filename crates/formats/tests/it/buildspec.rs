//! Every file of `tests/buildspec` and of the corpus of published buildspecs.

use std::fs;
use std::path::{Path, PathBuf};

use formats::buildspec::read;

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/buildspec").join(folder);
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    files
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

/// The corpus stands beside the work tree and is not part of the repository.
#[test]
fn published_buildspecs_are_read_as_the_manifest_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let candidates = [root.join("../shared/corpus"), root.join("../../shared/corpus")];
    let Some(corpus) = candidates.iter().find(|c| c.join("MANIFEST.tsv").is_file()) else {
        println!("skipped: no corpus at ../shared/corpus");
        return;
    };
    let manifest = fs::read_to_string(corpus.join("MANIFEST.tsv")).unwrap();
    let mut read_files = 0;
    for line in manifest.lines().filter(|l| l.starts_with("buildspec\t")) {
        let fields: Vec<&str> = line.split('\t').collect();
        let (file, yaml, invalid, notes) = (fields[1], fields[6], fields[7], fields.get(9).copied().unwrap_or(""));
        let text = fs::read_to_string(corpus.join(file)).unwrap();
        let found = report(file, &text);
        // CodeBuild refuses a command that YAML reads as a mapping (YAML_FILE_ERROR), and so do we.
        let expected_bad = yaml != "ok" || invalid == "1" || notes.contains("cmd-is-map");
        assert_eq!(read(&text).0.is_none(), expected_bad, "{file} {notes}\n{found}");
        read_files += 1;
    }
    assert!(read_files >= 50, "the corpus has {read_files} buildspecs");
}
