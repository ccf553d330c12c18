//! The whole record of one execution. Lists and queries read it; nothing else keeps a copy.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::{Scope, Timestamp};
use formats::pipeline::{PipelineDeclaration, RetryMode};
use serde::{Deserialize, Serialize};

use super::{ActionError, ApprovalRun, Cell, ConditionRun, RuleRun, SourceRevision};

/// What an execution is made from.
#[derive(Clone, Debug)]
pub struct NewExecution {
    pub id: String,
    pub scope: Scope,
    /// As validated; its `version` is set.
    pub definition: Arc<PipelineDeclaration>,
    pub trigger: Trigger,
    /// Every pipeline variable with its value.
    pub variables: BTreeMap<String, String>,
    pub overrides: Vec<SourceOverride>,
    /// Who brought it about, as far as that is known (ARNs).
    pub starters: Vec<String>,
    /// Random, and told to nobody: what is derived from it cannot be guessed.
    pub salt: String,
}

/// What a rollback is made from, beside the execution that it leads back to.
#[derive(Clone, Debug)]
pub struct NewRollback {
    pub id: String,
    pub trigger: Trigger,
    /// Who wants it (ARNs).
    pub starters: Vec<String>,
    /// As of [`NewExecution`].
    pub salt: String,
}

/// State of the `pipeline_execution` machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExecutionState {
    pub id: String,
    pub scope: Scope,
    /// The definition that it runs, whatever becomes of the pipeline's.
    pub definition: Arc<PipelineDeclaration>,
    pub version: u32,
    pub trigger: Trigger,
    pub variables: BTreeMap<String, String>,
    pub overrides: Vec<SourceOverride>,
    pub source_revisions: Vec<SourceRevision>,
    /// Who brought it about, had a stage of it retried, or overrode a condition, as far as that is known (ARNs).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub starters: Vec<String>,
    /// Random, and told to nobody: the tokens of its approvals are derived from it. Executions of earlier programs have none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub salt: String,
    #[serde(default)]
    pub kind: ExecutionKind,
    /// Of whom it is a child.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<ParentAction>,
    pub phase: Phase,
    /// When it was set going. Executions that earlier programs started do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Timestamp>,
    /// The stages entered so far, in order. A step copies what it changes, not all that has been before.
    pub stages: Vec<Arc<StageRun>>,
    /// What else there is to say about how it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// How the executions of a pipeline go beside each other. User Guide, "Set or change the pipeline execution mode".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mode {
    /// One execution in a stage, one before it; a newer one takes the place of the one that waits.
    #[default]
    Superseded,
    /// One execution in a stage; the others wait before it, in the order in which they came.
    Queued,
    /// Executions neither wait for nor know of each other.
    Parallel,
}

/// The action that invoked an execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ParentAction {
    pub execution: String,
    /// The action's effect key.
    pub key: String,
    /// Whether the action ends as its child does.
    pub waits: bool,
    /// How many executions stand above it.
    pub depth: u32,
}

/// What an execution is for.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum ExecutionKind {
    /// To go through all stages.
    #[default]
    Standard,
    /// To bring one stage back to what an earlier execution made of it.
    Rollback(Rollback),
}

/// Where a rollback leads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rollback {
    /// The execution that was successful in the stage.
    pub target: String,
    /// The stage (an index into the definition).
    pub stage: usize,
    /// What the target did in the stages before: its artifacts and variables are used again.
    pub earlier: Vec<Arc<StageRun>>,
}

/// Why a stage cannot be rolled back to an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoTarget {
    SourceStage,
    /// It began with another version of the definition.
    Outdated,
    /// It is a rollback itself.
    IsRollback,
    /// It has not succeeded in the stage.
    NotSucceeded,
    /// Executions of mode PARALLEL have no stage in common that could be rolled back.
    IsParallel,
}

/// Where an execution stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Phase {
    New,
    /// Before this stage (an index into the definition).
    Waiting {
        stage: usize,
    },
    /// In this stage.
    Running {
        stage: usize,
        will: Will,
    },
    /// Failed; it keeps this stage until the rollback that it asked for has it.
    HandingOver {
        stage: usize,
    },
    Ended(Ended),
}

/// What follows when the running actions have ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Will {
    GoOn,
    Stop(StopRequest),
    Cancel,
}

/// How an execution ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Ended {
    Succeeded,
    Failed,
    Stopped(StopRequest),
    Superseded { by: String },
    Cancelled,
}

/// A wish to stop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StopRequest {
    pub reason: Option<String>,
    pub by: String,
}

/// What started an execution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// The model's `TriggerType`.
    pub kind: String,
    pub detail: String,
}

impl Trigger {
    /// The kind of those that a trigger of the definition started for a push or a pull request.
    pub const GIT: &str = "WebhookV2";
}

/// A revision that a source action must use instead of the newest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceOverride {
    pub action: String,
    /// The model's `SourceRevisionType`, or [`SourceOverride::BRANCH`].
    pub kind: String,
    pub value: String,
}

impl SourceOverride {
    /// The branch or tag that was pushed, where a trigger watches others than the action's own. Not of the model.
    pub const BRANCH: &str = "BRANCH";
}

/// One stage of an execution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageRun {
    pub name: String,
    /// 1 at first; a retry counts on.
    pub attempt: u32,
    #[serde(default)]
    pub begun: Begun,
    pub status: StageStatus,
    pub started: Timestamp,
    pub updated: Timestamp,
    /// The actions begun so far. A retry of the failed ones takes the others along into its own record.
    pub actions: Vec<ActionRun>,
    /// The checks begun so far.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<ConditionRun>,
}

/// Why an attempt at a stage began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Begun {
    #[default]
    Entered,
    Retried {
        trigger: RetryTrigger,
        mode: RetryMode,
    },
}

/// Who wanted a retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RetryTrigger {
    AutomatedStageRetry,
    ManualStageRetry,
}

/// A stage's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StageStatus {
    InProgress,
    Stopping,
    Succeeded,
    Failed,
    Stopped,
    Cancelled,
    Skipped,
}

/// One action of a stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ActionRun {
    pub name: String,
    pub run_order: u32,
    /// Which run of a matrix it is; its name ends with the number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell: Option<Cell>,
    /// The key of its effect; results name it.
    pub key: String,
    /// The id that clients see.
    pub id: String,
    pub started: Timestamp,
    pub updated: Timestamp,
    /// The configuration with all references replaced.
    pub resolved: BTreeMap<String, String>,
    pub inputs: Vec<Artifact>,
    pub external: External,
    /// Of a manual approval: what it takes, and who has given it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<ApprovalRun>,
    pub status: ActionStatus,
}

/// How far an action is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ActionStatus {
    /// Its work is under way elsewhere.
    Working,
    /// A person has to decide.
    AwaitingApproval {
        token: String,
    },
    Succeeded {
        outputs: Vec<Artifact>,
        variables: BTreeMap<String, String>,
    },
    Failed(ActionError),
    Abandoned,
}

/// The traces of an action's work elsewhere.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct External {
    #[serde(default)]
    pub id: Option<String>,
    #[serde(default)]
    pub url: Option<String>,
    #[serde(default)]
    pub summary: Option<String>,
    /// Who ended the action, when a person did.
    #[serde(default)]
    pub by: Option<String>,
    /// How much of it is done, in percent, as long as it goes on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    /// The ARN of the stream of its log, where it is the action's own and not that of a project.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_stream: Option<String>,
}

/// An artifact and where it lies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    pub name: String,
    pub bucket: String,
    pub key: String,
}

impl ExecutionState {
    /// An execution that has not begun.
    pub fn new(new: NewExecution) -> Self {
        ExecutionState {
            id: new.id,
            scope: new.scope,
            version: new.definition.version.unwrap_or(1),
            definition: new.definition,
            trigger: new.trigger,
            variables: new.variables,
            overrides: new.overrides,
            source_revisions: Vec::new(),
            starters: new.starters,
            salt: new.salt,
            kind: ExecutionKind::Standard,
            parent: None,
            phase: Phase::New,
            started: None,
            stages: Vec::new(),
            note: None,
        }
    }

    /// How it goes beside others. An update of the pipeline does not change it.
    pub fn mode(&self) -> Mode {
        Mode::of(&self.definition)
    }

    /// An execution that rolls a stage back to this one. User Guide, "Considerations for rollbacks".
    ///
    /// Who brought this one about has brought that about, too; who pushed the revisions is known of this one.
    pub fn rollback(&self, stage: &str, version: u32, new: NewRollback) -> Result<Self, NoTarget> {
        let NewRollback { id, trigger, starters, salt } = new;
        let index = self.rollback_target(stage, version)?;
        let before = |run: &&Arc<StageRun>| self.definition.stages.iter().take(index).any(|s| s.name == run.name);
        let earlier = self.stages.iter().filter(before).cloned().collect();
        let mut all = self.starters.clone();
        all.extend(starters.into_iter().filter(|by| !self.starters.contains(by)));
        Ok(ExecutionState {
            id,
            trigger,
            starters: all,
            salt,
            kind: ExecutionKind::Rollback(Rollback { target: self.id.clone(), stage: index, earlier }),
            parent: None,
            phase: Phase::New,
            started: None,
            stages: Vec::new(),
            note: None,
            ..self.clone()
        })
    }

    /// The index of the stage, if it can be rolled back to this execution; `version` is the pipeline's.
    pub fn rollback_target(&self, stage: &str, version: u32) -> Result<usize, NoTarget> {
        if self.version != version {
            return Err(NoTarget::Outdated);
        }
        if self.mode() == Mode::Parallel {
            return Err(NoTarget::IsParallel);
        }
        match (&self.kind, self.definition.stages.iter().position(|s| s.name == stage)) {
            (_, Some(0)) => Err(NoTarget::SourceStage),
            (ExecutionKind::Rollback(_), _) => Err(NoTarget::IsRollback),
            (ExecutionKind::Standard, Some(index))
                if self.stage(stage).is_some_and(|s| s.status == StageStatus::Succeeded) =>
            {
                Ok(index)
            }
            (ExecutionKind::Standard, _) => Err(NoTarget::NotSucceeded),
        }
    }

    /// What it has of the stages before, newest attempt first: its own records, then those that a rollback took over.
    pub(super) fn records(&self) -> impl DoubleEndedIterator<Item = &StageRun> {
        let earlier: &[Arc<StageRun>] = match &self.kind {
            ExecutionKind::Standard => &[],
            ExecutionKind::Rollback(rollback) => &rollback.earlier,
        };
        self.stages.iter().rev().chain(earlier.iter().rev()).map(|s| &**s)
    }

    /// The pipeline's ARN, which is also the id of its gates.
    pub fn pipeline_arn(&self) -> String {
        self.scope.arn("codepipeline", self.definition.name.as_str()).to_string()
    }

    /// The latest run of a stage, if it has been entered.
    pub fn stage(&self, name: &str) -> Option<&StageRun> {
        self.stages.iter().rev().find(|s| s.name == name).map(|s| &**s)
    }

    /// The attempts at a stage, oldest first.
    pub fn attempts<'a>(&'a self, stage: &'a str) -> impl DoubleEndedIterator<Item = &'a StageRun> {
        self.stages.iter().filter(move |s| s.name == stage).map(|s| &**s)
    }

    /// The newest run of an action, in whichever attempt at its stage.
    pub fn latest_run<'a>(&'a self, stage: &'a str, action: &str) -> Option<&'a ActionRun> {
        self.attempts(stage).rev().find_map(|s| s.action(action))
    }

    /// How often a stage was retried on this wish.
    pub fn retries(&self, stage: &str, wanted: RetryTrigger) -> u32 {
        let ours = |s: &&StageRun| matches!(s.begun, Begun::Retried { trigger, .. } if trigger == wanted);
        u32::try_from(self.attempts(stage).filter(ours).count()).unwrap_or(u32::MAX)
    }

    /// How often it was begun: once, and with each retry of a stage again.
    pub(super) fn attempt(&self) -> usize {
        1 + self.stages.iter().filter(|s| s.begun != Begun::Entered).count()
    }

    /// When it was set going; of one that an earlier program started, when its first stage was.
    pub(super) fn begun(&self) -> Option<Timestamp> {
        self.started.or_else(|| self.stages.first().map(|s| s.started))
    }

    /// The action run with this effect key.
    pub fn action_by_key(&self, key: &str) -> Option<&ActionRun> {
        self.stages.iter().flat_map(|s| &s.actions).find(|a| a.key == key)
    }

    /// The rule with this effect key.
    pub fn rule_by_key(&self, key: &str) -> Option<&RuleRun> {
        self.stages.iter().flat_map(|s| s.rules()).find(|r| r.key == key)
    }

    /// Whether the work under this effect key is still wanted.
    pub fn wants(&self, key: &str) -> bool {
        let action = self.action_by_key(key).is_some_and(|a| matches!(a.status, ActionStatus::Working));
        action || self.stages.last().is_some_and(|s| s.working_rule(key).is_some())
    }

    /// Whether nothing more will happen.
    pub fn is_ended(&self) -> bool {
        matches!(self.phase, Phase::Ended(_))
    }

    /// The request to stop, once there was one.
    pub fn stop_request(&self) -> Option<&StopRequest> {
        match &self.phase {
            Phase::Running { will: Will::Stop(request), .. } | Phase::Ended(Ended::Stopped(request)) => Some(request),
            Phase::New
            | Phase::Waiting { .. }
            | Phase::Running { .. }
            | Phase::HandingOver { .. }
            | Phase::Ended(_) => None,
        }
    }
}

impl StageRun {
    /// The run of the action with this name.
    pub fn action(&self, name: &str) -> Option<&ActionRun> {
        self.actions.iter().find(|a| a.name == name)
    }

    /// The names of the actions begun so far.
    pub(super) fn ran(&self) -> Vec<String> {
        let mut names: Vec<String> = self.actions.iter().map(|a| a.declared_name().to_owned()).collect();
        names.dedup();
        names
    }

    pub(super) fn is_busy(&self) -> bool {
        self.actions.iter().any(|a| !a.is_ended()) || self.is_checked()
    }

    pub(super) fn has_failed_action(&self) -> bool {
        self.actions.iter().any(ActionRun::has_failed)
    }
}

impl ActionRun {
    pub(super) fn has_failed(&self) -> bool {
        matches!(self.status, ActionStatus::Failed(_))
    }

    /// Whether a retry of the failed actions is one of it.
    pub(super) fn is_retried(&self) -> bool {
        self.has_failed() || matches!(self.status, ActionStatus::Abandoned)
    }

    /// Whether nothing more will happen to it.
    pub fn is_ended(&self) -> bool {
        match self.status {
            ActionStatus::Working | ActionStatus::AwaitingApproval { .. } => false,
            ActionStatus::Succeeded { .. } | ActionStatus::Failed(_) | ActionStatus::Abandoned => true,
        }
    }
}

impl Mode {
    /// The mode of a declaration that has passed validation.
    pub fn of(declaration: &PipelineDeclaration) -> Self {
        match declaration.execution_mode() {
            "QUEUED" => Mode::Queued,
            "PARALLEL" => Mode::Parallel,
            _ => Mode::Superseded,
        }
    }

    /// As the model spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Superseded => "SUPERSEDED",
            Mode::Queued => "QUEUED",
            Mode::Parallel => "PARALLEL",
        }
    }
}

impl ExecutionKind {
    /// As the model spells it.
    pub fn as_str(&self) -> &'static str {
        match self {
            ExecutionKind::Standard => "STANDARD",
            ExecutionKind::Rollback(_) => "ROLLBACK",
        }
    }
}

impl RetryTrigger {
    /// As the model spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            RetryTrigger::AutomatedStageRetry => "AutomatedStageRetry",
            RetryTrigger::ManualStageRetry => "ManualStageRetry",
        }
    }
}

impl StageStatus {
    /// As the model spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            StageStatus::InProgress => "InProgress",
            StageStatus::Stopping => "Stopping",
            StageStatus::Succeeded => "Succeeded",
            StageStatus::Failed => "Failed",
            StageStatus::Stopped => "Stopped",
            StageStatus::Cancelled => "Cancelled",
            StageStatus::Skipped => "Skipped",
        }
    }
}

impl ActionStatus {
    /// As the model spells it.
    pub fn as_str(&self) -> &'static str {
        match self {
            ActionStatus::Working | ActionStatus::AwaitingApproval { .. } => "InProgress",
            ActionStatus::Succeeded { .. } => "Succeeded",
            ActionStatus::Failed(_) => "Failed",
            ActionStatus::Abandoned => "Abandoned",
        }
    }
}
