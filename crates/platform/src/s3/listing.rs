//! Walking a bucket page by page. Every walk goes along an index, and a common prefix is stepped over with one seek,
//! however many keys it covers.

use base::ApiError;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use store::Tx;
use store::tables::s3_version::{self, Listed, Span};

use super::errors;

/// What a listing request says, apart from where it begins.
#[derive(Clone, Debug)]
pub(super) struct Walk {
    pub(super) bucket: String,
    pub(super) prefix: String,
    pub(super) delimiter: Option<String>,
    pub(super) max: usize,
}

/// One page.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Page {
    pub(super) items: Vec<Listed>,
    pub(super) prefixes: Vec<String>,
    /// Where the next page begins, when there is one.
    pub(super) next: Option<Position>,
}

/// A place between two items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Position {
    /// The first key that may come.
    pub(super) key: Vec<u8>,
    /// At that key only versions older than this.
    pub(super) older_than: i64,
    /// The key or common prefix that came last, as clients are told.
    pub(super) last: String,
    /// Its version, when it was one.
    pub(super) last_version: Option<String>,
}

impl Position {
    /// At the first key.
    pub(super) fn start() -> Self {
        Position { key: Vec::new(), older_than: i64::MIN, last: String::new(), last_version: None }
    }

    /// After all of a key that a client names; when it names a common prefix, after all keys below it.
    pub(super) fn after(marker: &str, walk: &Walk) -> Self {
        let at = Position::start();
        if marker.is_empty() {
            return at;
        }
        match walk.group(marker) {
            Some(group) if group == marker => match successor(marker.as_bytes()) {
                Some(key) => Position { key, ..at },
                None => Position { key: after_key(marker), ..at },
            },
            _ => Position { key: after_key(marker), ..at },
        }
    }

    /// After one version of a key.
    pub(super) fn after_version(key: &str, age: i64) -> Self {
        Position { key: key.as_bytes().to_vec(), older_than: age, ..Position::start() }
    }
}

impl Walk {
    /// The common prefix that stands for `key`, if it is rolled up into one.
    pub(super) fn group<'k>(&self, key: &'k str) -> Option<&'k str> {
        let delimiter = self.delimiter.as_deref().filter(|d| !d.is_empty())?;
        let rest = key.strip_prefix(self.prefix.as_str())?;
        let at = rest.find(delimiter)?;
        key.get(..self.prefix.len() + at + delimiter.len())
    }

    fn batch(&self, wanted: usize) -> Batch {
        // With a delimiter most of what is read may be rolled up, so begin small.
        let limit = if self.delimiter.as_deref().is_some_and(|d| !d.is_empty()) { 16 } else { wanted };
        Batch { limit: limit.clamp(1, 1001) }
    }

    /// Current objects.
    pub(super) async fn current(&self, tx: &mut Tx, from: Position) -> Result<Page, ApiError> {
        self.walk(tx, from, false).await
    }

    /// All versions and delete markers.
    pub(super) async fn versions(&self, tx: &mut Tx, from: Position) -> Result<Page, ApiError> {
        self.walk(tx, from, true).await
    }

    async fn walk(&self, tx: &mut Tx, from: Position, versions: bool) -> Result<Page, ApiError> {
        let mut page = Page::default();
        if self.max == 0 {
            return Ok(page);
        }
        let mut at = from;
        if at.key.as_slice() < self.prefix.as_bytes() {
            at = Position { key: self.prefix.as_bytes().to_vec(), older_than: i64::MIN, ..at };
        }
        let end = successor(self.prefix.as_bytes());
        let mut count = 0;
        let mut batch = self.batch(self.max + 1);
        loop {
            let span = Span { from: at.key.clone(), to: end.clone() };
            let limit = i64::try_from(batch.limit).unwrap_or(1000);
            let rows = match versions {
                true => s3_version::versions(tx, &self.bucket, &span, at.older_than, limit).await?,
                false => s3_version::current(tx, &self.bucket, &span, limit).await?,
            };
            let exhausted = rows.len() < batch.limit;
            let mut jumped = false;
            for row in rows {
                if jumped && row.key.as_bytes() < at.key.as_slice() {
                    continue;
                }
                if count == self.max {
                    page.next = Some(at);
                    return Ok(page);
                }
                count += 1;
                if let Some(group) = self.group(&row.key).map(str::to_owned) {
                    page.prefixes.push(group.clone());
                    let Some(next) = successor(group.as_bytes()) else { return Ok(page) };
                    at = Position { key: next, older_than: i64::MIN, last: group, last_version: None };
                    jumped = true;
                    continue;
                }
                at = match versions {
                    true => Position {
                        key: row.key.as_bytes().to_vec(),
                        older_than: row.age,
                        last: row.key.clone(),
                        last_version: Some(row.version_id.clone()),
                    },
                    false => Position {
                        key: after_key(&row.key),
                        older_than: i64::MIN,
                        last: row.key.clone(),
                        last_version: None,
                    },
                };
                page.items.push(row);
            }
            if exhausted {
                return Ok(page);
            }
            batch.adapt(jumped);
        }
    }
}

/// How many rows are read at once: more and more while nothing is rolled up.
struct Batch {
    limit: usize,
}

impl Batch {
    fn adapt(&mut self, jumped: bool) {
        self.limit = if jumped { 16 } else { (self.limit * 2).min(1001) };
    }
}

/// The smallest key that is greater.
fn after_key(key: &str) -> Vec<u8> {
    let mut next = key.as_bytes().to_vec();
    next.push(0);
    next
}

/// The smallest key that is greater than all keys that begin with `prefix`; `None` when there is none.
fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut next = prefix.to_vec();
    while let Some(last) = next.pop() {
        if last < u8::MAX {
            next.push(last + 1);
            return Some(next);
        }
    }
    None
}

/// The number of items that a request asks for: 1000 at most, and 1000 when it does not say.
pub(super) fn max_items(name: &'static str, asked: Option<i64>) -> Result<usize, ApiError> {
    match asked {
        None => Ok(1000),
        Some(n) => match usize::try_from(n) {
            Ok(n) if n <= i32::MAX as usize => Ok(n.min(1000)),
            _ => {
                let message = format!("Argument {name} must be an integer between 0 and 2147483647");
                Err(errors::invalid_argument(name, n.to_string(), message))
            }
        },
    }
}

/// Everything but what AWS leaves as it is.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'/').remove(b'*');

/// Keys in an answer, encoded when the client asked for it (XML cannot carry every key).
#[derive(Clone, Copy, Debug)]
pub(super) struct Encoding(bool);

impl Encoding {
    pub(super) fn new(asked: Option<&str>) -> Result<Self, ApiError> {
        match asked {
            None | Some("") => Ok(Encoding(false)),
            Some("url") => Ok(Encoding(true)),
            Some(other) => {
                Err(errors::invalid_argument("encoding-type", other, "Invalid Encoding Method specified in Request"))
            }
        }
    }

    pub(super) fn text(self, text: String) -> String {
        if self.0 { utf8_percent_encode(&text, ENCODED).to_string() } else { text }
    }

    pub(super) fn optional(self, text: Option<String>) -> Option<String> {
        text.map(|t| self.text(t))
    }
}

/// One of `CommonPrefixes`.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CommonPrefix {
    pub prefix: String,
}

pub(super) fn common_prefixes(prefixes: Vec<String>, encoding: Encoding) -> Vec<CommonPrefix> {
    prefixes.into_iter().map(|p| CommonPrefix { prefix: encoding.text(p) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_successor_of_a_prefix_comes_right_after_all_that_begin_with_it() {
        assert_eq!(successor(b"a/"), Some(b"a0".to_vec()));
        assert_eq!(successor(b"a\xff"), Some(b"b".to_vec()));
        assert_eq!(successor(b"\xff"), None);
        assert_eq!(successor(b""), None);
    }

    #[test]
    fn a_key_is_rolled_up_at_the_first_delimiter_after_the_prefix() {
        let walk = |prefix: &str| Walk {
            bucket: String::new(),
            prefix: prefix.to_owned(),
            delimiter: Some("/".to_owned()),
            max: 1,
        };
        assert_eq!(walk("").group("a/b/c"), Some("a/"));
        assert_eq!(walk("a/").group("a/b/c"), Some("a/b/"));
        assert_eq!(walk("a/").group("a//c"), Some("a//"));
        assert_eq!(walk("a/b").group("a/bcd"), None);
        assert_eq!(walk("").group("../x"), Some("../"));
    }
}
