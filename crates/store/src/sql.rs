//! Arguments and rows, the same for both engines.

use std::any::Any;
use std::sync::{Arc, OnceLock};

use base::Timestamp;
use rusqlite::types::ValueRef;
use sqlx::{ColumnIndex, Decode, Row, Type};

use crate::error::Error;

/// A bound argument. The variant fixes the SQL type even when the value is absent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Arg {
    Text(Option<String>),
    Int(Option<i64>),
    Blob(Option<Vec<u8>>),
}

macro_rules! arg_from {
    ($($from:ty => $variant:ident, $convert:expr;)*) => {$(
        impl From<$from> for Arg {
            fn from(value: $from) -> Arg {
                let convert: fn($from) -> _ = $convert;
                Arg::$variant(Some(convert(value)))
            }
        }
        impl From<Option<$from>> for Arg {
            fn from(value: Option<$from>) -> Arg {
                let convert: fn($from) -> _ = $convert;
                Arg::$variant(value.map(convert))
            }
        }
    )*};
}

arg_from! {
    &str => Text, str::to_owned;
    String => Text, |v| v;
    &String => Text, String::clone;
    i64 => Int, |v| v;
    u32 => Int, i64::from;
    i32 => Int, i64::from;
    bool => Int, i64::from;
    Timestamp => Int, Timestamp::micros;
    Vec<u8> => Blob, |v| v;
    &[u8] => Blob, <[u8]>::to_vec;
}

/// Arguments for a statement: `args![id, 3_i64, None::<String>]`.
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => { &[$($crate::Arg::from($value)),*] };
}

/// Splits rows into parts of a few sizes, so that statements that were prepared for as many are found again.
pub(crate) fn parts<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = [128, 32, 8, 4, 2, 1].into_iter().find(|size| *size <= rows.len())?;
        let (part, rest) = rows.split_at(size);
        rows = rest;
        Some(part)
    })
}

/// The places `($first, .. $last)` of as many arguments, for a list of rows or an `IN`.
pub(crate) fn places(first: usize, count: usize) -> String {
    let places: Vec<String> = (first..first + count).map(|n| format!("${n}")).collect();
    format!("({})", places.join(", "))
}

/// One row of an answer; columns are counted from 0.
pub struct SqlRow(Source);

enum Source {
    Sqlite(Arc<[Value]>),
    Postgres(sqlx::postgres::PgRow),
}

/// A column's value, away from the database.
pub(crate) enum Value {
    Null,
    Text(Text),
    Int(i64),
    Blob(Box<[u8]>),
    /// What no column of ours is declared as.
    Other,
}

/// A text, and what it was decoded as.
pub(crate) struct Text {
    text: Box<str>,
    decoded: OnceLock<Arc<dyn Any + Send + Sync>>,
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Text { text: text.into(), decoded: OnceLock::new() }
    }
}

impl From<ValueRef<'_>> for Value {
    fn from(value: ValueRef<'_>) -> Self {
        match value {
            ValueRef::Null => Value::Null,
            ValueRef::Integer(number) => Value::Int(number),
            ValueRef::Text(text) => std::str::from_utf8(text).map_or(Value::Other, |text| Value::Text(text.into())),
            ValueRef::Blob(bytes) => Value::Blob(bytes.into()),
            ValueRef::Real(_) => Value::Other,
        }
    }
}

/// What columns are read as.
trait Column: Sized {
    /// `None`: the value is of another kind.
    fn of(value: &Value) -> Option<Self>;
}

impl Column for String {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text.text.to_string()),
            Value::Null | Value::Int(_) | Value::Blob(_) | Value::Other => None,
        }
    }
}

impl Column for i64 {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Int(number) => Some(*number),
            Value::Null | Value::Text(_) | Value::Blob(_) | Value::Other => None,
        }
    }
}

impl Column for Vec<u8> {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Blob(bytes) => Some(bytes.to_vec()),
            Value::Null | Value::Text(_) | Value::Int(_) | Value::Other => None,
        }
    }
}

impl<T: Column> Column for Option<T> {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            Value::Text(_) | Value::Int(_) | Value::Blob(_) | Value::Other => T::of(value).map(Some),
        }
    }
}

impl From<sqlx::postgres::PgRow> for SqlRow {
    fn from(row: sqlx::postgres::PgRow) -> Self {
        SqlRow(Source::Postgres(row))
    }
}

impl SqlRow {
    pub(crate) fn from_values(values: Arc<[Value]>) -> SqlRow {
        SqlRow(Source::Sqlite(values))
    }

    /// Another handle on a row of SQLite; one of PostgreSQL has one owner.
    pub(crate) fn again(&self) -> Option<SqlRow> {
        match &self.0 {
            Source::Sqlite(values) => Some(SqlRow(Source::Sqlite(values.clone()))),
            Source::Postgres(_) => None,
        }
    }

    /// Roughly how much memory a row of SQLite takes.
    pub(crate) fn size(&self) -> usize {
        let Source::Sqlite(values) = &self.0 else { return 0 };
        let size = |value: &Value| match value {
            Value::Null | Value::Int(_) | Value::Other => 24,
            Value::Text(text) => 48 + text.text.len(),
            Value::Blob(bytes) => 24 + bytes.len(),
        };
        values.iter().map(size).sum()
    }

    fn get<'r, T>(&'r self, column: usize) -> Result<T, Error>
    where
        T: Column + Decode<'r, sqlx::Postgres> + Type<sqlx::Postgres>,
        usize: ColumnIndex<sqlx::postgres::PgRow>,
    {
        let corrupt = |source| Error::Corrupt { column: column.to_string(), source };
        match &self.0 {
            Source::Sqlite(values) => {
                values.get(column).and_then(T::of).ok_or_else(|| corrupt("another type than asked for".into()))
            }
            Source::Postgres(row) => row.try_get(column).map_err(|e| corrupt(Box::new(e))),
        }
    }

    /// A TEXT that is never null.
    pub fn text(&self, column: usize) -> Result<String, Error> {
        self.get(column)
    }

    /// A TEXT or null.
    pub fn opt_text(&self, column: usize) -> Result<Option<String>, Error> {
        self.get(column)
    }

    /// A BIGINT that is never null.
    pub fn int(&self, column: usize) -> Result<i64, Error> {
        self.get(column)
    }

    /// A BIGINT or null.
    pub fn opt_int(&self, column: usize) -> Result<Option<i64>, Error> {
        self.get(column)
    }

    /// A BIGINT that is 0 or 1.
    pub fn flag(&self, column: usize) -> Result<bool, Error> {
        Ok(self.int(column)? != 0)
    }

    /// Bytes that are never null.
    pub fn blob(&self, column: usize) -> Result<Vec<u8>, Error> {
        self.get(column)
    }

    /// Bytes or null.
    pub fn opt_blob(&self, column: usize) -> Result<Option<Vec<u8>>, Error> {
        self.get(column)
    }

    /// A time in microseconds.
    pub fn time(&self, column: usize) -> Result<Timestamp, Error> {
        self.int(column).map(Timestamp::from_micros)
    }

    /// A time in microseconds, or null.
    pub fn opt_time(&self, column: usize) -> Result<Option<Timestamp>, Error> {
        Ok(self.opt_int(column)?.map(Timestamp::from_micros))
    }

    /// JSON kept in a TEXT.
    pub fn json<T: serde::de::DeserializeOwned>(&self, column: usize) -> Result<T, Error> {
        let parsed = match &self.0 {
            Source::Sqlite(values) if let Some(Value::Text(text)) = values.get(column) => {
                serde_json::from_str(&text.text)
            }
            Source::Sqlite(_) | Source::Postgres(_) => serde_json::from_str(&self.text(column)?),
        };
        parsed.map_err(|e| Error::Corrupt { column: column.to_string(), source: Box::new(e) })
    }

    /// As `json`, for who only looks at it: on SQLite it is decoded once for as long as the answer is kept.
    pub fn shared_json<T>(&self, column: usize) -> Result<Arc<T>, Error>
    where
        T: serde::de::DeserializeOwned + Send + Sync + 'static,
    {
        let Source::Sqlite(values) = &self.0 else { return self.json(column).map(Arc::new) };
        let Some(Value::Text(Text { decoded, .. })) = values.get(column) else {
            return self.json(column).map(Arc::new);
        };
        if let Some(shared) = decoded.get().and_then(|shared| shared.clone().downcast::<T>().ok()) {
            return Ok(shared);
        }
        let shared: Arc<T> = self.json(column).map(Arc::new)?;
        // Whoever was faster has decoded the same.
        let _ = decoded.set(shared.clone());
        Ok(shared)
    }
}
