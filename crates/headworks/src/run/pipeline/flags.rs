//! The flags that pipelines have beside those of builds.

use std::path::PathBuf;

use clap::Args;

/// Where deployments go when `--deploy` names no folder.
const DEPLOYED: &str = "deployed";

#[derive(Args, Clone, Debug, Default)]
#[group(skip)]
#[command(next_help_heading = "Pipelines (headworks run PIPELINE.yml, or a template with one)")]
pub struct Flags {
    /// Which pipeline of a template, by its logical id [default: the only one]
    #[arg(long, value_name = "ID")]
    pub pipeline: Option<String>,
    /// The value of a pipeline variable
    #[arg(long = "variable", value_name = "NAME=VALUE")]
    pub variables: Vec<String>,
    /// Folder of a source action [default: that of --source]
    #[arg(long = "action-source", value_name = "ACTION=DIR")]
    pub action_sources: Vec<String>,
    /// The buildspec of a build project [default: that of the template's project, else buildspec.yml]
    #[arg(long = "project", value_name = "NAME=FILE")]
    pub projects: Vec<String>,
    /// Approve whatever waits, instead of asking
    #[arg(long)]
    pub approve: bool,
    /// Run deploy and invoke actions as well; the files of S3 deployments are put into DIR, in folders of the buckets' names
    #[arg(long, value_name = "DIR", num_args = 0..=1, require_equals = true, default_missing_value = DEPLOYED)]
    pub deploy: Option<PathBuf>,
}

impl Flags {
    /// Whether any was given.
    pub fn any(&self) -> bool {
        let Flags { pipeline, variables, action_sources, projects, approve, deploy } = self;
        let lists = [variables, action_sources, projects];
        pipeline.is_some() || lists.iter().any(|l| !l.is_empty()) || *approve || deploy.is_some()
    }
}
