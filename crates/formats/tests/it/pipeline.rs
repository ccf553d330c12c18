//! The corpus of published pipeline templates: what is found in each is a snapshot, and what is refused stands in
//! `coverage/deviations.txt` with its reason.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use formats::pipeline::document::{Found, in_template};
use formats::pipeline::{PipelineDeclaration, problems};
use formats::yaml;
use serde_json::{Value, json};

use super::buildspec::worked;
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

/// The pipelines of each template.
fn found(corpus: &Path) -> Vec<(String, Vec<Found>, bool)> {
    let read = |(path, invalid): (PathBuf, bool)| {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let (root, _) = yaml::parse(&text).unwrap_or_else(|found| panic!("{name}: {found:?}"));
        (name, in_template(&root, None), invalid)
    };
    listed(corpus).into_iter().map(read).collect()
}

#[test]
fn pipelines_of_published_templates_are_read_and_checked() {
    let Some(corpus) = corpus() else { return };
    let mut report = String::new();
    for (name, found, invalid) in found(&corpus) {
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

#[test]
fn every_refused_pipeline_of_the_corpus_is_listed_with_its_reason() {
    let Some(corpus) = corpus() else { return };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../coverage/deviations.txt");
    let text = fs::read_to_string(&path).unwrap();
    let mut listed = BTreeSet::new();
    for line in text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
        let fields: Vec<&str> = line.split(" | ").collect();
        let [who, what, reason] = fields.as_slice() else { panic!("not WHO | WHAT | REASON: {line}") };
        assert!(["AWS too", "here alone"].contains(who) && !reason.is_empty(), "{line}");
        listed.insert((*what).to_owned());
    }
    let refused: BTreeSet<String> = found(&corpus)
        .into_iter()
        .flat_map(|(name, found, _)| found.into_iter().map(move |pipeline| (name.clone(), pipeline)))
        .flat_map(|(name, pipeline)| {
            let id = pipeline.logical_id.unwrap_or_default();
            let errors = pipeline.diagnostics.into_iter().filter(formats::Diagnostic::is_error);
            errors.map(move |d| format!("{name} {id}:{}: {}", d.span.line, d.message)).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(refused, listed, "{} lists what is refused", path.display());
}

/// A pipeline of `stages` stages behind the source, each with `actions` actions that all run `commands`.
fn of_size(stages: usize, actions: usize, commands: usize) -> PipelineDeclaration {
    let action = |name: String, category: &str, provider: &str| {
        let kind = json!({"category": category, "owner": "AWS", "provider": provider, "version": "1"});
        json!({"name": name, "actionTypeId": kind})
    };
    let mut source = action("Src".to_owned(), "Source", "CodeCommit");
    source["configuration"] = json!({"RepositoryName": "r", "BranchName": "main"});
    source["outputArtifacts"] = json!([{"name": "Src"}]);
    let one = |stage: usize, n: usize| {
        let mut one = action(format!("A{stage}-{n}"), "Compute", "Commands");
        one["namespace"] = json!(format!("N{stage}-{n}"));
        one["inputArtifacts"] = json!([{"name": "Src"}]);
        one["commands"] = (0..commands).map(|k| json!(format!("make V=#{{variables.v{k}}}"))).collect();
        one
    };
    let stage = |n: usize| {
        let all: Vec<Value> = (0..actions).map(|m| one(n, m)).collect();
        json!({"name": format!("S{n}"), "actions": all})
    };
    let behind = (0..stages).map(stage);
    let all: Vec<Value> = [json!({"name": "Source", "actions": [source]})].into_iter().chain(behind).collect();
    let variables: Vec<Value> = (0..commands).map(|k| json!({"name": format!("v{k}"), "defaultValue": "1"})).collect();
    let declaration = json!({
        "name": "demo", "roleArn": "arn:aws:iam::123456789012:role/p", "pipelineType": "V2", "variables": variables,
        "artifactStore": {"type": "S3", "location": "artifacts"}, "stages": all,
    });
    serde_json::from_value(declaration).unwrap()
}

#[test]
fn a_pipeline_of_any_size_is_checked_in_bounded_time() {
    let sizes = [(1, 100_000, 1, 1), (100_000, 1, 1, 2), (10, 50, 50, 1), (9, 50, 1000, 0)];
    for (stages, actions, commands, expected) in sizes {
        let pipeline = of_size(stages, actions, commands);
        let before = worked();
        let found = problems(&pipeline, "eu-west-1");
        let took = worked() - before;
        assert_eq!(found.len(), expected, "{:?}", found.first());
        assert!(found.iter().all(|p| p.code() == "LimitExceededException"), "{:?}", found.first());
        assert!(took < Duration::from_secs(10), "{stages} stages with {actions} actions: {took:?}");
    }
}
