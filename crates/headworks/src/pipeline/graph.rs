//! `headworks pipeline graph`: the stages and their actions as a drawing.

use std::collections::BTreeMap;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::{Value, json};

use super::seen;
use crate::answers::{list, plain, text};
use crate::cli::{CliError, say};
use crate::client::Client;

#[derive(Args)]
pub struct Flags {
    pipeline: String,
    /// How to draw
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    /// For Graphviz
    Dot,
    /// For Mermaid
    Mermaid,
}

/// An action with what is known of it.
struct Node {
    name: String,
    provider: String,
    status: String,
}

struct Stage {
    name: String,
    /// Side by side within a group; one group after the other.
    groups: Vec<Vec<Node>>,
}

pub(super) async fn run(client: &Client, flags: &Flags) -> Result<ExitCode, CliError> {
    let declared = client.call("codepipeline", "GetPipeline", json!({ "name": flags.pipeline })).await?;
    let done = match seen::newest_of_any(client, &flags.pipeline).await? {
        Some(newest) => seen::latest_actions(client, &flags.pipeline, &newest).await?,
        None => Vec::new(),
    };
    let stages: Vec<Stage> = list(&declared["pipeline"]["stages"]).iter().map(|s| stage(s, &done)).collect();
    say(match flags.format {
        Format::Text => drawn(&stages),
        Format::Dot => dot(&stages),
        Format::Mermaid => mermaid(&stages),
    });
    Ok(ExitCode::SUCCESS)
}

/// A stage with what the newest execution has `done`: the latest run of each action, newest first.
fn stage(declared: &Value, done: &[Value]) -> Stage {
    let actions: Vec<&Value> = done.iter().rev().filter(|a| a["stageName"] == declared["name"]).collect();
    let mut groups: BTreeMap<u64, Vec<Node>> = BTreeMap::new();
    for action in list(&declared["actions"]) {
        let group = groups.entry(action["runOrder"].as_u64().unwrap_or(1)).or_default();
        let node = |name: String, seen: Option<&Value>| {
            let status = seen.map(|a| text(&a["status"])).filter(|s| !s.is_empty());
            let status = status.unwrap_or_else(|| "-".to_owned());
            Node { name, provider: plain(&action["actionTypeId"]["provider"]), status }
        };
        // An action with a matrix has a state for each run.
        let mut runs: Vec<&Value> = actions.clone();
        runs.retain(|a| seen::is_run(action, &text(&a["actionName"])));
        runs.sort_by_key(|a| number(a));
        if runs.is_empty() {
            let seen = actions.iter().find(|a| a["actionName"] == action["name"]);
            group.push(node(plain(&action["name"]), seen.copied()));
        }
        group.extend(runs.into_iter().map(|run| node(plain(&run["actionName"]), Some(run))));
    }
    Stage { name: plain(&declared["name"]), groups: groups.into_values().collect() }
}

/// Which of its matrix a run is.
fn number(run: &Value) -> u32 {
    let name = text(&run["actionName"]);
    name.rsplit('@').next().and_then(|n| n.parse().ok()).unwrap_or_default()
}

fn drawn(stages: &[Stage]) -> String {
    let mut lines = Vec::new();
    for (n, stage) in stages.iter().enumerate() {
        if n > 0 {
            lines.push("  |".to_owned());
        }
        lines.push(stage.name.clone());
        for (order, group) in stage.groups.iter().enumerate() {
            for node in group {
                lines.push(format!("  {}. {} ({}): {}", order + 1, node.name, node.provider, node.status));
            }
        }
    }
    lines.join("\n")
}

/// Names of actions may hold anything but quotes.
fn dot(stages: &[Stage]) -> String {
    let mut lines = vec!["digraph pipeline {".to_owned(), "  rankdir=LR; node [shape=box];".to_owned()];
    for stage in stages {
        lines.push(format!("  subgraph \"cluster_{0}\" {{ label=\"{0}\";", stage.name));
        for node in stage.groups.iter().flatten() {
            lines.push(format!("    \"{}/{1}\" [label=\"{1}\\n{2}\"];", stage.name, node.name, node.status));
        }
        lines.push("  }".to_owned());
    }
    lines.extend(edges(stages).into_iter().map(|((s, a), (t, b))| format!("  \"{s}/{a}\" -> \"{t}/{b}\";")));
    lines.push("}".to_owned());
    lines.join("\n")
}

fn mermaid(stages: &[Stage]) -> String {
    let mut ids: BTreeMap<(String, String), usize> = BTreeMap::new();
    let mut lines = vec!["flowchart LR".to_owned()];
    for (n, stage) in stages.iter().enumerate() {
        lines.push(format!("  subgraph s{n}[\"{}\"]", stage.name));
        for node in stage.groups.iter().flatten() {
            let id = ids.len();
            ids.insert((stage.name.clone(), node.name.clone()), id);
            lines.push(format!("    a{id}[\"{}<br/>{}\"]", node.name, node.status));
        }
        lines.push("  end".to_owned());
    }
    for (from, to) in edges(stages) {
        if let (Some(from), Some(to)) = (ids.get(&from), ids.get(&to)) {
            lines.push(format!("  a{from} --> a{to}"));
        }
    }
    lines.join("\n")
}

type Edge = ((String, String), (String, String));

/// From every action of a group to every action of the next.
fn edges(stages: &[Stage]) -> Vec<Edge> {
    let named = |stage: &Stage, group: &[Node]| -> Vec<(String, String)> {
        group.iter().map(|node| (stage.name.clone(), node.name.clone())).collect()
    };
    let groups: Vec<_> = stages.iter().flat_map(|s| s.groups.iter().map(move |g| named(s, g))).collect();
    let pairs = groups.iter().zip(groups.iter().skip(1));
    let between = |(group, next): (&Vec<_>, &Vec<_>)| -> Vec<Edge> {
        group.iter().flat_map(|a| next.iter().map(move |b| (Clone::clone(a), Clone::clone(b)))).collect()
    };
    pairs.flat_map(between).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stages() -> Vec<Stage> {
        let declared = json!([
            {"name": "Source", "actions": [{"name": "Code", "actionTypeId": {"provider": "S3"}}]},
            {"name": "Build", "actions": [
                {"name": "B", "runOrder": 2, "actionTypeId": {"provider": "CodeBuild"}},
                {"name": "A", "actionTypeId": {"provider": "CodeBuild"}}]},
        ]);
        let done = [json!({"stageName": "Source", "actionName": "Code", "status": "Succeeded"})];
        list(&declared).iter().map(|s| stage(s, &done)).collect()
    }

    #[test]
    fn an_action_with_a_matrix_is_drawn_with_its_runs() {
        let declared = json!({"name": "Build", "actions": [
            {"name": "B", "actionTypeId": {"provider": "CodeBuild"}, "configuration": {"HeadworksMatrix": "[]"}},
            {"name": "B@x", "actionTypeId": {"provider": "S3"}, "configuration": {}}]});
        let run = |name: &str, status: &str| json!({"stageName": "Build", "actionName": name, "status": status});
        let done = [run("B@1", "Succeeded"), run("B@x", "InProgress"), run("B@2", "Failed"), run("B", "Succeeded")];
        let text = "Build\n  1. B@1 (CodeBuild): Succeeded\n  1. B@2 (CodeBuild): Failed\n  1. B@x (S3): InProgress";
        assert_eq!(drawn(&[stage(&declared, &done)]), text);
        assert!(drawn(&[stage(&declared, &[])]).contains("B (CodeBuild): -"));
    }

    #[test]
    fn a_drawing_shows_the_order_and_where_it_stands() {
        let text = "Source\n  1. Code (S3): Succeeded\n  |\nBuild\n  1. A (CodeBuild): -\n  2. B (CodeBuild): -";
        assert_eq!(drawn(&stages()), text);
        assert!(dot(&stages()).contains("\"Source/Code\" -> \"Build/A\";\n  \"Build/A\" -> \"Build/B\";"));
        assert!(mermaid(&stages()).contains("a0 --> a1\n  a1 --> a2"), "{}", mermaid(&stages()));
    }
}
