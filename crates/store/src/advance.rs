//! `advance`: the one way in which an execution changes state.
//!
//! In one transaction: load the row, step, save the state with the next version, append the input to the log,
//! append the events, enqueue the effects, move the timers, deliver the tells (which are steps of other rows,
//! in the same transaction).

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use base::{Machine, Scope, Tell, TimerChange, Timestamp};
use serde_json::Value;

use crate::args;
use crate::error::Error;
use crate::machine;
use crate::machines::{ErasedStep, erase};
use crate::transitions::Transition;
use crate::tx::{Dialect, Tx};
use crate::{events, outbox, timers};

/// More tells than this for each of the first are a loop between machines. The first may be many: whoever ends a queue tells
/// all who wait in it.
const MAX_TELLS: usize = 256;

/// An input was taken; this is the state that it led to.
#[derive(Clone, Debug)]
pub struct Advanced<M: Machine> {
    pub state: M::State,
    pub version: i64,
}

/// Why an input was not taken; nothing has changed.
#[derive(Debug)]
pub enum AdvanceError<R> {
    /// There is no such row.
    NotFound,
    /// The machine does not take this input now.
    Refused(R),
    /// The store failed.
    Store(Error),
}

impl<R: fmt::Display> fmt::Display for AdvanceError<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AdvanceError::NotFound => f.write_str("no such execution"),
            AdvanceError::Refused(refusal) => refusal.fmt(f),
            AdvanceError::Store(error) => error.fmt(f),
        }
    }
}

impl<R: fmt::Debug + fmt::Display> std::error::Error for AdvanceError<R> {}

impl<R> From<Error> for AdvanceError<R> {
    fn from(e: Error) -> Self {
        AdvanceError::Store(e)
    }
}

/// Hands `input` to row `id` of machine `M` and commits what follows with the surrounding transaction.
pub async fn advance<M: Machine>(
    tx: &mut Tx,
    id: &str,
    input: M::Input,
) -> Result<Advanced<M>, AdvanceError<M::Refusal>> {
    let now = tx.now();
    let row = machine::get_locked::<M>(tx, id).await?.ok_or(AdvanceError::NotFound)?;
    let bad_input = |source| Error::BadInput { kind: M::KIND.to_owned(), source };
    let logged = serde_json::to_string(&input).map_err(bad_input)?;
    let step = M::step(&row.state, input, now).map_err(|refusal| {
        tx.transitions.refused(M::KIND);
        AdvanceError::Refused(refusal)
    })?;
    let state = step.state.clone();
    let erased = erase(step, &row.state).map_err(bad_input)?;
    let at = Place { kind: M::KIND, id, scope: &row.scope, version: row.version, now };
    let mut tells = VecDeque::from(apply(tx, &at, &logged, erased).await?);
    deliver(tx, &mut tells, now).await?;
    Ok(Advanced { state, version: row.version + 1 })
}

/// Hands an input that was stored as JSON (a timer's, say) to a machine. A refusal is logged and is no error:
/// whoever stored the input cannot hear it any more.
pub(crate) async fn advance_erased(tx: &mut Tx, kind: &str, id: &str, input: Value) -> Result<(), Error> {
    let now = tx.now();
    let mut tells = VecDeque::from([Tell { kind: kind.to_owned(), id: id.to_owned(), input }]);
    deliver(tx, &mut tells, now).await
}

async fn deliver(tx: &mut Tx, tells: &mut VecDeque<Tell>, now: Timestamp) -> Result<(), Error> {
    let limit = MAX_TELLS.saturating_mul(tells.len().max(1));
    for _ in 0..limit {
        let Some(tell) = tells.pop_front() else {
            return Ok(());
        };
        tells.extend(take(tx, &tell, now).await?);
    }
    if tells.is_empty() { Ok(()) } else { Err(Error::TooManyTells { limit }) }
}

async fn take(tx: &mut Tx, tell: &Tell, now: Timestamp) -> Result<Vec<Tell>, Error> {
    let step = tx.machines.get(&tell.kind).ok_or_else(|| Error::UnknownMachine { kind: tell.kind.clone() })?;
    // Rows are locked in the order in which machines tell each other things: an execution, then its pipeline's gates, or
    // the gates, then an execution. Two transactions that come from both ends wait for each other until PostgreSQL ends
    // one of them (40P01, after its `deadlock_timeout`), and `Store::write` tries that one again. A fixed order would
    // have to lock the gates before the row that is told, so each step would first have to ask what its machine is
    // going to tell; that costs every step a query for what is rare.
    let sql = match tx.dialect() {
        Dialect::Sqlite => "SELECT account, region, state, version FROM machine WHERE kind = $1 AND id = $2",
        Dialect::Postgres => {
            "SELECT account, region, state, version FROM machine WHERE kind = $1 AND id = $2 FOR UPDATE"
        }
    };
    let Some(row) = tx.fetch_optional(sql, args![&tell.kind, &tell.id]).await? else {
        tracing::debug!(machine.kind = %tell.kind, machine.id = %tell.id, "told a machine that is gone");
        return Ok(Vec::new());
    };
    let scope = machine::scope(row.text(0)?, row.text(1)?)?;
    let version = row.int(3)?;
    let bad_input = |source| Error::BadInput { kind: tell.kind.clone(), source };
    match step(&row.text(2)?, tell.input.clone(), now).map_err(bad_input)? {
        // Who tells many the same thing hears from each of them what it knows already.
        Ok(erased) if erased.idle => {
            tx.steps.push(Transition { kind: tell.kind.clone(), status: erased.status, idle: true });
            Ok(Vec::new())
        }
        Ok(erased) => {
            let at = Place { kind: &tell.kind, id: &tell.id, scope: &scope, version, now };
            apply(tx, &at, &tell.input.to_string(), erased).await
        }
        Err(refusal) => {
            tx.transitions.refused(&tell.kind);
            tracing::info!(machine.kind = %tell.kind, machine.id = %tell.id, refusal, "a machine refused what it was told");
            Ok(Vec::new())
        }
    }
}

struct Place<'a> {
    kind: &'a str,
    id: &'a str,
    scope: &'a Scope,
    /// Before the step.
    version: i64,
    now: Timestamp,
}

async fn apply(tx: &mut Tx, at: &Place<'_>, input: &str, step: ErasedStep) -> Result<Vec<Tell>, Error> {
    let version = at.version + 1;
    tx.execute(
        "UPDATE machine SET state = $3, status = $4, version = $5, updated = $6 WHERE kind = $1 AND id = $2",
        args![at.kind, at.id, step.state, step.status, version, at.now],
    )
    .await?;
    tx.execute(
        "INSERT INTO input (kind, machine_id, version, at, input) VALUES ($1, $2, $3, $4, $5)",
        args![at.kind, at.id, version, at.now, input],
    )
    .await?;
    tx.steps.push(Transition { kind: at.kind.to_owned(), status: step.status, idle: step.idle });
    for (key, effect) in step.effects {
        outbox::put(tx, (at.kind, at.id), at.scope, &key, effect, Duration::ZERO).await?;
    }
    for change in step.timers {
        match change {
            TimerChange::Set { key, at: due, input } => timers::set(tx, at.kind, at.id, &key, due, &input).await?,
            TimerChange::Clear { key } => timers::clear(tx, at.kind, at.id, &key).await?,
        }
    }
    let id = |n: usize| base::derived_uuid(&[at.kind, at.id, &version.to_string(), &n.to_string()]).to_string();
    let events: Vec<_> = step.events.iter().enumerate().map(|(n, event)| (id(n), event)).collect();
    events::append_all(tx, at.scope, &events).await?;
    Ok(step.tells)
}

/// Folds the input log of a row over its first state. Equals the stored state, or something is badly wrong:
/// production runs can thus be replayed in a test.
pub async fn replay<M: Machine>(tx: &mut Tx, id: &str) -> Result<Option<M::State>, Error> {
    let sql = "SELECT at, input FROM input WHERE kind = $1 AND machine_id = $2 ORDER BY version";
    let rows = tx.fetch_all(sql, args![M::KIND, id]).await?;
    let mut rows = rows.iter();
    let Some(first) = rows.next() else {
        return Ok(None);
    };
    let mut state: M::State = first.json(1)?;
    for row in rows {
        let step = M::step(&state, row.json(1)?, row.time(0)?);
        state = step
            .map_err(|refusal| Error::Corrupt { column: "input".to_owned(), source: refusal.to_string().into() })?
            .state;
    }
    Ok(Some(state))
}
