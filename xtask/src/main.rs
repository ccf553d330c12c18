//! Every command that development needs: `cargo xtask <command>`.

mod bench;
mod fuzz;
mod models;
mod new_operation;
mod program;
mod setup;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Development commands of Headworks.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Rewrites `models/` from the pinned botocore package.
    Models,
    /// Installs what the tests need. Does nothing, and says so, when all is there.
    Setup {
        /// Also installs the peers that `bench` measures: moto and Buildbot.
        #[arg(long)]
        bench: bool,
    },
    /// Runs every check and every test; ends with `N passed, M failed, K skipped`.
    Test(test::Arguments),
    /// Measures a release build against its aims and against moto and Buildbot.
    Bench(bench::Arguments),
    /// Throws what strangers may send at the parsers, guided by coverage.
    Fuzz(fuzz::Arguments),
    /// Writes an operation's file in the house form, from the model, and the lines that name it.
    NewOperation(new_operation::Arguments),
    /// Checks the rules of the house that neither rustc nor clippy knows.
    Tidy,
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Models => models::models().map(|()| true),
        Command::Setup { bench } => {
            let wanted = if bench { setup::Wanted::Bench } else { setup::Wanted::Tests };
            setup::run(wanted).map(|()| true)
        }
        Command::Test(arguments) => test::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments).map(|()| true),
        Command::Fuzz(arguments) => fuzz::run(&arguments),
        Command::NewOperation(arguments) => new_operation::run(&arguments).map(|()| true),
        Command::Tidy => tidy::run(),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
