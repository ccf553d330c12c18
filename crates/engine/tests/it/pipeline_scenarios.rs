//! Scenario files: `tests/scenarios/pipeline/*.txt`. A file declares a pipeline, then gives commands (`> ...`), each
//! followed by what came of it. `HEADWORKS_TEST_UPDATE=1` writes the files anew; read the difference before you commit it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use base::Machine;
use engine::job::JobInput;
use engine::pipeline::{
    ActionResult, Approval, Artifact, Execution, ExecutionInput, External, GateInput, Mode, ParentRetry, Revision,
    SourceOverride, Verdict,
};

use formats::pipeline::{ConditionKind, EncryptionKey, RetryMode};

use crate::pipeline_declare::{declare, declare_all};
use crate::pipeline_report::report;
use crate::pipeline_world::World;

#[test]
fn every_scenario_leads_to_what_its_file_says() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/pipeline");
    let mut files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "no scenarios in {}", folder.display());
    let update = std::env::var_os("HEADWORKS_TEST_UPDATE").is_some();
    let mut wrong = Vec::new();
    for file in files {
        let written = std::fs::read_to_string(&file).unwrap();
        let actual = play(&written);
        if update {
            std::fs::write(&file, &actual).unwrap();
        } else if actual != written {
            wrong.push(format!("{}\n{}", file.display(), difference(&written, &actual)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_action_that_stores_an_artifact_says_that_the_key_is_not_used() {
    let lines = ["stage Source", "action Src CodeCommit out=Src", "stage Deploy", "action Put S3 in=Src"];
    for key in [None, Some("alias/delivery")] {
        let mut definition = declare(lines.into_iter());
        let encryption = key.map(|id| EncryptionKey { id: id.to_owned(), key_type: "KMS".to_owned() });
        definition.artifact_store.as_mut().unwrap().encryption_key = encryption;
        let mut world = World::new(definition);
        for command in ["start e1", "ok e1 Source/Src revision=8cf40f2", "ok e1 Deploy/Put"] {
            run(&mut world, command).unwrap();
        }
        let state = &world.executions["e1"].state;
        let summary = |stage: &str, action: &str| state.stage(stage)?.action(action)?.external.summary.clone();
        let told = "The artifact is stored as it is: encryption key alias/delivery is not used.";
        assert_eq!(summary("Source", "Src"), key.map(|_| told.to_owned()));
        assert_eq!(summary("Deploy", "Put"), None);
    }
}

#[test]
fn a_source_that_ran_again_stands_for_what_it_fetched_last() {
    let lines = [
        "stage Source",
        "action A CodeCommit out=A",
        "action B CodeCommit out=B",
        "stage Deploy",
        "action Put S3 in=A",
    ];
    let mut world = World::new(declare(lines.into_iter()));
    for command in [
        "start e1",
        "ok e1 Source/A revision=c1",
        "fail e1 Source/B gone",
        "retry e1 Source all",
        "ok e1 Source/A#2 revision=c2",
        "ok e1 Source/B#2 revision=b1",
    ] {
        run(&mut world, command).unwrap();
    }
    let revisions = world.state("e1").source_revisions.iter();
    let revisions: Vec<_> = revisions.map(|r| (r.action.as_str(), r.revision.id.as_str())).collect();
    assert_eq!(revisions, [("A", "c2"), ("B", "b1")]);
}

/// Thirty executions of which some run and some wait; what follows reaches each of them, once.
fn with_thirty(mode: &str) -> World {
    let lines = [mode, "stage Source", "action Src CodeCommit out=Src", "stage Build", "action Make CodeBuild in=Src"];
    let mut world = World::new(declare(lines.into_iter()));
    for n in 1..=30 {
        run(&mut world, &format!("start e{n}")).unwrap();
        if mode == "mode PARALLEL" || n == 1 {
            run(&mut world, &format!("ok e{n} Source/Src")).unwrap();
        }
    }
    world.events.clear();
    world
}

fn statuses(world: &World) -> BTreeMap<&'static str, usize> {
    let mut count = BTreeMap::new();
    for row in world.executions.values() {
        *count.entry(Execution::status(&row.state)).or_default() += 1;
    }
    count
}

#[test]
fn an_update_while_thirty_executions_run_cancels_them_but_for_those_of_mode_parallel() {
    let mut queued = with_thirty("mode QUEUED");
    run(&mut queued, "update Source Build").unwrap();
    assert_eq!(statuses(&queued), [("Cancelled", 28), ("InProgress", 2)].into());
    run(&mut queued, "ok e1 Build/Make").unwrap();
    run(&mut queued, "ok e2 Source/Src").unwrap();
    assert_eq!(statuses(&queued), [("Cancelled", 30)].into());
    let cancelled = queued.events.iter().filter(|e| e.detail_type.contains("Pipeline Execution"));
    assert_eq!(cancelled.count(), 30, "each says so once");

    let mut parallel = with_thirty("mode PARALLEL");
    run(&mut parallel, "update Source Build").unwrap();
    assert_eq!(statuses(&parallel), [("InProgress", 30)].into());
    for n in 1..=30 {
        run(&mut parallel, &format!("ok e{n} Build/Make")).unwrap();
    }
    assert_eq!(statuses(&parallel), [("Succeeded", 30)].into());
    assert!(queued.unheard.is_empty() && parallel.unheard.is_empty());
}

#[test]
fn a_pipeline_that_is_deleted_while_thirty_executions_run_stops_each_of_them() {
    for mode in ["mode QUEUED", "mode PARALLEL"] {
        let mut world = with_thirty(mode);
        run(&mut world, "delete").unwrap();
        assert_eq!(statuses(&world), [("Stopped", 30)].into(), "{mode}");
        assert!(world.timers.is_empty() && world.unheard.is_empty(), "{mode}");
        let gates = &world.gates.state;
        assert!(gates.parallel.is_empty() && gates.gates.iter().all(|g| g.inside.is_empty() && g.waiting.is_empty()));
        assert!(run(&mut world, "ok e1 Build/Make").is_err(), "{mode}: what comes later changes nothing");
    }
}

fn difference(expected: &str, actual: &str) -> String {
    let (mut old, mut new) = (expected.lines(), actual.lines());
    let mut line = 0;
    loop {
        line += 1;
        let (a, b) = (old.next(), new.next());
        if a != b || a.is_none() {
            return format!("line {line}:\n  expected: {}\n  actual:   {}", a.unwrap_or("(end)"), b.unwrap_or("(end)"));
        }
    }
}

/// The page that says how AWS does it, or our own where AWS has no such thing, in the comment that a file begins with.
#[test]
fn every_scenario_names_the_page_that_it_follows() {
    let engine = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut without = Vec::new();
    for machine in ["pipeline", "trigger", "build", "batch"] {
        for file in std::fs::read_dir(engine.join("tests/scenarios").join(machine)).unwrap() {
            let file = file.unwrap().path();
            let text = std::fs::read_to_string(&file).unwrap();
            let mut comment = text.lines().map_while(|line| line.strip_prefix("# ")).skip(1);
            let is_page = |line: &str| {
                let ours = line.split('#').next().filter(|path| path.starts_with("docs/"));
                line.starts_with("https://docs.aws.amazon.com/")
                    || ours.is_some_and(|path| engine.join("../..").join(path).is_file())
            };
            if !comment.any(is_page) {
                without.push(file.display().to_string());
            }
        }
    }
    assert!(without.is_empty(), "no page is named in the comment that these begin with: {without:#?}");
}

fn play(text: &str) -> String {
    let mut out = String::new();
    let mut declaration = Vec::new();
    let mut world: Option<World> = None;
    for line in text.lines() {
        match line.strip_prefix("> ") {
            Some(command) => {
                let world = world.get_or_insert_with(|| World::of(declare_all(declaration.iter().copied())));
                let _ = writeln!(out, "{line}");
                let command = world.aliases.iter().fold(command.to_owned(), |c, (short, id)| c.replace(short, id));
                let answer = run(world, &command);
                let mut told = String::new();
                report(world, answer, &mut told);
                out += &world.aliases.iter().fold(told, |t, (short, id)| t.replace(id, short));
            }
            None if world.is_none() => {
                let _ = writeln!(out, "{line}");
                if !line.trim().is_empty() && !line.starts_with('#') {
                    declaration.push(line);
                }
            }
            None => {
                if line.starts_with('#') || line.is_empty() {
                    let _ = writeln!(out, "{line}");
                }
            }
        }
    }
    let world = world.expect("a scenario has commands");
    assert_eq!(world.gates.folded(), world.gates.state);
    for row in world.jobs.values() {
        assert_eq!(row.folded(), row.state);
    }
    for row in world.executions.values() {
        assert_eq!(row.folded(), row.state);
    }
    out
}

fn run(world: &mut World, command: &str) -> Result<(), String> {
    let words: Vec<&str> = command.split_whitespace().collect();
    let user = |name: &str| format!("arn:aws:iam::123456789012:user/{name}");
    // `@bob` at the end of a command says who gives it.
    let named = words.last().and_then(|w| w.strip_prefix('@'));
    let words = &words[..words.len() - usize::from(named.is_some())];
    let word = |n: usize| words.get(n).copied().unwrap_or_default();
    let rest = |n: usize| words.get(n..).unwrap_or_default().join(" ");
    let by = || user(named.unwrap_or("ann"));
    let execution = |world: &mut World, id: &str, input| world.execution(id, input).map_err(|r| r.to_string());
    match word(0) {
        // Of another pipeline: `PIPELINE:ID`. With `ACTION:TYPE=VALUE` a source revision is given.
        "start" => {
            let (pipeline, id) = word(1).split_once(':').unwrap_or(("demo", word(1)));
            let (mut variables, mut overrides) = (BTreeMap::new(), Vec::new());
            for (name, value) in words.iter().skip(2).filter_map(|w| w.split_once('=')) {
                let value = value.to_owned();
                match name.split_once(':') {
                    Some((action, kind)) => {
                        overrides.push(SourceOverride { action: action.to_owned(), kind: kind.to_owned(), value })
                    }
                    None => drop(variables.insert(name.to_owned(), value)),
                }
            }
            world.starters = named.map(user).into_iter().collect();
            world.create_of(pipeline, id, variables, overrides, None);
            execution(world, id, ExecutionInput::Start)
        }
        // `retry-child ID Stage e1 Stage/Action#2`: for that attempt of e1's action, as the driver does.
        "retry-child" => {
            let parent = ParentRetry { key: key(word(3), word(4)), starters: Vec::new() };
            world.retry_for(word(1), word(2), RetryMode::FailedActions, (None, Some(parent)))
        }
        // `runs e1 Stage/Action a b c`: what the file of the action's matrix holds.
        "runs" => {
            let values = |w: &&str| BTreeMap::from([("value".to_owned(), (*w).to_owned())]);
            let runs = words.iter().skip(3).map(values).collect();
            execution(world, word(1), ExecutionInput::MatrixRead { key: key(word(1), word(2)), runs })
        }
        "started" => {
            let external = External { id: Some(rest(3)), ..External::default() };
            execution(world, word(1), ExecutionInput::ActionStarted { key: key(word(1), word(2)), external })
        }
        // What became of the notice of an approval.
        "notice" => {
            let external = External { summary: Some(rest(3)), ..External::default() };
            execution(world, word(1), ExecutionInput::ActionStarted { key: key(word(1), word(2)), external })
        }
        "ok" | "ok-without-artifacts" => {
            let mut result = succeeded(world, word(1), word(2), words.get(3..).unwrap_or_default());
            if let ("ok-without-artifacts", ActionResult::Succeeded { output_artifacts, .. }) = (word(0), &mut result) {
                output_artifacts.clear();
            }
            execution(world, word(1), ExecutionInput::ActionFinished { key: key(word(1), word(2)), result })
        }
        "fail" => {
            let result = ActionResult::Failed {
                code: "JobFailed".into(),
                message: rest(3),
                external_execution_id: None,
                external_execution_url: None,
                summary: None,
            };
            execution(world, word(1), ExecutionInput::ActionFinished { key: key(word(1), word(2)), result })
        }
        "approve" | "reject" | "approve-with-wrong-token" => {
            let (stage, action) = word(2).split('#').next().unwrap().split_once('/').unwrap();
            let token = match word(0) {
                "approve-with-wrong-token" => "00000000-0000-0000-0000-000000000000".to_owned(),
                _ => token(world, word(1), word(2)),
            };
            let verdict = if word(0) == "reject" { Verdict::Rejected } else { Verdict::Approved };
            let (stage, action) = (stage.to_owned(), action.to_owned());
            let approval = Approval { stage, action, token, verdict, summary: rest(3), by: by() };
            execution(world, word(1), ExecutionInput::Approve(approval))
        }
        "stop" | "abandon" => {
            let reason = Some(rest(2)).filter(|r| !r.is_empty());
            execution(world, word(1), ExecutionInput::Stop { abandon: word(0) == "abandon", reason, by: by() })
        }
        "retry" => {
            let mode = if word(3) == "all" { RetryMode::AllActions } else { RetryMode::FailedActions };
            world.retry(word(1), word(2), mode, &by())
        }
        "override" => {
            let kind = if word(3) == "beforeEntry" { ConditionKind::BeforeEntry } else { ConditionKind::OnSuccess };
            world.override_condition(word(1), word(2), kind, &by())
        }
        "rollback" => world.roll_back(word(1), word(2), word(3), &by()),
        "find-target" => {
            let effects = std::mem::take(&mut world.rollbacks);
            effects.iter().for_each(|(failed, effect)| world.perform_rollback(failed, effect));
            Ok(())
        }
        "disable" => gates(world, GateInput::Disable { stage: word(1).into(), reason: rest(2), by: by() }),
        "enable" => gates(world, GateInput::Enable { stage: word(1).into(), by: by() }),
        "update" => {
            // The first word may be another mode.
            let other = [Mode::Superseded, Mode::Queued, Mode::Parallel].into_iter().find(|m| m.as_str() == word(1));
            let mode = other.unwrap_or(world.gates.state.mode);
            let stages = words.iter().skip(1 + usize::from(other.is_some())).map(|w| (*w).to_owned()).collect();
            gates(world, GateInput::Redefine { version: world.gates.state.version + 1, mode, stages })
        }
        "delete" if !word(1).is_empty() => {
            world.tell_gates_of(word(1), GateInput::Delete { by: by() }).map_err(|r| r.to_string())
        }
        "delete" => gates(world, GateInput::Delete { by: by() }),
        "wait" => {
            world.pass(time(word(1)));
            Ok(())
        }
        // The server is down for so long: no timer fires. `wait 0m` is its start.
        "down" => {
            world.now = world.now + time(word(1));
            Ok(())
        }
        _ => work(world, words),
    }
}

/// `9h` or `30m`.
fn time(text: &str) -> Duration {
    let seconds = if text.ends_with('h') { 3600 } else { 60 };
    let count: u64 = text.trim_end_matches(['h', 'm']).parse().unwrap();
    Duration::from_secs(count * seconds)
}

/// What the driver does for actions whose work is a job or another execution, and what workers say.
fn work(world: &mut World, words: &[&str]) -> Result<(), String> {
    let word = |n: usize| words.get(n).copied().unwrap_or_default();
    let asked = |world: &World| world.asked.get(&key(word(1), word(2))).cloned().expect("work that was asked for");
    let id = |world: &World, name: &str| {
        let number: usize = name.trim_start_matches("job").parse().expect("job and its number");
        world.job_order[number - 1].clone()
    };
    match word(0) {
        "queue" => {
            let run = asked(world);
            world.queue_job(&key(word(1), word(2)), run);
            Ok(())
        }
        "invoke" => {
            let run = asked(world);
            world.invoke(word(1), &key(word(1), word(2)), &run, None);
            Ok(())
        }
        "take-back" => {
            world.cancel_jobs(&key(word(1), word(2)));
            Ok(())
        }
        "stop-invoked" => {
            world.stop_invoked(word(1), word(2) == "gently");
            Ok(())
        }
        "hand-out" => {
            let (nonce, by) = (word(2).to_owned(), word(3).to_owned());
            world.job(&id(world, word(1)), JobInput::HandOut { nonce, by }).map_err(|r| r.to_string())
        }
        "acknowledge" => {
            let nonce = word(2).to_owned();
            world.job(&id(world, word(1)), JobInput::Acknowledge { nonce }).map_err(|r| r.to_string())
        }
        "job-ok" => {
            let pairs = words.iter().skip(2).filter_map(|w| w.split_once('='));
            world.succeed_job(&id(world, word(1)), pairs.map(|(k, v)| (k.to_owned(), v.to_owned())).collect())
        }
        "job-fail" => {
            let message = words.get(2..).unwrap_or_default().join(" ");
            let fail = JobInput::Fail { code: "JobFailed".to_owned(), message, external_id: None };
            world.job(&id(world, word(1)), fail).map_err(|r| r.to_string())
        }
        "job-goes-on" => {
            let external = External { id: Some(word(3).to_owned()).filter(|id| !id.is_empty()), ..External::default() };
            world.continue_job(&id(world, word(1)), word(2), external)
        }
        "withdraw" => {
            let message = words.get(2..).unwrap_or_default().join(" ");
            world.job(&id(world, word(1)), JobInput::Withdraw { message }).map_err(|r| r.to_string())
        }
        other => panic!("no command {other}"),
    }
}

/// The token that the approval had, if it was asked for.
fn token(world: &World, execution: &str, place: &str) -> String {
    let run = world.state(execution).action_by_key(&key(execution, place));
    run.and_then(|run| run.approval.as_ref()).map(|asked| asked.token.clone()).unwrap_or_default()
}

fn gates(world: &mut World, input: GateInput) -> Result<(), String> {
    world.gates(input).map_err(|r| r.to_string())
}

/// The key of `Stage/Action` or `Stage/kind/Rule`, or of `Stage/Action#2`: that in the second attempt at the stage.
fn key(execution: &str, place: &str) -> String {
    let (place, attempt) = place.split_once('#').unwrap_or((place, "1"));
    format!("{execution}/{place}/{attempt}")
}

/// All declared outputs, and `K=V` words as output variables (`revision=ID` as the source's revision, `pushers=A,B` as users
/// who pushed it).
fn succeeded(world: &World, execution: &str, place: &str, words: &[&str]) -> ActionResult {
    let (stage, action) = place.split('#').next().unwrap().split_once('/').unwrap();
    let definition = std::sync::Arc::clone(&world.state(execution).definition);
    let declared = definition.stage(stage).and_then(|s| s.action(action));
    let mut variables: BTreeMap<String, String> =
        words.iter().filter_map(|w| w.split_once('=')).map(|(k, v)| (k.into(), v.into())).collect();
    let user = |name: &str| format!("arn:aws:iam::123456789012:user/{name}");
    let pushers: Vec<String> = variables.remove("pushers").iter().flat_map(|p| p.split(',')).map(user).collect();
    let revision = variables.remove("revision").map(|id| Revision {
        id,
        change: None,
        summary: None,
        url: None,
        created: None,
        pushers,
        commit: None,
    });
    let artifact = |name: &String| Artifact {
        name: name.clone(),
        bucket: "artifacts".into(),
        key: engine::pipeline::artifact_key(&definition.name, name, &key(execution, place)),
    };
    ActionResult::Succeeded {
        external_execution_id: None,
        external_execution_url: None,
        summary: None,
        output_variables: variables,
        output_artifacts: declared.into_iter().flat_map(|d| &d.output_artifacts).map(|o| artifact(&o.name)).collect(),
        revision,
    }
}
