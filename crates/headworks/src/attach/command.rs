//! `headworks attach`: a shell in a build that waits at a breakpoint, or in a sandbox.

use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::{End, PROTOCOL, Seat, TERM_HEADER, WINDOW_HEADER};
use crate::cli::CliError;
use crate::client::Client;
use crate::config::Config;

#[derive(Args)]
pub struct Flags {
    /// Id or ARN of a build (started with debugSessionEnabled) or of a sandbox
    id: String,
}

/// Opens the shell on this terminal. The exit code is the shell's.
pub fn run(config: &Config, flags: &Flags) -> Result<ExitCode, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(CliError::environment)?;
    let end = runtime.block_on(attach(config, flags));
    runtime.shutdown_background();
    match end? {
        End::Shell { status, job_is_over } => {
            if job_is_over {
                eprintln!("headworks: {} is over, and the shell with it", flags.id);
            }
            Ok(ExitCode::from(u8::try_from(status & 0xff).unwrap_or(1)))
        }
        End::Signal(number) => Ok(ExitCode::from(u8::try_from(128 + number).unwrap_or(1))),
    }
}

async fn attach(config: &Config, flags: &Flags) -> Result<End, CliError> {
    let client = Client::of_caller(config)?;
    let mut seat = Seat::take();
    let terminal = seat.terminal();
    let typed = if terminal.echo { "" } else { ",quiet" };
    let headers =
        [(WINDOW_HEADER, format!("{},{}{typed}", terminal.rows, terminal.columns)), (TERM_HEADER, terminal.kind)];
    let input = json!({ "sandboxId": flags.id });
    let stream = client.go_over("codebuild", "StartSandboxConnection", input, (PROTOCOL, &headers)).await?;
    seat.talk(stream).await.map_err(CliError::environment)
}
