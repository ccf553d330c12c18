//! Whether a declaration can run at all. What passes here never fails later for its shape.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use base::Region;

use super::{
    ActionDeclaration, ActionType, ActionTypeId, ArtifactDetails, Category, ConditionKind, ConditionResult,
    CustomActionType, PipelineDeclaration, Problem, ProblemKind, Provider, StageDeclaration, configuration, matrix,
    references, validate_approvals, validate_conditions, validate_triggers,
};

use crate::cloudformation::is_open;

/// Namespaces that the service itself fills.
const RESERVED: [&str; 2] = ["codepipeline", "variables"];

/// As [`validate_with`], in an account that has registered no action types.
pub fn validate(pipeline: &PipelineDeclaration, region: &str) -> Result<(), Problem> {
    validate_with(pipeline, region, &[])
}

/// Finds the first mistake, in the order in which AWS checks: structure, stages, actions, artifacts, variables.
///
/// Follows AWS CodePipeline User Guide, "Pipeline structure reference" and "Variables reference"; `region` is the
/// pipeline's own, `registered` are the action types of its account there.
pub fn validate_with(
    pipeline: &PipelineDeclaration,
    region: &str,
    registered: &[CustomActionType],
) -> Result<(), Problem> {
    match problems_with(pipeline, region, registered).into_iter().next() {
        Some(first) => Err(first),
        None => Ok(()),
    }
}

/// As [`validate_with`], of a declaration that is to be stored: all its values are settled. Those of a template need not be, and what
/// is marked as open there is not looked at.
pub fn validate_settled(
    pipeline: &PipelineDeclaration,
    region: &str,
    registered: &[CustomActionType],
) -> Result<(), Problem> {
    let text = serde_json::to_string(pipeline).unwrap_or_default();
    if is_open(&text) {
        return Err(Problem::structure("The pipeline holds U+FDD0, which is not a character."));
    }
    validate_with(pipeline, region, registered)
}

/// As [`problems_with`], in an account that has registered no action types.
pub fn problems(pipeline: &PipelineDeclaration, region: &str) -> Vec<Problem> {
    problems_with(pipeline, region, &[])
}

/// Finds the mistakes that do not follow from one another, in the same order.
pub fn problems_with(pipeline: &PipelineDeclaration, region: &str, registered: &[CustomActionType]) -> Vec<Problem> {
    let mut found = Vec::new();
    found.extend(features(pipeline).err());
    found.extend(stores(pipeline, region).err());
    found.extend(structure(pipeline).err());
    for (n, stage) in pipeline.stages.iter().enumerate() {
        found.extend(check_stage(stage).err().map(|p| p.in_item("stages", n)));
        for (m, action) in stage.actions.iter().enumerate() {
            let problem = check_action(action, region, registered).err();
            found.extend(problem.map(|p| p.in_item("actions", m).in_item("stages", n)));
        }
    }
    // A mistake above makes many below.
    if found.is_empty() {
        found.extend(artifacts(pipeline).err());
        found.extend(variables(pipeline).err());
        found.extend(validate_triggers::check(pipeline).err());
        found.extend(validate_approvals::check(pipeline).err());
        found.extend(validate_conditions::check(pipeline, region).err());
    }
    found
}

fn features(pipeline: &PipelineDeclaration) -> Result<(), Problem> {
    execution_mode(pipeline)?;
    if pipeline.pipeline_type() == "V1" && !pipeline.triggers.is_empty() {
        let what = "Pipeline triggers are only supported for pipelines of type V2.";
        return Err(Problem::structure(what).in_member("triggers"));
    }
    let commands = |a: &ActionDeclaration| a.provider() == Some(Provider::Commands);
    if pipeline.pipeline_type() == "V1" && actions(pipeline).any(|(_, a)| commands(a)) {
        return Err(Problem::structure("The Commands action is only supported for pipelines of type V2."));
    }
    let invokes = |(_, action): &(&StageDeclaration, &ActionDeclaration)| action.provider() == Some(Provider::Pipeline);
    if let Some((_, action)) = actions(pipeline).find(invokes).filter(|_| pipeline.pipeline_type() == "V1") {
        let what =
            format!("Action '{}' invokes a pipeline, which is only supported for pipelines of type V2.", action.name);
        return Err(Problem::structure(what));
    }
    if pipeline.pipeline_type() == "V1" && !pipeline.variables.is_empty() {
        return Err(Problem::structure("Pipeline variables are only supported for pipelines of type V2."));
    }
    Ok(())
}

/// User Guide, "Set or change the pipeline execution mode".
fn execution_mode(pipeline: &PipelineDeclaration) -> Result<(), Problem> {
    let mode = pipeline.execution_mode();
    if !["SUPERSEDED", "QUEUED", "PARALLEL"].contains(&mode) {
        return Err(Problem::structure(format!(
            "Pipeline execution mode {mode} is not valid. Valid modes are: SUPERSEDED, QUEUED, PARALLEL."
        )));
    }
    if mode != "SUPERSEDED" && pipeline.pipeline_type() == "V1" {
        return Err(Problem::structure(format!(
            "Pipeline execution mode {mode} is only supported for pipelines of type V2."
        )));
    }
    let rolls_back = |stage: &&StageDeclaration| {
        let on_failure = stage.on_failure.as_ref().and_then(|f| f.result);
        let kinds = [ConditionKind::BeforeEntry, ConditionKind::OnSuccess, ConditionKind::OnFailure];
        let conditions = kinds.into_iter().filter_map(|kind| stage.condition(kind)?.result);
        on_failure.into_iter().chain(conditions).any(|result| result == ConditionResult::Rollback)
    };
    match pipeline.stages.iter().find(rolls_back) {
        Some(stage) if mode == "PARALLEL" => Err(Problem::structure(format!(
            "Stage rollback is not available for pipelines in PARALLEL mode, but stage '{}' declares the result ROLLBACK.",
            stage.name
        ))),
        _ => Ok(()),
    }
}

fn stores(pipeline: &PipelineDeclaration, region: &str) -> Result<(), Problem> {
    let regions = actions(pipeline).filter_map(|(_, a)| a.region.as_deref()).chain([region]);
    let mut regions = regions.filter(|r| !is_open(r));
    let lacking =
        |r: &str| Problem::structure(format!("artifactStores must contain an artifact store for the region {r}."));
    match (&pipeline.artifact_store, &pipeline.artifact_stores) {
        (Some(_), Some(_)) => Err(Problem::structure(
            "Pipeline must contain either artifactStore or artifactStores, but not both artifactStore and artifactStores.",
        )),
        (None, None) => {
            Err(Problem::structure("Pipeline must contain either artifactStore or artifactStores, but has neither."))
        }
        (None, Some(stores)) if stores.is_empty() => {
            Err(Problem::structure("artifactStores must contain an artifact store for each region of the pipeline."))
        }
        (None, Some(stores)) if stores.keys().any(|r| is_open(r)) => Ok(()),
        (None, Some(stores)) => regions.find(|r| !stores.contains_key(*r)).map_or(Ok(()), |r| Err(lacking(r))),
        (Some(_), None) if is_open(region) => Ok(()),
        (Some(_), None) => regions.find(|r| *r != region).map_or(Ok(()), |r| Err(lacking(r))),
    }
}

fn structure(pipeline: &PipelineDeclaration) -> Result<(), Problem> {
    let stages = &pipeline.stages;
    if stages.len() < 2 {
        return Err(Problem::structure(format!(
            "Pipeline has only {} stage(s). There should be a minimum of 2 stages in a pipeline.",
            stages.len()
        )));
    }
    if stages.len() > 50 {
        return Err(Problem::limit(format!(
            "Pipeline has {} stages, which is more than the maximum of 50.",
            stages.len()
        )));
    }
    let actions: usize = stages.iter().map(|s| s.actions.len()).sum();
    if actions > 500 {
        return Err(Problem::limit(format!("Pipeline has {actions} actions, which is more than the maximum of 500.")));
    }
    if let Some(name) = twice(stages.iter().map(|s| s.name.as_str())) {
        return Err(Problem::structure(format!(
            "Stage names must be unique within the pipeline. {name} has been used more than once."
        )));
    }
    let first_is_source =
        stages.first().is_some_and(|s| !s.actions.is_empty() && s.actions.iter().all(|a| a.is_source()));
    if !first_is_source {
        return Err(Problem::structure("Pipeline should start with a stage that only contains source actions"));
    }
    for stage in stages.iter().skip(1) {
        if let Some(action) = stage.actions.iter().find(|a| a.is_source()) {
            return Err(Problem::structure(format!(
                "Only the first stage of a pipeline may contain source actions, but stage '{}' contains the source action '{}'.",
                stage.name, action.name
            )));
        }
    }
    Ok(())
}

fn check_stage(stage: &StageDeclaration) -> Result<(), Problem> {
    let name = &stage.name;
    if !stage.blockers.is_empty() {
        let message = format!("Stage '{name}' declares blockers, which are reserved for future use.");
        return Err(Problem::new(ProblemKind::Blocker, message).in_member("blockers"));
    }
    if stage.actions.is_empty() {
        return Err(Problem::stage(format!("Stage '{name}' should have at least one action.")));
    }
    if stage.actions.len() > 50 {
        return Err(Problem::limit(format!(
            "Stage '{name}' has {} actions, which is more than the maximum of 50.",
            stage.actions.len()
        )));
    }
    if let Some(action) = twice(stage.actions.iter().map(|a| a.name.as_str())) {
        return Err(Problem::stage(format!(
            "Action names must be unique within a stage. {action} has been used more than once in stage '{name}'."
        )));
    }
    matrix::check_names(stage)
}

/// What an action can be: one that we run, or one of a type that the account has registered.
enum Kind<'a> {
    Ours(&'static ActionType),
    Registered(&'a CustomActionType),
}

impl Kind<'_> {
    fn find<'a>(id: &ActionTypeId, registered: &'a [CustomActionType]) -> Option<Kind<'a>> {
        let own = || CustomActionType::find(registered, id).map(Kind::Registered);
        ActionType::find(id).map(Kind::Ours).or_else(own)
    }

    /// How many input artifacts, how many output artifacts.
    fn artifacts(&self) -> (RangeInclusive<usize>, RangeInclusive<usize>) {
        let range = |details: ArtifactDetails| details.minimum_count..=details.maximum_count;
        match self {
            Kind::Ours(kind) => (kind.inputs.clone(), kind.outputs.clone()),
            Kind::Registered(kind) => (range(kind.input_artifact_details), range(kind.output_artifact_details)),
        }
    }

    fn is_approval(&self) -> bool {
        matches!(self, Kind::Ours(ActionType { category: Category::Approval, .. }))
    }
}

fn check_action(action: &ActionDeclaration, region: &str, registered: &[CustomActionType]) -> Result<(), Problem> {
    let (name, id) = (&action.name, &action.action_type_id);
    if [&id.category, &id.owner, &id.provider, &id.version].into_iter().any(|part| is_open(part)) {
        return Ok(());
    }
    let Some(kind) = Kind::find(id, registered) else {
        let why = ActionType::refusal(id).map(|why| format!(": {why}")).unwrap_or_default();
        let problem = Problem::action(format!(
            "ActionType (Category: '{}', Provider: '{}', Owner: '{}', Version: '{}') in action '{name}' is not available{}{why}",
            id.category,
            id.provider,
            id.owner,
            id.version,
            in_region(region),
        ));
        let problem = if ActionType::refusal(id).is_some() { problem.ours() } else { problem };
        return Err(problem.in_member("actionTypeId"));
    };
    if let Some(no) = action.region.as_deref().filter(|r| !is_open(r) && Region::parse(r).is_none()) {
        let why = format!("Action '{name}' is declared for region '{no}', which is not the name of a region.");
        return Err(Problem::action(why).in_member("region"));
    }
    if let Some(other) = action.region.as_deref().filter(|r| *r != region && !is_open(r) && !is_open(region))
        && (id.category == "Source" || id.owner != "AWS")
    {
        // User Guide, "Add a cross-Region action in CodePipeline".
        return Err(Problem::action(format!(
            "Action '{name}' is declared for region {other}: source actions, third-party actions and custom actions cannot be cross-region actions; the pipeline's region is {region}."
        ))
        .in_member("region"));
    }
    if !(1..=999).contains(&action.run_order) {
        return Err(
            Problem::action(format!("Action '{name}': the run order must be between 1 and 999.")).in_member("runOrder")
        );
    }
    let (mut inputs, outputs) = kind.artifacts();
    // What reads a file of an artifact has one; AWS's own action starts what is there.
    if action.provider() == Some(Provider::Pipeline)
        && [matrix::DEFINITION, matrix::MATRIX_FILE].iter().any(|key| action.config(key).is_some())
    {
        inputs = 1..=5;
    }
    count(action, "input", action.input_artifacts.len(), &inputs)?;
    count(action, "output", action.output_artifacts.len(), &outputs)?;
    if let Some(minutes) = action.timeout_in_minutes {
        if !kind.is_approval() {
            return Err(Problem::action(format!(
                "Action '{name}': timeoutInMinutes is only supported for manual approval actions."
            ))
            .in_member("timeoutInMinutes"));
        }
        if !(5..=86400).contains(&minutes) {
            return Err(Problem::action(format!("Action '{name}': timeoutInMinutes must be between 5 and 86400.")));
        }
    }
    let provider = action.provider();
    let runs_commands = provider == Some(Provider::Commands);
    let has_environment = runs_commands || provider == Some(Provider::CodeBuild);
    let foreign = [
        ("commands", !runs_commands && !action.commands.is_empty()),
        ("outputVariables", !runs_commands && !action.output_variables.is_empty()),
        ("environmentVariables", !has_environment && !action.environment_variables.is_empty()),
        ("files of an output artifact", !runs_commands && action.output_artifacts.iter().any(|a| !a.files.is_empty())),
    ];
    if let Some((member, _)) = foreign.iter().find(|(_, present)| *present) {
        return Err(Problem::action(format!(
            "Action '{name}' declares {member}, which the action type {}/{} does not support.",
            id.category, id.provider
        )));
    }
    if action.environment().is_none() {
        return Err(Problem::action(format!(
            "Action '{name}': environmentVariables must be objects with name, value and type (PLAINTEXT or SECRETS_MANAGER)."
        ))
        .in_member("environmentVariables"));
    }
    matrix::check(action)?;
    match kind {
        Kind::Ours(kind) => configuration::check(action, kind),
        Kind::Registered(kind) => kind.check_configuration(action),
    }
}

fn in_region(region: &str) -> String {
    match is_open(region) {
        true => String::new(),
        false => format!(" in region '{}'", region.to_uppercase().replace('-', "_")),
    }
}

fn count(
    action: &ActionDeclaration,
    direction: &str,
    declared: usize,
    allowed: &RangeInclusive<usize>,
) -> Result<(), Problem> {
    let (relation, bound, limit) = if declared < *allowed.start() {
        ("less than", "minimum", allowed.start())
    } else if declared > *allowed.end() {
        ("more than", "maximum", allowed.end())
    } else {
        return Ok(());
    };
    Err(Problem::action(format!(
        "Action {} declares {declared} {direction} artifacts which is {relation} the {bound} count ({limit})",
        action.name
    ))
    .in_member(if direction == "input" { "inputArtifacts" } else { "outputArtifacts" }))
}

/// Every input artifact must be made by an action that has certainly run before: in an earlier stage, or in the
/// same stage with a lower run order. A cycle of names always breaks this somewhere.
fn artifacts(pipeline: &PipelineDeclaration) -> Result<(), Problem> {
    let outputs = actions(pipeline).flat_map(|(_, a)| &a.output_artifacts).map(|o| o.name.as_str());
    if let Some(name) = twice(outputs) {
        return Err(Problem::structure(format!(
            "Output Artifact Bundle name must be unique within the pipeline. {name} has been used more than once."
        )));
    }
    let mut made: BTreeSet<&str> = BTreeSet::new();
    // One open name may be any.
    let mut any = false;
    for (n, stage) in pipeline.stages.iter().enumerate() {
        for group in by_run_order(stage).into_values() {
            for (m, action) in group.iter().filter(|_| !any) {
                inputs(action, &made).map_err(|p| p.in_item("actions", *m).in_item("stages", n))?;
            }
            let names = || group.iter().flat_map(|(_, a)| &a.output_artifacts).map(|o| o.name.as_str());
            any |= names().any(is_open);
            made.extend(names());
        }
    }
    Ok(())
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

fn variables(pipeline: &PipelineDeclaration) -> Result<(), Problem> {
    if let Some(name) = twice(pipeline.variables.iter().map(|v| v.name.as_str())) {
        return Err(Problem::structure(format!(
            "Pipeline variable names must be unique within the pipeline. {name} has been used more than once."
        )));
    }
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for (stage, action) in actions(pipeline) {
        let Some(namespace) = action.namespace.as_deref() else { continue };
        let place = format!("StageName=[{}], ActionName=[{}], Namespace=[{namespace}]", stage.name, action.name);
        if RESERVED.contains(&namespace) {
            return Err(Problem::action(format!("The following namespaces are reserved for the service. {place}")));
        }
        if !seen.insert(namespace) {
            return Err(Problem::action(format!(
                "Namespaces must be unique across the pipeline definition. The following occur more than once in the pipeline. {place}"
            )));
        }
    }
    matrix::check_namespaces(pipeline)?;
    matrix::check_children(pipeline)?;
    let mut filled: BTreeSet<&str> = BTreeSet::new();
    for (n, stage) in pipeline.stages.iter().enumerate() {
        for group in by_run_order(stage).into_values() {
            for (m, action) in &group {
                let environment = action.environment().unwrap_or_default();
                let values = environment.into_iter().map(|v| (v.name, v.value));
                let texts: BTreeMap<String, String> = action.configuration.clone().into_iter().chain(values).collect();
                let own = |name: &str| matrix::has_value(action, name);
                check_references(pipeline, stage, ("Action", &action.name, &texts), own, &filled)
                    .map_err(|p| p.in_item("actions", *m).in_item("stages", n))?;
            }
            filled.extend(group.iter().filter_map(|(_, a)| a.namespace.as_deref()));
        }
    }
    Ok(())
}

/// Every variable that the configuration of an action or a rule (`what`) names must have a value by then. `own` tells whether the
/// runs of its matrix have a value, if there is one.
pub(super) fn check_references(
    pipeline: &PipelineDeclaration,
    stage: &StageDeclaration,
    (what, name, configuration): (&str, &str, &BTreeMap<String, String>),
    own: impl Fn(&str) -> Option<bool>,
    filled: &BTreeSet<&str>,
) -> Result<(), Problem> {
    const FORM: &str =
        "Valid format for a pipeline execution variable reference is a namespace and a key separated by a period (.).";
    // One open namespace may be any.
    if actions(pipeline).any(|(_, a)| a.namespace.as_deref().is_some_and(is_open)) {
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
                Some(("variables", name)) if pipeline.variables.iter().any(|v| v.name == name) => continue,
                Some(("variables", _)) => "are referencing a pipeline variable that is not declared.",
                Some((namespace, _)) if filled.contains(namespace) => continue,
                Some((namespace, _)) if actions(pipeline).any(|(_, a)| a.namespace.as_deref() == Some(namespace)) => {
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

fn actions(pipeline: &PipelineDeclaration) -> impl Iterator<Item = (&StageDeclaration, &ActionDeclaration)> {
    pipeline.stages.iter().flat_map(|s| s.actions.iter().map(move |a| (s, a)))
}

/// The actions with their places in the stage.
fn by_run_order(stage: &StageDeclaration) -> BTreeMap<u32, Vec<(usize, &ActionDeclaration)>> {
    let mut groups: BTreeMap<u32, Vec<(usize, &ActionDeclaration)>> = BTreeMap::new();
    for (n, action) in stage.actions.iter().enumerate() {
        groups.entry(action.run_order).or_default().push((n, action));
    }
    groups
}

pub(super) fn twice<'a>(mut names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let mut seen = BTreeSet::new();
    names.find(|name| !seen.insert(*name))
}

#[cfg(test)]
#[path = "validate_matrix_tests.rs"]
mod matrix_tests;
#[cfg(test)]
#[path = "validate_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "validate_trigger_tests.rs"]
mod trigger_tests;
