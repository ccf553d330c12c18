//! Which effect of a batch is performed where.

use base::Machine;
use engine::build_batch::{BatchEffect, BuildBatch};
use futures_util::future::BoxFuture;
use store::outbox::Claimed;

use super::{combine, read_spec, start};
use crate::{DriverCx, PerformError, Performer};

/// Performs the effects of `engine::build_batch`.
#[derive(Clone, Copy, Debug, Default)]
pub struct BuildBatchPerformer;

impl BuildBatchPerformer {
    async fn effect(&self, cx: &DriverCx, claimed: &Claimed) -> Result<(), PerformError> {
        let cx = &cx.cx;
        let effect = serde_json::from_value(claimed.effect.clone());
        match effect.map_err(|e| PerformError::new("read a batch's effect", e))? {
            BatchEffect::ReadSpec { request } => read_spec::read_spec(cx, claimed, &request).await,
            BatchEffect::StartBuild { .. } => start::start_build(cx, claimed).await,
            BatchEffect::StopBuilds { builds } => start::stop_builds(cx, claimed, builds).await,
            BatchEffect::Combine { parts, target, batch_uuid, batch_arn } => {
                let wanted = combine::Wanted { parts, target, batch_uuid, batch_arn };
                combine::combine(cx, claimed, &wanted).await
            }
        }
    }
}

impl Performer for BuildBatchPerformer {
    fn kind(&self) -> &'static str {
        BuildBatch::KIND
    }

    fn perform<'a>(&'a self, cx: &'a DriverCx, claimed: &'a Claimed) -> BoxFuture<'a, Result<(), PerformError>> {
        Box::pin(self.effect(cx, claimed))
    }
}
