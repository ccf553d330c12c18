//! Whether the triggers of a pipeline can ever start it.
//!
//! User Guide, "Add trigger with code push or pull request event types" and "Quotas in AWS CodePipeline".

use super::validate::{again, twice};
use super::{
    GitConfiguration, Glob, Patterns, PipelineDeclaration, Problem, PullRequestEvent, PushFilter, TriggerDeclaration,
    TriggerProvider,
};

const MAX_TRIGGERS: usize = 50;
/// Of each kind in a trigger.
const MAX_FILTERS: usize = 3;
/// In each list of patterns.
const MAX_PATTERNS: usize = 8;
const MAX_PATTERN: usize = 255;

pub(super) fn check(pipeline: &PipelineDeclaration) -> Vec<Problem> {
    let triggers = &pipeline.triggers;
    if triggers.len() > MAX_TRIGGERS {
        let problem = Problem::limit(format!(
            "Pipeline has {} triggers, which is more than the maximum of {MAX_TRIGGERS}.",
            triggers.len()
        ));
        return vec![problem.in_member("triggers")];
    }
    let mut found = Vec::new();
    if let Some((n, name)) = again(triggers.iter().map(|t| t.git_configuration.source_action_name.as_str())) {
        let problem = Problem::structure(format!(
            "Only one trigger configuration is allowed per source action. {name} has been used more than once."
        ));
        found.push(problem.in_item("triggers", n));
    }
    let here = |(n, trigger)| check_trigger(pipeline, trigger).err().map(|p| p.in_item("triggers", n));
    found.extend(triggers.iter().enumerate().filter_map(here));
    found
}

fn check_trigger(pipeline: &PipelineDeclaration, trigger: &TriggerDeclaration) -> Result<(), Problem> {
    let TriggerDeclaration { provider_type, git_configuration: git } = trigger;
    let name = &git.source_action_name;
    let Some(provider) = TriggerProvider::parse(provider_type) else {
        return Err(wrong(git, &format!("the provider type {provider_type} is not known")));
    };
    match pipeline.source_actions().find(|a| a.name == *name) {
        None => {
            return Err(Problem::structure(format!(
                "The trigger's source action '{name}' is not a source action of the pipeline."
            )));
        }
        Some(action) if action.action_type_id.provider != *provider_type => {
            let provider = &action.action_type_id.provider;
            return Err(wrong(git, &format!("its provider type is {provider_type}, but the action's is {provider}")));
        }
        Some(_) => {}
    }
    if provider == TriggerProvider::CodeCommit && !git.pull_request.is_empty() {
        return Err(wrong(git, "pull requests of CodeCommit are not available"));
    }
    for (kind, count) in [("push", git.push.len()), ("pull request", git.pull_request.len())] {
        if count > MAX_FILTERS {
            return Err(Problem::limit(format!(
                "The trigger of source action '{name}' has {count} {kind} filters, which is more than the maximum of {MAX_FILTERS}."
            )));
        }
    }
    for filter in &git.push {
        let PushFilter { tags, branches, file_paths } = filter;
        if tags.is_some() && (branches.is_some() || file_paths.is_some()) {
            return Err(wrong(git, "a push filter is for tags, or for branches and file paths, not for both"));
        }
        patterns(git, [("tags", tags), ("branches", branches), ("filePaths", file_paths)])?;
    }
    for filter in &git.pull_request {
        if let Some(event) = filter.events.iter().find(|e| PullRequestEvent::parse(e).is_none()) {
            return Err(wrong(git, &format!("the pull request event {event} is not one of OPEN, UPDATED, CLOSED")));
        }
        if let Some(event) = twice(filter.events.iter().map(String::as_str)) {
            return Err(wrong(git, &format!("the pull request event {event} has been used more than once")));
        }
        patterns(git, [("branches", &filter.branches), ("filePaths", &filter.file_paths)])?;
    }
    Ok(())
}

fn patterns<const N: usize>(git: &GitConfiguration, filters: [(&str, &Option<Patterns>); N]) -> Result<(), Problem> {
    for (kind, filter) in filters {
        let Some(Patterns { includes, excludes }) = filter else { continue };
        for (list, patterns) in [("includes", includes), ("excludes", excludes)] {
            if patterns.len() > MAX_PATTERNS {
                return Err(Problem::limit(format!(
                    "The trigger of source action '{}' has {} patterns in {list} of {kind}, which is more than the maximum of {MAX_PATTERNS}.",
                    git.source_action_name,
                    patterns.len()
                )));
            }
            for pattern in patterns {
                if pattern.is_empty() || pattern.chars().count() > MAX_PATTERN {
                    let what = format!("a pattern in {list} of {kind} must be 1 to {MAX_PATTERN} characters long");
                    return Err(wrong(git, &what));
                }
                Glob::parse(pattern)
                    .map_err(|e| wrong(git, &format!("the pattern '{pattern}' in {list} of {kind} {e}")))?;
            }
        }
    }
    Ok(())
}

fn wrong(git: &GitConfiguration, what: &str) -> Problem {
    Problem::structure(format!("The trigger of source action '{}' is not valid: {what}.", git.source_action_name))
}
