//! Every valid buildspec of the corpus runs through every phase in the host sandbox. The programs that it calls are stubs
//! that note name, arguments, folder and chosen variables; for fifteen of them what they noted is compared with what was
//! worked out by hand from the buildspec (`corpus_run/NUMBER.txt`).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use base::{JobOutcome, JobSpec, StepOutcome};
use engine::build::{Request, SourceDirs, compile};
use executor::{Executor as _, HostConfig, HostExecutor, JobReport, Position, ShimProgram};
use formats::buildspec::{self, Buildspec};
use futures_util::StreamExt as _;
use serde_json::json;

/// What shells do themselves: a stub of that name would never be called.
const NOT_STUBBED: &[&str] = &["cd", "echo", "export", "printf", "set", "test"];
/// How many run at once; the machine has few cores, and sandboxes wait for the kernel.
const AT_ONCE: usize = 6;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/corpus_run")
}

fn corpus() -> Option<Vec<(String, PathBuf)>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    let candidates = [root.join("../shared/corpus"), root.join("../../shared/corpus")];
    let Some(corpus) = candidates.iter().find(|c| c.join("buildspec").is_dir()) else {
        println!("skipped: no corpus at ../shared/corpus");
        return None;
    };
    let mut files: Vec<PathBuf> = fs::read_dir(corpus.join("buildspec")).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    let number = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().chars().take(3).collect::<String>();
    Some(files.into_iter().map(|path| (number(&path), path)).collect())
}

/// The lines of `ground.txt` for one buildspec: kind, name, rest.
fn ground(number: &str) -> Vec<(String, String, String)> {
    let text = fs::read_to_string(folder().join("ground.txt")).unwrap();
    let mine = text.lines().filter_map(|line| line.strip_prefix(number)?.strip_prefix(' '));
    mine.map(|line| {
        let mut words = line.splitn(3, ' ').map(str::to_owned);
        let mut next = || words.next().unwrap_or_default();
        (next(), next(), next())
    })
    .collect()
}

/// Expected calls and the variables that are to be noted.
fn expectation(number: &str) -> Option<(String, String)> {
    let text = fs::read_to_string(folder().join(format!("{number}.txt"))).ok()?;
    let (first, rest) = text.split_once('\n')?;
    Some((first.strip_prefix("variables:")?.trim().to_owned(), rest.to_owned()))
}

fn request(work_dir: &Path, image: &str) -> Request {
    let echo = json!({});
    serde_json::from_value(json!({
        "id": "corpus:1", "uuid": "corpus", "scope": {"account": "123456789012", "region": "us-east-1"},
        "project": "corpus", "number": 1, "submitted": "2026-11-22T10:00:00Z", "initiator": "test",
        "source": {"identifier": null, "kind": "NoSource", "version": "0123456789abcdef0123456789abcdef01234567"},
        "secondary_sources": [], "buildspec": {"Inline": ""}, "image": image,
        "compute_type": "BUILD_GENERAL1_SMALL", "environment_type": "LINUX_CONTAINER", "privileged": false,
        "variables": [], "artifacts": "NoArtifacts", "secondary_artifacts": [], "logs": "Disabled",
        "timeout_minutes": 5, "queued_timeout_minutes": 5, "encryption_key": "", "endpoint": "http://127.0.0.1:1",
        "work_dir": work_dir, "limits": {"cpus": null, "memory_bytes": null, "processes": null},
        "echo": echo, "parent": null,
    }))
    .unwrap()
}

/// All words that could be a program's name: a stub too many does no harm.
fn words(spec: &Buildspec) -> BTreeSet<String> {
    let commands = spec.phases.iter().flat_map(|phase| phase.commands.iter().chain(&phase.finally));
    let word = |c: char| c.is_ascii_alphanumeric() || "._+-".contains(c);
    commands
        .flat_map(|text| text.split(|c: char| !word(c)))
        .filter(|w| w.starts_with(|c: char| c.is_ascii_alphabetic()) && !NOT_STUBBED.contains(w))
        .map(str::to_owned)
        .collect()
}

/// The job of a buildspec on its ground. Runtimes are left out: they would come before the stubs in PATH.
fn job(number: &str, path: &Path, dir: &Path, variables: &str) -> JobSpec {
    let ground = ground(number);
    let all = |kind: &'static str| ground.iter().filter(move |(k, _, _)| k == kind);
    let text = fs::read_to_string(path).unwrap();
    let mut spec = buildspec::read(&text).0.unwrap();
    // Their values come from elsewhere; here they are named after the variable.
    let secrets =
        std::mem::take(&mut spec.env.parameter_store).into_iter().chain(std::mem::take(&mut spec.env.secrets_manager));
    let secrets: Vec<String> = secrets.map(|secret| secret.name).collect();
    for phase in &mut spec.phases {
        phase.runtime_versions.clear();
    }
    let image = all("image").next().map_or("aws/codebuild/standard:7.0", |(_, image, _)| image.as_str());
    let request = request(dir, image);
    let mut dirs = SourceDirs::of(&request);
    dirs.resolved_version.clone_from(&request.source.version);
    let source = dirs.primary.clone();
    let (_, mut job) = compile(&request, &dirs, &spec).unwrap();
    let (bin, answers) = (dir.join("bin"), dir.join("answers"));
    for folder in [&bin, &answers, &source] {
        fs::create_dir_all(folder).unwrap();
    }
    let stub = fs::read(folder().join("stub.sh")).unwrap();
    let program = |path: &Path| {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, &stub).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    };
    let mut names = words(&spec);
    names.extend(["cat", "sudo"].map(str::to_owned));
    for name in names {
        program(&bin.join(name));
    }
    // What lies outside the source folder is made in the job's own view of the machine.
    let mut outside = String::new();
    for (kind, name, rest) in &ground {
        let here = source.join(name);
        let is_outside = name.starts_with('/') || name.starts_with('$');
        match (kind.as_str(), is_outside) {
            ("dir", true) => writeln!(outside, "/bin/mkdir -p {name}").unwrap(),
            ("dir", false) => fs::create_dir_all(here).unwrap(),
            ("program", true) => {
                writeln!(outside, "/bin/mkdir -p {name}; /bin/rmdir {name}; /bin/cp {}/cat {name}", bin.display())
                    .unwrap();
            }
            ("program", false) => program(&here),
            ("file", true) => {
                writeln!(outside, "/bin/mkdir -p {name}; /bin/rmdir {name}; echo '{rest}' >{name}").unwrap();
            }
            ("file", false) => {
                fs::create_dir_all(here.parent().unwrap()).unwrap();
                fs::write(here, format!("{rest}\n")).unwrap();
            }
            ("answer", _) => fs::write(answers.join(name), format!("{rest}\n")).unwrap(),
            ("var", _) => drop(job.env.insert(name.clone(), rest.replace("$SRC", &source.to_string_lossy()))),
            ("image" | "ends", _) => {}
            (other, _) => panic!("{number}: what is {other}?"),
        }
    }
    let log = dir.join("log");
    fs::write(&log, "").unwrap();
    for (name, value) in [
        ("PATH", bin.to_string_lossy().into_owned()),
        ("CORPUS_LOG", log.to_string_lossy().into_owned()),
        ("CORPUS_ANSWERS", answers.to_string_lossy().into_owned()),
        ("CORPUS_VARIABLES", variables.to_owned()),
    ] {
        job.env.insert(name.to_owned(), value);
    }
    for name in secrets {
        let value = format!("value-of-{name}");
        job.env.insert(name, value);
    }
    for (i, step) in job.steps.iter_mut().enumerate() {
        let outside = if i == 0 { outside.as_str() } else { "" };
        step.setup = Some(format!("{outside}printf '%s\\035' {} >>\"$CORPUS_LOG\"", step.name));
    }
    job.id = format!("corpus-{number}");
    job.timeout_seconds = 200;
    job
}

/// What the stubs have noted, for people.
fn readable(log: &str, dir: &Path) -> String {
    let dir = dir.to_string_lossy();
    let text = log.replace(&format!("{dir}/src"), "$SRC").replace(&*dir, "$WORK");
    // The words for breakpoints are on every PATH.
    let text = text.replace(":/run/headworks/bin", "");
    let mut out = String::new();
    for record in text.split('\u{1d}').filter(|record| !record.is_empty()) {
        let mut parts = record.split('\u{1e}');
        let call: Vec<&str> = parts.next().unwrap_or_default().split('\u{1f}').collect();
        let [at, words @ ..] = call.as_slice() else { continue };
        if words.is_empty() {
            writeln!(out, "{at}").unwrap();
            continue;
        }
        let words: Vec<String> = words.iter().map(|word| shown(word)).collect();
        let at = at.strip_prefix("$SRC").map_or(*at, |below| below.trim_start_matches('/'));
        let variables: Vec<&str> = parts.collect();
        let variables = if variables.is_empty() { String::new() } else { format!("  {{{}}}", variables.join(", ")) };
        writeln!(out, "  [{at}] {}{variables}", words.join(" ")).unwrap();
    }
    out
}

fn shown(word: &str) -> String {
    match word.is_empty() || word.contains([' ', '\n', '\'']) {
        true => format!("<{}>", word.replace('\n', "\\n")),
        false => word.to_owned(),
    }
}

async fn run(host: &HostExecutor, job: &JobSpec) -> (String, JobOutcome) {
    host.start(job).await.unwrap();
    let mut reports = host.follow(&job.id, Position::START);
    let mut output = String::new();
    while let Some(report) = reports.next().await {
        match report.unwrap() {
            JobReport::Output { text, .. } => output.push_str(&text),
            JobReport::Step { .. } | JobReport::Command { .. } => {}
            JobReport::Ended(outcome) => {
                host.destroy(&job.id).await.unwrap();
                return (output, outcome);
            }
        }
    }
    panic!("the job did not end");
}

/// The first phase that did not succeed.
fn failed_phase(outcome: &JobOutcome) -> Option<String> {
    let JobOutcome::Finished { steps, .. } = outcome else { return Some(format!("{outcome:?}")) };
    let failed = steps.iter().find(|s| !matches!(&s.finished, Some((_, StepOutcome::Succeeded))));
    failed.map(|step| step.name.clone())
}

#[tokio::test]
async fn every_published_buildspec_runs_through_every_phase() {
    let Some(corpus) = corpus() else { return };
    let base = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let dir = tempfile::Builder::new().prefix("corpus-").tempdir_in(base).unwrap();
    let mut config = HostConfig::new(dir.path());
    config.shim = ShimProgram { program: env!("CARGO_BIN_EXE_headworks").into(), arguments: vec!["shim".into()] };
    let host = match HostExecutor::probe(config).await {
        Ok(host) => host,
        Err(error) => return println!("SKIPPED: {error}"),
    };
    let valid = corpus.into_iter().filter(|(_, path)| buildspec::read(&fs::read_to_string(path).unwrap()).0.is_some());
    let work = &dir;
    let host = &host;
    let ran: Vec<(String, String, String, JobOutcome)> = futures_util::stream::iter(valid)
        .map(|(number, path)| async move {
            let dir = work.path().join("work").join(&number);
            let variables = expectation(&number).map(|(variables, _)| variables).unwrap_or_default();
            let job = job(&number, &path, &dir, &variables);
            let (output, outcome) = run(host, &job).await;
            let calls = readable(&fs::read_to_string(dir.join("log")).unwrap(), &dir);
            (number, calls, output, outcome)
        })
        .buffered(AT_ONCE)
        .collect()
        .await;
    let mut wrong = String::new();
    let mut compared = 0;
    let mut tally: BTreeMap<bool, usize> = BTreeMap::new();
    for (number, calls, output, outcome) in &ran {
        let expected_end = ground(number).into_iter().find(|(kind, _, _)| kind == "ends").map(|(_, phase, _)| phase);
        let end = failed_phase(outcome);
        *tally.entry(end.is_none()).or_default() += 1;
        if end != expected_end {
            writeln!(wrong, "== {number} ends with {end:?}, not {expected_end:?}\n{output}\n{calls}").unwrap();
        }
        if let Some((_, expected)) = expectation(number) {
            compared += 1;
            if *calls != expected {
                writeln!(wrong, "== {number} called\n{calls}-- and not\n{expected}").unwrap();
            }
        }
        if let Some(folder) = std::env::var_os("CORPUS_RUN_OUT") {
            fs::write(Path::new(&folder).join(format!("{number}.txt")), format!("{output}\n----\n{calls}")).unwrap();
        }
    }
    println!("{tally:?} ran to the end, {compared} compared");
    assert!(wrong.is_empty(), "{wrong}");
    assert!(ran.len() >= 50 && compared >= 15, "{} ran, {compared} compared", ran.len());
}
