//! Actions: what the driver is asked to do, and how an action's configuration becomes that.

use std::collections::BTreeMap;

use base::Region;
use formats::pipeline::{
    ActionDeclaration, ActionTypeId, COMMANDS_COMPUTE, CommandProblem, DEFINITION, EnvironmentVariable,
    EnvironmentVariableKind, MATRIX, MATRIX_FILE, MATRIX_NAMESPACE, Provider, Unresolved, artifact_file, resolve,
    resolve_command,
};
use serde::{Deserialize, Serialize};

use super::{
    ActionError, ActionStatus, Artifact, Cell, ExecutionState, SourceOverride, artifact_key, child_name, matrix,
};

/// Bytes of a command with the values of its variables; one that is declared has 1,000 characters at most.
const MAX_COMMAND: usize = 16_384;

/// An effect of an execution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ActionEffect {
    /// Do the work; answer with `ActionFinished` under the effect's key.
    Run(Box<RunAction>),
    /// Give up work that is no longer wanted; no answer.
    Cancel(CancelAction),
    /// Find the execution that was successful in the stage last, begin the rollback to it, and answer with `RolledBack`.
    RollBack(RollBack),
}

/// A stage that failed and is to be rolled back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RollBack {
    pub stage: String,
    /// The id that the rollback's execution gets.
    pub execution: String,
}

/// The work of one action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunAction {
    /// The region that it is done in, when that is not the pipeline's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    pub execution: String,
    pub pipeline: String,
    pub stage: String,
    pub action: String,
    /// The action execution's id.
    pub id: String,
    /// The role that the action works as: its own, else the pipeline's.
    pub role_arn: String,
    /// The pipeline's role, if the action names one of its own, which is assumed through it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assumed_through: Option<String>,
    /// The key of the artifact store, if it names one.
    ///
    /// Deviation: artifacts are not encrypted with it; the summary of each action that stores one says so, and builds in
    /// their log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encryption_key: Option<String>,
    pub inputs: Vec<Artifact>,
    /// Where to put what it makes.
    pub outputs: Vec<ArtifactPlace>,
    pub work: Work,
}

/// Where an output artifact belongs.
pub type ArtifactPlace = Artifact;

/// What to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Work {
    /// Zip the tree of `commit`, or of the branch's head.
    CodeCommitSource {
        repository: String,
        branch: String,
        commit: Option<String>,
        /// A reference that builds clone by, instead of the files.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        clone_ref: bool,
    },
    /// The same of a repository elsewhere.
    GitSource {
        host: GitHost,
        /// `owner/name`.
        repository: String,
        branch: String,
        commit: Option<String>,
        clone_ref: bool,
    },
    /// Copy an object, in this version or the newest.
    S3Source { bucket: String, key: String, version: Option<String> },
    /// Run a build.
    CodeBuild {
        project: String,
        primary: Option<String>,
        environment: Vec<BuildVariable>,
        /// A batch instead of one build.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        batch: Option<BatchOptions>,
        /// What to run instead of a project's buildspec; there is no project then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        commands: Option<Commands>,
    },
    /// Start another pipeline, and end as its execution does if it is waited for.
    InvokePipeline {
        pipeline: String,
        variables: String,
        revisions: String,
        wait: bool,
        /// Where the pipeline's definition is, if the execution brings it along. It is made under the name `pipeline`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        definition: Option<ArtifactFile>,
        /// The execution that was started before, and failed. It is tried again if that can be.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        earlier: Option<String>,
    },
    /// Read the runs of a matrix; answer with `MatrixRead`, or `ActionFinished` if they cannot be read.
    ReadMatrix(ArtifactFile),
    /// Call an operation of a service that is not built yet.
    Call { service: String, operation: String },
    /// See whether an alarm is in a state that a rule does not allow.
    CloudWatchAlarm { alarm: String },
    /// Ask a function whether a rule is met.
    LambdaInvoke { function: String },
    /// Put an artifact, or the files in it, into a bucket.
    S3Deploy {
        bucket: String,
        object_key: Option<String>,
        extract: bool,
        canned_acl: Option<String>,
        cache_control: Option<String>,
    },
    /// Make a job of a registered action type, for whoever polls for it.
    Worker { action_type: ActionTypeId, configuration: BTreeMap<String, String> },
}

/// A file in an input artifact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactFile {
    pub artifact: String,
    pub path: String,
}

/// Where a repository elsewhere is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum GitHost {
    /// Behind a connection, by its ARN.
    Connection(String),
    /// At GitHub, with the token that the action has as a secret.
    GitHub,
}

/// The work of a Commands action.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Commands {
    /// Shell commands, one after the other in one shell; the first that fails ends them.
    pub commands: Vec<String>,
    /// Patterns of the output artifact's files; without any, all.
    pub files: Vec<String>,
    /// Variables of the environment that become the action's output variables.
    pub output_variables: Vec<String>,
    /// The build's compute type; the smallest unless said otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compute_type: Option<String>,
}

/// How a batch is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchOptions {
    pub combine_artifacts: bool,
}

/// An environment variable that overrides the build project's.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BuildVariable {
    pub name: String,
    pub value: String,
    /// PLAINTEXT, PARAMETER_STORE or SECRETS_MANAGER.
    #[serde(rename = "type", default = "plaintext")]
    pub kind: String,
}

/// Work that is no longer wanted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CancelAction {
    /// The effect key of the work.
    pub key: String,
    pub provider: Provider,
    /// The region that it is done in, when that is not the pipeline's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<Region>,
    /// What the work is known as elsewhere, if it has said so.
    pub external_id: Option<String>,
    /// Let it finish what it is at: it still answers.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gently: bool,
}

fn plaintext() -> String {
    "PLAINTEXT".to_owned()
}

/// What a reference stands for.
pub(super) type Lookup<'a> = dyn Fn(&str, &str) -> Option<String> + 'a;

/// What came of preparing an action.
pub(super) struct Prepared {
    pub resolved: BTreeMap<String, String>,
    pub inputs: Vec<Artifact>,
    /// `None` for a manual approval: nothing to perform.
    pub work: Option<RunAction>,
}

impl Prepared {
    /// What the record and the effect of a run of a matrix hold of its own.
    pub fn own_bytes(&self, action: &ActionDeclaration) -> usize {
        let own = self.resolved.iter().filter(|(key, value)| action.config(key) != Some(value));
        let resolved: usize = own.map(|(key, value)| key.len() + value.len()).sum();
        let build = match self.work.as_ref().map(|run| &run.work) {
            Some(Work::CodeBuild { environment, commands, .. }) => {
                let environment: usize = environment.iter().map(|v| v.name.len() + v.value.len()).sum();
                let commands = commands.iter().flat_map(|work| &work.commands);
                environment
                    + commands
                        .zip(&action.commands)
                        .filter(|(own, of)| own != of)
                        .map(|(own, _)| own.len())
                        .sum::<usize>()
            }
            Some(_) | None => 0,
        };
        resolved.max(build)
    }
}

/// What an action run begins with.
pub(super) struct Beginning<'a> {
    pub stage: &'a str,
    /// As clients see it.
    pub name: &'a str,
    pub key: &'a str,
    pub id: &'a str,
    pub cell: Option<&'a Cell>,
    /// What references stand for that are not to the run's own values.
    pub shared: &'a Lookup<'a>,
    /// What the run was known as elsewhere in the attempt before.
    pub earlier: Option<String>,
}

/// Resolves variables, finds the input artifacts and settles where outputs go.
pub(super) fn prepare(
    state: &ExecutionState,
    action: &ActionDeclaration,
    beginning: Beginning<'_>,
) -> Result<Prepared, ActionError> {
    let Beginning { stage, name, key, id, cell, shared, earlier } = beginning;
    let lookup = |namespace: &str, key: &str| match cell.filter(|_| namespace == MATRIX_NAMESPACE) {
        Some(cell) => cell.values.get(key).cloned(),
        None => shared(namespace, key),
    };
    let resolved = configuration(action, &lookup).map_err(|_| ActionError {
        code: "ConfigurationError".to_owned(),
        message: format!(
            "An action in this pipeline failed because one or more variables could not be resolved: Action name={}. \
             This can result when a variable is referenced that does not exist. Validate the pipeline action configuration.",
            action.name
        ),
    })?;
    let inputs = inputs(state, action)?;
    let Some(work) = work(state, action, &resolved, &lookup, (name, earlier))? else {
        return Ok(Prepared { resolved, inputs, work: None });
    };
    let definition = &state.definition;
    let region = action.region.as_deref().unwrap_or(state.scope.region.as_str());
    let bucket = definition.store_in(region).map(|s| s.location.clone()).unwrap_or_default();
    let outputs = action.output_artifacts.iter().map(|output| Artifact {
        name: output.name.clone(),
        bucket: bucket.clone(),
        key: artifact_key(&definition.name, &output.name, key),
    });
    let outputs = outputs.collect();
    let run = run_action(state, stage, action, id, inputs.clone(), work);
    let run = RunAction { action: name.to_owned(), outputs, ..run };
    Ok(Prepared { resolved, inputs, work: Some(run) })
}

/// The work that reads the matrix of an action.
pub(super) fn prepare_matrix(
    state: &ExecutionState,
    stage: &str,
    action: &ActionDeclaration,
    place: &str,
    id: &str,
) -> Result<RunAction, ActionError> {
    let lookup = |namespace: &str, key: &str| variable(state, namespace, key);
    let place = resolve(place, lookup).map_err(|e| no_value(action, &e))?;
    let inputs = inputs(state, action)?;
    let file = artifact_place(action, MATRIX_FILE, &place)?;
    Ok(run_action(state, stage, action, id, inputs, Work::ReadMatrix(file)))
}

fn artifact_place(action: &ActionDeclaration, key: &str, place: &str) -> Result<ArtifactFile, ActionError> {
    let found = artifact_file(place).filter(|(name, _)| action.input_artifacts.iter().any(|a| a.name == *name));
    let (artifact, path) = found.ok_or_else(|| {
        let what =
            format!("the value '{place}' of '{key}' is not INPUT_ARTIFACT::FILE with one of its input artifacts");
        configuration_error(action, &what)
    })?;
    Ok(ArtifactFile { artifact: artifact.to_owned(), path: path.to_owned() })
}

fn no_value(action: &ActionDeclaration, unresolved: &Unresolved) -> ActionError {
    configuration_error(action, &format!("the variable #{{{}}} has no value", unresolved.text))
}

/// The region of a cross-region action. User Guide, "Add a cross-Region action in CodePipeline".
///
/// Deviation: inputs are read from where they are and not copied into the region's artifact store; outputs go there.
pub(super) fn elsewhere(state: &ExecutionState, action: &ActionDeclaration) -> Option<Region> {
    let region = action.region.as_deref().and_then(Region::parse);
    region.filter(|region| *region != state.scope.region)
}

/// Work without outputs.
pub(super) fn run_action(
    state: &ExecutionState,
    stage: &str,
    action: &ActionDeclaration,
    id: &str,
    inputs: Vec<Artifact>,
    work: Work,
) -> RunAction {
    let definition = &state.definition;
    let region = elsewhere(state, action);
    let artifact_store = definition.store_in(region.as_ref().unwrap_or(&state.scope.region).as_str());
    RunAction {
        region,
        execution: state.id.clone(),
        pipeline: definition.name.clone(),
        stage: stage.to_owned(),
        action: action.name.clone(),
        id: id.to_owned(),
        role_arn: action.role_arn.clone().unwrap_or_else(|| definition.role_arn.clone()),
        assumed_through: action.role_arn.as_ref().map(|_| definition.role_arn.clone()),
        encryption_key: artifact_store.and_then(|s| s.encryption_key.as_ref()).map(|key| key.id.clone()),
        inputs,
        outputs: Vec::new(),
        work,
    }
}

fn configuration(action: &ActionDeclaration, lookup: &Lookup<'_>) -> Result<BTreeMap<String, String>, Unresolved> {
    let resolve_one = |(key, value): (&String, &String)| {
        if action.provider() == Some(Provider::Pipeline)
            && let Ok(mut list) = serde_json::from_str::<serde_json::Value>(value)
            && list.is_array()
        {
            each_text(&mut list, lookup)?;
            return Ok((key.clone(), list.to_string()));
        }
        // Values go into the list after it was parsed: a quote in a commit's message must not add a variable.
        let list = if key == "EnvironmentVariables" { build_variables(value) } else { None };
        let resolved = match list {
            Some(mut list) => {
                for variable in &mut list {
                    variable.value = resolve(&variable.value, lookup)?;
                }
                serde_json::to_string(&list).unwrap_or_default()
            }
            None => resolve(value, lookup)?,
        };
        Ok((key.clone(), resolved))
    };
    let of_matrix = |key: &str| [MATRIX, MATRIX_FILE].contains(&key);
    action.configuration.iter().filter(|(key, _)| !of_matrix(key)).map(resolve_one).collect()
}

/// Resolves the texts in a JSON value, which stays what it is whatever they hold.
fn each_text(value: &mut serde_json::Value, lookup: &Lookup<'_>) -> Result<(), Unresolved> {
    match value {
        serde_json::Value::String(text) => *text = resolve(text, lookup)?,
        serde_json::Value::Array(items) => items.iter_mut().try_for_each(|item| each_text(item, lookup))?,
        serde_json::Value::Object(members) => members.values_mut().try_for_each(|item| each_text(item, lookup))?,
        serde_json::Value::Null | serde_json::Value::Bool(_) | serde_json::Value::Number(_) => {}
    }
    Ok(())
}

fn build_variables(text: &str) -> Option<Vec<BuildVariable>> {
    serde_json::from_str(text).ok()
}

pub(super) fn variable(state: &ExecutionState, namespace: &str, key: &str) -> Option<String> {
    match (namespace, key) {
        ("codepipeline", "PipelineExecutionId") => return Some(state.id.clone()),
        ("variables", name) => return state.variables.get(name).cloned(),
        _ => {}
    }
    let (stage, action) = state
        .definition
        .stages
        .iter()
        .flat_map(|s| s.actions.iter().map(move |a| (s, a)))
        .find(|(_, a)| a.namespace.as_deref() == Some(namespace))?;
    let record = state.records().find(|s| s.name == stage.name)?;
    if action.matrix().is_some() {
        return matrix::values_of(record, action, key);
    }
    match &record.action(&action.name)?.status {
        ActionStatus::Succeeded { variables, .. } => variables.get(key).cloned(),
        ActionStatus::Working
        | ActionStatus::AwaitingApproval { .. }
        | ActionStatus::Failed(_)
        | ActionStatus::Abandoned => None,
    }
}

pub(super) fn inputs(state: &ExecutionState, action: &ActionDeclaration) -> Result<Vec<Artifact>, ActionError> {
    let made: Vec<&Artifact> = state
        .records()
        .rev()
        .flat_map(|s| &s.actions)
        .filter_map(|a| match &a.status {
            ActionStatus::Succeeded { outputs, .. } => Some(outputs),
            ActionStatus::Working
            | ActionStatus::AwaitingApproval { .. }
            | ActionStatus::Failed(_)
            | ActionStatus::Abandoned => None,
        })
        .flatten()
        .collect();
    let find = |name: &str| made.iter().rev().find(|a| a.name == name).map(|a| (*a).clone());
    action
        .input_artifacts
        .iter()
        .map(|input| {
            find(&input.name).ok_or_else(|| ActionError {
                code: "JobFailed".to_owned(),
                message: format!(
                    "The input artifact '{}' of action '{}' does not exist: the action that declares it as its output has not produced it.",
                    input.name, action.name
                ),
            })
        })
        .collect()
}

fn work(
    state: &ExecutionState,
    action: &ActionDeclaration,
    resolved: &BTreeMap<String, String>,
    lookup: &Lookup<'_>,
    (name, earlier): (&str, Option<String>),
) -> Result<Option<Work>, ActionError> {
    let text = |key: &str| resolved.get(key).cloned();
    let must = |key: &str| {
        text(key).filter(|v| !v.is_empty()).ok_or_else(|| configuration_error(action, &format!("'{key}' has no value")))
    };
    let chosen = |kind: &str| {
        state.overrides.iter().find(|o| o.action == action.name && o.kind == kind).map(|o| o.value.clone())
    };
    let is_clone_ref = text("OutputArtifactFormat").as_deref() == Some("CODEBUILD_CLONE_REF");
    let work = match action.provider() {
        Some(Provider::Pipeline) => {
            let definition = text(DEFINITION).map(|place| artifact_place(action, DEFINITION, &place)).transpose()?;
            // Who brings a pipeline along waits for it unless it says otherwise.
            let wait = text("HeadworksWait").map_or(definition.is_some(), |wait| wait == "true");
            Work::InvokePipeline {
                pipeline: match &definition {
                    Some(_) => child_name(&state.definition.name, name),
                    None => must("PipelineName")?,
                },
                variables: text("Variables").unwrap_or_else(|| "[]".to_owned()),
                revisions: text("SourceRevisions").unwrap_or_else(|| "[]".to_owned()),
                wait,
                definition,
                earlier: earlier.filter(|_| wait),
            }
        }
        Some(Provider::Call) => {
            let call = action.action_type().and_then(|t| t.call);
            let call = call.ok_or_else(|| configuration_error(action, "its type names no operation"))?;
            Work::Call { service: call.service.to_owned(), operation: call.operation.to_owned() }
        }
        // Validation lets no other provider in; a definition from a newer version of the product could hold one.
        None => {
            let id = &action.action_type_id;
            let what = format!("the action type {}/{} is not available", id.category, id.provider);
            return Err(configuration_error(action, &what));
        }
        Some(Provider::ManualApproval) => return Ok(None),
        Some(Provider::Worker) => {
            Work::Worker { action_type: action.action_type_id.clone(), configuration: resolved.clone() }
        }
        Some(Provider::CodeCommitSource) => Work::CodeCommitSource {
            repository: must("RepositoryName")?,
            branch: chosen(SourceOverride::BRANCH).map_or_else(|| must("BranchName"), Ok)?,
            commit: chosen("COMMIT_ID"),
            clone_ref: is_clone_ref,
        },
        Some(Provider::ConnectionSource) => Work::GitSource {
            host: GitHost::Connection(must("ConnectionArn")?),
            repository: must("FullRepositoryId")?,
            branch: chosen(SourceOverride::BRANCH).map_or_else(|| must("BranchName"), Ok)?,
            commit: chosen("COMMIT_ID"),
            clone_ref: is_clone_ref,
        },
        Some(Provider::GitHubSource) => Work::GitSource {
            host: GitHost::GitHub,
            repository: format!("{}/{}", must("Owner")?, must("Repo")?),
            branch: must("Branch")?,
            commit: chosen("COMMIT_ID"),
            clone_ref: false,
        },
        Some(Provider::S3Source) => Work::S3Source {
            bucket: must("S3Bucket")?,
            key: chosen("S3_OBJECT_KEY").map_or_else(|| must("S3ObjectKey"), Ok)?,
            version: chosen("S3_OBJECT_VERSION_ID"),
        },
        Some(Provider::CodeBuild) => Work::CodeBuild {
            project: must("ProjectName")?,
            primary: text("PrimarySource").or_else(|| action.input_artifacts.first().map(|a| a.name.clone())),
            environment: {
                let list = text("EnvironmentVariables").map(|list| {
                    build_variables(&list).ok_or_else(|| {
                        configuration_error(action, "'EnvironmentVariables' is not a JSON array of variables")
                    })
                });
                let mut environment = list.transpose()?.unwrap_or_default();
                environment.extend(own_environment(action, lookup)?);
                environment
            },
            commands: None,
            batch: (text("BatchEnabled").as_deref() == Some("true"))
                .then(|| BatchOptions { combine_artifacts: text("CombineArtifacts").as_deref() == Some("true") }),
        },
        Some(Provider::Commands) => Work::CodeBuild {
            project: String::new(),
            primary: action.input_artifacts.first().map(|a| a.name.clone()),
            environment: own_environment(action, lookup)?,
            batch: None,
            commands: Some(Commands {
                commands: commands(action, lookup)?,
                files: action.output_artifacts.iter().flat_map(|a| a.files.clone()).collect(),
                output_variables: action.output_variables.clone(),
                compute_type: compute_type(action, &text)?,
            }),
        },
        Some(Provider::S3Deploy) => {
            let extract = match must("Extract")?.as_str() {
                "true" => true,
                "false" => false,
                other => {
                    return Err(configuration_error(
                        action,
                        &format!("'Extract' must be true or false, not '{other}'"),
                    ));
                }
            };
            Work::S3Deploy {
                bucket: must("BucketName")?,
                object_key: if extract { text("ObjectKey") } else { Some(must("ObjectKey")?) },
                extract,
                canned_acl: text("CannedACL"),
                cache_control: text("CacheControl"),
            }
        }
    };
    Ok(Some(work))
}

/// The commands, with references replaced (User Guide, "Commands action reference").
///
/// Deviation: AWS puts any value into a command, also one that ends it and begins another. Here such a value fails the action.
fn commands(action: &ActionDeclaration, lookup: &Lookup<'_>) -> Result<Vec<String>, ActionError> {
    let problem = |problem: CommandProblem| match problem {
        CommandProblem::NoValue(unresolved) => no_value(action, &unresolved),
        CommandProblem::Unsafe { text } => configuration_error(
            action,
            &format!(
                "a shell would not read the value of the variable #{{{text}}} as one plain word where it stands in a command. Have it \
                 in an environment variable of the action (environmentVariables), and use \"$NAME\" in the command"
            ),
        ),
    };
    let one = |command: &String| {
        let resolved = resolve_command(command, lookup).map_err(problem)?;
        if resolved.len() > MAX_COMMAND {
            let what = format!("a command is longer than {MAX_COMMAND} bytes with the values of its variables");
            return Err(configuration_error(action, &what));
        }
        Ok(resolved)
    };
    action.commands.iter().map(one).collect()
}

/// What the commands run on, whose values variables may have given.
fn compute_type(
    action: &ActionDeclaration,
    text: &dyn Fn(&str) -> Option<String>,
) -> Result<Option<String>, ActionError> {
    let not = |key: &str, value: &str| Err(configuration_error(action, &format!("'{key}' cannot be '{value}'")));
    if let Some(other) = text("EnvironmentType").filter(|value| value != "LINUX_CONTAINER") {
        return not("EnvironmentType", &other);
    }
    match text("ComputeType") {
        Some(other) if !COMMANDS_COMPUTE.contains(&other.as_str()) => not("ComputeType", &other),
        known => Ok(known),
    }
}

/// The variables of the action's own environment, with references replaced.
fn own_environment(action: &ActionDeclaration, lookup: &Lookup<'_>) -> Result<Vec<BuildVariable>, ActionError> {
    let one = |declared: EnvironmentVariable| {
        let value = resolve(&declared.value, lookup).map_err(|e| no_value(action, &e))?;
        let kind = match declared.kind {
            EnvironmentVariableKind::Plaintext => plaintext(),
            EnvironmentVariableKind::SecretsManager => "SECRETS_MANAGER".to_owned(),
        };
        Ok(BuildVariable { name: declared.name, value, kind })
    };
    action.environment().unwrap_or_default().into_iter().map(one).collect()
}

pub(super) fn configuration_error(action: &ActionDeclaration, what: &str) -> ActionError {
    ActionError {
        code: "ConfigurationError".to_owned(),
        message: format!("The configuration of action '{}' is not valid: {what}.", action.name),
    }
}
