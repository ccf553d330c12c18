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
pub(super) fn check(action: &ActionDeclaration, kind: &ActionType) -> Vec<Problem> {
    let name = &action.name;
    let mut found = Vec::new();
    for key in action.configuration.keys().filter(|key| !is_matrix(key)) {
        if !kind.required.iter().chain(kind.optional).any(|known| known == key) {
            let message = format!("Action configuration for action '{name}' contains unknown configuration '{key}'");
            found.push(at(Problem::action(message), key));
        }
    }
    let brings_pipeline = kind.provider == Provider::Pipeline && action.configuration.contains_key(DEFINITION);
    for key in kind.required.iter().filter(|_| !brings_pipeline) {
        found.extend(require(action, key).err());
    }
    for (key, value) in &action.configuration {
        if value.is_empty() || value.chars().count() > 1000 {
            let problem = Problem::action(format!(
                "Action configuration for action '{name}': the value of '{key}' must be 1 to 1000 characters long"
            ));
            found.push(at(problem, key));
        }
    }
    // A value of a wrong length is wrong for that alone.
    if found.is_empty() {
        found.extend(values(action, kind.provider));
    }
    found
}

fn at(problem: Problem, key: &str) -> Problem {
    problem.in_member(key).in_member("configuration")
}

/// Whether a key makes an action run several times: every type that does work knows it.
pub(super) fn is_matrix(key: &str) -> bool {
    [MATRIX, MATRIX_FILE].contains(&key)
}

fn require(action: &ActionDeclaration, key: &str) -> Result<(), Problem> {
    if action.configuration.contains_key(key) {
        return Ok(());
    }
    let problem = Problem::action(format!(
        "Action configuration for action '{}' is missing required configuration '{key}'",
        action.name
    ));
    Err(problem.in_member("configuration"))
}

fn values(action: &ActionDeclaration, provider: Provider) -> Vec<Problem> {
    let checked = match provider {
        Provider::CodeCommitSource => vec![
            boolean(action, "PollForSourceChanges"),
            one_of(action, "OutputArtifactFormat", &["CODE_ZIP", "CODEBUILD_CLONE_REF"]),
        ],
        Provider::ConnectionSource => vec![
            arn(action, "ConnectionArn"),
            boolean(action, "DetectChanges"),
            one_of(action, "OutputArtifactFormat", &["CODE_ZIP", "CODEBUILD_CLONE_REF"]),
        ],
        Provider::GitHubSource => vec![boolean(action, "PollForSourceChanges")],
        Provider::S3Source => {
            vec![boolean(action, "PollForSourceChanges"), boolean(action, "AllowOverrideForS3ObjectKey")]
        }
        Provider::CodeBuild => return code_build(action),
        Provider::Commands => return commands(action),
        Provider::ManualApproval => vec![
            one_of(action, "HeadworksSelfApproval", &["true", "false"]),
            validate_approvals::configuration(action),
            arn(action, "NotificationArn"),
        ],
        Provider::S3Deploy => return s3_deploy(action),
        // Its type says which values it takes.
        Provider::Worker => Vec::new(),
        Provider::Pipeline => vec![
            boolean(action, "HeadworksWait"),
            definition(action),
            json_list(action, "SourceRevisions"),
            json_list(action, "Variables"),
        ],
        Provider::Call if action.action_type_id.provider == "CloudFormation" => return cloud_formation(action),
        Provider::Call => Vec::new(),
    };
    errors(checked)
}

fn errors(checked: impl IntoIterator<Item = Result<(), Problem>>) -> Vec<Problem> {
    checked.into_iter().filter_map(Result::err).collect()
}

fn s3_deploy(action: &ActionDeclaration) -> Vec<Problem> {
    let mut found = errors([boolean(action, "Extract"), one_of(action, "CannedACL", &CANNED_ACLS)]);
    if action.config("Extract") == Some("false") {
        found.extend(require(action, "ObjectKey").err());
    }
    if let Some(acl) = action.config("CannedACL").filter(|acl| PUBLIC_ACLS.contains(acl)) {
        found.push(absent(action, "CannedACL", &format!("CannedACL {acl} (access for others than the owner)")));
    }
    if action.configuration.contains_key("KMSEncryptionKeyARN") {
        let feature = "KMSEncryptionKeyARN (encryption of deployed objects)";
        found.push(absent(action, "KMSEncryptionKeyARN", feature));
    }
    found
}

/// A pipeline that the action brings along.
fn definition(action: &ActionDeclaration) -> Result<(), Problem> {
    let Some(place) = action.config(DEFINITION) else { return Ok(()) };
    if action.configuration.contains_key("PipelineName") {
        let what = "the action starts the pipeline PipelineName or the one that is defined there, not both";
        return Err(wrong(action, DEFINITION, what));
    }
    matrix::check_file(action, DEFINITION, place)
}

fn json_list(action: &ActionDeclaration, key: &str) -> Result<(), Problem> {
    match action.config(key).filter(|v| is_fixed(v)).map(serde_json::from_str) {
        None | Some(Ok(serde_json::Value::Array(_))) => Ok(()),
        Some(_) => Err(wrong(action, key, "it must be a JSON array of objects")),
    }
}

/// What can never be an ARN: `arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE`.
fn arn(action: &ActionDeclaration, key: &str) -> Result<(), Problem> {
    let is_arn = |text: &str| {
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let [first, partition, service, _, _, resource] = parts[..] else { return false };
        first == "arn" && ![partition, service, resource].contains(&"") && !text.contains(char::is_whitespace)
    };
    match action.config(key).filter(|v| is_settled(v)) {
        Some(text) if !is_arn(text) => {
            Err(wrong(action, key, &format!("'{text}' is not an ARN (arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE)")))
        }
        Some(_) | None => Ok(()),
    }
}

/// Whether the value is known, also to CloudFormation.
fn is_settled(value: &str) -> bool {
    is_fixed(value) && !value.contains("{{resolve:")
}

/// Which keys a mode needs: User Guide, "AWS CloudFormation deploy action reference".
fn cloud_formation(action: &ActionDeclaration) -> Vec<Problem> {
    let modes = ["CREATE_UPDATE", "DELETE_ONLY", "REPLACE_ON_FAILURE", "CHANGE_SET_REPLACE", "CHANGE_SET_EXECUTE"];
    let mut found = errors([one_of(action, "ActionMode", &modes)]);
    let needed: &[&str] = match action.config("ActionMode").unwrap_or_default() {
        "CREATE_UPDATE" | "REPLACE_ON_FAILURE" => &["StackName", "TemplatePath", "RoleArn"],
        "DELETE_ONLY" => &["StackName", "RoleArn"],
        "CHANGE_SET_REPLACE" => &["StackName", "ChangeSetName", "TemplatePath", "RoleArn"],
        "CHANGE_SET_EXECUTE" => &["StackName", "ChangeSetName"],
        _ => &[],
    };
    found.extend(needed.iter().filter_map(|key| require(action, key).err()));
    for key in ["TemplatePath", "TemplateConfiguration"] {
        if let Some(place) = action.config(key) {
            found.extend(matrix::check_file(action, key, place).err());
        }
    }
    if let Some(text) = action.config("ParameterOverrides").filter(|v| is_fixed(v))
        && !matches!(serde_json::from_str(text), Ok(serde_json::Value::Object(_)))
    {
        found.push(wrong(action, "ParameterOverrides", "it must be a JSON object"));
    }
    found
}

pub(super) fn wrong(action: &ActionDeclaration, key: &str, what: &str) -> Problem {
    Problem::action(format!(
        "Action configuration for action '{}': the value of '{key}' is not valid: {what}",
        action.name
    ))
    .in_member(key)
    .in_member("configuration")
}

/// The compute types of Commands actions.
pub const COMMANDS_COMPUTE: &[&str] = &["BUILD_GENERAL1_SMALL", "BUILD_GENERAL1_MEDIUM", "BUILD_GENERAL1_LARGE"];
const COMMANDS_ENVIRONMENT: &[&str] = &["LINUX_CONTAINER", "WINDOWS_SERVER_2022_CONTAINER"];

/// User Guide, "Commands action reference".
fn commands(action: &ActionDeclaration) -> Vec<Problem> {
    let mut found = Vec::new();
    let wrong =
        |member: &str, what: &str| Problem::action(format!("Action '{}': {what}", action.name)).in_member(member);
    if action.commands.is_empty() {
        found.push(wrong("commands", "a Commands action needs at least one command"));
    }
    if action.commands.iter().any(|c| c.contains('\n')) {
        found.push(wrong("commands", "a command must be a single line"));
    }
    if let Some(key) = ["VpcId", "Subnets", "SecurityGroupIds"].iter().find(|k| action.config(k).is_some()) {
        found.push(absent(action, key, &format!("{key} (networks of AWS)")));
    }
    for (key, values) in [("ComputeType", COMMANDS_COMPUTE), ("EnvironmentType", COMMANDS_ENVIRONMENT)] {
        if let Some(value) = action.config(key).filter(|value| is_fixed(value) && !values.contains(value)) {
            let what = format!("{key} must be one of {}, not '{value}'", values.join(", "));
            found.push(at(Problem::action(format!("Action '{}': {what}", action.name)), key));
        }
    }
    // Deviation: commands for Windows are refused when the pipeline is made.
    if let Some(windows) = action.config("EnvironmentType").filter(|value| *value == "WINDOWS_SERVER_2022_CONTAINER") {
        found.push(absent(action, "EnvironmentType", &format!("EnvironmentType {windows} (builds for Windows)")));
    }
    let is_name = |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if let Some(name) = action.output_variables.iter().find(|name| !is_name(name)) {
        found.push(wrong("outputVariables", &format!("'{name}' cannot be the name of an environment variable")));
    }
    found
}

pub(super) fn code_build(action: &ActionDeclaration) -> Vec<Problem> {
    let mut found = errors(["BatchEnabled", "CombineArtifacts"].map(|key| boolean(action, key)));
    let name = &action.name;
    if action.config("CombineArtifacts") == Some("true") && action.config("BatchEnabled") != Some("true") {
        let message = format!("Action configuration for action '{name}': CombineArtifacts needs BatchEnabled");
        found.push(at(Problem::action(message), "CombineArtifacts"));
    }
    match action.config("PrimarySource") {
        None if action.input_artifacts.len() > 1 => found.extend(require(action, "PrimarySource").err()),
        Some(primary)
            if is_fixed(primary)
                && action.input_artifacts.iter().all(|a| !is_open(&a.name))
                && !action.input_artifacts.iter().any(|a| a.name == primary) =>
        {
            let problem = Problem::action(format!(
                "Action configuration for action '{name}': PrimarySource '{primary}' is not one of its input artifacts"
            ));
            found.push(at(problem, "PrimarySource"));
        }
        _ => {}
    }
    if let Some(text) = action.config("EnvironmentVariables")
        && !is_open(text)
        && !is_variable_list(text)
    {
        let problem = Problem::action(format!(
            "Action configuration for action '{name}': EnvironmentVariables must be a JSON array of objects with name, value and type"
        ));
        found.push(at(problem, "EnvironmentVariables"));
    }
    found
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

/// What AWS has and Headworks has not.
///
/// Deviation: a pipeline that asks for it is refused when it is made.
fn absent(action: &ActionDeclaration, key: &str, feature: &str) -> Problem {
    let problem =
        Problem::action(format!("Action configuration for action '{}': {feature} is not available", action.name));
    at(problem.ours(), key)
}
