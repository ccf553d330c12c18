//! Errors as operators see them: what failed, why, and what to do; the kind gives the exit code.

use std::error::Error;
use std::fmt;
use std::process::ExitCode;

use crate::config::ConfigError;
use crate::installation::OpenError;

/// Whose turn it is, with the exit code: user 2, configuration 3, environment 4, internal 70.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    User,
    Config,
    Environment,
    Internal,
}

/// A command that failed.
#[derive(Debug)]
pub struct CliError {
    kind: Kind,
    error: Box<dyn Error + Send + Sync>,
    hint: Option<String>,
}

impl CliError {
    /// The command was wrong.
    pub fn user(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        CliError { kind: Kind::User, error: error.into(), hint: None }
    }

    /// The machine does not give what we need.
    pub fn environment(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        CliError { kind: Kind::Environment, error: error.into(), hint: None }
    }

    /// Our fault.
    pub fn internal(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        CliError { kind: Kind::Internal, error: error.into(), hint: None }
    }

    /// A setting cannot be used.
    pub fn config(error: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        CliError { kind: Kind::Config, error: error.into(), hint: None }
    }

    /// Says before the message what failed for it.
    pub fn before(mut self, what: impl fmt::Display) -> Self {
        self.error = format!("{what}: {}", self.error).into();
        self
    }

    /// Adds what the operator can do.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Prints to stderr and gives the exit code.
    pub fn report(&self) -> ExitCode {
        eprintln!("error: {}", self.error);
        let mut next = self.error.source();
        while let Some(cause) = next {
            eprintln!("  because: {cause}");
            next = cause.source();
        }
        if let Some(hint) = &self.hint {
            eprintln!("hint: {hint}");
        }
        ExitCode::from(match self.kind {
            Kind::User => 2,
            Kind::Config => 3,
            Kind::Environment => 4,
            Kind::Internal => 70,
        })
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl Error for CliError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.error.source()
    }
}

impl From<ConfigError> for CliError {
    fn from(e: ConfigError) -> Self {
        let hint = match &e {
            ConfigError::Read { .. } => "--config and HEADWORKS_CONFIG name the file",
            ConfigError::Toml { .. } => "mend the line; `headworks config show` prints a file with every setting",
            ConfigError::Value { .. } => "`headworks config show` lists every setting with its meaning",
            ConfigError::TestModeInTheOpen { .. } => "or leave --test-mode out",
            ConfigError::DummyInEarnest => "add --test-mode, or let builds run: executor.kind = \"auto\"",
        };
        CliError { kind: Kind::Config, error: Box::new(e), hint: Some(hint.to_owned()) }
    }
}

impl From<OpenError> for CliError {
    fn from(e: OpenError) -> Self {
        let hint = e.hint();
        CliError::environment(e).hint(hint)
    }
}
