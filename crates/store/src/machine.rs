//! Machine rows: creating, reading and listing them. Only `advance` changes one.

use std::marker::PhantomData;
use std::sync::Arc;

use base::{AccountId, Machine, Region, Scope, Timestamp};

use crate::args;
use crate::db::Store;
use crate::error::Error;
use crate::sql::{Arg, SqlRow};
pub use crate::transitions::Missed;
use crate::tx::{Dialect, Tx};

/// A row about to be made.
pub struct NewMachine<M: Machine> {
    pub id: String,
    pub scope: Scope,
    /// What lists group by: the pipeline of an execution, the project of a build; empty for none.
    pub parent: String,
    pub state: M::State,
}

/// A stored machine.
#[derive(Clone, Debug)]
pub struct MachineRow<M: Machine> {
    pub id: String,
    pub scope: Scope,
    pub parent: String,
    pub state: M::State,
    pub version: i64,
    pub created: Timestamp,
    pub updated: Timestamp,
    machine: PhantomData<M>,
}

/// A place in a list of machines: the creation time and id of the last row seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position {
    pub created: Timestamp,
    pub id: String,
}

impl Position {
    /// As a page token's position.
    pub fn to_text(&self) -> String {
        format!("{}:{}", self.created.micros(), self.id)
    }

    /// From a page token's position.
    pub fn parse(text: &str) -> Option<Self> {
        let (created, id) = text.split_once(':')?;
        Some(Position { created: Timestamp::from_micros(created.parse().ok()?), id: id.to_owned() })
    }
}

impl<M: Machine> MachineRow<M> {
    /// This row's place in lists.
    pub fn position(&self) -> Position {
        Position { created: self.created, id: self.id.clone() }
    }
}

/// Makes a row in its initial state; follow with `advance` to set it going. A taken id is `Error::Duplicate`.
pub async fn create<M: Machine>(tx: &mut Tx, new: NewMachine<M>) -> Result<(), Error> {
    let now = tx.now();
    let state = encode::<M>(&new.state)?;
    let (account, region) = (new.scope.account.as_str(), new.scope.region.as_str());
    tx.execute(
        "INSERT INTO machine (kind, id, account, region, parent, status, state, version, created, updated)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 0, $8, $8)",
        args![M::KIND, &new.id, account, region, &new.parent, M::status(&new.state), &state, now],
    )
    .await?;
    tx.execute(
        "INSERT INTO input (kind, machine_id, version, at, input) VALUES ($1, $2, 0, $3, $4)",
        args![M::KIND, &new.id, now, &state],
    )
    .await?;
    Ok(())
}

/// The row with this id.
pub async fn get<M: Machine>(tx: &mut Tx, id: &str) -> Result<Option<MachineRow<M>>, Error> {
    let sql = "SELECT id, account, region, parent, state, version, created, updated FROM machine
               WHERE kind = $1 AND id = $2";
    tx.fetch_optional(sql, args![M::KIND, id]).await?.as_ref().map(read).transpose()
}

/// The state of the row with this id, for who only looks at it.
pub async fn state<M: Machine>(tx: &mut Tx, id: &str) -> Result<Option<Arc<M::State>>, Error>
where
    M::State: 'static,
{
    let sql = "SELECT state FROM machine WHERE kind = $1 AND id = $2";
    tx.fetch_optional(sql, args![M::KIND, id]).await?.map(|row| row.shared_json(0)).transpose()
}

/// As `get`, and keeps other transactions from changing or removing the row until this one ends.
pub async fn get_locked<M: Machine>(tx: &mut Tx, id: &str) -> Result<Option<MachineRow<M>>, Error> {
    let sql = match tx.dialect() {
        Dialect::Sqlite => return get(tx, id).await,
        Dialect::Postgres => {
            "SELECT id, account, region, parent, state, version, created, updated FROM machine
             WHERE kind = $1 AND id = $2 FOR UPDATE"
        }
    };
    tx.fetch_optional(sql, args![M::KIND, id]).await?.as_ref().map(read).transpose()
}

/// Rows of one scope, by creation time; of one parent when given. `after` resumes behind a row already seen.
pub async fn list<M: Machine>(
    tx: &mut Tx,
    scope: &Scope,
    parent: Option<&str>,
    after: Option<&Position>,
    limit: u32,
    newest_first: bool,
) -> Result<Vec<MachineRow<M>>, Error> {
    let arguments = list_arguments(M::KIND, scope, parent, (after, newest_first), limit);
    let rows = tx.fetch_all(list_sql(parent.is_some(), newest_first), &arguments).await?;
    rows.iter().map(read).collect()
}

/// As `list`, without the states: where each row stands in the list, its id included.
pub async fn positions<M: Machine>(
    tx: &mut Tx,
    scope: &Scope,
    parent: Option<&str>,
    after: Option<&Position>,
    limit: u32,
    newest_first: bool,
) -> Result<Vec<Position>, Error> {
    let arguments = list_arguments(M::KIND, scope, parent, (after, newest_first), limit);
    let rows = tx.fetch_all(positions_sql(parent.is_some(), newest_first), &arguments).await?;
    rows.iter().map(|row| Ok(Position { id: row.text(0)?, created: row.time(1)? })).collect()
}

/// As `positions`, of the rows in one status.
pub async fn positions_in_status<M: Machine>(
    tx: &mut Tx,
    scope: &Scope,
    (parent, status): (Option<&str>, &str),
    after: Option<&Position>,
    limit: u32,
    newest_first: bool,
) -> Result<Vec<Position>, Error> {
    let mut arguments = list_arguments(M::KIND, scope, parent, (after, newest_first), limit);
    arguments.push(Arg::from(status));
    let rows = tx.fetch_all(status_sql(parent.is_some(), newest_first), &arguments).await?;
    rows.iter().map(|row| Ok(Position { id: row.text(0)?, created: row.time(1)? })).collect()
}

fn list_arguments(
    kind: &'static str,
    scope: &Scope,
    parent: Option<&str>,
    (after, newest_first): (Option<&Position>, bool),
    limit: u32,
) -> Vec<Arg> {
    let edge = if newest_first { i64::MAX } else { i64::MIN };
    let (created, id) = after.map_or((edge, ""), |p| (p.created.micros(), p.id.as_str()));
    let mut arguments = args![kind, scope.account.as_str(), scope.region.as_str(), created, id, limit].to_vec();
    arguments.extend(parent.map(Arg::from));
    arguments
}

macro_rules! list_sql {
    ($name:ident, $columns:literal, $of_parent:literal, $of_all:literal) => {
        fn $name(of_parent: bool, newest_first: bool) -> &'static str {
            match (of_parent, newest_first) {
                (true, true) => list_sql!(@ $columns, $of_parent, "<", "DESC"),
                (true, false) => list_sql!(@ $columns, $of_parent, ">", "ASC"),
                (false, true) => list_sql!(@ $columns, $of_all, "<", "DESC"),
                (false, false) => list_sql!(@ $columns, $of_all, ">", "ASC"),
            }
        }
    };
    (@ $columns:literal, $parent:literal, $than:literal, $order:literal) => {
        concat!(
            "SELECT ", $columns, " FROM machine WHERE kind = $1 AND account = $2 AND region = $3 ", $parent,
            " AND (created ", $than, " $4 OR (created = $4 AND id ", $than, " $5))
             ORDER BY created ", $order, ", id ", $order, " LIMIT $6"
        )
    };
}

list_sql!(list_sql, "id, account, region, parent, state, version, created, updated", "AND parent = $7", "");
list_sql!(positions_sql, "id, created", "AND parent = $7", "");
list_sql!(status_sql, "id, created", "AND parent = $7 AND status = $8", "AND status = $7");

/// The ids of one kind's rows that stand in `status`, whatever their scope.
pub async fn with_status(tx: &mut Tx, kind: &str, status: &str) -> Result<Vec<String>, Error> {
    let sql = "SELECT id FROM machine WHERE kind = $1 AND status = $2 ORDER BY id";
    tx.fetch_all(sql, args![kind, status]).await?.iter().map(|row| row.text(0)).collect()
}

/// Whether there is a row of this kind whose id ends so. Looks at all of the kind: for what is rarely asked.
pub async fn any_ending(tx: &mut Tx, kind: &str, end: &str) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM machine WHERE kind = $1 AND substr(id, length(id) - length($2) + 1) = $2 LIMIT 1";
    Ok(!tx.fetch_all(sql, args![kind, end]).await?.is_empty())
}

/// The ids of one parent's rows in whose state this text stands, newest first. Looks into all of them: for what is rarely
/// asked, and not while writing.
pub async fn mentioning<M: Machine>(
    tx: &mut Tx,
    scope: &Scope,
    parent: &str,
    text: &str,
) -> Result<Vec<String>, Error> {
    let sql = match tx.dialect() {
        Dialect::Sqlite => {
            "SELECT id FROM machine WHERE kind = $1 AND account = $2 AND region = $3 AND parent = $4
             AND instr(state, $5) > 0 ORDER BY created DESC, id DESC"
        }
        Dialect::Postgres => {
            "SELECT id FROM machine WHERE kind = $1 AND account = $2 AND region = $3 AND parent = $4
             AND strpos(state, $5) > 0 ORDER BY created DESC, id DESC"
        }
    };
    let arguments = args![M::KIND, scope.account.as_str(), scope.region.as_str(), parent, text];
    tx.fetch_all(sql, arguments).await?.iter().map(|row| row.text(0)).collect()
}

/// The ids of up to `limit` rows of one kind that stand in `status` and have done so since before `before`.
pub async fn resting(
    tx: &mut Tx,
    (kind, status): (&str, &str),
    before: Timestamp,
    limit: u32,
) -> Result<Vec<String>, Error> {
    let sql = "SELECT id FROM machine WHERE kind = $1 AND status = $2 AND updated < $3 ORDER BY updated, id LIMIT $4";
    tx.fetch_all(sql, args![kind, status, before, limit]).await?.iter().map(|row| row.text(0)).collect()
}

/// Removes a row with all that hangs on it. For machines of deleted resources (a pipeline's gates, say).
pub async fn remove(tx: &mut Tx, kind: &str, id: &str) -> Result<(), Error> {
    for sql in [
        "DELETE FROM machine WHERE kind = $1 AND id = $2",
        "DELETE FROM input WHERE kind = $1 AND machine_id = $2",
        "DELETE FROM outbox WHERE kind = $1 AND machine_id = $2",
        "DELETE FROM timer WHERE kind = $1 AND machine_id = $2",
    ] {
        tx.execute(sql, args![kind, id]).await?;
    }
    Ok(())
}

/// Steps since this process opened the store: kind, status that they led to, how many.
pub fn transitions(store: &Store) -> Vec<(String, &'static str, u64)> {
    store.transitions().steps()
}

/// Inputs since this process opened the store that led to nothing: kind, what became of them, how many.
pub fn missed(store: &Store) -> Vec<(String, Missed, u64)> {
    store.transitions().missed()
}

/// How many rows of each kind stand in each status, for metrics.
pub async fn counts(tx: &mut Tx) -> Result<Vec<(String, String, i64)>, Error> {
    let rows = tx.fetch_all("SELECT kind, status, COUNT(*) FROM machine GROUP BY kind, status", &[]).await?;
    rows.iter().map(|r| Ok((r.text(0)?, r.text(1)?, r.int(2)?))).collect()
}

pub(crate) fn encode<M: Machine>(state: &M::State) -> Result<String, Error> {
    serde_json::to_string(state).map_err(|source| Error::BadInput { kind: M::KIND.to_owned(), source })
}

pub(crate) fn scope(account: String, region: String) -> Result<Scope, Error> {
    let corrupt = |column: &str, value: &str| Error::Corrupt { column: column.to_owned(), source: value.into() };
    Ok(Scope {
        account: AccountId::parse(&account).ok_or_else(|| corrupt("account", &account))?,
        region: Region::parse(&region).ok_or_else(|| corrupt("region", &region))?,
    })
}

fn read<M: Machine>(row: &SqlRow) -> Result<MachineRow<M>, Error> {
    Ok(MachineRow {
        id: row.text(0)?,
        scope: scope(row.text(1)?, row.text(2)?)?,
        parent: row.text(3)?,
        state: row.json(4)?,
        version: row.int(5)?,
        created: row.time(6)?,
        updated: row.time(7)?,
        machine: PhantomData,
    })
}
