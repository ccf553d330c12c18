//! `headworks schema`: JSON Schemas for editors.

use clap::Args;

use super::kind::Kind;
use crate::cli::CliError;
use crate::cli::output::say;

#[derive(Args)]
pub struct Flags {
    /// What the schema describes
    #[arg(value_enum)]
    kind: Kind,
}

/// Prints a schema.
pub fn run(flags: &Flags) -> Result<(), CliError> {
    match flags.kind {
        Kind::Buildspec => {
            say(formats::buildspec::SCHEMA.trim_end());
            Ok(())
        }
        Kind::Pipeline => {
            say(format_args!("{:#}", formats::pipeline::document::schema()));
            Ok(())
        }
        kind @ (Kind::Appspec | Kind::Template | Kind::Component) => {
            let error = CliError::user(format!("a schema for files of kind {} is not built yet", kind.name()));
            Err(error.hint("there are some for buildspec and pipeline"))
        }
    }
}
