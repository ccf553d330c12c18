//! How commands print their data.

use std::fmt::Display;
use std::io::{self, Write};

use clap::ValueEnum;

/// `--output`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people
    Text,
    /// For programs
    Json,
}

/// Prints a line of data. Ends the program quietly when nobody reads on, as with `| head`.
pub fn say(line: impl Display) {
    if let Err(e) = writeln!(io::stdout().lock(), "{line}") {
        if e.kind() != io::ErrorKind::BrokenPipe {
            eprintln!("error: cannot print: {e}");
        }
        std::process::exit(i32::from(e.kind() != io::ErrorKind::BrokenPipe));
    }
}
