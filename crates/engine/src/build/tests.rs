//! Plays `tests/scenarios/build/*.txt`: lines with `> ` are inputs, `+N` moves the clock by seconds, the rest is what must come
//! out. `HEADWORKS_TEST_UPDATE=1` writes what came out into the files.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use base::{
    AccountId, JobLimits, JobOutcome, JobTimeout, Machine, Region, Scope, Step, StepOutcome, StepRecord, TimerChange,
    Timestamp,
};

use super::*;
use crate::build_queue::Limits;

const BUILDSPEC: &str = r#"{"version":"0.2","phases":{"build":{"commands":["make"]}},"artifacts":{"files":["**/*"]}}"#;

pub(crate) fn request(options: &str) -> Request {
    let uuid = "0f1e2d3c-0000-4000-8000-000000000001";
    let place = |key: &str| Place { bucket: "store".to_owned(), key: key.to_owned() };
    let has = |word: &str| options.split_whitespace().any(|w| w == word);
    Request {
        id: format!("demo:{uuid}"),
        uuid: uuid.to_owned(),
        scope: Scope {
            account: AccountId::parse("123456789012").unwrap(),
            region: Region::parse("eu-west-1").unwrap(),
        },
        project: "demo".to_owned(),
        number: 7,
        submitted: Timestamp::from_secs(1_800_000_000),
        initiator: "root".to_owned(),
        source: Source {
            identifier: None,
            kind: if has("codecommit") {
                SourceKind::CodeCommit {
                    location: "https://git/v1/repos/r".to_owned(),
                    repository: "r".to_owned(),
                    depth: None,
                    submodules: false,
                }
            } else {
                SourceKind::NoSource
            },
            version: None,
        },
        secondary_sources: Vec::new(),
        buildspec: match options.split_once("inline ") {
            Some((_, text)) => BuildspecFrom::Inline(text.to_owned()),
            None => BuildspecFrom::File("buildspec.yml".to_owned()),
        },
        image: "aws/codebuild/standard:7.0".to_owned(),
        compute_type: "BUILD_GENERAL1_SMALL".to_owned(),
        environment_type: "LINUX_CONTAINER".to_owned(),
        privileged: false,
        variables: Vec::new(),
        artifacts: if has("s3") {
            ArtifactTarget::S3 {
                identifier: None,
                bucket: "out".to_owned(),
                path: "p".to_owned(),
                by_build_id: false,
                name: "demo.zip".to_owned(),
                override_name: has("override"),
                zip: true,
            }
        } else if has("pipeline") {
            ArtifactTarget::Pipeline(vec![OutputArtifact {
                name: "Built".to_owned(),
                place: place("p/Built/abc"),
                section: OutputSection::default(),
            }])
        } else {
            ArtifactTarget::NoArtifacts
        },
        secondary_artifacts: Vec::new(),
        logs: Logs::CloudWatch { group: "/aws/codebuild/demo".to_owned(), stream: uuid.to_owned() },
        timeout_minutes: 60,
        queued_timeout_minutes: 480,
        encryption_key: "arn:aws:kms:eu-west-1:123456789012:alias/aws/s3".to_owned(),
        endpoint: "http://127.0.0.1:4566".to_owned(),
        work_dir: PathBuf::from("/work"),
        limits: JobLimits::default(),
        lenient_runtimes: false,
        echo: serde_json::Value::Null,
        parent: has("parent").then(|| Parent {
            kind: "pipeline_execution".to_owned(),
            id: "e1".to_owned(),
            key: "e1:Build:build:1".to_owned(),
        }),
        last_phase: has("until-build").then_some(Phase::Build),
        batch: None,
        limited_by: Limits::default(),
        auto_retry: None,
        published: BTreeMap::new(),
        is_proposed: false,
        branch: None,
        purpose: Purpose::Build,
        debug_session: false,
        pipeline_region: None,
    }
}

struct Play {
    state: BuildState,
    now: Timestamp,
    steps: Vec<StepRecord>,
}

impl Play {
    fn key(&self, kind: &str) -> String {
        format!("{}:{kind}", self.state.request.uuid)
    }

    fn input(&mut self, line: &str) -> BuildInput {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let run = self.key("run");
        let ended = |outcome| BuildInput::JobEnded { key: run.clone(), outcome };
        let steps = self.steps.clone();
        match word {
            "start" => BuildInput::Start,
            "began" => BuildInput::Began { key: run, at: self.now },
            "prepared" => BuildInput::Prepared {
                key: self.key("prepare"),
                sourced: Sourced {
                    provisioned: self.now,
                    environment: Vec::new(),
                    resolved_version: Some("c0ffee".to_owned()),
                    secondary_versions: BTreeMap::new(),
                    buildspec: if rest.is_empty() {
                        BUILDSPEC.to_owned()
                    } else {
                        rest.replace("\\n", "\n").replace("\\t", "\t")
                    },
                },
            },
            "environment-failed" => BuildInput::PrepareFailed {
                key: self.key("prepare"),
                failure: SourceFailure::Environment { reason: rest.to_owned() },
            },
            "source-failed" => BuildInput::PrepareFailed {
                key: self.key("prepare"),
                failure: SourceFailure::Source { code: "CLIENT_ERROR".to_owned(), message: rest.to_owned() },
            },
            "step" | "old-step" => {
                let (name, end) = rest.split_once(' ').unwrap_or((rest, ""));
                let finished = match end.split_once(' ').unwrap_or((end, "")) {
                    ("", _) => None,
                    ("ok", _) => Some((self.now, StepOutcome::Succeeded)),
                    ("fail", command) => {
                        Some((self.now, StepOutcome::Failed { command: command.to_owned(), exit_status: 1 }))
                    }
                    ("cancelled", _) => Some((self.now, StepOutcome::Cancelled)),
                    other => panic!("unknown end {other:?}"),
                };
                match self.steps.iter_mut().find(|s| s.name == name) {
                    Some(step) => step.finished = finished,
                    None => self.steps.push(StepRecord { name: name.to_owned(), started: self.now, finished }),
                }
                let key = if word == "step" { run } else { "old".to_owned() };
                BuildInput::StepsReported { key, steps: self.steps.clone() }
            }
            "finished" => {
                let pairs = rest.split_whitespace().filter_map(|p| p.split_once('='));
                let exported = pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
                ended(JobOutcome::Finished { steps, exported })
            }
            "timed-out" => ended(JobOutcome::TimedOut(JobTimeout { steps, after_seconds: 3600 })),
            "cancelled" => ended(JobOutcome::Cancelled { steps }),
            "out-of-memory" => ended(JobOutcome::OutOfMemory { steps }),
            "secrets-failed" => BuildInput::SecretsFailed {
                key: run,
                code: "Secrets Manager Error".to_owned(),
                message: rest.to_owned(),
            },
            "lost" => ended(JobOutcome::Lost { steps, reason: rest.to_owned() }),
            "not-started" => ended(JobOutcome::NotStarted { reason: rest.to_owned() }),
            "uploaded" => BuildInput::Uploaded {
                key: self.key("upload"),
                artifacts: vec![UploadedArtifact {
                    identifier: None,
                    location: "arn:aws:s3:::out/p/demo.zip".to_owned(),
                    bucket: "out".to_owned(),
                    key: "p/demo.zip".to_owned(),
                    packaging: Packaging::Zip,
                    md5: "d4".to_owned(),
                    sha256: "e5".to_owned(),
                }],
            },
            "upload-failed" => BuildInput::UploadFailed {
                key: self.key("upload"),
                code: "CLIENT_ERROR".to_owned(),
                message: rest.to_owned(),
            },
            "stop" => BuildInput::Stop {},
            "disk-full" => BuildInput::DiskFull {},
            "resumed" => BuildInput::Resumed { down_seconds: rest.parse().unwrap() },
            "queue-timer" => BuildInput::QueueTimedOut {},
            "build-timer" => BuildInput::DeadlinePassed {},
            other => panic!("unknown input {other}"),
        }
    }

    fn play(&mut self, line: &str, out: &mut String) {
        if let Some(step) = line.strip_prefix("unheard ") {
            // The job goes on while nobody listens.
            self.input(&format!("step {step}"));
            return;
        }
        let input = self.input(line);
        match Build::step(&self.state, input, self.now) {
            Err(refusal) => writeln!(out, "  refused: {refusal}").unwrap(),
            Ok(step) => {
                if step.state == self.state
                    && step.effects.is_empty()
                    && step.events.is_empty()
                    && step.timers.is_empty()
                {
                    writeln!(out, "  nothing").unwrap();
                } else {
                    describe(&step, self.now, out);
                }
                // Whatever is stored must come back the same.
                let stored = serde_json::to_string(&step.state).unwrap();
                assert_eq!(serde_json::from_str::<BuildState>(&stored).unwrap(), step.state);
                self.state = step.state;
            }
        }
    }
}

fn describe(step: &Step<Build>, now: Timestamp, out: &mut String) {
    let stage = format!("{:?}", step.state.stage);
    let stage = stage.split(['(', ' ']).next().unwrap_or_default();
    writeln!(out, "  {stage}, {}", step.state.status_name()).unwrap();
    for record in &step.state.phases {
        match &record.end {
            PhaseEnd::Open => writeln!(out, "    {} since {}", record.phase.name(), clock(record.started)).unwrap(),
            PhaseEnd::Ended { at, status, context } => {
                let why = context.as_ref().map(|c| format!(" {}: {}", c.status_code, c.message)).unwrap_or_default();
                let (from, to) = (clock(record.started), clock(*at));
                writeln!(out, "    {} {from}..{to} {}{why}", record.phase.name(), status.name()).unwrap();
            }
        }
    }
    for effect in &step.effects {
        let kind = effect.key.rsplit(':').next().unwrap_or_default();
        match &effect.effect {
            BuildEffect::Upload { sets, .. } => {
                let to: Vec<_> = sets.iter().map(|s| format!("{}/{}", s.bucket, s.key)).collect();
                writeln!(out, "  effect {kind} to {}", to.join(", ")).unwrap();
            }
            BuildEffect::Prepare { .. }
            | BuildEffect::Run { .. }
            | BuildEffect::Cancel { .. }
            | BuildEffect::AutoRetry { .. }
            | BuildEffect::Finish { .. } => writeln!(out, "  effect {kind}").unwrap(),
        }
    }
    for timer in &step.timers {
        match timer {
            TimerChange::Set { key, at, .. } => {
                writeln!(out, "  timer {key} in {} s", at.since(now).as_secs()).unwrap();
            }
            TimerChange::Clear { key } => writeln!(out, "  timer {key} cleared").unwrap(),
        }
    }
    for event in &step.events {
        let detail = &event.detail;
        let about = ["completed-phase", "completed-phase-status", "build-status", "current-phase"];
        let about: Vec<_> = about.iter().filter_map(|k| detail.get(k)?.as_str()).collect();
        writeln!(out, "  event {}: {}", event.detail_type, about.join(" ")).unwrap();
    }
    for tell in &step.tells {
        writeln!(out, "  tell {} {}: {}", tell.kind, tell.id, tell.input).unwrap();
    }
}

fn clock(at: Timestamp) -> String {
    format!("{}", at.since(Timestamp::from_secs(1_800_000_000)).as_secs())
}

fn run(text: &str) -> String {
    let mut out = String::new();
    let mut play: Option<Play> = None;
    for line in text.lines() {
        if line.starts_with('#') || line.is_empty() {
            writeln!(out, "{line}").unwrap();
        } else if let Some(options) = line.strip_prefix("request") {
            writeln!(out, "{line}").unwrap();
            let request = request(options);
            let now = request.submitted;
            play = Some(Play { state: BuildState::new(request), now, steps: Vec::new() });
        } else if let Some(seconds) = line.strip_prefix('+') {
            writeln!(out, "{line}").unwrap();
            let play = play.as_mut().unwrap();
            play.now = play.now + Duration::from_secs(seconds.parse().unwrap());
        } else if let Some(input) = line.strip_prefix("> ") {
            writeln!(out, "{line}").unwrap();
            play.as_mut().unwrap().play(input, &mut out);
        }
    }
    out
}

#[test]
fn scenarios_play_as_written() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/build");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        let played = run(&text);
        if std::env::var_os("HEADWORKS_TEST_UPDATE").is_some() {
            std::fs::write(&path, &played).unwrap();
        } else {
            assert_eq!(played, text, "{}", path.display());
        }
    }
}

fn planned(buildspec: &str, change: impl FnOnce(&mut Request)) -> (Plan, base::JobSpec) {
    let mut request = request("codecommit s3 override");
    change(&mut request);
    let dirs = SourceDirs { resolved_version: Some("c0ffee".to_owned()), ..SourceDirs::of(&request) };
    let (spec, found) = formats::buildspec::read(buildspec);
    compile(&request, &dirs, &spec.unwrap_or_else(|| panic!("{found:?}"))).unwrap()
}

#[test]
fn variables_of_the_request_win_over_those_of_the_buildspec_and_published_ones_over_all() {
    let text = "version: 0.2\nenv: {variables: {A: file, B: file, AWS_REGION: mars, CODEBUILD_INITIATOR: me}}\nphases: {build: {commands: x}}\n";
    let (_, job) = planned(text, |request| {
        request.variables.push(EnvironmentVariable {
            name: "A".to_owned(),
            value: "$HOME".to_owned(),
            kind: VariableKind::Plaintext,
        });
    });
    let value = |name: &str| job.env.get(name).map(String::as_str);
    assert_eq!(value("A"), Some("$HOME"));
    assert_eq!(value("B"), Some("file"));
    assert_eq!(value("AWS_REGION"), Some("mars"));
    assert_eq!(value("AWS_DEFAULT_REGION"), Some("eu-west-1"));
    assert_eq!(value("CODEBUILD_INITIATOR"), Some("root"));
    assert_eq!(value("CODEBUILD_BUILD_ID"), Some("demo:0f1e2d3c-0000-4000-8000-000000000001"));
    assert_eq!(value("CODEBUILD_RESOLVED_SOURCE_VERSION"), Some("c0ffee"));
    assert_eq!(value("CODEBUILD_SRC_DIR"), Some("/work/src"));
}

#[test]
fn references_are_planned_without_their_values_and_the_last_word_is_the_requests() {
    let text = "version: 0.2\nenv:\n  variables: {A: file, D: file}\n  parameter-store: {A: /a, B: /b, CODEBUILD_BUILD_ID: /c}\n  \
                secrets-manager: {C: 's:key:AWSPREVIOUS'}\nphases: {build: {commands: x}}\n";
    let variable =
        |name: &str, value: &str, kind| EnvironmentVariable { name: name.to_owned(), value: value.to_owned(), kind };
    let (plan, job) = planned(text, |request| {
        request.variables.push(variable("B", "plain", VariableKind::Plaintext));
        request.variables.push(variable("D", "/d:3", VariableKind::ParameterStore));
    });
    let secret = Kept::Secret {
        id: "s".to_owned(),
        json_key: Some("key".to_owned()),
        version_stage: Some("AWSPREVIOUS".to_owned()),
        version_id: None,
    };
    let parameter = |name: &str| Kept::Parameter { name: name.to_owned() };
    let found: Vec<_> = plan.references.iter().map(|r| (r.name.as_str(), r.kept.clone())).collect();
    assert_eq!(found, [("A", parameter("/a")), ("C", secret), ("D", parameter("/d:3"))]);
    assert_eq!(job.env.get("B").map(String::as_str), Some("plain"));
    assert!(["A", "C", "D"].iter().all(|name| !job.env.contains_key(*name)));
}

#[test]
fn all_four_phases_are_steps_and_build_lets_post_build_run() {
    use base::StepFailure::{Abort, Continue};
    let (_, job) = planned("version: 0.2\nphases: {install: {on-failure: CONTINUE, commands: a}}\n", |_| {});
    let steps: Vec<_> = job.steps.iter().map(|s| (s.name.as_str(), s.on_failure)).collect();
    assert_eq!(steps, [("INSTALL", Continue), ("PRE_BUILD", Abort), ("BUILD", Continue), ("POST_BUILD", Continue)]);
}

#[test]
fn a_build_that_ends_after_a_phase_has_no_later_step() {
    let (_, job) = planned("version: 0.2\nphases: {build: {commands: a}, post_build: {commands: b}}\n", |request| {
        request.last_phase = Some(Phase::PreBuild);
    });
    let steps: Vec<_> = job.steps.iter().map(|s| s.name.as_str()).collect();
    assert_eq!(steps, ["INSTALL", "PRE_BUILD"]);
}

#[test]
fn a_name_with_shell_words_is_expanded_by_the_job() {
    let text =
        "version: 0.2\nphases: {build: {commands: x}}\nartifacts: {files: '*', name: 'out-$(date +\"%Y\").zip'}\n";
    let (plan, job) = planned(text, |_| {});
    let set = plan.artifacts.first().unwrap();
    assert_eq!(set.name_variable.as_deref(), Some("HEADWORKS_ARTIFACT_NAME_0"));
    assert_eq!(job.steps.iter().filter(|step| step.name == "UPLOAD_ARTIFACTS").count(), 1);
    assert!(job.exported.contains(&"HEADWORKS_ARTIFACT_NAME_0".to_owned()));
    let values = BTreeMap::from([("HEADWORKS_ARTIFACT_NAME_0".to_owned(), "out-2027.zip".to_owned())]);
    assert_eq!(set.named(&values).key, "p/out-2027.zip");
}

#[test]
fn what_is_not_built_is_refused_by_name() {
    let request = request("codecommit");
    for (text, name) in [("env: {shell: cmd.exe}", "needs Windows"), ("env: {shell: powershell.exe}", "needs Windows")]
    {
        let (spec, _) = formats::buildspec::read(&format!("version: 0.2\n{text}\nphases: {{}}\n"));
        let refused = compile(&request, &SourceDirs::of(&request), &spec.unwrap()).unwrap_err();
        assert!(refused.message.contains(name), "{refused:?}");
    }
}

/// The shape of AWS's own sample event, member for member.
#[test]
fn events_have_the_members_of_the_published_samples() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let root = root.ancestors().nth(2).unwrap();
    let folders = [root.join("../shared/reference/events"), root.join("../../shared/reference/events")];
    let Some(folder) = folders.iter().find(|f| f.is_dir()) else {
        println!("skipped: no sample events at ../shared/reference/events");
        return;
    };
    let mut state = BuildState::new(request("codecommit s3"));
    let mut events = Vec::new();
    let now = state.request.submitted;
    let mut play = Play { state: state.clone(), now, steps: Vec::new() };
    for line in [
        "start",
        "began",
        "prepared",
        "step INSTALL ok",
        "step PRE_BUILD ok",
        "step BUILD ok",
        "step POST_BUILD ok",
        "finished",
        "uploaded",
    ] {
        let input = play.input(line);
        let step = Build::step(&state, input, now).unwrap();
        events.extend(step.events);
        state = step.state.clone();
        play.state = step.state;
    }
    for (file, kind) in [
        ("aws_codebuild_CodeBuild_Build_State_Change_.json", "CodeBuild Build State Change"),
        ("aws_codebuild_CodeBuild_Build_Phase_Change_.json", "CodeBuild Build Phase Change"),
    ] {
        let sample = std::fs::read_to_string(folder.join(file)).unwrap();
        let sample: serde_json::Value = serde_json::from_str(&sample).unwrap();
        let ours = events.iter().rfind(|e| e.detail_type == kind).unwrap();
        for pointer in
            ["", "/additional-information", "/additional-information/logs", "/additional-information/environment"]
        {
            let members = |v: &serde_json::Value| {
                v.pointer(pointer).unwrap().as_object().unwrap().keys().cloned().collect::<Vec<_>>()
            };
            let have = members(&ours.detail);
            for member in members(&sample["detail"]) {
                let last_only = member == "artifact" && kind.ends_with("Phase Change");
                assert!(have.contains(&member) || last_only, "{kind}{pointer}/{member} in {have:?}");
            }
        }
    }
}
