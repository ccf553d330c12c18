//! The configuration of one action: which keys its type knows, and what their values may be.

use super::matrix::{self, DEFINITION, MATRIX, MATRIX_FILE};
use super::{ActionDeclaration, ActionType, Problem, Provider, references, validate_approvals};
use crate::cloudformation::is_open;

const CANNED_ACLS: [&str; 7] = [
    "private",
    "public-read",
    "public-read-write",
    "authenticated-read",
    "aws-exec-read",
    "bucket-owner-read",
    "bucket-owner-full-control",
];

/// Those that give access to others than the owner of object and bucket, who are one here.
const PUBLIC_ACLS: [&str; 4] = ["public-read", "public-read-write", "authenticated-read", "aws-exec-read"];

/// Checks keys first, then values. A value that holds a reference is checked when it is resolved.
pub(super) fn check(action: &ActionDeclaration, kind: &ActionType) -> Result<(), Problem> {
    let name = &action.name;
    for key in action.configuration.keys().filter(|key| !is_matrix(key)) {
        if !kind.required.iter().chain(kind.optional).any(|known| known == key) {
            let message = format!("Action configuration for action '{name}' contains unknown configuration '{key}'");
            return Err(Problem::action(message).in_member(key).in_member("configuration"));
        }
    }
    let brings_pipeline = kind.provider == Provider::Pipeline && action.configuration.contains_key(DEFINITION);
    for key in kind.required.iter().filter(|_| !brings_pipeline) {
        require(action, key)?;
    }
    for (key, value) in &action.configuration {
        if value.is_empty() || value.chars().count() > 1000 {
            return Err(Problem::action(format!(
                "Action configuration for action '{name}': the value of '{key}' must be 1 to 1000 characters long"
            ))
            .in_member(key)
            .in_member("configuration"));
        }
    }
    values(action, kind.provider)
}

/// Whether a key makes an action run several times: every type that does work knows it.
pub(super) fn is_matrix(key: &str) -> bool {
    [MATRIX, MATRIX_FILE].contains(&key)
}

fn require(action: &ActionDeclaration, key: &str) -> Result<(), Problem> {
    if action.configuration.contains_key(key) {
        return Ok(());
    }
    Err(Problem::action(format!(
        "Action configuration for action '{}' is missing required configuration '{key}'",
        action.name
    )))
}

fn values(action: &ActionDeclaration, provider: Provider) -> Result<(), Problem> {
    match provider {
        Provider::CodeCommitSource => {
            boolean(action, "PollForSourceChanges")?;
            one_of(action, "OutputArtifactFormat", &["CODE_ZIP", "CODEBUILD_CLONE_REF"])?;
        }
        Provider::ConnectionSource => {
            boolean(action, "DetectChanges")?;
            one_of(action, "OutputArtifactFormat", &["CODE_ZIP", "CODEBUILD_CLONE_REF"])?;
        }
        Provider::GitHubSource => boolean(action, "PollForSourceChanges")?,
        Provider::S3Source => {
            boolean(action, "PollForSourceChanges")?;
            boolean(action, "AllowOverrideForS3ObjectKey")?;
        }
        Provider::CodeBuild => code_build(action)?,
        Provider::Commands => commands(action)?,
        Provider::ManualApproval => {
            one_of(action, "HeadworksSelfApproval", &["true", "false"])?;
            validate_approvals::configuration(action)?;
        }
        Provider::S3Deploy => {
            boolean(action, "Extract")?;
            one_of(action, "CannedACL", &CANNED_ACLS)?;
            if action.config("Extract") == Some("false") {
                require(action, "ObjectKey")?;
            }
            if let Some(acl) = action.config("CannedACL").filter(|acl| PUBLIC_ACLS.contains(acl)) {
                return Err(absent(action, &format!("CannedACL {acl} (access for others than the owner)")));
            }
            if action.configuration.contains_key("KMSEncryptionKeyARN") {
                return Err(absent(action, "KMSEncryptionKeyARN (encryption of deployed objects)"));
            }
        }
        // Its type says which values it takes.
        Provider::Worker => {}
        Provider::Pipeline => {
            boolean(action, "HeadworksWait")?;
            if let Some(place) = action.config(DEFINITION) {
                if action.configuration.contains_key("PipelineName") {
                    let what = "the action starts the pipeline PipelineName or the one that is defined there, not both";
                    return Err(wrong(action, DEFINITION, what));
                }
                matrix::check_file(action, DEFINITION, place)?;
            }
            for key in ["SourceRevisions", "Variables"] {
                let fixed = action.config(key).filter(|v| is_fixed(v));
                if fixed.is_some_and(|text| !matches!(serde_json::from_str(text), Ok(serde_json::Value::Array(_)))) {
                    return Err(wrong(action, key, "it must be a JSON array of objects"));
                }
            }
        }
        Provider::Call if action.action_type_id.provider == "CloudFormation" => cloud_formation(action)?,
        Provider::Call => {}
    }
    Ok(())
}

/// Which keys a mode needs: User Guide, "AWS CloudFormation deploy action reference".
fn cloud_formation(action: &ActionDeclaration) -> Result<(), Problem> {
    let modes = ["CREATE_UPDATE", "DELETE_ONLY", "REPLACE_ON_FAILURE", "CHANGE_SET_REPLACE", "CHANGE_SET_EXECUTE"];
    one_of(action, "ActionMode", &modes)?;
    let needed: &[&str] = match action.config("ActionMode").unwrap_or_default() {
        "CREATE_UPDATE" | "REPLACE_ON_FAILURE" => &["StackName", "TemplatePath", "RoleArn"],
        "DELETE_ONLY" => &["StackName", "RoleArn"],
        "CHANGE_SET_REPLACE" => &["StackName", "ChangeSetName", "TemplatePath", "RoleArn"],
        "CHANGE_SET_EXECUTE" => &["StackName", "ChangeSetName"],
        _ => &[],
    };
    needed.iter().try_for_each(|key| require(action, key))?;
    for key in ["TemplatePath", "TemplateConfiguration"] {
        if let Some(place) = action.config(key) {
            matrix::check_file(action, key, place)?;
        }
    }
    match action.config("ParameterOverrides").filter(|v| is_fixed(v)) {
        Some(text) if !matches!(serde_json::from_str(text), Ok(serde_json::Value::Object(_))) => {
            Err(wrong(action, "ParameterOverrides", "it must be a JSON object"))
        }
        _ => Ok(()),
    }
}

pub(super) fn wrong(action: &ActionDeclaration, key: &str, what: &str) -> Problem {
    Problem::action(format!(
        "Action configuration for action '{}': the value of '{key}' is not valid: {what}",
        action.name
    ))
    .in_member(key)
    .in_member("configuration")
}

/// User Guide, "Commands action reference".
fn commands(action: &ActionDeclaration) -> Result<(), Problem> {
    let wrong =
        |member: &str, what: &str| Err(Problem::action(format!("Action '{}': {what}", action.name)).in_member(member));
    if action.commands.is_empty() {
        return wrong("commands", "a Commands action needs at least one command");
    }
    if action.commands.iter().any(|c| c.contains('\n')) {
        return wrong("commands", "a command must be a single line");
    }
    if let Some(key) = ["VpcId", "Subnets", "SecurityGroupIds"].iter().find(|k| action.config(k).is_some()) {
        return Err(absent(action, &format!("{key} (networks of AWS)")));
    }
    let is_name = |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    match action.output_variables.iter().find(|name| !is_name(name)) {
        Some(name) => wrong("outputVariables", &format!("'{name}' cannot be the name of an environment variable")),
        None => Ok(()),
    }
}

pub(super) fn code_build(action: &ActionDeclaration) -> Result<(), Problem> {
    for key in ["BatchEnabled", "CombineArtifacts"] {
        boolean(action, key)?;
    }
    if action.config("CombineArtifacts") == Some("true") && action.config("BatchEnabled") != Some("true") {
        return Err(Problem::action(format!(
            "Action configuration for action '{}': CombineArtifacts needs BatchEnabled",
            action.name
        )));
    }
    match action.config("PrimarySource") {
        None if action.input_artifacts.len() > 1 => require(action, "PrimarySource")?,
        Some(primary)
            if is_fixed(primary)
                && action.input_artifacts.iter().all(|a| !is_open(&a.name))
                && !action.input_artifacts.iter().any(|a| a.name == primary) =>
        {
            return Err(Problem::action(format!(
                "Action configuration for action '{}': PrimarySource '{primary}' is not one of its input artifacts",
                action.name
            )));
        }
        _ => {}
    }
    match action.config("EnvironmentVariables") {
        Some(text) if !is_open(text) && !is_variable_list(text) => Err(Problem::action(format!(
            "Action configuration for action '{}': EnvironmentVariables must be a JSON array of objects with name, value and type",
            action.name
        ))),
        _ => Ok(()),
    }
}

fn is_variable_list(text: &str) -> bool {
    let Ok(serde_json::Value::Array(list)) = serde_json::from_str(text) else {
        return false;
    };
    list.iter().all(|v| v.get("name").is_some_and(|n| n.is_string()) && v.get("value").is_some_and(|n| n.is_string()))
}

/// Whether the value is known before the pipeline runs.
pub(super) fn is_fixed(value: &str) -> bool {
    references(value).is_empty() && !is_open(value)
}

fn boolean(action: &ActionDeclaration, key: &str) -> Result<(), Problem> {
    one_of(action, key, &["true", "false"])
}

fn one_of(action: &ActionDeclaration, key: &str, allowed: &[&str]) -> Result<(), Problem> {
    match action.config(key) {
        Some(value) if is_fixed(value) && !allowed.contains(&value) => Err(Problem::action(format!(
            "Action configuration for action '{}': the value '{value}' of '{key}' is not one of {}",
            action.name,
            allowed.join(", ")
        ))
        .in_member(key)
        .in_member("configuration")),
        _ => Ok(()),
    }
}

fn absent(action: &ActionDeclaration, feature: &str) -> Problem {
    Problem::action(format!("Action configuration for action '{}': {feature} is not available", action.name)).ours()
}
