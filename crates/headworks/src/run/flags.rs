//! The flags of `headworks run`; the short ones are those of AWS's `codebuild_build.sh`.

use std::path::PathBuf;

use clap::Args;

use crate::cli::Output;

/// What `--help` says behind the flags.
const NOTES: &str = "\
The short flags are those of AWS's codebuild_build.sh. Log lines go to stdout, all else to stderr.
Exit code: 0 the build succeeded, 1 it did not, 2 the command line is wrong, 130 interrupted twice.";

#[derive(Args, Clone, Debug)]
#[command(after_help = NOTES)]
pub struct Flags {
    /// The buildspec [default: buildspec.yml in the source], or a pipeline
    #[arg(value_name = "BUILDSPEC")]
    pub buildspec: Option<PathBuf>,
    /// The same, as codebuild_build.sh has it
    #[arg(short = 'b', long = "buildspec", value_name = "FILE", conflicts_with = "buildspec")]
    pub buildspec_flag: Option<PathBuf>,
    /// Folder of the primary source [default: the current folder]; further ones are secondary: ID:DIR
    #[arg(short, long = "source", value_name = "DIR")]
    pub sources: Vec<String>,
    /// A secondary source; the build finds its copy in CODEBUILD_SRC_DIR_ID
    #[arg(long = "secondary-source", value_name = "ID=DIR")]
    pub secondary_sources: Vec<String>,
    /// A variable; NAME alone takes its value from this environment
    #[arg(long = "env", value_name = "NAME=VALUE")]
    pub env: Vec<String>,
    /// File with a variable a line, NAME=VALUE; lines that begin with # are skipped, quotes belong to the value
    #[arg(short, long = "env-file", value_name = "FILE")]
    pub env_file: Vec<PathBuf>,
    /// A parameter or secret that the buildspec names: NAME=@FILE or NAME=env:VARIABLE
    #[arg(long = "secret", value_name = "NAME=WHERE")]
    pub secrets: Vec<String>,
    /// Folder for the artifacts, unpacked; secondary ones in a folder of their name
    #[arg(short, long, value_name = "DIR")]
    pub artifacts: Option<PathBuf>,
    /// Folder for the report files
    #[arg(short, long, value_name = "DIR")]
    pub reports: Option<PathBuf>,
    /// End after this phase: install, pre_build, build or post_build; no artifacts are made then
    #[arg(long, value_name = "PHASE")]
    pub phase: Option<String>,
    /// Open a shell where the build failed; what it changes in the copy counts when the build goes on
    #[arg(long, conflicts_with = "watch")]
    pub shell: bool,
    /// Run again whenever a source changes, until interrupted
    #[arg(long)]
    pub watch: bool,
    /// Run the builds of the buildspec's batch section, side by side
    #[arg(long)]
    pub batch: bool,
    /// The image; used where builds run in containers [default: aws/codebuild/standard:7.0]
    #[arg(short, long, value_name = "IMAGE")]
    pub image: Option<String>,
    /// Privileged mode, for builds that run containers of their own
    #[arg(short = 'd', long)]
    pub privileged: bool,
    /// Give the build this machine's AWS: AWS_* of this environment and ~/.aws, instead of a private empty one
    #[arg(short = 'c', long = "aws")]
    pub aws: bool,
    /// Give the build this machine's AWS with this profile
    #[arg(short, long, value_name = "NAME")]
    pub profile: Option<String>,
    /// The build works in the source folders themselves, not in copies: what it writes stays there
    #[arg(short, long)]
    pub mount_source: bool,
    /// Image of AWS's own agent; has no effect here
    #[arg(short = 'l', long, value_name = "IMAGE", hide = true)]
    pub agent_image: Option<String>,
    /// How long the build may take [default: 60, with --shell 480]
    #[arg(long, value_name = "MINUTES", value_parser = clap::value_parser!(u32).range(5..=2160))]
    pub timeout: Option<u32>,
    #[command(flatten)]
    pub pipeline: super::pipeline::Flags,
    /// How to print: json is one event a line
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}
