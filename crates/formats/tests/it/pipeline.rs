//! The corpus of published pipeline templates: what is found in each is a snapshot.

use std::fs;
use std::path::{Path, PathBuf};

use formats::pipeline::document::in_template;
use formats::yaml;

use super::corpus::corpus;

/// The templates, and whether the manifest calls them invalid.
fn listed(corpus: &Path) -> Vec<(PathBuf, bool)> {
    let manifest = fs::read_to_string(corpus.join("MANIFEST.tsv")).unwrap();
    let lines = manifest.lines().filter(|l| l.starts_with("pipeline\t"));
    let entry = |line: &str| {
        let fields: Vec<&str> = line.split('\t').collect();
        (corpus.join(fields[1]), fields[6] != "ok" || fields[7] == "1")
    };
    lines.map(entry).collect()
}

#[test]
fn pipelines_of_published_templates_are_read_and_checked() {
    let Some(corpus) = corpus() else { return };
    let mut report = String::new();
    for (path, invalid) in listed(&corpus) {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let (root, _) = yaml::parse(&text).unwrap_or_else(|found| panic!("{name}: {found:?}"));
        let found = in_template(&root, None);
        assert_eq!(found.is_empty(), invalid, "{name} has {} pipelines", found.len());
        for pipeline in found {
            let id = pipeline.logical_id.unwrap();
            let stages =
                pipeline.pipeline.map(|p| (p.stages.len(), p.stages.iter().map(|s| s.actions.len()).sum::<usize>()));
            report.push_str(&format!("{name} {id}: {stages:?}\n"));
            for diagnostic in pipeline.diagnostics {
                report.push_str(&format!("  {}\n", diagnostic.in_file("")));
            }
        }
    }
    insta::assert_snapshot!("corpus_pipelines", report);
}
