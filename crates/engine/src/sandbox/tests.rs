use base::{CommandEnd, CommandRecord, JobOutcome, Machine, Secret, Step, StepOutcome, StepRecord, Timestamp};

use super::*;
use crate::build::{BuildEffect, BuildInput, Purpose, tests as build_tests};
use crate::command_execution::{CommandExecution, ExecutionInput, ExecutionState, Progress};

struct Play {
    state: SandboxState,
    now: Timestamp,
}

impl Play {
    fn new() -> Play {
        let mut request = build_tests::request("inline {}");
        request.purpose = Purpose::Sandbox;
        Play { now: request.submitted, state: SandboxState::new(request) }
    }

    fn running() -> Play {
        let mut play = Play::new();
        play.tell(BuildInput::Start);
        play.tell(BuildInput::Began { key: play.key("run"), at: play.now });
        let steps = vec![StepRecord { name: "RUN_SANDBOX".to_owned(), started: play.now, finished: None }];
        play.tell(BuildInput::StepsReported { key: play.key("run"), steps });
        play
    }

    fn key(&self, kind: &str) -> String {
        format!("{}:{kind}", self.state.session.request.uuid)
    }

    fn tell(&mut self, input: BuildInput) -> Step<Sandbox> {
        self.take(SandboxInput::Session(input)).unwrap()
    }

    fn take(&mut self, input: SandboxInput) -> Result<Step<Sandbox>, SandboxRefusal> {
        let step = Sandbox::step(&self.state, input, self.now)?;
        self.state = step.state.clone();
        Ok(step)
    }

    fn execute(&mut self, id: &str) -> Result<Step<Sandbox>, SandboxRefusal> {
        self.take(SandboxInput::Execute { execution: id.to_owned(), command: Secret::new("ls".to_owned()) })
    }

    fn phases(&self) -> Vec<&'static str> {
        self.state.session.phases.iter().map(|record| record.phase.name()).collect()
    }

    fn ended(&mut self, outcome: StepOutcome) -> Step<Sandbox> {
        let finished = Some((self.now, outcome.clone()));
        let steps = vec![StepRecord { name: "RUN_SANDBOX".to_owned(), started: self.now, finished }];
        let outcome = match outcome {
            StepOutcome::TimedOut => JobOutcome::TimedOut(base::JobTimeout { steps, after_seconds: 60 }),
            _ => JobOutcome::Cancelled { steps },
        };
        self.tell(BuildInput::JobEnded { key: self.key("run"), outcome })
    }
}

#[test]
fn a_sandbox_runs_until_it_is_stopped_and_reads_no_buildspec() {
    let mut play = Play::new();
    assert_eq!(play.state.status_name(), "QUEUED");
    let step = play.tell(BuildInput::Start);
    let [effect] = &step.effects[..] else { panic!("{:?}", step.effects) };
    let SandboxEffect::Session(BuildEffect::Run { job, .. }) = &effect.effect else { panic!("{effect:?}") };
    assert_eq!((job.steps.len(), job.steps[0].name.as_str(), job.hold), (1, "RUN_SANDBOX", base::JobHold::ForOrders));
    assert!(job.env.contains_key("CODEBUILD_SRC_DIR") && !job.env.contains_key("CODEBUILD_BUILD_NUMBER"));
    assert!(job.env["CODEBUILD_BUILD_ARN"].contains(":sandbox/demo:"), "{:?}", job.env);
    assert!(step.events.is_empty());

    let mut play = Play::running();
    assert_eq!(play.state.status_name(), "RUNNING");
    play.tell(BuildInput::Stop {});
    assert_eq!(play.state.status_name(), "STOPPING");
    play.ended(StepOutcome::Cancelled);
    assert_eq!(play.state.status_name(), "STOPPED");
    assert_eq!(play.phases(), ["SUBMITTED", "QUEUED", "PROVISIONING", "DOWNLOAD_SOURCE", "RUN_SANDBOX", "COMPLETED"]);
    let refused = Sandbox::step(&play.state, SandboxInput::Session(BuildInput::Stop {}), play.now);
    assert!(matches!(refused, Err(SandboxRefusal::Session(_))));
}

#[test]
fn commands_are_taken_only_while_it_runs() {
    let mut play = Play::new();
    assert_eq!(play.execute("c1"), Err(SandboxRefusal::NotRunning { status: "QUEUED".to_owned() }));
    let mut play = Play::running();
    let step = play.execute("c1").unwrap();
    let [effect] = &step.effects[..] else { panic!("{:?}", step.effects) };
    assert!(matches!(&effect.effect, SandboxEffect::Order { order, .. } if order.id == "c1"), "{effect:?}");
    play.take(SandboxInput::CommandEnded { execution: "c1".to_owned() }).unwrap();
    assert!(play.state.open.is_empty());
    play.tell(BuildInput::Stop {});
    assert_eq!(play.execute("c2"), Err(SandboxRefusal::NotRunning { status: "STOPPING".to_owned() }));
}

#[test]
fn a_command_is_ordered_when_the_one_before_is_over() {
    let ordered = |step: &Step<Sandbox>| -> Vec<String> {
        let ids = step.effects.iter().map(|effect| match &effect.effect {
            SandboxEffect::Order { order, .. } => order.id.clone(),
            SandboxEffect::Session(other) => panic!("{other:?}"),
        });
        ids.collect()
    };
    let ended = |play: &mut Play, id: &str| play.take(SandboxInput::CommandEnded { execution: id.to_owned() }).unwrap();
    let mut play = Play::running();
    assert_eq!(ordered(&play.execute("c1").unwrap()), ["c1"]);
    for later in ["c2", "c3", "c4"] {
        assert_eq!(ordered(&play.execute(later).unwrap()), [""; 0], "{later}");
    }
    assert_eq!(ordered(&ended(&mut play, "c3")), [""; 0], "it was not at work");
    assert_eq!(ordered(&ended(&mut play, "c1")), ["c2"]);
    assert_eq!(ordered(&ended(&mut play, "c1")), [""; 0], "told twice");
    assert_eq!(ordered(&ended(&mut play, "c2")), ["c4"]);
    ended(&mut play, "c4");
    assert_eq!(ordered(&play.execute("c5").unwrap()), ["c5"]);
    play.execute("c6").unwrap();
    play.tell(BuildInput::Stop {});
    assert_eq!(ordered(&ended(&mut play, "c5")), [""; 0], "the sandbox ends");
    let step = play.ended(StepOutcome::Cancelled);
    assert_eq!(step.tells.iter().map(|tell| tell.id.as_str()).collect::<Vec<_>>(), ["c6"]);
    assert!(play.state.waiting.is_empty());
}

#[test]
fn the_end_of_a_sandbox_interrupts_what_is_open_and_says_why() {
    let mut play = Play::running();
    play.execute("c1").unwrap();
    play.execute("c2").unwrap();
    let step = play.ended(StepOutcome::TimedOut);
    assert_eq!(play.state.status_name(), "STOPPED");
    let told: Vec<_> = step.tells.iter().map(|tell| (tell.kind.as_str(), tell.id.as_str())).collect();
    assert_eq!(told, [("command_execution", "c1"), ("command_execution", "c2")]);
    let input: ExecutionInput = serde_json::from_value(step.tells[0].input.clone()).unwrap();
    let mut execution = execution();
    execution = CommandExecution::step(&execution, input, play.now).unwrap().state;
    assert_eq!(execution.status_name(), "FAILED");
    assert!(matches!(&execution.progress, Progress::Interrupted { reason, .. } if reason.contains("timed out")));
}

#[test]
fn timers_of_the_session_come_back_to_the_session() {
    let mut play = Play::new();
    let step = play.tell(BuildInput::Start);
    let inputs: Vec<SandboxInput> = step
        .timers
        .iter()
        .filter_map(|change| match change {
            base::TimerChange::Set { input, .. } => Some(serde_json::from_value(input.clone()).unwrap()),
            base::TimerChange::Clear { .. } => None,
        })
        .collect();
    assert_eq!(inputs, [SandboxInput::Session(BuildInput::QueueTimedOut {})]);
}

fn execution() -> ExecutionState {
    ExecutionState {
        id: "c1".to_owned(),
        sandbox: "demo:1".to_owned(),
        command: Secret::new("ls".to_owned()),
        submitted: Timestamp::from_secs(1),
        progress: Progress::Submitted,
    }
}

#[test]
fn a_command_says_how_it_ended_once() {
    let at = Timestamp::from_secs(2);
    let record = |status: Option<i32>| {
        let end = CommandEnd { at, exit_status: status, stdout: "out".to_owned(), stderr: String::new() };
        ExecutionInput::Reported(CommandRecord { id: "c1".to_owned(), started: at, finished: Some(end) })
    };
    let began = ExecutionInput::Reported(CommandRecord { id: "c1".to_owned(), started: at, finished: None });
    let state = CommandExecution::step(&execution(), began.clone(), at).unwrap().state;
    assert_eq!(state.status_name(), "IN_PROGRESS");
    let step = CommandExecution::step(&state, record(Some(0)), at).unwrap();
    assert_eq!((step.state.status_name(), step.tells.len()), ("SUCCEEDED", 1));
    for late in [began, record(Some(1)), ExecutionInput::SandboxEnded { reason: String::new() }] {
        assert_eq!(CommandExecution::step(&step.state, late, at).unwrap(), Step::to(step.state.clone()));
    }
    for status in [Some(3), None] {
        assert_eq!(CommandExecution::step(&state, record(status), at).unwrap().state.status_name(), "FAILED");
    }
}
