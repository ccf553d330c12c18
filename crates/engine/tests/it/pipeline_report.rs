//! What scenarios show of a world.

use std::fmt::Write as _;

use base::{Effect, Machine};
use engine::pipeline::{ActionEffect, Ended, Execution, GatesState, Phase, Transition, Work};

use crate::pipeline_world::World;

/// Writes down what a command has led to.
pub fn report(world: &mut World, answer: Result<(), String>, out: &mut String) {
    if let Err(refusal) = answer {
        let _ = writeln!(out, "  refused: {}", refusal.replace("arn:aws:iam::123456789012:user/", "@"));
        return;
    }
    for refusal in world.unheard.drain(..) {
        let _ = writeln!(out, "  unheard: {refusal}");
    }
    for (id, effect) in world.effects.drain(..) {
        let _ = writeln!(out, "  effect {}", describe(&effect));
        if let ActionEffect::Run(run) = &effect.effect {
            world.asked.insert(effect.key.clone(), (**run).clone());
        }
        if let ActionEffect::RollBack(asked) = effect.effect {
            world.aliases.push((format!("{id}-back"), asked.execution.clone()));
            world.rollbacks.push((id, asked));
        }
    }
    for event in world.events.drain(..) {
        let text = |name: &str| event.detail.get(name).and_then(|v| v.as_str()).unwrap_or_default().to_owned();
        let place = [text("execution-id"), text("stage"), text("action")];
        let place = place.iter().filter(|p| !p.is_empty()).cloned().collect::<Vec<_>>().join("/");
        let _ = writeln!(out, "  event {place} {}", text("state"));
    }
    let _ = writeln!(out, "  {}", at_gates(&world.gates.state));
    for (name, invoked) in &world.invoked {
        let _ = writeln!(out, "  {name}: {}", at_gates(&invoked.gates.state));
    }
    for (id, row) in &world.executions {
        let _ = write!(out, "  {id} {}", Execution::status(&row.state));
        if let Phase::Ended(Ended::Superseded { by }) = &row.state.phase {
            let _ = write!(out, " by {by}");
        }
        if let Some(stage) = row.state.stages.last() {
            let actions: Vec<String> =
                stage.actions.iter().map(|a| format!("{}={}", a.name, a.status.as_str())).collect();
            let attempt = if stage.attempt > 1 { format!("#{}", stage.attempt) } else { String::new() };
            let _ = write!(out, ": {}{attempt} {} ({})", stage.name, stage.status.as_str(), actions.join(" "));
            for check in &stage.conditions {
                let rules: Vec<String> =
                    check.rules.iter().map(|r| format!("{}={}", r.name, r.status.as_str())).collect();
                let _ = write!(out, " {} {} ({})", check.kind.member(), check.status.as_str(), rules.join(" "));
            }
        }
        let _ = writeln!(out);
        // What an approval beyond AWS says of itself.
        for action in row.state.stages.last().into_iter().flat_map(|stage| &stage.actions) {
            let beyond = action.approval.is_some() && action.resolved.keys().any(|key| key.starts_with("Headworks"));
            for line in action.external.summary.iter().filter(|_| beyond).flat_map(|text| text.lines()) {
                let _ = writeln!(out, "    {}: {}", action.name, line.replace("arn:aws:iam::123456789012:user/", "@"));
            }
        }
    }
    for (n, id) in world.job_order.iter().enumerate() {
        let _ = writeln!(out, "  job{} {}", n + 1, world.job_word(id));
    }
}

fn at_gates(state: &GatesState) -> String {
    let gates = state.gates.iter().map(|g| {
        let waiting = if g.waiting.is_empty() { String::new() } else { format!("{} ", g.waiting.join(" ")) };
        let gate = match &g.transition {
            Transition::Open | Transition::Reopened(_) => String::new(),
            Transition::Closed { reason, .. } => format!("({reason})x"),
        };
        format!("{waiting}{gate}{}[{}]", g.stage, g.inside.join(" "))
    });
    let gates = gates.collect::<Vec<_>>().join(" ");
    let parallel = &state.parallel;
    if parallel.is_empty() { gates } else { format!("{gates} parallel[{}]", parallel.join(" ")) }
}

fn describe(effect: &Effect<ActionEffect>) -> String {
    let what = match &effect.effect {
        ActionEffect::Cancel(cancel) => {
            let how = if cancel.gently { "stop" } else { "cancel" };
            format!("{how} {:?} {}", cancel.provider, cancel.external_id.as_deref().unwrap_or("-"))
        }
        ActionEffect::RollBack(asked) => format!("roll back {}", asked.stage),
        ActionEffect::Run(run) => {
            let inputs: Vec<&str> = run.inputs.iter().map(|a| a.name.as_str()).collect();
            let work = match &run.work {
                Work::CodeCommitSource { repository, branch, commit, .. } => {
                    format!("zip {repository} {}", commit.as_ref().unwrap_or(branch))
                }
                Work::GitSource { repository, branch, commit, .. } => {
                    format!("fetch {repository} {}", commit.as_ref().unwrap_or(branch))
                }
                Work::S3Source { bucket, key, version } => {
                    format!("copy {bucket}/{key} {}", version.as_deref().unwrap_or("newest"))
                }
                Work::CodeBuild { commands: Some(commands), .. } => format!("run {}", commands.commands.join("; ")),
                Work::CodeBuild { project, primary, environment, batch: _, commands: None } => {
                    let environment: Vec<String> =
                        environment.iter().map(|v| format!("{}={}", v.name, v.value)).collect();
                    format!("build {project} primary={} {}", primary.as_deref().unwrap_or("-"), environment.join(" "))
                }
                Work::InvokePipeline { pipeline, variables, revisions, wait, definition, earlier } => {
                    let definition = definition.as_ref().map(|f| format!(" defined in {}::{}", f.artifact, f.path));
                    let earlier = earlier.as_ref().map(|id| format!(" or go on with {id}"));
                    let more = definition.into_iter().chain(earlier).collect::<String>();
                    format!("start {pipeline} variables={variables} revisions={revisions} wait={wait}{more}")
                }
                Work::ReadMatrix(file) => format!("read the matrix {}::{}", file.artifact, file.path),
                Work::Call { service, operation } => format!("call {service}:{operation}"),
                Work::CloudWatchAlarm { alarm } => format!("see alarm {alarm}"),
                Work::LambdaInvoke { function } => format!("invoke {function}"),
                Work::Worker { action_type, configuration } => {
                    format!("job {} {configuration:?}", action_type.provider)
                }
                Work::S3Deploy { bucket, object_key, extract, .. } => {
                    format!("deploy to {bucket} {} extract={extract}", object_key.as_deref().unwrap_or("-"))
                }
            };
            format!("run {} from [{}]", work.trim_end(), inputs.join(" "))
        }
    };
    format!("{}: {what}", effect.key)
}
