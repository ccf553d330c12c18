//! The source files of coverage reports.

use base::Scope;

use crate::sql::Arg;
use crate::{Error, Tx, args};

/// What was run of a source file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    pub path: String,
    pub lines_covered: i64,
    pub lines_missed: i64,
    pub branches_covered: i64,
    pub branches_missed: i64,
}

/// Puts the files of a report in the place of those that it had.
pub async fn replace(tx: &mut Tx, scope: &Scope, report: &str, files: &[Row]) -> Result<(), Error> {
    delete(tx, scope, report).await?;
    let (mut rest, mut seq) = (files, 0_i64);
    while !rest.is_empty() {
        let size = [128, 16, 1].into_iter().find(|n| *n <= rest.len()).unwrap_or(1);
        let (now, later) = rest.split_at(size);
        let mut sql = String::from(
            "INSERT INTO codebuild_coverage (account, region, report, seq, path, lines_covered, lines_missed, \
             branches_covered, branches_missed) VALUES ",
        );
        let mut args: Vec<Arg> = vec![scope.account.as_str().into(), scope.region.as_str().into(), report.into()];
        for (i, file) in now.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            let first = 4 + 6 * i;
            let places: Vec<String> = (first..first + 6).map(|n| format!("${n}")).collect();
            sql.push_str(&format!("{comma}($1, $2, $3, {})", places.join(", ")));
            args.extend([
                Arg::from(seq),
                Arg::from(&file.path),
                Arg::from(file.lines_covered),
                Arg::from(file.lines_missed),
                Arg::from(file.branches_covered),
                Arg::from(file.branches_missed),
            ]);
            seq += 1;
        }
        tx.execute(sqlx::AssertSqlSafe(sql), &args).await?;
        rest = later;
    }
    Ok(())
}

/// All files of a report.
pub async fn list(tx: &mut Tx, scope: &Scope, report: &str) -> Result<Vec<Row>, Error> {
    let sql = "SELECT path, lines_covered, lines_missed, branches_covered, branches_missed FROM codebuild_coverage
               WHERE account = $1 AND region = $2 AND report = $3 ORDER BY seq";
    let rows = tx.fetch_all(sql, args![scope.account.as_str(), scope.region.as_str(), report]).await?;
    let read = |r: &crate::SqlRow| {
        Ok(Row {
            path: r.text(0)?,
            lines_covered: r.int(1)?,
            lines_missed: r.int(2)?,
            branches_covered: r.int(3)?,
            branches_missed: r.int(4)?,
        })
    };
    rows.iter().map(read).collect()
}

/// Removes the files of a report.
pub(super) async fn delete(tx: &mut Tx, scope: &Scope, report: &str) -> Result<(), Error> {
    let sql = "DELETE FROM codebuild_coverage WHERE account = $1 AND region = $2 AND report = $3";
    tx.execute(sql, args![scope.account.as_str(), scope.region.as_str(), report]).await?;
    Ok(())
}
