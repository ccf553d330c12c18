//! A build project as the target of an event rule. What the target is given is a request of StartBuild, without the project.

use base::{ApiError, ErrorKind};
use engine::build::Build;
use platform::Cx;
use platform::events::SERVICE_ROLE_OVERRIDE;
use serde_json::Value;
use store::{Tx, machine};

use super::settle::Particulars;
use super::start_build::{Input, check_members, submit};

/// What a rule starts.
#[derive(Clone, Debug)]
pub struct BuildByRule<'a> {
    /// The project's name.
    pub project: &'a str,
    /// Overrides.
    pub input: Option<Value>,
    /// Names the build: the same one gives the same build.
    pub uuid: String,
    /// The rule's name.
    pub rule: &'a str,
}

/// Starts the build; gives its id, or why there is none.
pub async fn start_by_rule(tx: &mut Tx, cx: &Cx, by: BuildByRule<'_>) -> Result<Result<String, String>, store::Error> {
    let id = format!("{}:{}", by.project, by.uuid);
    if machine::get::<Build>(tx, &id).await?.is_some() {
        return Ok(Ok(id));
    }
    let input = match request(&by) {
        Ok(input) => input,
        Err(why) => return Ok(Err(why)),
    };
    let initiator = format!("rule/{}", by.rule);
    let particulars = Particulars { uuid: by.uuid, initiator, parent: None, submitted: tx.now() };
    match submit(tx, cx, input, particulars, None).await {
        Ok(state) => Ok(Ok(state.request.id)),
        Err(e) if e.kind == ErrorKind::Client => Ok(Err(e.message)),
        Err(e) => Err(cause(e)),
    }
}

/// What has failed, as the transaction knows it: the one that is to be tried again is tried again.
fn cause(error: ApiError) -> store::Error {
    let store = std::error::Error::source(&error).and_then(|e| e.downcast_ref::<store::Error>());
    match (error.status, store.is_some_and(store::Error::is_passing)) {
        // The disk is full.
        (Some(507), _) => store::Error::DiskFull,
        (_, true) => store::Error::Conflict(Box::new(error)),
        (_, false) => store::Error::Sql(Box::new(error)),
    }
}

fn request(by: &BuildByRule<'_>) -> Result<Input, String> {
    let mut input = match &by.input {
        None => Input::default(),
        Some(overrides @ Value::Object(_)) => serde_json::from_value(overrides.clone())
            .map_err(|e| format!("what the target is given is no request of StartBuild: {e}"))?,
        Some(other) => return Err(format!("what the target is given is no request of StartBuild: {other}")),
    };
    if by.input.as_ref().is_some_and(|input| input.get(SERVICE_ROLE_OVERRIDE).is_some()) {
        return Err(format!("a rule may not choose the role of a build: {SERVICE_ROLE_OVERRIDE} is refused"));
    }
    by.project.clone_into(&mut input.project_name);
    check_members(&input).map_err(|e: ApiError| e.message)?;
    match input.rest.keys().next() {
        Some(unknown) => Err(format!("what the target is given is no request of StartBuild: it has no '{unknown}'")),
        None => Ok(input),
    }
}
