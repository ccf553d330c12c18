//! A pipeline that an execution brings along in an artifact, to be run as its child.

use serde_json::{Value as Json, json};

use super::super::PipelineDeclaration;
use super::read::{Reader, Spelling};
use super::shapes::EMITTED;
use crate::yaml;

/// Reads the definition of the pipeline `name` that an execution of `parent` brings along. What it leaves out it has of its parent:
/// role and artifact stores. The error says where, and what.
///
/// Whoever writes the definition may be anybody whose work goes into the artifact. So it has no role but its parent's, and
/// nothing in it starts executions by itself.
pub fn emitted(text: &str, name: &str, parent: &PipelineDeclaration) -> Result<PipelineDeclaration, String> {
    let (root, _) = yaml::parse(text).map_err(|found| first(found.iter()))?;
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
    let pipeline: PipelineDeclaration =
        serde_json::from_value(Json::Object(members)).map_err(|e| format!("it cannot be read: {e}"))?;
    owns_nothing(&pipeline, parent)?;
    Ok(pipeline)
}

fn owns_nothing(pipeline: &PipelineDeclaration, parent: &PipelineDeclaration) -> Result<(), String> {
    if !pipeline.triggers.is_empty() {
        return Err("it has triggers: only its parent starts a pipeline that an execution brings along".to_owned());
    }
    let role = &parent.role_arn;
    let actions = pipeline.stages.iter().flat_map(|s| &s.actions);
    let actions = actions.map(|a| (format!("action '{}'", a.name), a.role_arn.as_ref()));
    let rules = pipeline.stages.iter().flat_map(|s| s.rules());
    let rules = rules.map(|r| (format!("rule '{}'", r.name), r.role_arn.as_ref()));
    let whole = std::iter::once(("the pipeline".to_owned(), Some(&pipeline.role_arn)));
    match whole.chain(actions).chain(rules).find(|(_, own)| own.is_some_and(|own| own != role)) {
        Some((what, own)) => Err(format!(
            "{what} has the role {}: a pipeline that an execution brings along has no other than its parent's, {role}",
            own.map(String::as_str).unwrap_or_default()
        )),
        None => Ok(()),
    }
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
        let id = |category: &str, provider: &str| json!({"category": category, "owner": "AWS", "provider": provider, "version": "1"});
        let mut value = json!({"stages": [
            {"name": "Source", "actions": [{"name": "Src", "actionTypeId": id("Source", "S3"),
                "configuration": {"S3Bucket": "b", "S3ObjectKey": "k"}, "outputArtifacts": [{"name": "Src"}]}]},
            {"name": "Ask", "actions": [{"name": "Ask", "actionTypeId": id("Approval", "Manual")}]},
        ]});
        change(&mut value);
        emitted(&value.to_string(), "parent@Start", &parent())
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
        assert_eq!(emitted(text, "c", &parent()).unwrap().stages.len(), 1);
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
            (emitted("{", "c", &parent()), "line 2, column 1"),
            (emitted("", "c", &parent()), ""),
        ] {
            let error = answer.expect_err(why);
            assert!(error.contains(why), "{error}");
        }
    }
}
