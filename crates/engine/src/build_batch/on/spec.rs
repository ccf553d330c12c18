//! `SpecRead` and `SpecFailed`: from a buildspec's text to groups of builds.

use base::{Step, Timestamp};
use formats::buildspec;

use super::build::start_ready;
use crate::build::{BuildStatus, Context};
use crate::build_batch::turn::Turn;
use crate::build_batch::{
    BatchPhase, BatchRequest, BatchState, BuildBatch, Group, GroupState, PlannedBuild, SpecText, Stage, plan,
};

pub(in crate::build_batch) fn spec_read(state: &BatchState, text: SpecText, now: Timestamp) -> Step<BuildBatch> {
    let mut turn = Turn::new(state, now);
    turn.state.resolved_source_version = text.resolved_version;
    turn.state.secondary_source_versions = text.secondary_versions;
    planned(turn, &text.buildspec)
}

pub(in crate::build_batch) fn spec_failed(
    state: &BatchState,
    code: String,
    message: String,
    now: Timestamp,
) -> Step<BuildBatch> {
    Turn::new(state, now).complete(BuildStatus::Failed, Some(Context::new(code, message)))
}

/// Plans the batch and starts what waits for nothing.
pub(super) fn planned(mut turn: Turn, text: &str) -> Step<BuildBatch> {
    match read(&turn.state.request, text) {
        Ok((fast_fail, builds)) => {
            turn.close(BuildStatus::Succeeded, None);
            turn.open(BatchPhase::InProgress, turn.now);
            turn.state.stage = Stage::InProgress;
            turn.state.fast_fail = fast_fail;
            let group = |plan| Group { plan, state: GroupState::Waiting, prior: Vec::new() };
            turn.state.groups = builds.into_iter().map(group).collect();
            start_ready(&mut turn);
            turn.into_step()
        }
        Err(why) => turn.complete(BuildStatus::Failed, Some(why)),
    }
}

fn read(request: &BatchRequest, text: &str) -> Result<(bool, Vec<PlannedBuild>), Context> {
    let file = request.template.buildspec.name();
    let (parsed, diagnostics) = buildspec::read(text);
    let Some(parsed) = parsed else {
        let errors = diagnostics.iter().filter(|d| d.is_error()).map(|d| d.in_file(file).to_string());
        return Err(Context::new("YAML_FILE_ERROR", errors.collect::<Vec<_>>().join("\n")));
    };
    let Some(batch) = parsed.batch else {
        return Err(Context::new("YAML_FILE_ERROR", format!("{file} has no section 'batch'")));
    };
    let invalid = |problems: Vec<String>| {
        let lines: Vec<String> = problems.iter().map(|problem| format!("{file}: batch: {problem}")).collect();
        Context::new("YAML_FILE_ERROR", lines.join("\n"))
    };
    let builds = plan(&batch).map_err(invalid)?;
    restricted(request, &builds)?;
    Ok((batch.fast_fail, builds))
}

fn restricted(request: &BatchRequest, builds: &[PlannedBuild]) -> Result<(), Context> {
    let limits = &request.restrictions;
    let refuse = |message: String| Err(Context::new("INVALID_INPUT", message));
    if let Some(most) = limits.maximum_builds.filter(|most| builds.len() > *most as usize) {
        return refuse(format!(
            "the batch has {} builds; restrictions/maximumBuildsAllowed of its project allows {most}",
            builds.len()
        ));
    }
    for build in builds {
        let compute_type = build.env.compute_type.as_ref().unwrap_or(&request.template.compute_type);
        if !limits.compute_types.is_empty() && !limits.compute_types.contains(compute_type) {
            return refuse(format!(
                "build '{}' has compute type {compute_type}; restrictions/computeTypesAllowed of its project allows {}",
                build.identifier,
                limits.compute_types.join(", ")
            ));
        }
        if let Some(fleet) =
            build.env.fleet.as_ref().filter(|f| !limits.fleets.is_empty() && !limits.fleets.contains(f))
        {
            return refuse(format!(
                "build '{}' has fleet {fleet}; restrictions/fleetsAllowed of its project allows {}",
                build.identifier,
                limits.fleets.join(", ")
            ));
        }
    }
    Ok(())
}
