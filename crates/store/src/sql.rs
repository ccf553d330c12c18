//! Arguments and rows, the same for both engines.

use base::Timestamp;
use sqlx::{ColumnIndex, Decode, Row, Type};

use crate::error::Error;

/// A bound argument. The variant fixes the SQL type even when the value is absent.
#[derive(Clone, Debug, PartialEq)]
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

/// One row of an answer; columns are counted from 0.
pub enum SqlRow {
    Sqlite(sqlx::sqlite::SqliteRow),
    Postgres(sqlx::postgres::PgRow),
}

impl SqlRow {
    fn get<'r, T>(&'r self, column: usize) -> Result<T, Error>
    where
        T: Decode<'r, sqlx::Sqlite> + Type<sqlx::Sqlite> + Decode<'r, sqlx::Postgres> + Type<sqlx::Postgres>,
        usize: ColumnIndex<sqlx::sqlite::SqliteRow> + ColumnIndex<sqlx::postgres::PgRow>,
    {
        let value = match self {
            SqlRow::Sqlite(row) => row.try_get(column),
            SqlRow::Postgres(row) => row.try_get(column),
        };
        value.map_err(|e| Error::Corrupt { column: column.to_string(), source: Box::new(e) })
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
        let text = self.text(column)?;
        serde_json::from_str(&text).map_err(|e| Error::Corrupt { column: column.to_string(), source: Box::new(e) })
    }
}
