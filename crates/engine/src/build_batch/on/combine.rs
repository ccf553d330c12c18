//! The artifacts of all builds in one place.

use base::{Step, Timestamp};

use crate::build::{ArtifactTarget, BuildStatus, Context, UploadedArtifact};
use crate::build_batch::turn::Turn;
use crate::build_batch::{BatchEffect, BatchPhase, BatchState, BuildBatch, CombinePart, Group, Stage};

/// All builds have ended well.
pub(super) fn combine(mut turn: Turn) -> Step<BuildBatch> {
    turn.close(BuildStatus::Succeeded, None);
    turn.open(BatchPhase::CombineArtifacts, turn.now);
    let state = &turn.state;
    let parts: Vec<CombinePart> = state.groups.iter().flat_map(parts).collect();
    let target = state.request.template.artifacts.clone();
    if !state.request.combine_artifacts || parts.is_empty() || target == ArtifactTarget::NoArtifacts {
        turn.close(BuildStatus::Succeeded, None);
        return turn.complete(BuildStatus::Succeeded, None);
    }
    let key = state.key("combine");
    let (batch_uuid, batch_arn) = (state.request.template.uuid.clone(), state.request.arn());
    turn.state.stage = Stage::Combining;
    turn.effect(key, BatchEffect::Combine { parts, target, batch_uuid, batch_arn });
    turn.into_step()
}

fn parts(group: &Group) -> impl Iterator<Item = CombinePart> + '_ {
    let artifacts = group.ending().into_iter().flat_map(|ending| &ending.artifacts);
    artifacts.map(|artifact| CombinePart {
        folder: group.plan.identifier.clone(),
        bucket: artifact.bucket.clone(),
        key: artifact.key.clone(),
        packaging: artifact.packaging,
    })
}

pub(in crate::build_batch) fn combined(
    state: &BatchState,
    artifact: UploadedArtifact,
    now: Timestamp,
) -> Step<BuildBatch> {
    let mut turn = Turn::new(state, now);
    turn.state.artifact = Some(artifact);
    turn.close(BuildStatus::Succeeded, None);
    turn.complete(BuildStatus::Succeeded, None)
}

pub(in crate::build_batch) fn combine_failed(
    state: &BatchState,
    code: String,
    message: String,
    now: Timestamp,
) -> Step<BuildBatch> {
    Turn::new(state, now).complete(BuildStatus::Failed, Some(Context::new(code, message)))
}
