//! The declaration as it is run here.

use std::collections::{BTreeMap, BTreeSet};

use formats::cloudformation::{Template, open, worded};
use formats::pipeline::{
    ActionDeclaration, Condition, ConditionResult, PipelineDeclaration, Provider, RuleDeclaration, RuleProvider,
    StageDeclaration, document, problems, references, resolve,
};
use formats::yaml::Node;
use serde_json::{Value, json};

use crate::cli::CliError;

/// A pipeline and what it needs.
#[derive(Debug)]
pub struct Rehearsal {
    pub pipeline: PipelineDeclaration,
    /// What is not as declared.
    pub notes: Vec<String>,
    pub sources: Vec<Source>,
    /// Build projects by name.
    pub projects: BTreeMap<String, Project>,
    /// Buckets that S3 deployments write to.
    pub buckets: BTreeSet<String>,
}

/// A source action, which a folder stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    pub action: String,
    pub kind: SourceKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceKind {
    /// A repository with the folder's files in one commit.
    Commit,
    /// An object with the folder's files as a zip.
    Object,
}

/// What a template says of a build project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Project {
    pub buildspec: Option<String>,
    /// Plain ones whose value is settled.
    pub variables: Vec<(String, String)>,
}

/// The pipeline with folders for sources; `deploys` keeps the actions that change something elsewhere.
pub fn rehearsal(
    declared: &PipelineDeclaration,
    template: Option<&Node>,
    deploys: bool,
) -> Result<Rehearsal, CliError> {
    let mut notes = Vec::new();
    let projects = projects(declared, template);
    let mut pipeline = worded_all(declared)?;
    pipeline.triggers = Default::default();
    // Those of the account in which it runs take their places.
    pipeline.role_arn = "arn:aws:iam::123456789012:role/run".to_owned();
    pipeline.artifact_stores = None;
    let store = json!({ "type": "S3", "location": super::super::project::BUCKET });
    pipeline.artifact_store = Some(serde_json::from_value(store).map_err(CliError::internal)?);
    pipeline.execution_mode = None;
    let mut sources = Vec::new();
    for action in pipeline.stages.iter_mut().take(1).flat_map(|s| &mut s.actions) {
        sources.push(source(action)?);
    }
    leave_out(&mut pipeline, deploys, &mut notes);
    for stage in &mut pipeline.stages {
        for action in &mut stage.actions {
            action.role_arn = None;
            action.region = None;
            for key in ["HeadworksQuorum", "HeadworksSelfApproval"] {
                if action.configuration.remove(key).is_some() {
                    notes.push(format!("{}/{}: {key} is left out: you alone approve", stage.name, action.name));
                }
            }
        }
        leave_out_windows(stage, &mut notes);
        let conditions = [&mut stage.before_entry, &mut stage.on_success].into_iter().flatten();
        let conditions = conditions.flat_map(|c| &mut c.conditions);
        let on_failure = stage.on_failure.iter_mut().flat_map(|c| &mut c.conditions);
        for rule in conditions.chain(on_failure).flat_map(|c| &mut c.rules) {
            rule.role_arn = None;
            rule.region = None;
        }
    }
    pipeline.stages.retain(|stage| !stage.actions.is_empty());
    if pipeline.stages.len() < 2 {
        return Err(match deploys {
            true => CliError::user("behind the sources the pipeline has nothing that can be run here")
                .hint(notes.join("; ")),
            false => CliError::user("behind the sources the pipeline has only deployments and what job workers do")
                .hint("--deploy runs the deployments, against nothing but this command's own account"),
        });
    }
    let buckets = buckets(&mut pipeline);
    Ok(Rehearsal { pipeline, notes, sources, projects, buckets })
}

/// What is still wrong with the pipeline as it is run here. Words in place of what a template leaves open must fit as well.
pub fn mistakes(pipeline: &PipelineDeclaration, region: &str) -> Result<Vec<String>, CliError> {
    let text = serde_json::to_string(pipeline).map_err(CliError::internal)?;
    let found = document::read(&text, Some(region)).diagnostics;
    let shapes = found.iter().filter(|d| d.is_error() && is_shape(d.code)).map(|d| d.message.clone());
    let known: Vec<String> = problems(pipeline, region).into_iter().map(|p| p.message).collect();
    Ok(shapes.chain(known).collect())
}

/// Whether a code is about the file alone, not about what the pipeline does.
pub fn is_shape(code: &str) -> bool {
    code.starts_with('Y') || matches!(code, "P001" | "P002" | "P003" | "P004" | "P021")
}

/// Gives variables of the pipeline values, each `NAME=VALUE`. Those without one are an error.
pub fn give(pipeline: &mut PipelineDeclaration, values: &[String]) -> Result<(), CliError> {
    for given in values {
        let (name, value) =
            given.split_once('=').ok_or_else(|| CliError::user(format!("--variable {given} is not NAME=VALUE")))?;
        let Some(variable) = pipeline.variables.iter_mut().find(|v| v.name == name) else {
            return Err(CliError::user(format!("the pipeline has no variable {name}")));
        };
        variable.default_value = Some(value.to_owned());
    }
    match pipeline.variables.iter().find(|v| v.default_value.is_none()) {
        Some(variable) => Err(CliError::user(format!("the variable {} has no value", variable.name))
            .hint(format!("give it one with --variable {}=VALUE", variable.name))),
        None => Ok(()),
    }
}

/// Whether the action does more than look and build.
fn changes_something(action: &ActionDeclaration) -> bool {
    matches!(action.action_type_id.category.as_str(), "Deploy" | "Invoke")
}

fn source(action: &mut ActionDeclaration) -> Result<Source, CliError> {
    let kind = match action.action_type_id.provider.as_str() {
        "CodeCommit" | "CodeStarSourceConnection" | "GitHub" | "Bitbucket" => SourceKind::Commit,
        "S3" => SourceKind::Object,
        other => {
            let why = format!("the source action {} ({other}) cannot be replaced by a folder", action.name);
            return Err(CliError::user(why).hint("sources are CodeCommit, CodeStarSourceConnection, GitHub and S3"));
        }
    };
    action.action_type_id.owner = "AWS".to_owned();
    action.action_type_id.version = "1".to_owned();
    let (provider, keys) = match kind {
        SourceKind::Commit => {
            ("CodeCommit", [("RepositoryName", action.name.clone()), ("BranchName", "main".to_owned())])
        }
        SourceKind::Object => {
            let key = format!("{}.zip", action.name);
            ("S3", [("S3Bucket", super::super::project::BUCKET.to_owned()), ("S3ObjectKey", key)])
        }
    };
    action.action_type_id.provider = provider.to_owned();
    action.configuration = keys.map(|(key, value)| (key.to_owned(), value)).into();
    action.configuration.insert("PollForSourceChanges".to_owned(), "false".to_owned());
    Ok(Source { action: action.name.clone(), kind })
}

/// Why an action is not done here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Absence {
    /// It changes something elsewhere, which nobody has asked for.
    Deployment,
    /// Job workers do it, and there are none.
    Worker,
}

impl Absence {
    fn of(action: &ActionDeclaration, deploys: bool) -> Option<Absence> {
        match action.action_type_id.owner == "Custom" {
            true => Some(Absence::Worker),
            false => (changes_something(action) && !deploys).then_some(Absence::Deployment),
        }
    }

    fn own(self) -> &'static str {
        match self {
            Absence::Deployment => "--deploy does it",
            Absence::Worker => "its type is custom, and a job worker does it",
        }
    }

    fn of_others(self) -> &'static str {
        match self {
            Absence::Deployment => "it needs what a deployment makes; --deploy does both",
            Absence::Worker => "it needs what a custom action makes",
        }
    }
}

/// Leaves out the actions of job workers and those that change something elsewhere, unless they are wanted, and those that need what
/// these make.
fn leave_out(pipeline: &mut PipelineDeclaration, deploys: bool, notes: &mut Vec<String>) {
    let (mut artifacts, mut namespaces) = (BTreeMap::new(), BTreeMap::new());
    loop {
        let before = notes.len();
        for stage in &mut pipeline.stages {
            let name = stage.name.clone();
            stage.actions.retain(|action| {
                let own = Absence::of(action, deploys);
                let needs = || action.input_artifacts.iter().find_map(|a| artifacts.get(&a.name).copied());
                let names = || names_one(texts(action), &namespaces);
                let Some(absence) = own.or_else(needs).or_else(names) else { return true };
                let why = if own.is_some() { absence.own() } else { absence.of_others() };
                notes.push(format!("{name}/{} is not done; {why}", action.name));
                artifacts.extend(action.output_artifacts.iter().map(|a| (a.name.clone(), absence)));
                namespaces.extend(action.namespace.clone().map(|namespace| (namespace, absence)));
                false
            });
        }
        if notes.len() == before {
            break;
        }
    }
    for stage in &mut pipeline.stages {
        leave_out_rules(stage, "", notes, |rule| {
            let needs = rule.input_artifacts.iter().find_map(|a| artifacts.get(&a.name).copied());
            let absence = needs.or_else(|| names_one(rule_texts(rule), &namespaces))?;
            Some(absence.of_others().to_owned())
        });
    }
}

/// Leaves out the rules that wait for a time of day.
fn leave_out_windows(stage: &mut StageDeclaration, notes: &mut Vec<String>) {
    leave_out_rules(stage, " (DeploymentWindow)", notes, |rule| {
        let is_window = rule.provider() == Some(RuleProvider::DeploymentWindow);
        is_window.then(|| "you run it now".to_owned())
    });
}

/// Leaves out the rules for which there is a reason, and the conditions that have no others.
fn leave_out_rules(
    stage: &mut StageDeclaration,
    kind: &str,
    notes: &mut Vec<String>,
    why: impl Fn(&RuleDeclaration) -> Option<String>,
) {
    let name = stage.name.clone();
    let mut without = |conditions: &mut Vec<Condition>| {
        conditions.retain_mut(|condition| {
            let before = condition.rules.len();
            condition.rules.retain(|rule| {
                let Some(why) = why(rule) else { return true };
                notes.push(format!("{name}: the rule {}{kind} is left out: {why}", rule.name));
                false
            });
            before == 0 || !condition.rules.is_empty()
        });
    };
    for conditions in [&mut stage.before_entry, &mut stage.on_success] {
        if let Some(all) = conditions {
            without(&mut all.conditions);
        }
        if conditions.as_ref().is_some_and(|all| all.conditions.is_empty()) {
            *conditions = None;
        }
    }
    if let Some(on_failure) = &mut stage.on_failure {
        let had = !on_failure.conditions.is_empty();
        without(&mut on_failure.conditions);
        // Its result followed from the condition; only a retry needs none.
        if had && on_failure.conditions.is_empty() && on_failure.result != Some(ConditionResult::Retry) {
            stage.on_failure = None;
        }
    }
}

/// What may refer to variables in an action.
fn texts(action: &ActionDeclaration) -> Vec<String> {
    let environment = action.environment().unwrap_or_default().into_iter().map(|v| v.value);
    let texts = action.configuration.values().chain(&action.commands);
    texts.cloned().chain(environment).collect()
}

/// What may refer to variables in a rule.
fn rule_texts(rule: &RuleDeclaration) -> Vec<String> {
    rule.configuration.values().chain(&rule.commands).cloned().collect()
}

fn names_one(texts: Vec<String>, namespaces: &BTreeMap<String, Absence>) -> Option<Absence> {
    let of = |text: &String| {
        let mut named = references(text).into_iter().filter_map(|r| r.parts());
        named.find_map(|(namespace, _)| namespaces.get(namespace).copied())
    };
    texts.iter().find_map(of)
}

/// The buckets of S3 deployments, with names that they can have. Those that are known only when the pipeline runs are not in
/// the list.
fn buckets(pipeline: &mut PipelineDeclaration) -> BTreeSet<String> {
    let defaults: BTreeMap<String, String> =
        pipeline.variables.iter().filter_map(|v| Some((v.name.clone(), v.default_value.clone()?))).collect();
    let mut names = BTreeSet::new();
    for action in pipeline.stages.iter_mut().flat_map(|s| &mut s.actions) {
        if action.provider() == Some(Provider::S3Deploy)
            && let Some(bucket) = action.configuration.get_mut("BucketName")
        {
            let variable = |namespace: &str, key: &str| defaults.get(key).cloned().filter(|_| namespace == "variables");
            if let Ok(settled) = resolve(bucket, variable) {
                *bucket = bucket_name(&settled);
                names.insert(bucket.clone());
            }
        }
    }
    names
}

/// A name that a bucket can have. One that AWS would take is itself.
fn bucket_name(text: &str) -> String {
    let name: String = text.to_lowercase().chars().take(63).collect();
    let name = name.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    if name.len() < 3 { format!("bucket-{name}") } else { name.to_owned() }
}

/// The declaration with words for what a template leaves open.
fn worded_all(declared: &PipelineDeclaration) -> Result<PipelineDeclaration, CliError> {
    let mut value = serde_json::to_value(declared).map_err(CliError::internal)?;
    each_text(&mut value, &|text| *text = worded(text));
    serde_json::from_value(value).map_err(CliError::internal)
}

fn each_text(value: &mut Value, change: &dyn Fn(&mut String)) {
    match value {
        Value::String(text) => change(text),
        Value::Array(items) => items.iter_mut().for_each(|item| each_text(item, change)),
        Value::Object(members) => members.values_mut().for_each(|member| each_text(member, change)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The build projects that actions and rules name, under the names that they have here.
fn projects(declared: &PipelineDeclaration, template: Option<&Node>) -> BTreeMap<String, Project> {
    let actions = declared.stages.iter().flat_map(|s| &s.actions).map(|a| &a.configuration);
    let rules = declared.stages.iter().flat_map(|s| s.rules()).map(|r| &r.configuration);
    let names = actions.chain(rules).filter_map(|configuration| configuration.get("ProjectName"));
    names.map(|name| (worded(name), template.and_then(|t| in_template(t, name)).unwrap_or_default())).collect()
}

fn in_template(root: &Node, name: &str) -> Option<Project> {
    let template = Template::new(root, None, true);
    template.resources("AWS::CodeBuild::Project").into_iter().find_map(|resource| {
        let properties = template.settle(resource.body.get("Properties")?)?;
        let by_name = properties.get("Name").and_then(Node::as_text) == Some(name);
        let by_id = resource.key.as_text().is_some_and(|id| open(id) == name);
        (by_name || by_id).then(|| project(&properties))
    })
}

fn project(properties: &Node) -> Project {
    let settled = |node: &Node| node.as_text().filter(|t| !formats::cloudformation::is_open(t)).map(str::to_owned);
    let variables = properties.get("Environment").and_then(|e| e.get("EnvironmentVariables"));
    let variable = |node: &Node| {
        let plain = node.get("Type").is_none_or(|t| t.as_text() == Some("PLAINTEXT"));
        Some((settled(node.get("Name")?)?, settled(node.get("Value")?)?)).filter(|_| plain)
    };
    Project {
        buildspec: properties.get("Source").and_then(|s| s.get("BuildSpec")).and_then(settled),
        variables: variables.and_then(Node::as_sequence).unwrap_or_default().iter().filter_map(variable).collect(),
    }
}

#[cfg(test)]
mod tests {
    use formats::pipeline::document::in_template;
    use formats::yaml;

    use super::*;

    const TEMPLATE: &str = "
Resources:
  Site: {Type: 'AWS::S3::Bucket'}
  Compile:
    Type: AWS::CodeBuild::Project
    Properties:
      Source: {Type: CODEPIPELINE, BuildSpec: ci/build.yml}
      Environment:
        EnvironmentVariables: [{Name: A, Value: 1}, {Name: B, Value: !Ref Site}]
  Pipe:
    Type: AWS::CodePipeline::Pipeline
    Properties:
      RoleArn: !GetAtt Role.Arn
      ArtifactStore: {Type: S3, Location: !Ref Artifacts}
      Stages:
      - Name: Source
        Actions:
        - Name: Code
          ActionTypeId: {Category: Source, Owner: AWS, Provider: CodeCommit, Version: 1}
          Configuration: {RepositoryName: !Ref Repository, BranchName: main}
          OutputArtifacts: [{Name: Code}]
      - Name: Build
        Actions:
        - Name: Compile
          ActionTypeId: {Category: Build, Owner: AWS, Provider: CodeBuild, Version: 1}
          Configuration: {ProjectName: !Ref Compile}
          InputArtifacts: [{Name: Code}]
          OutputArtifacts: [{Name: App}]
      - Name: Deploy
        Actions:
        - Name: Put
          ActionTypeId: {Category: Deploy, Owner: AWS, Provider: S3, Version: 1}
          Configuration: {BucketName: !Ref Site, Extract: 'true'}
          InputArtifacts: [{Name: App}]
";

    fn of(deploys: bool) -> Rehearsal {
        let (root, _) = yaml::parse(TEMPLATE).unwrap();
        let found = in_template(&root, None).remove(0);
        assert_eq!(found.diagnostics, []);
        rehearsal(&found.pipeline.unwrap(), Some(&root), deploys).unwrap()
    }

    #[test]
    fn deployments_are_left_out_and_named() {
        let rehearsal = of(false);
        assert_eq!(rehearsal.pipeline.stages.len(), 2);
        assert_eq!(rehearsal.notes, ["Deploy/Put is not done; --deploy does it"]);
    }

    #[test]
    fn what_job_workers_do_is_left_out_with_what_needs_it_and_named() {
        let lint = "
      - Name: Lint
        Actions:
        - Name: Lint
          Namespace: Lint
          ActionTypeId: {Category: Test, Owner: Custom, Provider: Lint, Version: 7}
          Configuration: {Level: high}
          InputArtifacts: [{Name: Code}]
          OutputArtifacts: [{Name: Findings}]
        - Name: Show
          RunOrder: 2
          ActionTypeId: {Category: Build, Owner: AWS, Provider: CodeBuild, Version: 1}
          Configuration: {ProjectName: show}
          InputArtifacts: [{Name: Findings}]
        - Name: Tell
          RunOrder: 2
          ActionTypeId: {Category: Approval, Owner: AWS, Provider: Manual, Version: 1}
          Configuration: {CustomData: '#{Lint.Count} findings'}
      - Name: Deploy";
        let text = TEMPLATE.replace("\n      - Name: Deploy", lint);
        let (root, _) = yaml::parse(&text).unwrap();
        let found = in_template(&root, None).remove(0);
        for deploys in [false, true] {
            let rehearsal = rehearsal(found.pipeline.as_ref().unwrap(), Some(&root), deploys).unwrap();
            let stages: Vec<&str> = rehearsal.pipeline.stages.iter().map(|s| s.name.as_str()).collect();
            assert_eq!(stages, if deploys { vec!["Source", "Build", "Deploy"] } else { vec!["Source", "Build"] });
            let expected = [
                "Lint/Lint is not done; its type is custom, and a job worker does it",
                "Lint/Show is not done; it needs what a custom action makes",
                "Lint/Tell is not done; it needs what a custom action makes",
            ];
            assert_eq!(rehearsal.notes[..3], expected);
            assert_eq!(mistakes(&rehearsal.pipeline, "eu-west-1").unwrap(), Vec::<String>::new());
        }
    }

    #[test]
    fn what_names_a_left_out_deployment_anywhere_is_left_out_and_named() {
        let check = "
      - Name: Check
        OnSuccess:
          Conditions:
          - Result: FAIL
            Rules:
            - Name: Answers
              RuleTypeId: {Category: Rule, Owner: AWS, Provider: Commands, Version: 1}
              Commands: ['curl #{Stack.Url}']
              InputArtifacts: [{Name: Code}]
            - Name: Named
              RuleTypeId: {Category: Rule, Owner: AWS, Provider: VariableCheck, Version: 1}
              Configuration: {Variable: '#{Stack.Url}', Value: x, Operator: EQ}
        Actions:
        - Name: Ask
          ActionTypeId: {Category: Compute, Owner: AWS, Provider: Commands, Version: 1}
          Commands: ['make', 'curl #{Stack.Url}']
          InputArtifacts: [{Name: Code}]
        - Name: Look
          ActionTypeId: {Category: Compute, Owner: AWS, Provider: Commands, Version: 1}
          Commands: ['curl \"$URL\"']
          EnvironmentVariables: [{Name: URL, Value: '#{Stack.Url}'}]
          InputArtifacts: [{Name: Code}]
        - Name: Make
          ActionTypeId: {Category: Compute, Owner: AWS, Provider: Commands, Version: 1}
          Commands: ['make']
          InputArtifacts: [{Name: Code}]
";
        let put = "ActionTypeId: {Category: Deploy";
        let text = TEMPLATE.replace(put, &format!("Namespace: Stack\n          {put}"));
        let text = format!("{}{check}", text.trim_end()).replace("RoleArn", "PipelineType: V2\n      RoleArn");
        let (root, _) = yaml::parse(&text).unwrap();
        let found = in_template(&root, None).remove(0);
        assert_eq!(found.diagnostics, []);
        let rehearsal = rehearsal(found.pipeline.as_ref().unwrap(), Some(&root), false).unwrap();
        let expected = [
            "Deploy/Put is not done; --deploy does it",
            "Check/Ask is not done; it needs what a deployment makes; --deploy does both",
            "Check/Look is not done; it needs what a deployment makes; --deploy does both",
            "Check: the rule Answers is left out: it needs what a deployment makes; --deploy does both",
            "Check: the rule Named is left out: it needs what a deployment makes; --deploy does both",
        ];
        assert_eq!(rehearsal.notes, expected);
        assert_eq!(rehearsal.pipeline.stages.last().map(|s| (s.actions.len(), s.rules().count())), Some((1, 0)));
        assert_eq!(mistakes(&rehearsal.pipeline, "eu-west-1").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn rules_that_wait_for_a_time_of_day_are_left_out_and_named() {
        let rule = |name: &str, provider: &str| {
            json!({"name": name, "configuration": {}, "ruleTypeId": {
                "category": "Rule", "owner": "AWS", "provider": provider, "version": "1",
            }})
        };
        let (window, check) = (rule("Hours", "DeploymentWindow"), rule("Branch", "VariableCheck"));
        let mut stage: StageDeclaration = serde_json::from_value(json!({
            "name": "Deploy", "actions": [],
            "beforeEntry": {"conditions": [{"result": "FAIL", "rules": [window]}]},
            "onSuccess": {"conditions": [{"result": "FAIL", "rules": [window, check]}]},
            "onFailure": {"result": "ROLLBACK", "conditions": [{"result": "ROLLBACK", "rules": [window]}]},
        }))
        .unwrap();
        let mut notes = Vec::new();
        leave_out_windows(&mut stage, &mut notes);
        assert_eq!((&stage.before_entry, &stage.on_failure), (&None, &None));
        let left: Vec<&str> = stage.rules().map(|rule| rule.name.as_str()).collect();
        assert_eq!(left, ["Branch"]);
        assert_eq!(notes, ["Deploy: the rule Hours (DeploymentWindow) is left out: you run it now"; 3]);
    }

    #[test]
    fn sources_become_folders_and_projects_come_from_the_template() {
        let rehearsal = of(true);
        assert_eq!(rehearsal.sources, [Source { action: "Code".to_owned(), kind: SourceKind::Commit }]);
        assert_eq!(rehearsal.buckets, BTreeSet::from(["site".to_owned()]));
        let expected =
            Project { buildspec: Some("ci/build.yml".to_owned()), variables: vec![("A".to_owned(), "1".to_owned())] };
        assert_eq!(rehearsal.projects, BTreeMap::from([("Compile".to_owned(), expected)]));
        let code = rehearsal.pipeline.stages[0].action("Code").unwrap();
        assert_eq!(code.config("RepositoryName"), Some("Code"));
    }
}
