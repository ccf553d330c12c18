//! Pipelines that an execution brings along: an action emits a definition, and runs it as a child.

use formats::pipeline::RetryMode;

use super::{Ended, ExecutionKind, ExecutionState, Phase, StageStatus};

/// A pipeline's name has at most so many characters.
const MAX_NAME: usize = 100;

/// The name of the pipeline that an action of `pipeline` makes; `action` is that of its run.
pub fn child_name(pipeline: &str, action: &str) -> String {
    let name = format!("{pipeline}@{action}");
    if name.len() <= MAX_NAME {
        return name;
    }
    let unique: String =
        base::derived_uuid(&["child", pipeline, action]).simple().to_string().chars().take(12).collect();
    let head: String = name.chars().take(MAX_NAME - 1 - unique.len()).collect();
    format!("{head}-{unique}")
}

impl ExecutionState {
    /// The stage to try again, and how, when the action of `parent` that started this execution is retried; `None` when that
    /// needs another execution: this one has neither failed nor been stopped in a stage, or is not its child.
    pub fn retry_for(&self, parent: &str) -> Option<(String, RetryMode)> {
        let is_child = self.parent.as_ref().is_some_and(|p| p.execution == parent);
        let stage = self.stages.last().filter(|_| is_child && self.kind == ExecutionKind::Standard)?;
        match self.phase {
            Phase::Ended(Ended::Failed) => {}
            Phase::Ended(Ended::Stopped(_)) if stage.status == StageStatus::Stopped => {
                return Some((stage.name.clone(), RetryMode::FailedActions));
            }
            Phase::New
            | Phase::Waiting { .. }
            | Phase::Running { .. }
            | Phase::HandingOver { .. }
            | Phase::Ended(_) => {
                return None;
            }
        }
        // A condition that was not met is checked again with all actions.
        let mode = if stage.has_failed_action() { RetryMode::FailedActions } else { RetryMode::AllActions };
        Some((stage.name.clone(), mode))
    }
}

#[cfg(test)]
mod tests {
    use super::child_name;

    #[test]
    fn a_long_name_is_cut_and_stays_its_own() {
        assert_eq!(child_name("parent", "Start"), "parent@Start");
        let (one, other) = (child_name(&"p".repeat(100), "A"), child_name(&"p".repeat(100), "B"));
        assert_eq!((one.len(), other.len()), (100, 100));
        assert_ne!(one, other);
        assert_eq!(one, child_name(&"p".repeat(100), "A"));
    }
}
