//! Whether the names in a declaration lead somewhere: artifacts, namespaces, variables.

use std::collections::{BTreeMap, BTreeSet};

use super::validate::{actions, again, places, twice};
use super::{
    ActionDeclaration, PipelineDeclaration, Problem, StageDeclaration, command_references, matrix, references,
};
use crate::cloudformation::is_open;

/// Namespaces that the service itself fills.
const RESERVED: [&str; 2] = ["codepipeline", "variables"];

/// The names that a pipeline declares somewhere.
pub(super) struct Known<'a> {
    variables: BTreeSet<&'a str>,
    namespaces: BTreeSet<&'a str>,
    /// One open namespace may be any.
    has_open_namespace: bool,
}

impl<'a> Known<'a> {
    pub(super) fn of(pipeline: &'a PipelineDeclaration) -> Self {
        let namespaces: BTreeSet<&str> = actions(pipeline).filter_map(|(_, a)| a.namespace.as_deref()).collect();
        Known {
            variables: pipeline.variables.iter().map(|v| v.name.as_str()).collect(),
            has_open_namespace: namespaces.iter().any(|n| is_open(n)),
            namespaces,
        }
    }
}

/// Every input artifact must be made by an action that has certainly run before: in an earlier stage, or in the
/// same stage with a lower run order. A cycle of names always breaks this somewhere. What the actions at the places `wrong`
/// should make is not known.
pub(super) fn artifacts(pipeline: &PipelineDeclaration, wrong: &BTreeSet<(usize, usize)>) -> Vec<Problem> {
    let mut found = Vec::new();
    let mut names: BTreeSet<&str> = BTreeSet::new();
    for (n, m, action) in places(pipeline).filter(|(n, m, _)| !wrong.contains(&(*n, *m))) {
        for (o, output) in action.output_artifacts.iter().enumerate() {
            let name = output.name.as_str();
            if !names.insert(name) {
                let problem = Problem::structure(format!(
                    "Output Artifact Bundle name must be unique within the pipeline. {name} has been used more than once."
                ));
                found.push(problem.in_item("outputArtifacts", o).in_item("actions", m).in_item("stages", n));
            }
        }
    }
    let mut made: BTreeSet<&str> = BTreeSet::new();
    // One open name may be any.
    let mut any = false;
    for (n, stage) in pipeline.stages.iter().enumerate() {
        for group in by_run_order(stage).into_values() {
            for (m, action) in group.iter().filter(|_| !any) {
                let problem = inputs(action, &made).err();
                found.extend(problem.map(|p| p.in_item("actions", *m).in_item("stages", n)));
            }
            let names = || group.iter().flat_map(|(_, a)| &a.output_artifacts).map(|o| o.name.as_str());
            any |= names().any(is_open) || group.iter().any(|(m, _)| wrong.contains(&(n, *m)));
            made.extend(names());
        }
    }
    found
}

fn inputs(action: &ActionDeclaration, made: &BTreeSet<&str>) -> Result<(), Problem> {
    for (n, input) in action.input_artifacts.iter().enumerate() {
        let may_be_made = is_open(&input.name) || made.contains(input.name.as_str());
        if !may_be_made {
            return Err(Problem::action(format!(
                "Input Artifact Bundle {} in action {} is not declared as Output Artifact Bundle in any of the preceding actions",
                input.name, action.name
            ))
            .in_item("inputArtifacts", n));
        }
    }
    match twice(action.input_artifacts.iter().map(|i| i.name.as_str())) {
        Some(name) => Err(Problem::action(format!(
            "Input Artifact Bundle {name} is declared more than once in action {}",
            action.name
        ))
        .in_member("inputArtifacts")),
        None => Ok(()),
    }
}

/// Names of variables, namespaces, and what refers to them.
pub(super) fn variables(pipeline: &PipelineDeclaration, known: &Known<'_>) -> Vec<Problem> {
    let mut found = Vec::new();
    if let Some((n, name)) = again(pipeline.variables.iter().map(|v| v.name.as_str())) {
        let problem = Problem::structure(format!(
            "Pipeline variable names must be unique within the pipeline. {name} has been used more than once."
        ));
        found.push(problem.in_member("name").in_item("variables", n));
    }
    found.extend(namespaces(pipeline));
    found.extend(matrix::check_namespaces(pipeline).err());
    found.extend(matrix::check_children(pipeline).err());
    let mut filled: BTreeSet<&str> = BTreeSet::new();
    for (n, stage) in pipeline.stages.iter().enumerate() {
        for group in by_run_order(stage).into_values() {
            for (m, action) in &group {
                let environment = action.environment().unwrap_or_default();
                let values = environment.into_iter().map(|v| (v.name, v.value));
                let texts: BTreeMap<String, String> = action.configuration.clone().into_iter().chain(values).collect();
                let own = |name: &str| matrix::has_value(action, name);
                let problem = check_references(known, stage, ("Action", &action.name, &texts), own, &filled).err();
                let commands = (&*action.name, &*action.commands);
                let problem =
                    problem.or_else(|| check_commands(known, stage, ("Action", commands), own, &filled).err());
                found.extend(problem.map(|p| p.in_item("actions", *m).in_item("stages", n)));
            }
            filled.extend(group.iter().filter_map(|(_, a)| a.namespace.as_deref()));
        }
    }
    found
}

fn namespaces(pipeline: &PipelineDeclaration) -> Vec<Problem> {
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    let mut found = Vec::new();
    for (n, m, action) in places(pipeline) {
        let Some(namespace) = action.namespace.as_deref() else { continue };
        let stage = pipeline.stages.get(n).map(|s| s.name.as_str()).unwrap_or_default();
        let place = format!("StageName=[{stage}], ActionName=[{}], Namespace=[{namespace}]", action.name);
        let what = if RESERVED.contains(&namespace) {
            "The following namespaces are reserved for the service."
        } else if !seen.insert(namespace) {
            "Namespaces must be unique across the pipeline definition. The following occur more than once in the pipeline."
        } else {
            continue;
        };
        let problem = Problem::action(format!("{what} {place}")).in_member("namespace");
        found.push(problem.in_item("actions", m).in_item("stages", n));
    }
    found
}

/// As `check_references`, of commands.
pub(super) fn check_commands(
    known: &Known<'_>,
    stage: &StageDeclaration,
    (what, (name, commands)): (&str, (&str, &[String])),
    own: impl Fn(&str) -> Option<bool>,
    filled: &BTreeSet<&str>,
) -> Result<(), Problem> {
    for (n, command) in commands.iter().enumerate() {
        let text = BTreeMap::from([("commands".to_owned(), command_references(command))]);
        let place = |p: Problem| Problem { place: Vec::new(), ..p }.in_item("commands", n);
        check_references(known, stage, (what, name, &text), &own, filled).map_err(place)?;
    }
    Ok(())
}

/// Every variable that the configuration of an action or a rule (`what`) names must have a value by then. `own` tells whether the
/// runs of its matrix have a value, if there is one.
pub(super) fn check_references(
    known: &Known<'_>,
    stage: &StageDeclaration,
    (what, name, configuration): (&str, &str, &BTreeMap<String, String>),
    own: impl Fn(&str) -> Option<bool>,
    filled: &BTreeSet<&str>,
) -> Result<(), Problem> {
    const FORM: &str =
        "Valid format for a pipeline execution variable reference is a namespace and a key separated by a period (.).";
    if known.has_open_namespace {
        return Ok(());
    }
    for (key, value) in configuration {
        for reference in references(value).into_iter().filter(|r| !is_open(r.text)) {
            let place = format!(
                "StageName=[{}], {what}Name=[{name}], {what}ConfigurationKey=[{key}], VariableReferenceText=[{}]",
                stage.name, reference.text
            );
            let in_matrix = reference.parts().filter(|(namespace, _)| *namespace == matrix::NAMESPACE);
            let in_matrix = in_matrix.and_then(|(_, name)| own(name));
            let wrong = match reference.parts() {
                None => "do not have this format.",
                Some(("codepipeline", "PipelineExecutionId")) => continue,
                Some(_) if in_matrix == Some(true) => continue,
                Some(_) if in_matrix == Some(false) => {
                    "are referencing a value that the runs of the matrix do not have."
                }
                Some(("codepipeline", _)) => "are referencing a key that does not exist in the namespace codepipeline.",
                Some(("variables", name)) if known.variables.contains(name) => continue,
                Some(("variables", _)) => "are referencing a pipeline variable that is not declared.",
                Some((namespace, _)) if filled.contains(namespace) => continue,
                Some((namespace, _)) if known.namespaces.contains(namespace) => {
                    "are referencing a namespace that no preceding action fills."
                }
                Some(_) => "are referencing a namespace that does not exist.",
            };
            let message = format!("{FORM} The following pipeline execution variables {wrong} {place}");
            return Err(Problem::action(message).in_member(key).in_member("configuration"));
        }
    }
    Ok(())
}

/// The actions with their places in the stage.
fn by_run_order(stage: &StageDeclaration) -> BTreeMap<u32, Vec<(usize, &ActionDeclaration)>> {
    let mut groups: BTreeMap<u32, Vec<(usize, &ActionDeclaration)>> = BTreeMap::new();
    for (n, action) in stage.actions.iter().enumerate() {
        groups.entry(action.run_order).or_default().push((n, action));
    }
    groups
}
