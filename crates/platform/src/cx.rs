//! What an operation gets to work with. Nothing is global.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;

use base::{ApiError, Arn, Clock, Ids, Scope, Timestamp};
use store::Store;
use store::objects::Objects;

use crate::disk::Disk;
use crate::iam::{CredentialCache, Rights};
use crate::sealing::SealingKey;

/// The context of one call. Cheap to clone.
#[derive(Clone)]
pub struct Cx {
    pub store: Store,
    pub objects: Objects,
    pub clock: Arc<dyn Clock>,
    pub ids: Arc<dyn Ids>,
    pub caller: Caller,
    /// What access keys stand for; operations that change keys make it forget.
    pub credentials: Arc<CredentialCache>,
    pub site: Arc<Site>,
}

/// Who calls, and on which account and region.
#[derive(Clone, Debug)]
pub struct Caller {
    pub scope: Scope,
    pub principal: Principal,
    /// As answered in `x-amzn-RequestId`.
    pub request_id: String,
    pub source_ip: String,
}

/// An authenticated identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// `arn:aws:iam::123456789012:user/alice`, `arn:aws:sts::123456789012:assumed-role/deploy/session`, ...
    pub arn: String,
    /// The unique id: `AIDA...`, `AROA...:session`, or the account for its root.
    pub user_id: String,
    /// The access key that signed; none for our own services.
    pub access_key: Option<String>,
    /// What its policies were when it began, if it goes by that; else they are read for each decision.
    pub rights: Option<Rights>,
}

/// This installation, the same for all calls.
#[derive(Clone, Debug)]
pub struct Site {
    /// How clients reach us, without a slash at the end: `http://127.0.0.1:4566`.
    pub endpoint: String,
    /// How builds on this machine reach us, whatever else we listen on: `http://127.0.0.1:4566`. Clients take
    /// credentials by plain HTTP from 127.0.0.1 alone. Without, builds get theirs in the environment.
    pub loopback: Option<String>,
    /// How builds get to us under AWS's own names, if they can.
    pub front: Option<Front>,
    /// Where everything lives that is not in the database.
    pub data_dir: PathBuf,
    /// How much room is left there.
    pub disk: Arc<Disk>,
    /// What secrets are encrypted under before they reach the database.
    pub key: Arc<SealingKey>,
    /// Folders of this machine that builds may have as sources of type LOCAL; none on a server.
    pub local_sources: Vec<PathBuf>,
    /// Builds work in those folders, not in copies of them.
    pub builds_in_place: bool,
    /// How many builds of an account run at once in a region; `None`: as many as there is room for.
    pub max_builds: Option<u32>,
    /// How many executions of a pipeline in mode QUEUED or PARALLEL may be under way before StartPipelineExecution refuses
    /// another; `None`: any number.
    pub max_executions: Option<u32>,
    /// Any signature is accepted, and the whole state may be dropped by one request.
    pub test_mode: bool,
    /// A runtime that a buildspec asks for and that is not there does not fail the build.
    pub lenient_runtimes: bool,
}

/// An address of this machine where we answer as AWS's hosts would, for clients that ignore `AWS_ENDPOINT_URL`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Front {
    pub address: Ipv4Addr,
    /// What is added to the ports 443, 80 and 53 where the server may not have these: builds then need a network of their
    /// own in which they lead here.
    pub shift: u16,
    /// Names are answered there too (port 53), also those that no list of hosts can have.
    pub answers_names: bool,
    /// The first labels of the hosts that are ours: `sts`, `git-codecommit`.
    pub prefixes: Vec<String>,
    /// This machine's trusted certificates and the installation's own authority.
    pub bundle: PathBuf,
    /// The authority's certificate alone.
    pub authority: PathBuf,
    /// Where programs look for the machine's trusted certificates.
    pub bundle_paths: Vec<PathBuf>,
}

impl Cx {
    /// The account and region that rows belong to.
    pub fn scope(&self) -> &Scope {
        &self.caller.scope
    }

    /// An error when the disk is too full to take anything new. Whatever makes the data grow asks this first.
    pub fn room(&self) -> Result<(), ApiError> {
        self.site.disk.room()
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The ARN of a resource in the caller's account and region.
    pub fn arn(&self, service: &str, resource: impl Into<String>) -> Arn {
        self.caller.scope.arn(service, resource)
    }

    /// The same context for one of our own services that acts in `scope`: `codepipeline`, say.
    pub fn as_service(&self, service: &str, scope: &Scope) -> Cx {
        let arn = scope.global_arn("iam", format!("role/aws-service-role/{service}.amazonaws.com/Headworks"));
        let user_id = format!("{service}.amazonaws.com");
        let principal = Principal { arn: arn.to_string(), user_id, access_key: None, rights: None };
        let caller = Caller { scope: scope.clone(), principal, ..self.caller.clone() };
        Cx { caller, ..self.clone() }
    }
}
