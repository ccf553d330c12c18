//! A file per table: row types and the SQL that touches them.
