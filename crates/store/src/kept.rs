//! Answers of SQLite queries, kept until the next commit.
//!
//! Everything that is written to a SQLite database goes through the one writer of this process, so an answer holds until that
//! writer commits. Clients that poll ask the same thing again and again; then no query runs at all.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use futures_util::{Stream, TryStreamExt as _};
use sqlx::{ColumnIndex, Decode, Row, Type};

use crate::error::Error;
use crate::sql::{Arg, SqlRow};
use crate::sqlite::{Lent, Readers};

/// All answers together; when they are larger, all are dropped.
const MAX_BYTES: usize = 4 << 20;
/// A larger answer is not kept.
const MAX_ANSWER_BYTES: usize = 128 << 10;

/// See the module's doc.
#[derive(Default)]
pub(crate) struct Kept {
    /// Counts commits, so that what was read before one is not kept after it.
    commits: AtomicU64,
    answers: RwLock<Answers>,
}

#[derive(Default)]
struct Answers {
    bytes: usize,
    by_hash: HashMap<u64, Answer>,
}

struct Answer {
    sql: String,
    args: Vec<Arg>,
    rows: Arc<[SqlRow]>,
}

impl Kept {
    /// Drops all answers; called after each commit, before anybody hears of it.
    pub fn forget(&self) {
        self.commits.fetch_add(1, Ordering::SeqCst);
        let mut answers = self.answers.write().unwrap_or_else(PoisonError::into_inner);
        if !answers.by_hash.is_empty() {
            *answers = Answers::default();
        }
    }

    fn find(&self, hash: u64, sql: &str, args: &[Arg]) -> Option<Arc<[SqlRow]>> {
        let answers = self.answers.read().unwrap_or_else(PoisonError::into_inner);
        let answer = answers.by_hash.get(&hash)?;
        (answer.sql == sql && answer.args == args).then(|| answer.rows.clone())
    }

    fn keep(&self, hash: u64, answer: Answer, commits: u64) {
        let size = |row: &SqlRow| row.size();
        let bytes = answer.rows.iter().map(size).sum::<usize>() + answer.sql.len();
        if bytes > MAX_ANSWER_BYTES {
            return;
        }
        let mut answers = self.answers.write().unwrap_or_else(PoisonError::into_inner);
        // Under the lock: a commit counts first and then waits for it.
        if self.commits.load(Ordering::SeqCst) != commits {
            return;
        }
        if answers.bytes + bytes > MAX_BYTES {
            *answers = Answers::default();
        }
        answers.bytes += bytes;
        answers.by_hash.insert(hash, answer);
    }
}

/// How much of an answer is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Take {
    One,
    All,
    /// Until the texts in a column have this many bytes together; at least one row.
    Within {
        column: usize,
        bytes: usize,
    },
}

/// Reads rows until the texts in `column` have `bytes` together; the rest is never in memory.
pub(crate) async fn within<'r, R>(
    mut rows: impl Stream<Item = Result<R, sqlx::Error>> + Unpin + 'r,
    column: usize,
    bytes: usize,
) -> Result<Vec<R>, sqlx::Error>
where
    R: Row,
    usize: ColumnIndex<R>,
    for<'t> &'t str: Decode<'t, R::Database> + Type<R::Database>,
{
    let (mut taken, mut used) = (Vec::new(), 0);
    while used < bytes
        && let Some(row) = rows.try_next().await?
    {
        used += row.try_get::<&str, _>(column)?.len();
        taken.push(row);
    }
    Ok(taken)
}

/// A reader that takes a connection only when it has to ask the database.
pub(crate) struct Reader {
    readers: Arc<Readers>,
    lent: Option<Lent>,
    kept: Arc<Kept>,
}

impl Reader {
    pub fn new(readers: Arc<Readers>, kept: Arc<Kept>) -> Self {
        Reader { readers, lent: None, kept }
    }

    /// The rows of an answer, as many as `take` wants.
    pub async fn fetch(&mut self, sql: &str, args: &[Arg], take: Take) -> Result<Arc<[SqlRow]>, Error> {
        let mut hasher = DefaultHasher::new();
        (sql, args, take).hash(&mut hasher);
        let hash = hasher.finish();
        if let Some(rows) = self.kept.find(hash, sql, args) {
            return Ok(rows);
        }
        let commits = self.kept.commits.load(Ordering::SeqCst);
        let lent = self.lent().await?;
        let (sql, args) = (sql.to_owned(), args.to_vec());
        let rows = if take == Take::One {
            // It comes from the page cache, as a rule: no thread is worth its switch.
            self.lent.insert(lent).connection()?.fetch(&sql, &args, take)?
        } else {
            let (text, bound) = (sql.clone(), args.clone());
            let (lent, rows) = lent.run(move |connection| connection.fetch(&text, &bound, take)).await?;
            self.lent = Some(lent);
            rows
        };
        let rows: Arc<[SqlRow]> = rows.into();
        self.kept.keep(hash, Answer { sql, args, rows: rows.clone() }, commits);
        Ok(rows)
    }

    /// Runs a statement; one that writes fails.
    pub async fn execute(&mut self, sql: &str, args: &[Arg]) -> Result<u64, Error> {
        let lent = self.lent().await?;
        self.lent.insert(lent).connection()?.execute(sql, args)
    }

    /// A connection, to be held until this is dropped.
    async fn lent(&mut self) -> Result<Lent, Error> {
        match self.lent.take() {
            Some(lent) => Ok(lent),
            None => self.readers.lend().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::args;
    use crate::machines::Machines;

    #[tokio::test]
    async fn a_kept_answer_ends_with_the_next_commit() {
        let test = crate::testing::sqlite(Machines::new()).await;
        let store = test.store.clone();
        let add = |number: i64| {
            store.write(move |tx| {
                Box::pin(async move {
                    let sql = "INSERT INTO migration (number, name) VALUES ($1, 'x')";
                    tx.execute(sql, args![number]).await
                })
            })
        };
        let sql = "SELECT number FROM migration WHERE number >= $1 ORDER BY number";
        for number in 1001..1010 {
            for _ in 0..3 {
                let rows = store.read().await.unwrap().fetch_all(sql, args![1001_i64]).await.unwrap();
                assert_eq!(rows.len(), usize::try_from(number - 1001).unwrap());
                let last = rows.last().map(|r| r.int(0).unwrap());
                assert_eq!(last, (number > 1001).then_some(number - 1));
                let first = store.read().await.unwrap().fetch_optional(sql, args![1001_i64]).await.unwrap();
                assert_eq!(first.is_some(), number > 1001);
            }
            add(number).await.unwrap();
        }
    }

    #[tokio::test]
    async fn equal_texts_with_other_arguments_have_other_answers() {
        let test = crate::testing::sqlite(Machines::new()).await;
        for _ in 0..2 {
            let mut tx = test.store.read().await.unwrap();
            for (arg, given) in [(Some("a"), Some("a")), (None, None), (Some("b"), Some("b"))] {
                let row = tx.fetch_optional("SELECT $1", args![arg]).await.unwrap().unwrap();
                assert_eq!(row.opt_text(0).unwrap().as_deref(), given);
            }
        }
    }

    #[tokio::test]
    async fn what_was_decoded_once_is_shared_until_the_next_commit() {
        let test = crate::testing::sqlite(Machines::new()).await;
        let store = test.store.clone();
        let decoded = || async {
            let mut tx = store.read().await.unwrap();
            let row = tx.fetch_optional("SELECT $1", args!["[1, 2]"]).await.unwrap().unwrap();
            assert!(row.shared_json::<String>(0).is_err());
            row.shared_json::<Vec<u32>>(0).unwrap()
        };
        let first = decoded().await;
        assert_eq!(*first, [1, 2]);
        assert!(Arc::ptr_eq(&first, &decoded().await));
        let write = test.store.write(|tx| Box::pin(async move { tx.execute("DELETE FROM event", &[]).await }));
        write.await.unwrap();
        assert!(!Arc::ptr_eq(&first, &decoded().await));
    }
}
