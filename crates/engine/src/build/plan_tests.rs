use std::path::Path;

use super::*;
use crate::build::tests::request;

#[test]
fn paths_of_artifacts_are_what_the_shell_makes_of_them() {
    let request = request("codecommit s3");
    let text = "version: 0.2\nphases: {build: {run-as: me, commands: a}, post_build: {run-as: you}}\n\
                artifacts: {files: [$LOG, plain, $CODEBUILD_SRC_DIR/app.zip, $NONE], base-directory: $CODEBUILD_SRC_DIR}\n";
    let (spec, found) = buildspec::read(text);
    let spec = spec.unwrap_or_else(|| panic!("{found:?}"));
    let (plan, job) = compile(&request, &SourceDirs::of(&request), &spec).unwrap();
    let [.., naming, copying] = job.steps.as_slice() else { panic!("{:?}", job.steps) };
    assert_eq!((naming.name.as_str(), naming.run_as.as_deref()), ("UPLOAD_ARTIFACTS", Some("you")));
    assert_eq!(plan.path_variables.len(), 4);
    // Root looks at what the other user's shell has made of them.
    assert_eq!((copying.name.as_str(), copying.run_as.as_deref()), ("COLLECT", None));
    assert!(naming.commands.last().unwrap().starts_with("export HEADWORKS_ARTIFACT_PATH_0 "));
    let became =
        |text: &str| text.replace("$LOG", "build.log").replace("$CODEBUILD_SRC_DIR", "/work/src").replace("$NONE", "");
    let values = plan.path_variables.iter().map(|(text, variable)| (variable.clone(), became(text))).collect();
    let set = plan.artifacts.first().unwrap().clone().expanded(&plan.path_variables, &values, Path::new("/work/src"));
    assert_eq!(set.files, ["build.log", "plain", "app.zip"]);
    assert_eq!(set.base_directory, None);
}

fn job(buildspec: &str) -> JobSpec {
    let request = request("codecommit");
    let (spec, found) = buildspec::read(buildspec);
    compile(&request, &SourceDirs::of(&request), &spec.unwrap_or_else(|| panic!("{found:?}"))).unwrap().1
}

fn named<'j>(job: &'j JobSpec, name: &str) -> &'j JobStep {
    job.steps.iter().find(|step| step.name == name).unwrap()
}

#[test]
fn only_a_build_with_a_debug_session_is_held_at_breakpoints() {
    let (spec, _) = buildspec::read("version: 0.2\nphases: {build: {commands: codebuild-breakpoint}}\n");
    let spec = spec.unwrap();
    let mut request = request("codecommit");
    for (debug_session, hold) in [(false, JobHold::Never), (true, JobHold::AtBreakpoints)] {
        request.debug_session = debug_session;
        let (_, job) = compile(&request, &SourceDirs::of(&request), &spec).unwrap();
        assert_eq!(job.hold, hold);
    }
}

#[test]
fn a_phase_runs_as_its_own_user_before_that_of_the_file() {
    let job =
        job("version: 0.2\nrun-as: builder\nphases:\n  build: {run-as: root, commands: a}\n  install: {run-as: 7}\n");
    let user = |name: &str| named(&job, name).run_as.as_deref();
    assert_eq!(user("INSTALL"), Some("7"));
    assert_eq!(user("PRE_BUILD"), Some("builder"));
    assert_eq!(user("BUILD"), None);
}

#[test]
fn a_retry_keeps_what_follows_the_last_failure() {
    let text = "version: 0.2\nphases: {install: {on-failure: RETRY}, build: {on-failure: 'RETRY-2-timed out'}}\n";
    let job = job(text);
    let retry = |count, pattern: Option<&str>| Some(StepRetry { count, pattern: pattern.map(str::to_owned) });
    assert_eq!(named(&job, "INSTALL").retry, retry(3, None));
    assert_eq!(named(&job, "INSTALL").on_failure, StepFailure::Abort);
    assert_eq!(named(&job, "BUILD").retry, retry(2, Some("timed out")));
    assert_eq!(named(&job, "BUILD").on_failure, StepFailure::Continue);
    assert_eq!(named(&job, "POST_BUILD").retry, None);
}

#[test]
fn version_0_1_gives_each_command_a_shell_of_its_own() {
    let old = job("version: 0.1\nphases: {build: {commands: [cd x, pwd]}}\n");
    assert!(old.steps.iter().all(|step| step.fresh_shells));
    assert_eq!(named(&old, "BUILD").commands, ["cd x", "pwd"]);
    let new = job("version: 0.2\nphases: {build: {commands: a}}\n");
    assert!(!new.steps.iter().any(|step| step.fresh_shells));
}

#[test]
fn runtimes_are_looked_for_before_the_first_command() {
    let text = "version: 0.2\nphases: {install: {runtime-versions: {python: 3.10, java: \"it's\"}, commands: a}}\n";
    let job = job(text);
    let setup = named(&job, "INSTALL").setup.as_deref().unwrap();
    assert!(setup.contains("headworks_runtime 'python' '3.10' strict"));
    assert!(setup.contains("headworks_runtime 'java' 'it'\\''s' strict"));
    assert!(named(&job, "BUILD").setup.is_none());
}

#[test]
fn the_git_helper_is_configured_when_asked_for() {
    let with = job("version: 0.2\nenv: {git-credential-helper: yes}\nphases: {build: {commands: a}}\n");
    assert_eq!(with.env.get("GIT_CONFIG_COUNT").map(String::as_str), Some("3"));
    let without = job("version: 0.2\nphases: {build: {commands: a}}\n");
    assert!(!without.env.contains_key("GIT_CONFIG_COUNT"));
}

#[test]
fn steps_that_are_actions_are_refused_by_name() {
    let request = request("codecommit");
    let (spec, _) = buildspec::read("version: 0.2\nphases: {build: {steps: [{uses: actions/checkout@v4}]}}\n");
    let refused = compile(&request, &SourceDirs::of(&request), &spec.unwrap()).unwrap_err();
    assert!(refused.message.contains("actions/checkout@v4"), "{refused:?}");
}

#[test]
fn a_batchs_buildspec_without_phases_is_no_build_of_its_own() {
    let text = "version: 0.2\nbatch: {build-list: [{identifier: a, buildspec: a.yml}, {identifier: b}]}\n";
    let mut request = request("codecommit");
    let why = |request: &Request| {
        let error = plan_text(request, &SourceDirs::of(request), text).unwrap_err();
        assert_eq!(error.context.status_code, "YAML_FILE_ERROR");
        error.context.message
    };
    let alone = why(&request);
    assert!(alone.contains("error[B010]") && alone.contains("start it as a batch"), "{alone}");
    request.batch = Some(crate::build::BatchMember { arn: String::new(), identifier: "b".to_owned(), shard: None });
    assert!(why(&request).contains("give build 'b' a 'buildspec'"), "{}", why(&request));
}

#[test]
fn what_nobody_has_agreed_to_fills_no_caches() {
    let mut request = request("codecommit");
    for trusted in [None, Some("main"), Some("refs/heads/pr"), Some("c0ffee")] {
        request.source.version = trusted.map(str::to_owned);
        assert!(request.may_fill_caches(), "{trusted:?}");
    }
    for proposed in ["pr/7", "mr/7", "refs/pull/7/head", "refs/merge-requests/7/head"] {
        request.source.version = Some(proposed.to_owned());
        assert!(!request.may_fill_caches(), "{proposed}");
    }
    request.source.version = Some("c0ffee".to_owned());
    request.is_proposed = true;
    assert!(!request.may_fill_caches());
    request.is_proposed = false;
    request.secondary_sources =
        vec![crate::build::Source { version: Some("pr/7".to_owned()), ..request.source.clone() }];
    assert!(!request.may_fill_caches());
}

#[test]
fn a_build_knows_its_project() {
    let job = job("version: 0.2\nenv: {variables: {CODEBUILD_PROJECT_ARN: mine}}\nphases: {build: {commands: a}}\n");
    assert_eq!(job.env["CODEBUILD_PROJECT_ARN"], "arn:aws:codebuild:eu-west-1:123456789012:project/demo");
}
