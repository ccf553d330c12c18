//! What a command is told, and what it says.

use std::ffi::OsString;
use std::path::Path;

use serde_json::{Value, json};

use super::command::{self, Tail};
use super::folder::{Folder, environment, word};
use super::job::dir_of;
use super::result::{self, Outcome};

fn job(configuration: &Value) -> Value {
    json!({
        "id": "11111111-2222-3333-4444-555555555555",
        "nonce": "n",
        "data": {
            "actionConfiguration": {"configuration": configuration},
            "pipelineContext": {"pipelineName": "p", "stage": {"name": "s"}, "action": {"name": "a"}},
            "inputArtifacts": [{"name": "Src"}],
            "outputArtifacts": [{"name": "my-out"}],
            "artifactCredentials": {"secretAccessKey": "hidden"},
        },
    })
}

fn folder(job: &Value) -> (tempfile::TempDir, Folder) {
    let temporary = tempfile::tempdir().unwrap();
    let folder = Folder::make(&dir_of(temporary.path(), job).unwrap(), job).unwrap();
    (temporary, folder)
}

#[test]
fn values_reach_the_command_as_they_are_and_name_no_other_variable() {
    let hostile = json!({"Cmd": "$(touch /tmp/x); `id`\n\"'", "LD_PRELOAD": "/evil.so", "a b": "c"});
    let job = job(&hostile);
    let (_temporary, folder) = folder(&job);
    let variables = environment(&job, &folder).unwrap();
    let get = |name: &str| variables.iter().find(|(n, _)| n == name).map(|(_, v)| v.to_str().unwrap());
    assert_eq!(get("HEADWORKS_CONFIG_CMD"), hostile["Cmd"].as_str());
    assert_eq!(get("HEADWORKS_CONFIG_LD_PRELOAD"), Some("/evil.so"));
    assert_eq!(get("HEADWORKS_CONFIG_A_B"), Some("c"));
    assert!(variables.iter().all(|(name, _)| name.starts_with("HEADWORKS_")), "{variables:?}");
    let told = std::fs::read_to_string(folder.path().join("job.json")).unwrap();
    assert!(!told.contains("hidden"), "the worker's credentials are not the command's");
    assert_eq!(word("my-out"), "MY_OUT");
}

#[test]
fn what_no_program_can_be_told_fails_the_job() {
    let job = job(&json!({"Cmd": "a\u{0}b"}));
    let (_temporary, folder) = folder(&job);
    assert!(environment(&job, &folder).unwrap_err().contains("NUL"));
}

#[test]
fn names_that_would_lead_out_of_the_folder_are_refused() {
    let temporary = tempfile::tempdir().unwrap();
    for id in ["", "..", "../x", "a/b", "a b"] {
        assert!(dir_of(temporary.path(), &json!({"id": id})).is_err(), "{id}");
    }
    let mut bad = job(&json!({}));
    bad["data"]["outputArtifacts"][0]["name"] = json!("../../out");
    assert!(Folder::make(&temporary.path().join("x"), &bad).is_err());
}

#[test]
fn variables_and_the_result_become_the_jobs() {
    let job = job(&json!({}));
    let (_temporary, folder) = folder(&job);
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("variables", "# a comment\n\nUrl=https://x/?a=b\n");
    write("result.json", r#"{"executionDetails": {"summary": "s"}, "outputVariables": {"Other": "1"}}"#);
    let Ok(Outcome::Succeeded(said)) = result::of(folder.path()) else { panic!() };
    assert_eq!(said["outputVariables"], json!({"Other": "1", "Url": "https://x/?a=b"}));
    assert_eq!(said["executionDetails"]["summary"], "s");
    write("result.json", r#"{"jobId": "another"}"#);
    assert!(result::of(folder.path()).unwrap_err().contains("jobId"));
    std::fs::remove_file(folder.path().join("result.json")).unwrap();
    write("variables", "no equals sign");
    assert!(result::of(folder.path()).is_err());
    std::fs::remove_file(folder.path().join("variables")).unwrap();
    std::os::unix::fs::symlink("/etc/hostname", folder.path().join("variables")).unwrap();
    assert!(result::of(folder.path()).unwrap_err().contains("not a file"), "a link shows nothing");
}

#[test]
fn a_failures_message_has_the_last_lines() {
    let mut tail = Tail::default();
    (0..100).for_each(|n| tail.push(format!("line {n}")));
    let message = result::message("exit code 3", &tail.text());
    assert!(message.starts_with("The command ended with exit code 3:\nline 80\n") && message.ends_with("line 99"));
    let Outcome::Failed { message: cut, .. } = Outcome::failed("x".repeat(9000)) else { panic!() };
    assert_eq!(cut.len(), 5000);
}

#[tokio::test]
async fn a_command_runs_without_a_shell_and_its_end_is_told() {
    let words = |all: &[&str]| all.iter().map(OsString::from).collect::<Vec<_>>();
    let ended = command::run(&words(&["echo", "$HOME; exit 3"]), Path::new("/"), Vec::new(), "t").await.unwrap();
    assert!(ended.success);
    assert_eq!(ended.tail, "$HOME; exit 3");
    let ended = command::run(&words(&["sh", "-c", "echo gone >&2; exit 3"]), Path::new("/"), Vec::new(), "t").await;
    let ended = ended.unwrap();
    assert_eq!((ended.success, ended.how.as_str(), ended.tail.as_str()), (false, "exit code 3", "gone"));
    let absent = command::run(&words(&["no-such-program-here"]), Path::new("/"), Vec::new(), "t").await;
    assert!(absent.err().unwrap().contains("no-such-program-here"));
}
