//! Targets of notification rules, and which rule tells which target.

use base::Scope;

use crate::sql::SqlRow;
use crate::{Error, Tx, args};

/// A stored target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// An ARN.
    pub address: String,
    /// The model's `TargetType`.
    pub kind: String,
    /// The model's `TargetStatus`.
    pub status: String,
}

/// How many notices there were, of the rules that there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    pub sent: i64,
    pub unsent: i64,
}

/// Has a rule tell a target, which is made if it is not there.
pub async fn subscribe(tx: &mut Tx, scope: &Scope, rule: &str, (address, kind): (&str, &str)) -> Result<(), Error> {
    let (account, region) = (scope.account.as_str(), scope.region.as_str());
    let sql = "INSERT INTO codestar_notifications_target (account, region, address, kind, status)
               VALUES ($1, $2, $3, $4, 'PENDING') ON CONFLICT (account, region, address) DO NOTHING";
    tx.execute(sql, args![account, region, address, kind]).await?;
    let sql = "INSERT INTO codestar_notifications_subscription (account, region, rule, address, sent, unsent)
               VALUES ($1, $2, $3, $4, 0, 0) ON CONFLICT (account, region, rule, address) DO NOTHING";
    tx.execute(sql, args![account, region, rule, address]).await.map(|_| ())
}

/// The rule tells the target no more.
pub async fn unsubscribe(tx: &mut Tx, scope: &Scope, rule: &str, address: &str) -> Result<(), Error> {
    let sql = "DELETE FROM codestar_notifications_subscription
               WHERE account = $1 AND region = $2 AND rule = $3 AND address = $4";
    tx.execute(sql, args![scope.account.as_str(), scope.region.as_str(), rule, address]).await.map(|_| ())
}

/// The targets of a rule, by address.
pub async fn of_rule(tx: &mut Tx, scope: &Scope, rule: &str) -> Result<Vec<Row>, Error> {
    let sql = "SELECT t.address, t.kind, t.status FROM codestar_notifications_subscription s
               JOIN codestar_notifications_target t
                 ON t.account = s.account AND t.region = s.region AND t.address = s.address
               WHERE s.account = $1 AND s.region = $2 AND s.rule = $3 ORDER BY t.address";
    let rows = tx.fetch_all(sql, args![scope.account.as_str(), scope.region.as_str(), rule]).await?;
    rows.iter().map(read).collect()
}

/// Whether any rule tells the target.
pub async fn is_subscribed(tx: &mut Tx, scope: &Scope, address: &str) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM codestar_notifications_subscription
               WHERE account = $1 AND region = $2 AND address = $3 LIMIT 1";
    let args = args![scope.account.as_str(), scope.region.as_str(), address];
    Ok(tx.fetch_optional(sql, args).await?.is_some())
}

/// The type of the target of this address.
pub async fn kind(tx: &mut Tx, scope: &Scope, address: &str) -> Result<Option<String>, Error> {
    let sql = "SELECT kind FROM codestar_notifications_target WHERE account = $1 AND region = $2 AND address = $3";
    let row = tx.fetch_optional(sql, args![scope.account.as_str(), scope.region.as_str(), address]).await?;
    row.map(|row| row.text(0)).transpose()
}

/// How many targets there are.
pub async fn count(tx: &mut Tx, scope: &Scope) -> Result<i64, Error> {
    let sql = "SELECT COUNT(*) FROM codestar_notifications_target WHERE account = $1 AND region = $2";
    let row = tx.fetch_optional(sql, args![scope.account.as_str(), scope.region.as_str()]).await?;
    row.map_or(Ok(0), |row| row.int(0))
}

/// Targets by address, after `after`.
pub async fn list(tx: &mut Tx, scope: &Scope, after: &str, limit: u32) -> Result<Vec<Row>, Error> {
    let sql = "SELECT address, kind, status FROM codestar_notifications_target
               WHERE account = $1 AND region = $2 AND address > $3 ORDER BY address LIMIT $4";
    let args = args![scope.account.as_str(), scope.region.as_str(), after, limit];
    tx.fetch_all(sql, args).await?.iter().map(read).collect()
}

/// Removes a target and what tells it.
pub async fn delete(tx: &mut Tx, scope: &Scope, address: &str) -> Result<(), Error> {
    for table in ["codestar_notifications_subscription", "codestar_notifications_target"] {
        let sql = format!("DELETE FROM {table} WHERE account = $1 AND region = $2 AND address = $3");
        let args = args![scope.account.as_str(), scope.region.as_str(), address];
        tx.execute(sqlx::AssertSqlSafe(sql), args).await?;
    }
    Ok(())
}

/// What became of a notice of a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noted {
    /// The rule tells the target no more.
    Gone,
    /// The target is as it was.
    AsBefore,
    /// The target is another than before: ACTIVE or UNREACHABLE.
    Changed,
}

/// Notes what became of a notice, and with it how the target is.
pub async fn note(tx: &mut Tx, scope: &Scope, (rule, address): (&str, &str), is_sent: bool) -> Result<Noted, Error> {
    let (account, region) = (scope.account.as_str(), scope.region.as_str());
    let (column, status) = if is_sent { ("sent", "ACTIVE") } else { ("unsent", "UNREACHABLE") };
    let sql = format!(
        "UPDATE codestar_notifications_subscription SET {column} = {column} + 1
         WHERE account = $1 AND region = $2 AND rule = $3 AND address = $4"
    );
    if tx.execute(sqlx::AssertSqlSafe(sql), args![account, region, rule, address]).await? == 0 {
        return Ok(Noted::Gone);
    }
    let sql = "UPDATE codestar_notifications_target SET status = $4
               WHERE account = $1 AND region = $2 AND address = $3 AND status <> $4";
    let changed = tx.execute(sql, args![account, region, address, status]).await? > 0;
    Ok(if changed { Noted::Changed } else { Noted::AsBefore })
}

/// Whether the rule still tells the target.
pub async fn is_told(tx: &mut Tx, scope: &Scope, rule: &str, address: &str) -> Result<bool, Error> {
    let sql = "SELECT 1 FROM codestar_notifications_subscription
               WHERE account = $1 AND region = $2 AND rule = $3 AND address = $4";
    let args = args![scope.account.as_str(), scope.region.as_str(), rule, address];
    Ok(tx.fetch_optional(sql, args).await?.is_some())
}

/// For metrics: over all accounts.
pub async fn told(tx: &mut Tx) -> Result<Told, Error> {
    let sql = "SELECT CAST(COALESCE(SUM(sent), 0) AS BIGINT), CAST(COALESCE(SUM(unsent), 0) AS BIGINT)
               FROM codestar_notifications_subscription";
    let row = tx.fetch_optional(sql, &[]).await?;
    row.map_or(Ok(Told::default()), |row| Ok(Told { sent: row.int(0)?, unsent: row.int(1)? }))
}

fn read(row: &SqlRow) -> Result<Row, Error> {
    Ok(Row { address: row.text(0)?, kind: row.text(1)?, status: row.text(2)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Machines;
    use crate::tables::codestar_notifications_rule as rule;
    use crate::testing::each_engine;
    use base::{AccountId, Region};

    fn scope() -> Scope {
        Scope { account: AccountId::parse("123456789012").unwrap(), region: Region::parse("eu-central-1").unwrap() }
    }

    fn row(id: &str, name: &str) -> rule::Row {
        rule::Row {
            scope: scope(),
            id: id.to_owned(),
            name: name.to_owned(),
            resource: "arn:p".to_owned(),
            detail_type: "FULL".to_owned(),
            status: "ENABLED".to_owned(),
            event_types: vec!["a".to_owned()],
            created_by: "me".to_owned(),
            request: String::new(),
            created: base::Timestamp::from_millis(1),
            modified: base::Timestamp::from_millis(1),
            tags: [("k".to_owned(), "v".to_owned())].into_iter().collect(),
        }
    }

    #[tokio::test]
    async fn names_are_unique_and_a_rule_takes_its_subscriptions_with_it_but_not_its_targets() {
        each_engine(Machines::new(), |test| async move {
            let done = test.store.write(|tx| {
                Box::pin(async move {
                    let scope = scope();
                    assert!(rule::insert(tx, &row("1", "one")).await?);
                    assert!(!rule::insert(tx, &row("2", "one")).await?);
                    assert!(!rule::insert(tx, &row("1", "two")).await?);
                    assert_eq!(rule::get(tx, &scope, "1").await?, Some(row("1", "one")));
                    assert_eq!(rule::of_resource(tx, &scope, "arn:p").await?.len(), 1);
                    subscribe(tx, &scope, "1", ("arn:t", "SNS")).await?;
                    subscribe(tx, &scope, "1", ("arn:t", "SNS")).await?;
                    assert_eq!(of_rule(tx, &scope, "1").await?.len(), 1);
                    let unsent = Told { sent: 0, unsent: 1 };
                    assert_eq!(note(tx, &scope, ("1", "arn:t"), false).await?, Noted::Changed);
                    assert_eq!(of_rule(tx, &scope, "1").await?[0].status, "UNREACHABLE");
                    assert_eq!(told(tx).await?, unsent);
                    assert_eq!(note(tx, &scope, ("1", "arn:u"), false).await?, Noted::Gone);
                    assert_eq!(note(tx, &scope, ("1", "arn:t"), false).await?, Noted::AsBefore);
                    assert_eq!(kind(tx, &scope, "arn:t").await?.as_deref(), Some("SNS"));
                    let rules = rule::of_resources(tx, &scope, &["arn:p", "arn:q", "arn:r"]).await?;
                    assert_eq!(rules, [row("1", "one")]);
                    rule::delete(tx, &scope, "1").await?;
                    assert!(!is_subscribed(tx, &scope, "arn:t").await?);
                    assert_eq!(list(tx, &scope, "", 9).await?.len(), 1);
                    Ok::<_, Error>(())
                })
            });
            done.await.unwrap();
        })
        .await;
    }
}
