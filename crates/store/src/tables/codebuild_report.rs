//! Reports. What has expired is not there any more, even when no sweep has come by.

use base::{Scope, Timestamp};
use serde_json::Value;

use crate::{Error, SqlRow, Tx, args};

/// A stored report.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// `GROUP:UUID`.
    pub id: String,
    pub group: String,
    pub kind: String,
    pub status: String,
    /// The build's ARN.
    pub build: String,
    pub export: Value,
    pub truncated: bool,
    /// `testSummary` or `codeCoverageSummary`; null while there is none.
    pub summary: Value,
    pub created: Timestamp,
    pub expires: Timestamp,
}

/// Which reports a list shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Filter<'a> {
    pub group: Option<&'a str>,
    pub status: Option<&'a str>,
}

const COLUMNS: &str = "id, report_group, kind, status, build, export, truncated, summary, created, expires";

/// Adds a report, or replaces the one of the same id; that keeps its times.
pub async fn put(tx: &mut Tx, scope: &Scope, row: &Row) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO codebuild_report (account, region, id, report_group, kind, status, build, export, truncated,
                                       summary, created, expires)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         ON CONFLICT (account, region, id) DO UPDATE SET status = $6, export = $8, truncated = $9, summary = $10",
        args![
            scope.account.as_str(),
            scope.region.as_str(),
            &row.id,
            &row.group,
            &row.kind,
            &row.status,
            &row.build,
            row.export.to_string(),
            row.truncated,
            row.summary.to_string(),
            row.created,
            row.expires
        ],
    )
    .await?;
    Ok(())
}

/// The report of this id.
pub async fn get(tx: &mut Tx, scope: &Scope, id: &str) -> Result<Option<Row>, Error> {
    let now = tx.now();
    let sql = "SELECT id, report_group, kind, status, build, export, truncated, summary, created, expires
               FROM codebuild_report WHERE account = $1 AND region = $2 AND id = $3 AND expires > $4";
    let row = tx.fetch_optional(sql, args![scope.account.as_str(), scope.region.as_str(), id, now]).await?;
    row.as_ref().map(read).transpose()
}

/// One page of reports by the time of their making; `after` is the time and id of the last one seen.
pub async fn page(
    tx: &mut Tx,
    scope: &Scope,
    filter: Filter<'_>,
    newest_first: bool,
    after: Option<(Timestamp, &str)>,
    limit: u32,
) -> Result<Vec<Row>, Error> {
    let (than, order) = if newest_first { ("<", "DESC") } else { (">", "ASC") };
    let edge = if newest_first { i64::MAX } else { i64::MIN };
    let (time, id) = after.map_or((edge, ""), |(time, id)| (time.micros(), id));
    // An unused filter is an empty text, which no group and no status is.
    let (group, status) = (filter.group.unwrap_or_default(), filter.status.unwrap_or_default());
    let by_group = if filter.group.is_some() { "report_group = $6" } else { "$6 = ''" };
    let now = tx.now();
    let sql = sqlx::AssertSqlSafe(format!(
        "SELECT {COLUMNS} FROM codebuild_report WHERE account = $1 AND region = $2 AND expires > $3 \
         AND (created {than} $4 OR (created = $4 AND id {than} $5)) AND {by_group} AND ($7 = '' OR status = $7) \
         ORDER BY created {order}, id {order} LIMIT $8"
    ));
    let (account, region) = (scope.account.as_str(), scope.region.as_str());
    let rows = tx.fetch_all(sql, args![account, region, now, time, id, group, status, limit]).await?;
    rows.iter().map(read).collect()
}

/// Removes a report with all that it holds.
pub async fn delete(tx: &mut Tx, scope: &Scope, id: &str) -> Result<(), Error> {
    let (account, region) = (scope.account.as_str(), scope.region.as_str());
    super::codebuild_test_case::delete(tx, scope, id).await?;
    super::codebuild_coverage::delete(tx, scope, id).await?;
    let sql = "DELETE FROM codebuild_report WHERE account = $1 AND region = $2 AND id = $3";
    tx.execute(sql, args![account, region, id]).await?;
    Ok(())
}

/// Up to `limit` reports that have expired, in all scopes: account, region, id.
pub async fn expired(tx: &mut Tx, limit: u32) -> Result<Vec<(String, String, String)>, Error> {
    let now = tx.now();
    let sql = "SELECT account, region, id FROM codebuild_report WHERE expires <= $1 ORDER BY expires, id LIMIT $2";
    let rows = tx.fetch_all(sql, args![now, limit]).await?;
    rows.iter().map(|r| Ok((r.text(0)?, r.text(1)?, r.text(2)?))).collect()
}

fn read(row: &SqlRow) -> Result<Row, Error> {
    Ok(Row {
        id: row.text(0)?,
        group: row.text(1)?,
        kind: row.text(2)?,
        status: row.text(3)?,
        build: row.text(4)?,
        export: row.json(5)?,
        truncated: row.flag(6)?,
        summary: row.json(7)?,
        created: row.time(8)?,
        expires: row.time(9)?,
    })
}

#[cfg(test)]
mod tests {
    use base::{AccountId, Region};
    use serde_json::json;

    use super::*;
    use crate::Machines;
    use crate::tables::{codebuild_coverage, codebuild_test_case};
    use crate::testing::each_engine;

    fn scope() -> Scope {
        Scope { account: AccountId::parse("123456789012").unwrap(), region: Region::parse("eu-west-1").unwrap() }
    }

    fn row(id: &str, group: &str, status: &str, secs: i64) -> Row {
        Row {
            id: id.to_owned(),
            group: group.to_owned(),
            kind: "TEST".to_owned(),
            status: status.to_owned(),
            build: "arn:build".to_owned(),
            export: json!({}),
            truncated: false,
            summary: Value::Null,
            created: Timestamp::from_secs(secs),
            expires: Timestamp::from_secs(2_000_000_000),
        }
    }

    #[tokio::test]
    async fn pages_follow_each_other_in_both_orders_and_filters_hold() {
        each_engine(Machines::new(), |test| async move {
            let told = test.store.write(|tx| Box::pin(paged(tx)));
            told.await.unwrap();
        })
        .await;
    }

    async fn paged(tx: &mut Tx) -> Result<(), Error> {
        for (id, group, status, secs) in [
            ("g:1", "g", "SUCCEEDED", 5),
            ("g:2", "g", "FAILED", 5),
            ("h:1", "h", "FAILED", 6),
            ("g:3", "g", "FAILED", 7),
        ] {
            put(tx, &scope(), &row(id, group, status, secs)).await?;
        }
        let old = Row { expires: Timestamp::from_secs(1), ..row("g:0", "g", "FAILED", 1) };
        put(tx, &scope(), &old).await?;
        let ids = |rows: Vec<Row>| rows.into_iter().map(|r| r.id).collect::<Vec<_>>();
        let all = Filter::default();
        assert_eq!(ids(page(tx, &scope(), all, true, None, 2).await?), ["g:3", "h:1"]);
        let after = Some((Timestamp::from_secs(6), "h:1"));
        assert_eq!(ids(page(tx, &scope(), all, true, after, 9).await?), ["g:2", "g:1"]);
        let filter = Filter { group: Some("g"), status: Some("FAILED") };
        assert_eq!(ids(page(tx, &scope(), filter, false, None, 9).await?), ["g:2", "g:3"]);
        assert_eq!(get(tx, &scope(), "g:0").await?, None);
        assert_eq!(expired(tx, 9).await?.len(), 1);
        Ok(())
    }

    #[tokio::test]
    async fn a_report_that_is_put_again_keeps_its_times_and_one_that_is_deleted_leaves_nothing() {
        each_engine(Machines::new(), |test| async move {
            let told = test.store.write(|tx| Box::pin(replaced(tx)));
            told.await.unwrap();
        })
        .await;
    }

    async fn replaced(tx: &mut Tx) -> Result<(), Error> {
        put(tx, &scope(), &row("g:1", "g", "GENERATING", 5)).await?;
        put(tx, &scope(), &row("g:1", "g", "SUCCEEDED", 9)).await?;
        let found = get(tx, &scope(), "g:1").await?.unwrap();
        assert_eq!((found.status.as_str(), found.created), ("SUCCEEDED", Timestamp::from_secs(5)));
        let case = codebuild_test_case::Row { name: "a".to_owned(), ..Default::default() };
        let file = codebuild_coverage::Row { path: "p".to_owned(), lines_missed: 3, ..Default::default() };
        for _ in 0..2 {
            codebuild_test_case::replace(tx, &scope(), "g:1", &vec![case.clone(); 150]).await?;
            codebuild_coverage::replace(tx, &scope(), "g:1", &vec![file.clone(); 150]).await?;
        }
        assert_eq!(codebuild_test_case::list(tx, &scope(), "g:1").await?, vec![case; 150]);
        assert_eq!(codebuild_coverage::list(tx, &scope(), "g:1").await?, vec![file; 150]);
        delete(tx, &scope(), "g:1").await?;
        assert_eq!(get(tx, &scope(), "g:1").await?, None);
        assert!(codebuild_test_case::list(tx, &scope(), "g:1").await?.is_empty());
        assert!(codebuild_coverage::list(tx, &scope(), "g:1").await?.is_empty());
        Ok(())
    }
}
