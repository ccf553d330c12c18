//! The command's grammar.

use std::process::ExitCode;

use clap::Subcommand;

use super::{approve, graph, history, start, steer, watch};
use crate::cli::CliError;
use crate::client::Client;
use crate::config::Config;

#[derive(Subcommand)]
pub enum Command {
    /// Start an execution
    Start(start::Flags),
    /// Follow an execution to its end; the exit code is 0 when it succeeded, 1 when not
    Watch(watch::Flags),
    /// Decide on a manual approval that waits
    Approve(approve::Flags),
    /// Try a failed stage again
    Retry(steer::RetryFlags),
    /// Bring a stage back to what an earlier execution made of it
    Rollback(steer::RollbackFlags),
    /// Stop an execution
    Stop(steer::StopFlags),
    /// List executions, newest first
    History(history::Flags),
    /// Draw stages and actions, and where the newest execution stands
    Graph(graph::Flags),
}

/// Runs the command; the exit code says how the execution went where it is watched.
pub fn run(config: &Config, command: &Command) -> Result<ExitCode, CliError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(CliError::environment)?;
    runtime.block_on(async {
        let client = Client::of_caller(config)?;
        match command {
            Command::Start(flags) => start::run(&client, flags).await,
            Command::Watch(flags) => watch::run(&client, flags).await,
            Command::Approve(flags) => approve::run(&client, flags).await,
            Command::Retry(flags) => steer::retry(&client, flags).await,
            Command::Rollback(flags) => steer::rollback(&client, flags).await,
            Command::Stop(flags) => steer::stop(&client, flags).await,
            Command::History(flags) => history::run(&client, flags).await,
            Command::Graph(flags) => graph::run(&client, flags).await,
        }
    })
}
