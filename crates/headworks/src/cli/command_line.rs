//! The command line's grammar, and which command it chooses.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use super::{CliError, check, config, env, logs, seed, status};
use crate::config::Config;
use crate::config::{ConfigError, Layers};
use crate::{attach, demo, pipeline, run as build_run, up, worker};

/// A self-hosted delivery platform that speaks the AWS developer-tools APIs and really does the work.
#[derive(Parser)]
#[command(name = "headworks", version, propagate_version = true, after_help = FIRST_STEPS)]
struct Cli {
    #[command(flatten)]
    settings: SettingFlags,
    #[command(subcommand)]
    command: Command,
}

const FIRST_STEPS: &str = "\
First steps:
  headworks run                         run the buildspec.yml of this folder, without a server
  headworks demo --once                 a git push travels through a pipeline to a deployed page
  headworks up --data ./data            run a server; its data stays in ./data
  eval \"$(headworks env --data ./data)\" point aws, boto3 and git at it

Every setting, with its meaning: headworks config show";

/// Settings that have a flag; all others stand in the file (see `headworks config show`).
#[derive(Args, Clone)]
struct SettingFlags {
    /// TOML file with settings [default: headworks.toml, if there is one]
    #[arg(long, global = true, env = "HEADWORKS_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder for everything that lasts [default: headworks-data]
    #[arg(long, global = true, value_name = "DIR")]
    data: Option<String>,
    /// Account of the root key [default: 123456789012]
    #[arg(long, global = true)]
    account: Option<String>,
    /// Default region [default: us-east-1]
    #[arg(long, global = true)]
    region: Option<String>,
}

#[derive(Subcommand)]
enum Command {
    /// Run the server
    Up(UpFlags),
    /// Print shell exports that point AWS clients at the server
    Env,
    /// Run the build of a folder's buildspec here, without a server
    Run(Box<build_run::Flags>),
    /// Start, watch and steer executions of pipelines
    #[command(subcommand)]
    Pipeline(pipeline::Command),
    /// Open a shell in a build that waits at a breakpoint, or in a sandbox
    Attach(attach::Flags),
    /// Show what the server is doing
    Status(status::Flags),
    /// Print the logs of builds
    Logs(logs::Flags),
    /// Work for custom actions of pipelines: one command per job, or a build of Jenkins
    Worker(Box<worker::Flags>),
    /// Watch a push travel through a pipeline to a deployed page, on a server with data of its own
    Demo {
        /// End when the page is deployed
        #[arg(long)]
        once: bool,
    },
    /// Look at files before anything runs them: buildspecs, pipelines, and templates with pipelines
    Check(check::Flags),
    /// Print a JSON Schema for editors
    Schema(check::SchemaFlags),
    /// Runs one job; started by the server itself
    #[command(hide = true)]
    Shim { dir: PathBuf },
    /// Fills the data folder of a stopped server with finished executions; for measuring
    #[command(hide = true)]
    Seed(seed::Flags),
    /// Look at the settings
    #[command(subcommand)]
    Config(config::Command),
}

#[derive(Args)]
struct UpFlags {
    /// Address of the one port for HTTP and HTTPS; port 0 picks a free one [default: 127.0.0.1:4566]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// Accept any signature and serve POST /_headworks/reset; loopback only
    #[arg(long)]
    test_mode: bool,
}

/// Runs the command line; the exit code says how it went.
pub fn main() -> ExitCode {
    // Every job starts this program twice: what parses the other commands is not even looked at.
    if let Some(dir) = shim_dir(std::env::args_os()) {
        return executor::shim::main(Path::new(&dir));
    }
    let cli = Cli::parse();
    if let Command::Shim { dir } = &cli.command {
        return executor::shim::main(dir);
    }
    match run(cli) {
        Ok(code) => code,
        Err(e) => e.report(),
    }
}

/// The folder in `headworks shim DIR`.
fn shim_dir(mut arguments: impl Iterator<Item = OsString>) -> Option<OsString> {
    let _program = arguments.next();
    let is_shim = arguments.next().is_some_and(|word| word == "shim");
    let dir = arguments.next().filter(|dir| is_shim && !dir.as_encoded_bytes().starts_with(b"-"))?;
    arguments.next().is_none().then_some(dir)
}

fn run(cli: Cli) -> Result<ExitCode, CliError> {
    let done: Result<(), CliError> = match cli.command {
        Command::Run(flags) => return build_run::run(&layers(&cli.settings)?, &flags),
        Command::Pipeline(command) => return pipeline::run(&settled(&cli.settings)?, &command),
        Command::Attach(flags) => return attach::run(&settled(&cli.settings)?, &flags),
        Command::Check(flags) => return check::run(&flags, cli.settings.region.as_deref()),
        Command::Schema(flags) => check::schema(&flags),
        // Left by `main` before anything else is set up.
        Command::Shim { dir } => Err(CliError::internal(format!("the shim of {} was not started", dir.display()))),
        Command::Up(flags) => {
            let layers = layers(&cli.settings)?.flag("listen", flags.listen);
            let layers = layers.flag("test_mode", flags.test_mode.then_some(true));
            up::run(layers)
        }
        Command::Env => env::run(&settled(&cli.settings)?),
        Command::Status(flags) => status::run(&settled(&cli.settings)?, &flags),
        Command::Logs(flags) => logs::run(&settled(&cli.settings)?, &flags),
        Command::Worker(flags) => worker::run(&settled(&cli.settings)?, &flags),
        Command::Demo { once } => demo::run(layers(&cli.settings)?, once),
        Command::Seed(flags) => seed::run(settled(&cli.settings)?, &flags),
        Command::Config(command) => config::run(&layers(&cli.settings)?, &command),
    };
    done.map(|()| ExitCode::SUCCESS)
}

/// The settings of a command that does not log: what is odd about them goes to stderr.
fn settled(flags: &SettingFlags) -> Result<Config, ConfigError> {
    let layers = layers(flags)?;
    for warning in &layers.warnings {
        eprintln!("warning: {warning}");
    }
    layers.config()
}

fn layers(flags: &SettingFlags) -> Result<Layers, ConfigError> {
    let named = flags.config.is_some();
    let path = flags.config.clone().unwrap_or_else(|| PathBuf::from("headworks.toml"));
    let layers = Layers::new().file(&path, named)?.environment(std::env::vars());
    let layers = layers.flag("data_dir", flags.data.as_ref()).flag("account", flags.account.as_ref());
    Ok(layers.flag("region", flags.region.as_ref()))
}
