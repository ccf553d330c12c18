//! The pipelines of a file.

use serde_json::{Value as Json, json};

use super::super::{ActionDeclaration, PipelineDeclaration, ProblemKind, Provider, Step, problems, references};
use super::read::{Reader, Spelling};
use super::shape::Shape;
use super::shapes::{PIPELINE, RESOURCE};
use crate::cloudformation::{Resource, Template, is_open, open, readable};
use crate::yaml::{self, Node};
use crate::{Diagnostic, Span};

/// A pipeline that was found in a file.
#[derive(Clone, Debug)]
pub struct Found {
    /// The name of its resource, in a template.
    pub logical_id: Option<String>,
    /// `None` when it cannot be read; the diagnostics say why. Text that a template leaves open is marked in it.
    pub pipeline: Option<PipelineDeclaration>,
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a file with one declaration: bare, or under `pipeline` as the API has it. `region` is where it is to run, if that is
/// known.
pub fn read(text: &str, region: Option<&str>) -> Found {
    let (root, warnings) = match yaml::parse(text) {
        Ok(parsed) => parsed,
        Err(diagnostics) => return Found { logical_id: None, pipeline: None, diagnostics },
    };
    let node = root.get("pipeline").unwrap_or(&root);
    let mut found = match node.get("stages").or_else(|| node.get("roleArn")) {
        Some(_) => checked(&PIPELINE, node, Spelling::Api, region, "pipeline"),
        None => {
            let message = "the file is not a pipeline: it has neither 'stages' nor 'pipeline'";
            let diagnostics = vec![Diagnostic::error("P021", root.span, message)];
            Found { logical_id: None, pipeline: None, diagnostics }
        }
    };
    found.diagnostics.splice(0..0, warnings);
    found
}

/// The pipelines of a template. Where conditions hang on the deployment, what is wrong in either case is wrong.
pub fn in_template(root: &Node, region: Option<&str>) -> Vec<Found> {
    let template = Template::new(root, region, true);
    let otherwise = Template::new(root, region, false);
    let resources = template.resources("AWS::CodePipeline::Pipeline");
    let made = resources.into_iter().filter(|resource| !template.is_left_out(resource));
    let read = |resource: Resource<'_>| {
        let first = of_resource(&template, resource, region);
        if !template.has_assumed() {
            return first;
        }
        let second = of_resource(&otherwise, resource, region);
        let diagnostics = first.diagnostics.into_iter();
        let in_both = diagnostics.filter(|d| !d.is_error() || second.diagnostics.contains(d)).collect();
        Found { diagnostics: in_both, pipeline: first.pipeline.or(second.pipeline), logical_id: first.logical_id }
    };
    made.map(read).collect()
}

fn of_resource(template: &Template<'_>, resource: Resource<'_>, region: Option<&str>) -> Found {
    let logical_id = resource.key.as_text().unwrap_or_default().to_owned();
    let properties = resource.body.get("Properties").and_then(|node| template.settle(node));
    let found = match properties {
        Some(node) => checked(&RESOURCE, &node, Spelling::Template, region, &logical_id),
        None => {
            let message = format!("the resource '{logical_id}' has no 'Properties'");
            let diagnostics = vec![Diagnostic::error("P002", resource.key.span, message)];
            Found { logical_id: None, pipeline: None, diagnostics }
        }
    };
    Found { logical_id: Some(logical_id), ..found }
}

fn checked(shape: &Shape, node: &Node, spelling: Spelling, region: Option<&str>, name: &str) -> Found {
    let mut reader = Reader::new(spelling);
    let value = reader.value(shape, node);
    let whole = value.as_ref().filter(|_| !reader.is_partial);
    let unknown = whole.map(|value| closed(&reader, value)).unwrap_or_default();
    let value = value.map(|value| as_declared(value, name));
    let read = value.map(serde_json::from_value::<PipelineDeclaration>);
    let pipeline = match read {
        Some(Ok(pipeline)) => Some(pipeline),
        Some(Err(e)) if !reader.found.has_errors() && !reader.is_partial => {
            reader.found.push(Diagnostic::error("P001", node.span, format!("the pipeline cannot be read: {e}")));
            None
        }
        Some(Err(_)) | None => None,
    };
    if let Some(pipeline) = &pipeline {
        look(&mut reader, pipeline, region);
    }
    unknown.into_iter().for_each(|diagnostic| reader.found.push(diagnostic));
    Found { logical_id: None, pipeline, diagnostics: reader.found.into_sorted() }
}

/// The transitions that a template closes, of stages that it does not have.
fn closed(reader: &Reader, properties: &Json) -> Vec<Diagnostic> {
    const MEMBER: &str = "disableInboundStageTransitions";
    let texts = |list: &str, member: &str| -> Vec<String> {
        let items = properties.get(list).and_then(Json::as_array).into_iter().flatten();
        items.map(|item| item.get(member).and_then(Json::as_str).unwrap_or_default().to_owned()).collect()
    };
    let stages = texts("stages", "name");
    if stages.iter().any(|name| name.is_empty() || is_open(name)) {
        return Vec::new();
    }
    let closed = texts(MEMBER, "stageName").into_iter().enumerate();
    let unknown = closed.filter(|(_, name)| !name.is_empty() && !is_open(name) && !stages.contains(name));
    let told = |(n, name): (usize, String)| {
        let path = [Step::Member(MEMBER.to_owned()), Step::Item(n), Step::Member("stageName".to_owned())];
        let message = format!("the pipeline has no stage '{name}' whose transition could be disabled");
        let found = Diagnostic::error("P015", reader.place(&path), message);
        found.with_nearest(&name, stages.iter().map(String::as_str))
    };
    unknown.map(told).collect()
}

/// A resource's properties as the API would get them.
fn as_declared(mut value: Json, name: &str) -> Json {
    if let Some(members) = value.as_object_mut() {
        members.entry("name").or_insert_with(|| Json::String(open(name)));
        for member in ["disableInboundStageTransitions", "restartExecutionOnUpdate", "tags"] {
            members.remove(member);
        }
        if let Some(Json::Array(stores)) = members.get("artifactStores") {
            let by_region = stores.iter().filter_map(|store| {
                let region = store.get("region")?.as_str()?.to_owned();
                Some((region, store.get("artifactStore")?.clone()))
            });
            let by_region: serde_json::Map<String, Json> = by_region.collect();
            members.insert("artifactStores".to_owned(), json!(by_region));
        }
    }
    value
}

/// What CreatePipeline would say, and what we know beyond that.
fn look(reader: &mut Reader, pipeline: &PipelineDeclaration, region: Option<&str>) {
    let unknown = open("AWS::Region");
    let region = region.unwrap_or(&unknown);
    // A part that is missing here may be there when the template is deployed, or was named as a mistake already.
    if !reader.is_partial && !reader.found.has_errors() {
        for problem in problems(pipeline, region).into_iter().filter(|p| !is_of_custom_type(pipeline, &p.place)) {
            let code = match problem.kind {
                _ if problem.is_ours => "P029",
                ProblemKind::Structure => "P010",
                ProblemKind::Stage => "P011",
                ProblemKind::Action => "P012",
                ProblemKind::Blocker => "P013",
                ProblemKind::Limit => "P014",
            };
            let span = reader.place(&problem.place);
            reader.found.push(Diagnostic::error(code, span, readable(&problem.message)));
        }
    }
    for (n, stage) in pipeline.stages.iter().enumerate() {
        for (m, action) in stage.actions.iter().enumerate() {
            let list = |name: &str, n| [Step::Member(name.to_owned()), Step::Item(n)];
            let path = [list("stages", n), list("actions", m)].concat();
            custom(reader, &path, action);
            not_yet(reader, &path, action);
            secrets(reader, &path, action);
            beyond(reader, &path, action);
        }
    }
}

/// Whether an action's type is one that only the account knows.
fn is_of_custom_type(pipeline: &PipelineDeclaration, place: &[Step]) -> bool {
    let [Step::Member(_), Step::Item(n), Step::Member(_), Step::Item(m), Step::Member(member)] = place else {
        return false;
    };
    let action = pipeline.stages.get(*n).and_then(|s| s.actions.get(*m));
    member == "actionTypeId" && action.is_some_and(|a| a.action_type_id.owner == "Custom")
}

fn not_yet(reader: &mut Reader, path: &[Step], action: &ActionDeclaration) {
    if action.provider() == Some(Provider::ManualApproval) && action.config("NotificationArn").is_some() {
        let message = "no notice of the approval will be sent: Headworks has no sns:Publish";
        let span = inside(reader, path, &["configuration", "NotificationArn"]);
        reader.found.push(Diagnostic::warning("P030", span, message));
    }
    let call = action.action_type().filter(|t| t.provider == Provider::Call).and_then(|t| t.call);
    let Some(call) = call else { return };
    let message = format!(
        "action '{}' will fail when it runs: Headworks has no {}:{}",
        readable(&action.name),
        call.service,
        call.operation
    );
    let span = inside(reader, path, &["actionTypeId"]);
    reader.found.push(Diagnostic::warning("P030", span, message));
}

fn custom(reader: &mut Reader, path: &[Step], action: &ActionDeclaration) {
    if action.action_type_id.owner == "Custom" {
        let id = &action.action_type_id;
        let message =
            format!("the custom action type {}/{} was not looked at: the account knows it", id.category, id.provider);
        let span = inside(reader, path, &["actionTypeId"]);
        reader.found.push(Diagnostic::warning("P032", span, readable(&message)));
    }
}

fn secrets(reader: &mut Reader, path: &[Step], action: &ActionDeclaration) {
    let Some(token) = action.config("OAuthToken") else { return };
    if is_open(token) || token.contains("{{resolve:") || token == "****" || !references(token).is_empty() {
        return;
    }
    let span = inside(reader, path, &["configuration", "OAuthToken"]);
    let found = Diagnostic::warning("P031", span, "the token stands in the file");
    reader.found.push(found.with_help("write '{{resolve:secretsmanager:NAME}}'"));
}

/// Keys that AWS does not know.
fn beyond(reader: &mut Reader, path: &[Step], action: &ActionDeclaration) {
    for key in action.configuration.keys().filter(|key| key.starts_with("Headworks")) {
        let span = inside(reader, path, &["configuration", key]);
        let message = format!("AWS refuses a pipeline with '{key}': it is a key of Headworks");
        reader.found.push(Diagnostic::warning("P033", span, message));
    }
}

fn inside(reader: &Reader, path: &[Step], members: &[&str]) -> Span {
    let deeper = members.iter().map(|m| Step::Member((*m).to_owned()));
    reader.place(&path.iter().cloned().chain(deeper).collect::<Vec<_>>())
}
