//! Whether a declaration can run at all. What passes here never fails later for its shape.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use base::Region;

use super::{
    ActionDeclaration, ActionType, ActionTypeId, ArtifactDetails, Category, ConditionKind, ConditionResult,
    CustomActionType, PipelineDeclaration, Problem, ProblemKind, Provider, StageDeclaration, Step, configuration,
    matrix, validate_approvals, validate_conditions, validate_names, validate_triggers,
};

use crate::cloudformation::is_open;

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
    let mut found = features(pipeline);
    found.extend(stores(pipeline, region).err());
    found.extend(structure(pipeline));
    // What is too large is not looked into.
    if found.iter().any(|p| p.kind == ProblemKind::Limit) {
        return found;
    }
    let has_sources = starts_with_sources(pipeline) && !places(pipeline).any(|(n, _, a)| n > 0 && a.is_source());
    for (n, stage) in pipeline.stages.iter().enumerate() {
        found.extend(check_stage(stage).err().map(|p| p.in_item("stages", n)));
        for (m, action) in stage.actions.iter().enumerate() {
            let here = check_action(action, region, registered).into_iter();
            found.extend(here.map(|p| p.in_item("actions", m).in_item("stages", n)));
        }
    }
    // Where outputs are wrong, whoever takes them is wrong for that alone.
    let makes_wrong = |p: &Problem| match &*p.place {
        [_, Step::Item(n), _, Step::Item(m), Step::Member(member)] if member == "outputArtifacts" => Some((*n, *m)),
        _ => None,
    };
    let wrong: BTreeSet<(usize, usize)> = found.iter().filter_map(makes_wrong).collect();
    let are_outputs_known = wrong.is_empty();
    found.extend(validate_names::artifacts(pipeline, &wrong));
    let known = validate_names::Known::of(pipeline);
    found.extend(validate_names::variables(pipeline, &known));
    if has_sources {
        found.extend(validate_triggers::check(pipeline));
        found.extend(validate_approvals::check(pipeline));
    }
    found.extend(validate_conditions::check(pipeline, region, are_outputs_known, &known));
    found
}

fn features(pipeline: &PipelineDeclaration) -> Vec<Problem> {
    let mut found: Vec<Problem> = execution_mode(pipeline).err().into_iter().collect();
    if pipeline.pipeline_type() != "V1" {
        return found;
    }
    if !pipeline.triggers.is_empty() {
        let what = "Pipeline triggers are only supported for pipelines of type V2.";
        found.push(Problem::structure(what).in_member("triggers"));
    }
    let mut first_of = |provider: Provider, what: &dyn Fn(&ActionDeclaration) -> String| {
        let first = places(pipeline).find(|(_, _, action)| action.provider() == Some(provider));
        let problem = first.map(|(n, m, action)| {
            let problem = Problem::structure(what(action)).in_member("actionTypeId");
            problem.in_item("actions", m).in_item("stages", n)
        });
        found.extend(problem);
    };
    first_of(Provider::Commands, &|_| "The Commands action is only supported for pipelines of type V2.".to_owned());
    first_of(Provider::Pipeline, &|action| {
        format!("Action '{}' invokes a pipeline, which is only supported for pipelines of type V2.", action.name)
    });
    if !pipeline.variables.is_empty() {
        let what = "Pipeline variables are only supported for pipelines of type V2.";
        found.push(Problem::structure(what).in_member("variables"));
    }
    found
}

/// User Guide, "Set or change the pipeline execution mode".
fn execution_mode(pipeline: &PipelineDeclaration) -> Result<(), Problem> {
    let mode = pipeline.execution_mode();
    if !["SUPERSEDED", "QUEUED", "PARALLEL"].contains(&mode) {
        return Err(Problem::structure(format!(
            "Pipeline execution mode {mode} is not valid. Valid modes are: SUPERSEDED, QUEUED, PARALLEL."
        ))
        .in_member("executionMode"));
    }
    if mode != "SUPERSEDED" && pipeline.pipeline_type() == "V1" {
        return Err(Problem::structure(format!(
            "Pipeline execution mode {mode} is only supported for pipelines of type V2."
        ))
        .in_member("executionMode"));
    }
    let rolls_back = |stage: &StageDeclaration| {
        let on_failure = stage.on_failure.as_ref().and_then(|f| f.result);
        let kinds = [ConditionKind::BeforeEntry, ConditionKind::OnSuccess, ConditionKind::OnFailure];
        let conditions = kinds.into_iter().filter_map(|kind| stage.condition(kind)?.result);
        on_failure.into_iter().chain(conditions).any(|result| result == ConditionResult::Rollback)
    };
    match pipeline.stages.iter().enumerate().find(|(_, stage)| rolls_back(stage)) {
        Some((n, stage)) if mode == "PARALLEL" => Err(Problem::structure(format!(
            "Stage rollback is not available for pipelines in PARALLEL mode, but stage '{}' declares the result ROLLBACK.",
            stage.name
        ))
        .in_item("stages", n)),
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

fn structure(pipeline: &PipelineDeclaration) -> Vec<Problem> {
    let stages = &pipeline.stages;
    let mut found = Vec::new();
    if stages.len() < 2 {
        found.push(Problem::structure(format!(
            "Pipeline has only {} stage(s). There should be a minimum of 2 stages in a pipeline.",
            stages.len()
        )));
    }
    if stages.len() > 50 {
        let what = format!("Pipeline has {} stages, which is more than the maximum of 50.", stages.len());
        found.push(Problem::limit(what));
    }
    let actions: usize = stages.iter().map(|s| s.actions.len()).sum();
    if actions > 500 {
        let what = format!("Pipeline has {actions} actions, which is more than the maximum of 500.");
        found.push(Problem::limit(what));
    }
    if let Some((n, name)) = again(stages.iter().map(|s| s.name.as_str())) {
        let what = format!("Stage names must be unique within the pipeline. {name} has been used more than once.");
        found.push(Problem::structure(what).in_member("name").in_item("stages", n));
    }
    if !starts_with_sources(pipeline) {
        let what = "Pipeline should start with a stage that only contains source actions";
        found.push(Problem::structure(what).in_item("stages", 0));
    }
    for (n, m, action) in places(pipeline).filter(|(n, _, action)| *n > 0 && action.is_source()) {
        let stage = stages.get(n).map(|s| s.name.as_str()).unwrap_or_default();
        let problem = Problem::structure(format!(
            "Only the first stage of a pipeline may contain source actions, but stage '{stage}' contains the source action '{}'.",
            action.name
        ));
        found.push(problem.in_item("actions", m).in_item("stages", n));
    }
    found
}

fn starts_with_sources(pipeline: &PipelineDeclaration) -> bool {
    pipeline.stages.first().is_some_and(|s| !s.actions.is_empty() && s.actions.iter().all(|a| a.is_source()))
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
    if let Some((m, action)) = again(stage.actions.iter().map(|a| a.name.as_str())) {
        return Err(Problem::stage(format!(
            "Action names must be unique within a stage. {action} has been used more than once in stage '{name}'."
        ))
        .in_member("name")
        .in_item("actions", m));
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

fn check_action(action: &ActionDeclaration, region: &str, registered: &[CustomActionType]) -> Vec<Problem> {
    let (name, id) = (&action.name, &action.action_type_id);
    if [&id.category, &id.owner, &id.provider, &id.version].into_iter().any(|part| is_open(part)) {
        return Vec::new();
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
        return vec![problem.in_member("actionTypeId")];
    };
    let mut found = Vec::new();
    if let Some(no) = action.region.as_deref().filter(|r| !is_open(r) && Region::parse(r).is_none()) {
        let why = format!("Action '{name}' is declared for region '{no}', which is not the name of a region.");
        found.push(Problem::action(why).in_member("region"));
    } else if let Some(other) = action.region.as_deref().filter(|r| *r != region && !is_open(r) && !is_open(region))
        && !id.crosses_regions()
    {
        let problem = Problem::action(format!(
            "Action '{name}' is declared for region {other}: source actions, third-party actions and custom actions cannot be cross-region actions; the pipeline's region is {region}."
        ));
        found.push(problem.in_member("region"));
    }
    if !(1..=999).contains(&action.run_order) {
        let what = format!("Action '{name}': the run order must be between 1 and 999.");
        found.push(Problem::action(what).in_member("runOrder"));
    }
    let (mut inputs, outputs) = kind.artifacts();
    // What reads a file of an artifact has one; AWS's own action starts what is there.
    if action.provider() == Some(Provider::Pipeline)
        && [matrix::DEFINITION, matrix::MATRIX_FILE].iter().any(|key| action.config(key).is_some())
    {
        inputs = 1..=5;
    }
    found.extend(count(action, "input", action.input_artifacts.len(), &inputs).err());
    found.extend(count(action, "output", action.output_artifacts.len(), &outputs).err());
    if let Some(minutes) = action.timeout_in_minutes {
        if !kind.is_approval() {
            let what = format!("Action '{name}': timeoutInMinutes is only supported for manual approval actions.");
            found.push(Problem::action(what).in_member("timeoutInMinutes"));
        } else if !(5..=86400).contains(&minutes) {
            let what = format!("Action '{name}': timeoutInMinutes must be between 5 and 86400.");
            found.push(Problem::action(what).in_member("timeoutInMinutes"));
        }
    }
    let provider = action.provider();
    let runs_commands = provider == Some(Provider::Commands);
    let has_environment = runs_commands || provider == Some(Provider::CodeBuild);
    let foreign = [
        ("commands", "commands", !runs_commands && !action.commands.is_empty()),
        ("outputVariables", "outputVariables", !runs_commands && !action.output_variables.is_empty()),
        ("environmentVariables", "environmentVariables", !has_environment && !action.environment_variables.is_empty()),
        ("files of an output artifact", "files", !runs_commands && with_files(action).is_some()),
    ];
    for (what, member, _) in foreign.iter().filter(|(_, _, present)| *present) {
        let problem = Problem::action(format!(
            "Action '{name}' declares {what}, which the action type {}/{} does not support.",
            id.category, id.provider
        ));
        let problem = problem.in_member(member);
        found.push(match with_files(action) {
            Some(n) if *member == "files" => problem.in_item("outputArtifacts", n),
            _ => problem,
        });
    }
    if action.environment().is_none() {
        let problem = Problem::action(format!(
            "Action '{name}': environmentVariables must be objects with name, value and type (PLAINTEXT or SECRETS_MANAGER)."
        ));
        found.push(problem.in_member("environmentVariables"));
    }
    found.extend(matrix::check(action).err());
    match kind {
        Kind::Ours(kind) => found.extend(configuration::check(action, kind)),
        Kind::Registered(kind) => found.extend(kind.check_configuration(action).err()),
    }
    found
}

/// The output artifact whose files are named.
fn with_files(action: &ActionDeclaration) -> Option<usize> {
    action.output_artifacts.iter().position(|a| !a.files.is_empty())
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

pub(super) fn actions(pipeline: &PipelineDeclaration) -> impl Iterator<Item = (&StageDeclaration, &ActionDeclaration)> {
    pipeline.stages.iter().flat_map(|s| s.actions.iter().map(move |a| (s, a)))
}

/// All actions with their places: which of the stages, and which of its actions.
pub(super) fn places(pipeline: &PipelineDeclaration) -> impl Iterator<Item = (usize, usize, &ActionDeclaration)> {
    let stages = pipeline.stages.iter().enumerate();
    stages.flat_map(|(n, stage)| stage.actions.iter().enumerate().map(move |(m, action)| (n, m, action)))
}

pub(super) fn twice<'a>(names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    again(names).map(|(_, name)| name)
}

/// The first name that was there before, and where it stands.
pub(super) fn again<'a>(names: impl Iterator<Item = &'a str>) -> Option<(usize, &'a str)> {
    let mut seen = BTreeSet::new();
    names.enumerate().find(|(_, name)| !seen.insert(*name))
}

#[cfg(test)]
#[path = "validate_conditions_tests.rs"]
mod conditions_tests;

#[cfg(test)]
#[path = "validate_matrix_tests.rs"]
mod matrix_tests;

#[cfg(test)]
#[path = "validate_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "validate_trigger_tests.rs"]
mod trigger_tests;
