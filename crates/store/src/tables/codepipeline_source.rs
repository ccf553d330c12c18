//! The source actions of pipelines, found by what they watch.

use base::Scope;

use crate::sql::SqlRow;
use crate::{Error, Tx, args};

/// A source action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// `CodeCommit` or `S3`.
    pub provider: String,
    /// The repository or the bucket.
    pub container: String,
    /// The branch or the object's key; empty when a trigger's filters say which.
    pub item: String,
    pub pipeline: String,
    pub action: String,
    /// Whether the action asks for polling.
    pub polls: bool,
}

fn row(r: &SqlRow) -> Result<Row, Error> {
    Ok(Row {
        provider: r.text(0)?,
        container: r.text(1)?,
        item: r.text(2)?,
        pipeline: r.text(3)?,
        action: r.text(4)?,
        polls: r.flag(5)?,
    })
}

/// Makes `sources` the source actions of a pipeline.
pub async fn replace(tx: &mut Tx, scope: &Scope, pipeline: &str, sources: &[Row]) -> Result<(), Error> {
    let (account, region) = (scope.account.as_str(), scope.region.as_str());
    let sql = "DELETE FROM codepipeline_source WHERE account = $1 AND region = $2 AND pipeline = $3";
    tx.execute(sql, args![account, region, pipeline]).await?;
    for s in sources {
        let sql =
            "INSERT INTO codepipeline_source (account, region, provider, container, item, pipeline, action, polls)
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
        let args = args![account, region, &s.provider, &s.container, &s.item, pipeline, &s.action, s.polls];
        tx.execute(sql, args).await?;
    }
    Ok(())
}

/// The source actions elsewhere that are polled, of all accounts. One with a trigger is not.
pub async fn polled(tx: &mut Tx) -> Result<Vec<(Scope, Row)>, Error> {
    let sql = "SELECT provider, container, item, pipeline, action, polls, account, region FROM codepipeline_source
               WHERE provider IN ('CodeStarSourceConnection', 'GitHub') AND polls = 1 AND item <> ''
               ORDER BY account, region, pipeline, action";
    let rows = tx.fetch_all(sql, &[]).await?;
    rows.iter().map(|r| Ok((crate::machine::scope(r.text(6)?, r.text(7)?)?, row(r)?))).collect()
}

/// The source actions that watch this branch or object, or that have a trigger's filters see to it, by pipeline and action.
pub async fn watching(
    tx: &mut Tx,
    scope: &Scope,
    provider: &str,
    container: &str,
    item: &str,
) -> Result<Vec<Row>, Error> {
    let sql = "SELECT provider, container, item, pipeline, action, polls FROM codepipeline_source
               WHERE account = $1 AND region = $2 AND provider = $3 AND container = $4 AND item IN ($5, '')
               ORDER BY pipeline, action";
    let args = args![scope.account.as_str(), scope.region.as_str(), provider, container, item];
    tx.fetch_all(sql, args).await?.iter().map(row).collect()
}
