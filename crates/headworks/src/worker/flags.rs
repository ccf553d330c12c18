//! The command line of `headworks worker`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

#[derive(Args)]
#[command(disable_version_flag = true)]
pub struct Flags {
    /// Category of the action type: Source, Build, Test, Deploy, Invoke, Approval or Compute
    #[arg(long)]
    pub category: String,
    /// Provider of the action type: the name that pipelines call it by
    #[arg(long)]
    pub provider: String,
    /// Version of the action type
    #[arg(long = "version", default_value = "1", value_name = "VERSION")]
    pub type_version: String,
    /// Jobs that run at once
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub jobs: u32,
    /// Only jobs whose queryable property has this value
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    pub query: Option<(String, String)>,
    /// Seconds between two questions for jobs
    #[arg(long, default_value_t = 1, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=300))]
    pub every: u64,
    /// Folder for jobs; one worker at a time has it [default: a folder that goes with the worker]
    #[arg(long, value_name = "DIR")]
    pub work: Option<PathBuf>,
    /// Create the action type first, unless it is there
    #[arg(long)]
    pub register: bool,
    /// With --register: a configuration key of the type, as NAME, NAME:required, NAME:secret, NAME:required:queryable
    #[arg(long = "property", value_name = "NAME[:WORD]", requires = "register", value_parser = property)]
    pub properties: Vec<Property>,
    /// With --register: how many input artifacts, as MIN..MAX
    #[arg(long, default_value = "0..5", value_name = "MIN..MAX", value_parser = range)]
    pub inputs: (u8, u8),
    /// With --register: how many output artifacts, as MIN..MAX
    #[arg(long, default_value = "0..5", value_name = "MIN..MAX", value_parser = range)]
    pub outputs: (u8, u8),
    /// End when there is no job left
    #[arg(long)]
    pub until_idle: bool,
    #[command(flatten)]
    pub jenkins: JenkinsFlags,
    /// The command that does the work of a job, with its arguments
    #[arg(last = true, required_unless_present = "jenkins", conflicts_with = "jenkins", value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// A Jenkins that does the work instead of a command.
#[derive(Args)]
pub struct JenkinsFlags {
    /// Jenkins that does the work: its address. The action's ProjectName names the job, its other keys are parameters
    #[arg(long, value_name = "URL")]
    pub jenkins: Option<String>,
    /// User of Jenkins, whose API token is in HEADWORKS_JENKINS_TOKEN or in a file
    #[arg(long, value_name = "NAME", requires = "jenkins")]
    pub jenkins_user: Option<String>,
    /// File with the API token
    #[arg(long, value_name = "FILE", requires = "jenkins_user")]
    pub jenkins_token_file: Option<PathBuf>,
}

/// A configuration key of a new action type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Property {
    pub name: String,
    pub required: bool,
    pub secret: bool,
    pub queryable: bool,
}

impl Property {
    /// One without words.
    pub fn named(name: &str) -> Self {
        Property { name: name.to_owned(), required: false, secret: false, queryable: false }
    }
}

impl Flags {
    /// The action type, as the API names it.
    pub fn action_type(&self) -> Value {
        json!({
            "category": self.category, "owner": "Custom", "provider": self.provider, "version": self.type_version,
        })
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("it must be NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn property(text: &str) -> Result<Property, String> {
    let mut words = text.split(':');
    let name = words.next().filter(|name| !name.is_empty()).ok_or("it must begin with a name")?;
    let mut property = Property::named(name);
    for word in words {
        match word {
            "required" => property.required = true,
            "secret" => property.secret = true,
            "queryable" => property.queryable = true,
            other => return Err(format!("'{other}' is none of required, secret, queryable")),
        }
    }
    Ok(property)
}

fn range(text: &str) -> Result<(u8, u8), String> {
    let (least, most) = text.split_once("..").ok_or("it must be MIN..MAX")?;
    let number = |text: &str| text.parse::<u8>().map_err(|e| format!("'{text}': {e}"));
    let (least, most) = (number(least)?, number(most)?);
    if least <= most && most <= 5 { Ok((least, most)) } else { Err("it must be 0 to 5, the smaller first".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_have_a_name_and_words_that_are_known() {
        let secret = Property { name: "Token".to_owned(), required: true, secret: true, queryable: false };
        assert_eq!(property("Token:required:secret"), Ok(secret));
        assert!(property("Token:hidden").is_err());
        assert!(property(":secret").is_err());
    }

    #[test]
    fn counts_of_artifacts_are_what_the_api_takes() {
        assert_eq!(range("0..5"), Ok((0, 5)));
        for wrong in ["5..0", "0..6", "1", "a..b", "-1..2"] {
            assert!(range(wrong).is_err(), "{wrong}");
        }
    }
}
