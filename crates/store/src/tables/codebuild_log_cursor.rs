//! How far the output of running builds has been copied into their logs.

use crate::{Error, Tx, args};

/// Up to where output was copied; 0 when none was.
pub async fn get(tx: &mut Tx, build: &str) -> Result<i64, Error> {
    let row = tx.fetch_optional("SELECT position FROM codebuild_log_cursor WHERE build = $1", args![build]).await?;
    row.map_or(Ok(0), |r| r.int(0))
}

/// Moves the cursor from `from` to `to`; false when somebody else has moved it.
pub async fn move_on(tx: &mut Tx, build: &str, from: i64, to: i64) -> Result<bool, Error> {
    let moved = if from == 0 {
        tx.execute(
            "INSERT INTO codebuild_log_cursor (build, position) VALUES ($1, $2) ON CONFLICT (build) DO NOTHING",
            args![build, to],
        )
        .await?
    } else {
        let sql = "UPDATE codebuild_log_cursor SET position = $3 WHERE build = $1 AND position = $2";
        tx.execute(sql, args![build, from, to]).await?
    };
    Ok(moved == 1)
}

/// Forgets a build's cursor, when its log is complete.
pub async fn delete(tx: &mut Tx, build: &str) -> Result<(), Error> {
    tx.execute("DELETE FROM codebuild_log_cursor WHERE build = $1", args![build]).await?;
    Ok(())
}
