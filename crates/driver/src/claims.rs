//! Taking effects out of the outbox and performing each in a task of its own.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use store::outbox::{self, Claimed};
use store::{Error, Store, setback};
use tokio::task::JoinSet;

use crate::cx::DriverCx;
use crate::performer::{PerformError, Performer};

/// How long a claim lasts unless it is renewed. Only matters when two servers share a database: a restarted
/// server gives back its own claims at once.
pub(crate) const LEASE: Duration = Duration::from_secs(120);
/// Effects in flight at once. Running jobs count: they wait, they do not work.
const MAX_IN_FLIGHT: usize = 1024;
/// Effects claimed by one statement.
const BATCH: u32 = 64;

/// The effects in flight.
pub(crate) struct Claims {
    pub performers: Arc<BTreeMap<&'static str, Arc<dyn Performer>>>,
    pub owner: String,
    pub tasks: JoinSet<()>,
}

impl Claims {
    /// Claims what is visible and starts it. True when there may be more.
    pub async fn take(&mut self, cx: &DriverCx) -> Result<bool, Error> {
        while self.tasks.try_join_next().is_some() {}
        let room = MAX_IN_FLIGHT.saturating_sub(self.tasks.len());
        let limit = u32::try_from(room).unwrap_or(BATCH).min(BATCH);
        if limit == 0 {
            return Ok(false);
        }
        let claimed = outbox::claim(&cx.cx.store, &self.owner, limit, LEASE).await?;
        let full = claimed.len() == limit as usize;
        for claimed in claimed {
            let performer = self.performers.get(claimed.kind.as_str()).cloned();
            let cx = cx.in_scope(&claimed.scope);
            self.tasks.spawn(async move { perform(cx, performer, claimed).await });
        }
        Ok(full)
    }
}

async fn perform(cx: DriverCx, performer: Option<Arc<dyn Performer>>, claimed: Claimed) {
    let outcome = match performer {
        None => Err(PerformError::new("perform", format!("no performer for machines of kind {}", claimed.kind))),
        Some(performer) => AssertUnwindSafe(performer.perform(&cx, &claimed))
            .catch_unwind()
            .await
            .unwrap_or_else(|_| Err(PerformError::new("perform", "the performer panicked"))),
    };
    let Err(e) = outcome else {
        return;
    };
    let pause = setback::pause(claimed.attempts);
    let cause = std::error::Error::source(&e).map(ToString::to_string).unwrap_or_default();
    tracing::warn!(
        error = %e, cause, machine.kind = %claimed.kind, machine.id = %claimed.machine_id, effect.key = %claimed.key,
        attempts = claimed.attempts, retry_in_seconds = pause.as_secs(), "an effect will be tried again"
    );
    if let Err(e) = give_back(&cx.cx.store, claimed, pause).await {
        tracing::error!(error = %e, "cannot give an effect back; its lease has to run out");
    }
}

async fn give_back(store: &Store, claimed: Claimed, pause: Duration) -> Result<(), Error> {
    store
        .write(move |tx| {
            let claimed = claimed.clone();
            Box::pin(async move { outbox::retry_later(tx, &claimed, pause).await })
        })
        .await
}
