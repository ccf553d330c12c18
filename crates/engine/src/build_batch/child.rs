//! The request of one build of a batch.

use base::Machine;

use super::step::BuildBatch;
use super::{BatchState, Group};
use crate::build::{
    ArtifactTarget, BatchMember, BuildspecFrom, EnvironmentVariable, Logs, OutputArtifact, OutputSection, Parent,
    Request, VariableKind, limits,
};
use crate::build_queue::{FleetLimit, FleetSlots, Overflow};

/// The id of the build of a group in an attempt.
pub(super) fn id(state: &BatchState, identifier: &str, attempt: u32) -> String {
    let template = &state.request.template;
    format!("{}:{}", template.project, uuid(state, identifier, attempt))
}

fn uuid(state: &BatchState, identifier: &str, attempt: u32) -> String {
    base::derived_uuid(&["build-batch", &state.request.template.uuid, identifier, &attempt.to_string()]).to_string()
}

/// What the running build of `group` is to be; its number is set when the row is made. `None` when none runs.
pub fn child(state: &BatchState, group: &Group) -> Option<Request> {
    let run = group.current()?;
    let template = &state.request.template;
    let plan = &group.plan;
    let uuid = uuid(state, &plan.identifier, run.attempt);
    let mut request = template.clone();
    request.id = run.build.clone();
    request.submitted = run.requested;
    if let Some(parent) = template.work_dir.parent() {
        request.work_dir = parent.join(&uuid);
    }
    request.logs = match &template.logs {
        Logs::Disabled => Logs::Disabled,
        Logs::CloudWatch { group, stream } => {
            Logs::CloudWatch { group: group.clone(), stream: stream.replace(&template.uuid, &uuid) }
        }
    };
    request.uuid = uuid;
    // The commit does not tell any more what it was asked for as.
    request.is_proposed = !template.may_fill_caches();
    // All builds of a batch see the same commit, whatever is pushed meanwhile.
    if let Some(version) = &state.resolved_source_version {
        request.source.version = Some(version.clone());
    }
    for source in &mut request.secondary_sources {
        let version = source.identifier.as_ref().and_then(|id| state.secondary_source_versions.get(id));
        source.version = version.cloned().or(source.version.take());
    }
    if let Some(text) = &plan.buildspec {
        request.buildspec = BuildspecFrom::of(text).unwrap_or(template.buildspec.clone());
    }
    request.debug_session |= plan.debug_session;
    environment(&mut request, group);
    request.artifacts = target(state, &template.artifacts, &plan.identifier);
    let secondary = template.secondary_artifacts.iter();
    request.secondary_artifacts = secondary.map(|a| target(state, a, &plan.identifier)).collect();
    request.batch =
        Some(BatchMember { arn: state.request.arn(), identifier: plan.identifier.clone(), shard: plan.shard });
    // The batch hears the end of this build; another in its place would come too late.
    request.auto_retry = None;
    let key = state.build_key(group, run.attempt);
    request.parent = Some(Parent { kind: BuildBatch::KIND.to_owned(), id: template.id.clone(), key });
    Some(request)
}

fn environment(request: &mut Request, group: &Group) {
    let env = &group.plan.env;
    if let Some(image) = &env.image {
        request.image = image.clone();
    }
    if let Some(kind) = &env.environment_type {
        request.environment_type = kind.clone();
    }
    if let Some(arn) = &env.fleet {
        // What it holds is looked up when the build is made.
        let slots = FleetSlots { capacity: 0, overflow: Overflow::Queue };
        request.limited_by.fleet = Some(FleetLimit { arn: arn.clone(), slots });
    }
    if let Some(privileged) = env.privileged {
        request.privileged = privileged;
    }
    if let Some(compute_type) = &env.compute_type {
        request.compute_type = compute_type.clone();
        request.limits = limits(compute_type);
    }
    for (name, value) in &env.variables {
        let variable = EnvironmentVariable { name: name.clone(), value: value.clone(), kind: VariableKind::Plaintext };
        match request.variables.iter_mut().find(|v| v.name == *name) {
            Some(old) => *old = variable,
            None => request.variables.push(variable),
        }
    }
    // What the build shows is what it has.
    if let Some(shown) = request.echo.get_mut("environment").filter(|e| e.is_object()) {
        shown["image"] = request.image.clone().into();
        shown["type"] = request.environment_type.clone().into();
        shown["computeType"] = request.compute_type.clone().into();
        shown["privilegedMode"] = request.privileged.into();
        let variables = request.variables.iter();
        shown["environmentVariables"] =
            variables.map(|v| serde_json::json!({ "name": v.name, "value": v.value, "type": v.kind.name() })).collect();
    }
}

/// Where the artifacts of one build go, so that builds do not write over one another's.
fn target(state: &BatchState, target: &ArtifactTarget, identifier: &str) -> ArtifactTarget {
    match target {
        ArtifactTarget::NoArtifacts => ArtifactTarget::NoArtifacts,
        ArtifactTarget::S3 { path, by_build_id, .. } => {
            let mut own = target.clone();
            if let ArtifactTarget::S3 { path: to, .. } = &mut own
                && !*by_build_id
            {
                *to = if path.is_empty() { identifier.to_owned() } else { format!("{path}/{identifier}") };
            }
            own
        }
        ArtifactTarget::Pipeline(outputs) if state.request.combine_artifacts => {
            let part = |output: &OutputArtifact| {
                let mut part = output.clone();
                part.place.key = format!("{}.parts/{identifier}", output.place.key);
                part.section = OutputSection::Primary;
                part
            };
            ArtifactTarget::Pipeline(outputs.iter().take(1).map(part).collect())
        }
        ArtifactTarget::Pipeline(outputs) => {
            let own = outputs.iter().filter_map(|output| {
                let (owner, section) = owner(state, &output.name)?;
                (owner == identifier).then(|| OutputArtifact { section, ..output.clone() })
            });
            ArtifactTarget::Pipeline(own.collect())
        }
    }
}

/// `build1` is the primary artifact of build1, `build1_docs` its secondary artifact docs.
fn owner<'s>(state: &'s BatchState, output: &str) -> Option<(&'s str, OutputSection)> {
    let identifiers = state.groups.iter().map(|g| g.plan.identifier.as_str());
    let owners = identifiers.filter_map(|identifier| match output.strip_prefix(identifier)? {
        "" => Some((identifier, OutputSection::Primary)),
        rest => Some((identifier, OutputSection::Secondary(rest.strip_prefix('_')?.to_owned()))),
    });
    owners.max_by_key(|(identifier, _)| identifier.len())
}
