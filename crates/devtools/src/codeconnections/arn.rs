//! The ARNs of connections and hosts, which keep the service's name under which they were made.

use base::{ApiError, Arn, Scope};

use super::errors;

/// One of the service's two names.
pub trait Named {
    /// As it stands in ARNs.
    const SERVICE: &str;
}

/// The newer name.
#[derive(Debug)]
pub enum CodeConnections {}

/// The older name.
#[derive(Debug)]
pub enum CodeStarConnections {}

impl Named for CodeConnections {
    const SERVICE: &str = "codeconnections";
}

impl Named for CodeStarConnections {
    const SERVICE: &str = "codestar-connections";
}

/// What an ARN names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Resource {
    /// The connection's id.
    Connection(String),
    /// The host's id.
    Host(String),
}

impl Resource {
    /// What an ARN of this account and region names, under either name of the service.
    pub fn parse(scope: &Scope, arn: &str) -> Result<Self, ApiError> {
        let missing = || errors::not_found(arn);
        let parsed = Arn::parse(arn).ok_or_else(missing)?;
        let services = [CodeConnections::SERVICE, CodeStarConnections::SERVICE];
        if !services.iter().any(|service| parsed == scope.arn(service, parsed.resource.as_str())) {
            return Err(missing());
        }
        match parsed.resource.split_once('/') {
            Some(("connection", id)) => Ok(Resource::Connection(id.to_owned())),
            Some(("host", id)) => Ok(Resource::Host(id.to_owned())),
            _ => Err(missing()),
        }
    }

    /// The id of the connection that an ARN names.
    pub fn connection(scope: &Scope, arn: &str) -> Result<String, ApiError> {
        match Resource::parse(scope, arn)? {
            Resource::Connection(id) => Ok(id),
            Resource::Host(_) => Err(errors::not_found(arn)),
        }
    }

    /// The id of the host that an ARN names.
    pub fn host(scope: &Scope, arn: &str) -> Result<String, ApiError> {
        match Resource::parse(scope, arn)? {
            Resource::Host(id) => Ok(id),
            Resource::Connection(_) => Err(errors::not_found(arn)),
        }
    }
}

/// A connection's ARN.
pub(super) fn of_connection(scope: &Scope, service: &str, id: &str) -> String {
    scope.arn(service, format!("connection/{id}")).to_string()
}

/// A host's ARN.
pub(super) fn of_host(scope: &Scope, service: &str, id: &str) -> String {
    scope.arn(service, format!("host/{id}")).to_string()
}
