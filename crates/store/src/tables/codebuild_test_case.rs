//! The test cases of reports, in the order of their report.

use base::Scope;

use crate::sql::Arg;
use crate::{Error, Tx, args};

/// A test case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    pub name: String,
    pub prefix: String,
    pub suite: String,
    pub status: String,
    pub duration_nanos: i64,
    pub message: String,
    /// The file that told of it.
    pub path: String,
}

/// Puts the cases of a report in the place of those that it had.
pub async fn replace(tx: &mut Tx, scope: &Scope, report: &str, cases: &[Row]) -> Result<(), Error> {
    delete(tx, scope, report).await?;
    let (mut rest, mut seq) = (cases, 0_i64);
    while !rest.is_empty() {
        let size = [64, 8, 1].into_iter().find(|n| *n <= rest.len()).unwrap_or(1);
        let (now, later) = rest.split_at(size);
        let mut sql = String::from(
            "INSERT INTO codebuild_test_case (account, region, report, seq, name, prefix, suite, status, \
             duration_nanos, message, path) VALUES ",
        );
        let mut args: Vec<Arg> = vec![scope.account.as_str().into(), scope.region.as_str().into(), report.into()];
        for (i, case) in now.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            let first = 4 + 8 * i;
            let places: Vec<String> = (first..first + 8).map(|n| format!("${n}")).collect();
            sql.push_str(&format!("{comma}($1, $2, $3, {})", places.join(", ")));
            args.extend([
                Arg::from(seq),
                Arg::from(&case.name),
                Arg::from(&case.prefix),
                Arg::from(&case.suite),
                Arg::from(&case.status),
                Arg::from(case.duration_nanos),
                Arg::from(&case.message),
                Arg::from(&case.path),
            ]);
            seq += 1;
        }
        tx.execute(sqlx::AssertSqlSafe(sql), &args).await?;
        rest = later;
    }
    Ok(())
}

/// All cases of a report.
pub async fn list(tx: &mut Tx, scope: &Scope, report: &str) -> Result<Vec<Row>, Error> {
    let sql = "SELECT name, prefix, suite, status, duration_nanos, message, path FROM codebuild_test_case
               WHERE account = $1 AND region = $2 AND report = $3 ORDER BY seq";
    let rows = tx.fetch_all(sql, args![scope.account.as_str(), scope.region.as_str(), report]).await?;
    let read = |r: &crate::SqlRow| {
        Ok(Row {
            name: r.text(0)?,
            prefix: r.text(1)?,
            suite: r.text(2)?,
            status: r.text(3)?,
            duration_nanos: r.int(4)?,
            message: r.text(5)?,
            path: r.text(6)?,
        })
    };
    rows.iter().map(read).collect()
}

/// Removes the cases of a report.
pub(super) async fn delete(tx: &mut Tx, scope: &Scope, report: &str) -> Result<(), Error> {
    let sql = "DELETE FROM codebuild_test_case WHERE account = $1 AND region = $2 AND report = $3";
    tx.execute(sql, args![scope.account.as_str(), scope.region.as_str(), report]).await?;
    Ok(())
}
