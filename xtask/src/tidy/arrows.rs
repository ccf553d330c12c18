//! Who may use whom.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use serde_json::Value;

use super::finding::Finding;
use crate::program::{cargo, output_of};

/// Each crate with the crates that it may name. What those may use, it may use, too (see `may_use`).
const ARROWS: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("formats", &["base"]),
    ("wire", &["base"]),
    ("store", &["base"]),
    ("git", &["base"]),
    ("executor", &["base"]),
    ("etl", &["base"]),
    ("checks", &["formats"]),
    ("engine", &["formats"]),
    ("agent", &["formats"]),
    ("platform", &["formats", "engine", "store"]),
    ("devtools", &["platform", "git", "checks"]),
    ("driver", &["engine", "store", "executor", "git", "platform", "devtools", "etl"]),
    ("console", &["store", "engine", "devtools"]),
    ("headworks", &["wire", "driver", "console", "agent", "etl"]),
    ("testkit", &["headworks"]),
    ("e2e", &["testkit"]),
    ("fuzz", &["engine"]),
    ("xtask", &[]),
];

const MEND: &str = "move the code to the side that may know both, or change the arrows in a commit of their own, with a \
                    reason in ARCHITECTURE.md and docs/decisions/";

/// One dependency between two crates of the workspace.
#[derive(Debug, PartialEq, Eq)]
pub struct Arrow {
    from: String,
    to: String,
    for_tests: bool,
}

/// The arrows that stand in the manifests.
pub fn of_workspace() -> Result<Vec<Arrow>> {
    read(&output_of(cargo().args(["metadata", "--no-deps", "--format-version=1"]))?)
}

fn read(metadata: &str) -> Result<Vec<Arrow>> {
    let metadata: Value = serde_json::from_str(metadata).context("cargo metadata is not JSON")?;
    let list = |value: &Value, member: &str| value.get(member).and_then(Value::as_array).cloned().unwrap_or_default();
    let text = |value: &Value, member: &str| value.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut arrows = Vec::new();
    for package in list(&metadata, "packages") {
        for dependency in list(&package, "dependencies").iter().filter(|d| d.get("path").is_some_and(Value::is_string))
        {
            arrows.push(Arrow {
                from: text(&package, "name"),
                to: text(dependency, "name"),
                for_tests: text(dependency, "kind") == "dev",
            });
        }
    }
    Ok(arrows)
}

/// Refuses arrows that the design does not have. Tests may use `testkit` as well.
pub fn check(arrows: &[Arrow]) -> Vec<Finding> {
    let forbidden = arrows.iter().filter(|arrow| {
        let test_only = arrow.for_tests && arrow.to == "testkit";
        !test_only && !may_use(&arrow.from).contains(arrow.to.as_str())
    });
    forbidden
        .map(|arrow| Finding {
            path: format!("{}/Cargo.toml", arrow.from),
            line: 0,
            message: match ARROWS.iter().any(|(name, _)| *name == arrow.from) {
                true => format!("`{}` may not use `{}`", arrow.from, arrow.to),
                false => format!("the crate `{}` has no arrows yet (xtask/src/tidy/arrows.rs)", arrow.from),
            },
            mend: MEND,
        })
        .collect()
}

fn may_use(from: &str) -> BTreeSet<&'static str> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from];
    while let Some(name) = open.pop() {
        let targets: &[&'static str] =
            ARROWS.iter().find(|(other, _)| *other == name).map_or(&[], |(_, targets)| targets);
        for target in targets {
            if reached.insert(*target) {
                open.push(target);
            }
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrow(from: &str, to: &str, for_tests: bool) -> Arrow {
        Arrow { from: from.into(), to: to.into(), for_tests }
    }

    #[test]
    fn arrows_point_only_the_way_of_the_design() {
        let good =
            [arrow("devtools", "engine", false), arrow("store", "testkit", true), arrow("headworks", "base", false)];
        assert_eq!(check(&good), []);
        let bad = [
            arrow("platform", "devtools", false),
            arrow("engine", "store", true),
            arrow("wire", "engine", false),
            arrow("store", "testkit", false),
            arrow("novelty", "base", false),
        ];
        assert_eq!(check(&bad).len(), bad.len());
    }

    #[test]
    fn arrows_are_read_from_cargos_metadata() {
        let text = r#"{"packages":[{"name":"wire","dependencies":[
            {"name":"base","kind":null,"path":"/w/crates/base"},{"name":"serde","kind":null},
            {"name":"testkit","kind":"dev","path":"/w/crates/testkit"}]}]}"#;
        assert_eq!(read(text).unwrap(), [arrow("wire", "base", false), arrow("wire", "testkit", true)]);
    }
}
