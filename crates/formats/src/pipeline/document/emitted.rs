//! A pipeline that an execution brings along in an artifact, to be run as its child.

use serde_json::{Value as Json, json};

use super::super::PipelineDeclaration;
use super::read::{Reader, Spelling};
use super::shapes::EMITTED;
use crate::Span;
use crate::cloudformation::is_open;
use crate::yaml::{self, Node, Value};

/// Reads the definition of the pipeline `name` that an execution of `parent` brings along. What it leaves out it has of its parent:
/// role and artifact stores. The error says where, and what.
///
/// Whoever writes the definition may be anybody whose work goes into the artifact. So it has no role but its parent's, and
/// nothing in it starts executions by itself. With `role`, the one that the action has which brings it along, each of its actions and
/// rules has that one. Without, they work as the parent's role, as that action does.
pub fn emitted(
    text: &str,
    name: &str,
    parent: &PipelineDeclaration,
    role: Option<&str>,
) -> Result<PipelineDeclaration, String> {
    let (root, _) = yaml::parse(text).map_err(|found| first(found.iter()))?;
    if let Some(at) = unsettled(&root) {
        return Err(format!(
            "line {}, column {}: it holds what marks a value of a template that is not settled yet",
            at.line, at.column
        ));
    }
    let node = root.get("pipeline").unwrap_or(&root);
    let mut reader = Reader::new(Spelling::Api);
    let value = reader.value(&EMITTED, node);
    let found = reader.found.into_sorted();
    if found.iter().any(|d| d.is_error()) {
        return Err(first(found.iter()));
    }
    let Some(Json::Object(mut members)) = value else { return Err("the definition is not an object".to_owned()) };
    match members.get("name").and_then(Json::as_str) {
        Some(other) if other != name => {
            return Err(format!("its name is '{other}': leave it out, the pipeline is called '{name}'"));
        }
        Some(_) | None => members.insert("name".to_owned(), json!(name)),
    };
    members.entry("roleArn").or_insert_with(|| json!(parent.role_arn));
    if !members.contains_key("artifactStore") && !members.contains_key("artifactStores") {
        let stores =
            [("artifactStore", json!(parent.artifact_store)), ("artifactStores", json!(parent.artifact_stores))];
        members.extend(stores.into_iter().filter(|(_, store)| !store.is_null()).map(|(k, v)| (k.to_owned(), v)));
    }
    members.entry("pipelineType").or_insert_with(|| json!("V2"));
    let is_newer = members.get("pipelineType").and_then(Json::as_str) == Some("V2");
    if is_newer {
        members.entry("executionMode").or_insert_with(|| json!("PARALLEL"));
    }
    let mut pipeline: PipelineDeclaration =
        serde_json::from_value(Json::Object(members)).map_err(|e| format!("it cannot be read: {e}"))?;
    owns_nothing(&pipeline, parent, role)?;
    if let Some(role) = role {
        give_role(&mut pipeline, role);
    }
    Ok(pipeline)
}

/// Where a node is marked as open, or holds text that is: validation looks at neither.
fn unsettled(node: &Node) -> Option<Span> {
    if node.is_open() {
        return Some(node.span);
    }
    match &node.value {
        Value::Scalar { text, .. } => is_open(text).then_some(node.span),
        Value::Sequence(items) => items.iter().find_map(unsettled),
        Value::Mapping(entries) => entries.iter().find_map(|(key, value)| unsettled(key).or_else(|| unsettled(value))),
    }
}

fn give_role(pipeline: &mut PipelineDeclaration, role: &str) {
    for stage in &mut pipeline.stages {
        let actions = stage.actions.iter_mut().map(|action| &mut action.role_arn);
        let before = stage.before_entry.iter_mut().chain(&mut stage.on_success).flat_map(|c| &mut c.conditions);
        let after = stage.on_failure.iter_mut().flat_map(|c| &mut c.conditions);
        let rules = before.chain(after).flat_map(|c| &mut c.rules).map(|rule| &mut rule.role_arn);
        for own in actions.chain(rules) {
            own.get_or_insert_with(|| role.to_owned());
        }
    }
}

fn owns_nothing(
    pipeline: &PipelineDeclaration,
    parent: &PipelineDeclaration,
    role_of_action: Option<&str>,
) -> Result<(), String> {
    if !pipeline.triggers.is_empty() {
        return Err("it has triggers: only its parent starts a pipeline that an execution brings along".to_owned());
    }
    let role = &parent.role_arn;
    if pipeline.role_arn != *role {
        return Err(other_role("the pipeline", &pipeline.role_arn, role));
    }
    let role = role_of_action.unwrap_or(role);
    let actions = pipeline.stages.iter().flat_map(|s| &s.actions);
    let actions = actions.map(|a| (format!("action '{}'", a.name), a.role_arn.as_ref()));
    let rules = pipeline.stages.iter().flat_map(|s| s.rules());
    let rules = rules.map(|r| (format!("rule '{}'", r.name), r.role_arn.as_ref()));
    match actions.chain(rules).find_map(|(what, own)| Some((what, own.filter(|own| *own != role)?))) {
        Some((what, own)) => Err(other_role(&what, own, role)),
        None => Ok(()),
    }
}

fn other_role(what: &str, own: &str, role: &str) -> String {
    format!(
        "{what} has the role {own}: a pipeline that an execution brings along has no other than its parent's, {role}"
    )
}

fn first<'a>(mut found: impl Iterator<Item = &'a crate::Diagnostic>) -> String {
    match found.find(|d| d.is_error()) {
        Some(d) => format!("line {}, column {}: {}", d.span.line, d.span.column, d.message),
        None => "it cannot be read".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn parent() -> PipelineDeclaration {
        serde_json::from_value(json!({
            "name": "parent", "roleArn": "arn:aws:iam::123456789012:role/p", "stages": [],
            "artifactStore": {"type": "S3", "location": "artifacts"},
        }))
        .unwrap()
    }

    fn read(change: impl FnOnce(&mut Value)) -> Result<PipelineDeclaration, String> {
        read_as(None, change)
    }

    fn read_as(role: Option<&str>, change: impl FnOnce(&mut Value)) -> Result<PipelineDeclaration, String> {
        let id = |category: &str, provider: &str| json!({"category": category, "owner": "AWS", "provider": provider, "version": "1"});
        let mut value = json!({"stages": [
            {"name": "Source", "actions": [{"name": "Src", "actionTypeId": id("Source", "S3"),
                "configuration": {"S3Bucket": "b", "S3ObjectKey": "k"}, "outputArtifacts": [{"name": "Src"}]}]},
            {"name": "Ask", "actions": [{"name": "Ask", "actionTypeId": id("Approval", "Manual")}]},
        ]});
        change(&mut value);
        emitted(&value.to_string(), "parent@Start", &parent(), role)
    }

    #[test]
    fn what_a_definition_leaves_out_is_its_parents() {
        let child = read(|_| {}).unwrap();
        assert_eq!(child.name, "parent@Start");
        assert_eq!(child.role_arn, "arn:aws:iam::123456789012:role/p");
        assert_eq!(child.artifact_store.as_ref().unwrap().location, "artifacts");
        assert_eq!((child.pipeline_type(), child.execution_mode()), ("V2", "PARALLEL"));
        assert_eq!(crate::pipeline::validate(&child, "eu-west-1"), Ok(()));
        let own = read(|p| {
            p["artifactStore"] = json!({"type": "S3", "location": "other"});
            p["executionMode"] = json!("QUEUED");
        });
        let own = own.unwrap();
        assert_eq!((own.artifact_store.as_ref().unwrap().location.as_str(), own.execution_mode()), ("other", "QUEUED"));
        let old = read(|p| p["pipelineType"] = json!("V1")).unwrap();
        assert_eq!(old.execution_mode(), "SUPERSEDED");
    }

    #[test]
    fn yaml_is_read_as_well() {
        let text = "stages:\n- name: Source\n  actions: []\n";
        assert_eq!(emitted(text, "c", &parent(), None).unwrap().stages.len(), 1);
    }

    #[test]
    fn the_mark_of_an_open_value_switches_no_check_off() {
        let marked = [
            read(|p| p["stages"][1]["actions"][0]["actionTypeId"]["provider"] = json!("\u{fdd0}")),
            read(|p| p["stages"][1]["actions"][0]["configuration"] = json!({"\u{fdd0}": "x"})),
            read(|p| p["artifactStore"] = json!({"type": "S3", "location": "a\u{fdd0}"})),
            read(|p| p["stages"][1]["actions"][0]["runOrder"] = json!("\u{fdd0}")),
            emitted("stages: !open x\n", "c", &parent(), None),
            emitted("stages:\n- name: \"a\\uFDD0\"\n  actions: []\n", "c", &parent(), None),
        ];
        for answer in marked {
            let error = answer.unwrap_err();
            assert!(error.contains("not settled"), "{error}");
        }
    }

    #[test]
    fn its_actions_and_rules_have_the_role_of_the_action_that_brings_it_along() {
        let role = "arn:aws:iam::123456789012:role/narrow";
        let rule = json!({"conditions": [{"result": "FAIL", "rules": [{"name": "R", "configuration": {},
            "ruleTypeId": {"category": "Rule", "owner": "AWS", "provider": "CodeBuild", "version": "1"}}]}]});
        let child = read_as(Some(role), |p| {
            for member in ["beforeEntry", "onSuccess", "onFailure"] {
                p["stages"][1][member] = rule.clone();
            }
        });
        let child = child.unwrap();
        assert_eq!(child.role_arn, "arn:aws:iam::123456789012:role/p");
        let actions = child.stages.iter().flat_map(|s| &s.actions).map(|a| a.role_arn.as_deref());
        let rules = child.stages.iter().flat_map(|s| s.rules()).map(|r| r.role_arn.as_deref());
        let all: Vec<_> = actions.chain(rules).collect();
        assert_eq!(all, [Some(role); 5]);
        let wider = read_as(Some(role), |p| {
            p["stages"][0]["actions"][0]["roleArn"] = json!("arn:aws:iam::123456789012:role/p");
        });
        assert!(
            wider.unwrap_err().contains("action 'Src' has the role"),
            "the pipeline's role may more than the action's"
        );
        assert_eq!(read(|_| {}).unwrap().stages[0].actions[0].role_arn, None);
    }

    #[test]
    fn what_is_not_its_own_is_refused() {
        let role = "arn:aws:iam::123456789012:role/other";
        let trigger = json!([{"providerType": "CodeCommit", "gitConfiguration": {"sourceActionName": "Src"}}]);
        for (answer, why) in [
            (read(|p| p["roleArn"] = json!(role)), "the pipeline has the role"),
            (read(|p| p["stages"][1]["actions"][0]["roleArn"] = json!(role)), "action 'Ask' has the role"),
            (read(|p| p["triggers"] = trigger), "it has triggers"),
            (read(|p| p["name"] = json!("mine")), "leave it out"),
            (read(|p| p["nonsense"] = json!(1)), "nonsense"),
            (read(|p| *p = json!([])), "the pipeline must be"),
            (emitted("{", "c", &parent(), None), "line 2, column 1"),
            (emitted("", "c", &parent(), None), ""),
        ] {
            let error = answer.expect_err(why);
            assert!(error.contains(why), "{error}");
        }
    }
}
