//! What the user sees: log lines on stdout, all else on stderr; or one event a line on stdout, for programs.

use std::io::IsTerminal as _;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use engine::build::{BuildState, BuildStatus, Phase, PhaseEnd, PhaseRecord};
use platform::logs::get_log_events::OutputLogEvent;
use serde_json::{Value, json};

use super::batch::{self, Ended};
use super::deliver::Delivered;
use super::order::Order;
use super::reports::Told;
use super::tree::{Branch, Tree};
use crate::answers::plain;
use crate::cli::Output;

/// Where and how things are shown.
#[derive(Debug)]
pub struct Show {
    output: Output,
    /// Nobody reads stdout any more, as with `| head`. The build goes on: its end is what the command is for.
    unread: AtomicBool,
    /// Drawn at the end of what is on the terminal, when stderr is one.
    tree: Mutex<Tree>,
    is_live: bool,
}

/// What a build leaves.
#[derive(Clone, Debug, Default)]
pub struct Results {
    pub delivered: Vec<Delivered>,
    pub told: Vec<Told>,
}

impl Show {
    /// Shows in this way.
    pub fn new(output: Output) -> Show {
        let is_live = output == Output::Text && io::stderr().is_terminal();
        Show { output, unread: AtomicBool::new(false), tree: Mutex::default(), is_live }
    }

    /// What is about to run.
    pub fn begin(&self, order: &Order, place: &str) {
        if self.output == Output::Text {
            eprintln!("== {} with {}", order.source.display(), order.buildspec.file.display());
            eprintln!("   {place}");
        }
    }

    /// Lines of the log, in their order. Builds that run beside others have a name.
    pub fn lines(&self, name: Option<&str>, events: &[OutputLogEvent]) {
        let mut text = String::new();
        for event in events {
            let message = event.message.trim_end_matches('\n');
            match (self.output, name) {
                (Output::Text, None) => text.push_str(message),
                (Output::Text, Some(name)) => text.push_str(&format!("{name} | {message}")),
                (Output::Json, name) => {
                    let line = json!({ "type": "log", "timestamp": event.timestamp, "message": message });
                    text.push_str(&named(line, name).to_string());
                }
            }
            text.push('\n');
        }
        self.print(&text);
    }

    /// A phase that has ended.
    pub fn phase(&self, name: Option<&str>, record: &PhaseRecord) {
        let (status, took, context) = match &record.end {
            PhaseEnd::Ended { at, status, context } => (status.name(), at.since(record.started), context.as_ref()),
            PhaseEnd::Open => ("", Duration::ZERO, None),
        };
        if self.output == Output::Json {
            let context = context.map(|c| json!({ "statusCode": c.status_code, "message": c.message }));
            let event = json!({
                "type": "phase",
                "phaseType": record.phase.name(),
                "phaseStatus": status,
                "startTime": record.started,
                "durationInMilliseconds": u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
                "contexts": context.into_iter().collect::<Vec<_>>(),
            });
            self.event(&named(event, name));
            return;
        }
        // Of many builds only what failed is worth a line; the tree has the rest.
        let quiet = name.is_some() && matches!(status, "" | "SUCCEEDED");
        if quiet || matches!(record.phase, Phase::Submitted | Phase::Completed) {
            return;
        }
        if let Some(name) = name {
            self.say(&format!("   {name}"));
        }
        self.say(&format!("   {:<17} {status:<10} {}", record.phase.name(), seconds(took)));
        if let Some(context) = context.filter(|c| !c.status_code.is_empty() || !c.message.is_empty()) {
            for line in format!("{}: {}", context.status_code, context.message).lines() {
                self.say(&format!("      {}", line.trim_start_matches(": ")));
            }
        }
    }

    /// Something that the user should know, outside of the build's log.
    pub fn note(&self, text: &str) {
        self.say(&format!("   {text}"));
    }

    /// Where a stage of a pipeline stands. For people its actions say it.
    pub fn stage(&self, name: &str, status: &str) {
        if self.output == Output::Json {
            self.event(&json!({ "type": "stage", "stage": name, "status": status }));
        }
    }

    /// What became of an action of a pipeline.
    pub fn action(&self, name: &str, status: &str, more: &str) {
        match self.output {
            Output::Json => {
                self.event(&json!({ "type": "action", "action": name, "status": status, "detail": more.trim() }))
            }
            Output::Text => self.note(&format!("{name}: {status}{more}").replace(char::is_control, " ")),
        }
    }

    /// How a pipeline ended: `execution` is what GetPipelineExecution says of it.
    pub fn pipeline_end(&self, execution: &Value) {
        match self.output {
            Output::Json => self.event(&json!({
                "type": "pipeline",
                "pipelineName": execution["pipelineName"],
                "pipelineExecutionId": execution["pipelineExecutionId"],
                "status": execution["status"],
                "statusSummary": execution["statusSummary"],
            })),
            Output::Text => eprintln!("== {}", plain(&execution["status"])),
        }
    }

    /// How the build ended. `view` is what BatchGetBuilds says of it.
    pub fn end(&self, order: &Order, state: &BuildState, view: &Value, results: &Results) {
        let Results { delivered, told } = results;
        if self.output == Output::Json {
            let artifacts: Vec<Value> = delivered
                .iter()
                .map(|d| json!({ "identifier": d.identifier, "folder": d.folder, "files": d.files }))
                .collect();
            let reports: Vec<&Value> = told.iter().map(|told| &told.report).collect();
            self.event(&json!({ "type": "build", "build": view, "artifacts": artifacts, "reports": reports }));
            return;
        }
        if let Some(last) = order.last_phase {
            eprintln!("   ended after {} (--phase): nothing behind it ran, no artifacts were made", last.name());
        }
        for line in told.iter().flat_map(Told::lines) {
            eprintln!("   {line}");
        }
        for Delivered { identifier, folder, files } in delivered {
            let which = identifier.as_ref().map(|id| format!(" {id}")).unwrap_or_default();
            let s = if *files == 1 { "" } else { "s" };
            eprintln!("   artifact{which}: {} ({files} file{s})", folder.display());
        }
        if !state.facts.artifacts.is_empty() && order.artifacts.is_none() {
            eprintln!("   artifacts were made and are gone: --artifacts DIR keeps them");
        }
        let begun = state.phases.first().map(|record| record.started);
        let took = state.completed().zip(begun).map(|((_, at), begun)| at.since(begun)).unwrap_or_default();
        eprintln!("== {} in {}", state.status_name(), seconds(took));
    }

    /// Where the builds of a batch stand now.
    pub fn tree(&self, branches: &[Branch]) {
        let mut tree = self.tree.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(changed) = tree.take(branches) else { return };
        if self.is_live {
            eprint!("{}{}", tree.erase(), tree.draw());
            return;
        }
        let lines: Vec<String> = match self.output {
            Output::Text => changed.iter().map(|branch| tree.line(branch)).collect(),
            Output::Json => changed.iter().map(|branch| branch.event().to_string()).collect(),
        };
        drop(tree);
        for line in lines {
            match self.output {
                Output::Text => eprintln!("{line}"),
                Output::Json => self.print(&format!("{line}\n")),
            }
        }
    }

    /// The tree stays as it is; what comes next stands below it.
    pub fn tree_stays(&self) {
        self.tree.lock().unwrap_or_else(PoisonError::into_inner).stay();
    }

    /// How a batch ended.
    pub fn batch_end(&self, order: &Order, ended: &Ended, results: &[(String, Results)]) {
        let state = &ended.state;
        if self.output == Output::Json {
            let groups = batch::view(state);
            let results: Vec<Value> = results
                .iter()
                .map(|(group, results)| {
                    let reports: Vec<&Value> = results.told.iter().map(|told| &told.report).collect();
                    let files: Vec<Value> = results
                        .delivered
                        .iter()
                        .map(|d| json!({ "identifier": d.identifier, "folder": d.folder, "files": d.files }))
                        .collect();
                    json!({ "group": group, "artifacts": files, "reports": reports })
                })
                .collect();
            let problems = batch::problems(state);
            self.event(&json!({
                "type": "batch", "status": state.status_name(), "groups": groups, "results": results, "problems": problems,
            }));
            return;
        }
        for problem in batch::problems(state) {
            eprintln!("   {problem}");
        }
        for (group, results) in results {
            for line in results.told.iter().flat_map(Told::lines) {
                eprintln!("   {group}: {line}");
            }
            for Delivered { folder, files, .. } in &results.delivered {
                eprintln!("   {group}: artifact: {} ({files} files)", folder.display());
            }
        }
        let made = ended.builds.iter().any(|(_, build)| !build.facts.artifacts.is_empty());
        if made && order.artifacts.is_none() {
            eprintln!("   artifacts were made and are gone: --artifacts DIR keeps them");
        }
        let took = state.completed().map(|(_, at)| at.since(state.request.template.submitted)).unwrap_or_default();
        eprintln!("== {} in {}", state.status_name(), seconds(took));
    }

    /// Writes a line to stderr, above the tree.
    fn say(&self, line: &str) {
        let mut tree = self.tree.lock().unwrap_or_else(PoisonError::into_inner);
        let erased = tree.erase();
        let again = if erased.is_empty() { String::new() } else { tree.draw() };
        eprint!("{erased}{line}\n{again}");
    }

    fn event(&self, event: &Value) {
        self.print(&format!("{event}\n"));
    }

    fn print(&self, text: &str) {
        if self.unread.load(Ordering::Relaxed) {
            return;
        }
        let mut tree = self.tree.lock().unwrap_or_else(PoisonError::into_inner);
        let erased = tree.erase();
        if !erased.is_empty() {
            eprint!("{erased}");
        }
        let mut out = io::stdout().lock();
        if let Err(e) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            self.unread.store(true, Ordering::Relaxed);
            if e.kind() != io::ErrorKind::BrokenPipe {
                eprintln!("error: cannot print: {e}");
            }
        }
        if !erased.is_empty() {
            eprint!("{}", tree.draw());
        }
    }
}

/// Whether the command ends well.
pub fn is_success(state: &BuildState) -> bool {
    matches!(state.completed(), Some((BuildStatus::Succeeded, _)))
}

fn named(mut event: Value, name: Option<&str>) -> Value {
    if let Some(name) = name {
        event["group"] = json!(name);
    }
    event
}

fn seconds(time: Duration) -> String {
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        seconds @ 1..60 => format!("{seconds}.{:02} s", time.subsec_millis() / 10),
        seconds => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_short_and_exact_enough() {
        assert_eq!(seconds(Duration::from_micros(4_900)), "4 ms");
        assert_eq!(seconds(Duration::from_millis(1_239)), "1.23 s");
        assert_eq!(seconds(Duration::from_secs(61)), "1 min 01 s");
    }
}
