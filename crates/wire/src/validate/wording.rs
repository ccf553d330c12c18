//! Which error a service gives for an input that breaks its model.

use base::ApiError;

use super::check::Fault;
use crate::model::{Kind, Location, Protocol};
use crate::route::Call;

/// The error for the faults found, of which there is at least one.
pub(super) fn refusal(call: &Call, faults: &[Fault]) -> ApiError {
    if let Some(error) = faults.first().and_then(|f| own_exception(call, f)) {
        return error;
    }
    match (call.protocol, call.service.name()) {
        (Protocol::RestXml, _) => s3(faults),
        (_, "ecr") => ApiError::new("InvalidParameterException", join(faults, ecr)),
        (_, "codebuild") => ApiError::new("InvalidInputException", counted(faults)),
        (_, "logs") => ApiError::new("InvalidParameterException", counted(faults)),
        (_, "sqs") if faults.iter().any(|f| f.missing) => {
            let name = faults.iter().find(|f| f.missing).map_or("", |f| &f.wire_name);
            ApiError::new("MissingParameter", format!("The request must contain the parameter {name}."))
        }
        (Protocol::Query, _) => ApiError::new("ValidationError", counted(faults)),
        _ => ApiError::new("ValidationException", counted(faults)),
    }
    .with_status(400)
}

/// `2 validation errors detected: ...; ...`.
fn counted(faults: &[Fault]) -> String {
    let plural = if faults.len() == 1 { "" } else { "s" };
    format!("{} validation error{plural} detected: {}", faults.len(), join(faults, plain))
}

fn join(faults: &[Fault], one: impl Fn(&Fault) -> String) -> String {
    faults.iter().map(one).collect::<Vec<_>>().join("; ")
}

fn plain(fault: &Fault) -> String {
    let Fault { path, rule, .. } = fault;
    match &fault.value {
        _ if fault.missing => format!("Value null at '{path}' failed to satisfy constraint: {rule}"),
        Some(value) => format!("Value '{value}' at '{path}' failed to satisfy constraint: {rule}"),
        None => format!("Value at '{path}' failed to satisfy constraint: {rule}"),
    }
}

fn ecr(fault: &Fault) -> String {
    let rule = fault.rule.replacen("Member must", "must", 1).replacen("pattern: ", "'", 1);
    let quote = if rule.contains('\'') { "''" } else { "'" };
    format!("Invalid parameter at '{}' failed to satisfy constraint: '{rule}{quote}", fault.path)
}

fn s3(faults: &[Fault]) -> ApiError {
    match faults.first() {
        Some(f) if f.location == Location::Header => {
            ApiError::new("InvalidRequest", format!("Missing required header for this request: {}", f.wire_name))
        }
        Some(f) if f.location == Location::Query => {
            ApiError::new("InvalidArgument", format!("This request must contain the query parameter {}.", f.wire_name))
        }
        _ => ApiError::new(
            "MalformedXML",
            "The XML you provided was not well-formed or did not validate against our published schema",
        ),
    }
}

/// CodeCommit and CodeDeploy have an exception for each member: `RepositoryNameRequiredException`,
/// `InvalidRepositoryNameException`. Where the operation lists one for the member at fault, that is the answer.
fn own_exception(call: &Call, fault: &Fault) -> Option<ApiError> {
    if fault.path.contains('.') {
        return None;
    }
    let mut chars = fault.path.chars();
    let name: String = chars.next()?.to_uppercase().chain(chars).collect();
    let wanted = if fault.missing { format!("{name}RequiredException") } else { format!("Invalid{name}Exception") };
    let errors = call.operation.errors().iter();
    let shape = errors.map(|id| call.service.shape(*id)).find(|s| *s.name == *wanted)?;
    let Kind::Structure(_) = shape.kind else { return None };
    let message = if fault.missing {
        format!("A {} is required.", spaced(&fault.path))
    } else {
        format!("The {} is not valid. {}", spaced(&fault.path), fault.rule)
    };
    Some(ApiError::new(&shape.name, message).with_status(400))
}

/// `repositoryName` as people write it.
fn spaced(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            out.push(' ');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}
