//! `coverage/operations.txt` tells the truth about every operation of every model that we serve.

use std::fmt::Write;
use std::path::PathBuf;

use headworks::registry;

/// Operations that answer, always with a refusal that says why.
const REFUSED: &[(&str, &str)] = &[
    ("codebuild", "PutResourcePolicy"),
    ("codebuild", "StartSandboxConnection"),
    ("codepipeline", "AcknowledgeThirdPartyJob"),
    ("codepipeline", "GetActionType"),
    ("codepipeline", "GetThirdPartyJobDetails"),
    ("codepipeline", "ListDeployActionExecutionTargets"),
    ("codepipeline", "PollForThirdPartyJobs"),
    ("codepipeline", "PutThirdPartyJobFailureResult"),
    ("codepipeline", "PutThirdPartyJobSuccessResult"),
    ("codepipeline", "RegisterWebhookWithThirdParty"),
    ("codepipeline", "UpdateActionType"),
    ("iam", "UploadSSHPublicKey"),
];

fn report() -> String {
    let mut text = String::from(
        "# Every operation of every model that is served: implemented (its effect is real), refused (it answers with\n\
         # the reason) or absent (it answers with an error that names it). Written by the test `coverage`:\n\
         # HEADWORKS_TEST_UPDATE=1 cargo nextest run --workspace -E 'test(coverage)'\n",
    );
    let mut names: Vec<&str> = wire::models().services().collect();
    names.sort_unstable();
    for service in names {
        let model = wire::models().service(service).unwrap();
        let mut operations: Vec<&str> = model.operations().map(|o| o.name()).collect();
        operations.sort_unstable();
        let implemented = operations.iter().filter(|o| registry::find(service, o).is_some()).count();
        writeln!(text, "\n{service}: {implemented} of {}", operations.len()).unwrap();
        for operation in operations {
            let state = match registry::find(service, operation) {
                Some(_) if REFUSED.contains(&(service, operation)) => "refused",
                Some(_) => "implemented",
                None => "absent",
            };
            writeln!(text, "  {state:11}  {operation}").unwrap();
        }
    }
    text
}

#[test]
fn the_coverage_file_tells_the_truth() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../coverage/operations.txt");
    let now = report();
    if std::env::var_os("HEADWORKS_TEST_UPDATE").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(written == now, "coverage/operations.txt is out of date; HEADWORKS_TEST_UPDATE=1 writes it anew");
}

#[test]
fn every_line_of_the_registry_names_an_operation_of_a_model_once() {
    let mut seen = std::collections::BTreeSet::new();
    for entry in registry::OPERATIONS {
        let model = wire::models().service(entry.service);
        let known = model.is_some_and(|m| m.operation(entry.operation).is_some());
        assert!(known, "{} {} is in no model", entry.service, entry.operation);
        assert!(seen.insert((entry.service, entry.operation)), "{} {} stands twice", entry.service, entry.operation);
    }
}
