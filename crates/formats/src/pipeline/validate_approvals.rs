//! What a manual approval may ask for beyond AWS, and what it can be told.

use super::configuration::{is_fixed, wrong};
use super::validate::places;
use super::{ActionDeclaration, PipelineDeclaration, Problem, Provider, references};
use crate::cloudformation::is_open;

/// How many principals an approval may ask for.
pub const MAX_QUORUM: u32 = 20;

/// The values of the keys, each by itself.
pub(super) fn configuration(action: &ActionDeclaration) -> Result<(), Problem> {
    // Whoever starts an execution gives its variables: he would choose who guards him.
    for key in ["HeadworksQuorum", "HeadworksSelfApproval"] {
        if action.config(key).is_some_and(|value| !references(value).is_empty()) {
            return Err(wrong(
                action,
                key,
                "it must not hold a variable of the execution, which could weaken the approval",
            ));
        }
    }
    if let Some(quorum) = action.config("HeadworksQuorum").filter(|v| is_fixed(v))
        && !quorum.parse::<u32>().is_ok_and(|quorum| (1..=MAX_QUORUM).contains(&quorum))
    {
        return Err(wrong(action, "HeadworksQuorum", &format!("it must be a number from 1 to {MAX_QUORUM}")));
    }
    if let Some(revision) = action.config("HeadworksRevision").filter(|v| !is_open(v))
        && is_fixed(revision)
    {
        let what = "it must hold a variable of the execution, such as #{SourceVariables.CommitId}";
        return Err(wrong(action, "HeadworksRevision", what));
    }
    Ok(())
}

/// Who wrote what an execution works on is known of CodeCommit alone: without such a source nobody can be told from its author.
pub(super) fn check(pipeline: &PipelineDeclaration) -> Vec<Problem> {
    let tells = |action: &ActionDeclaration| {
        action.provider() == Some(Provider::CodeCommitSource) || is_open(&action.action_type_id.provider)
    };
    if pipeline.source_actions().any(tells) {
        return Vec::new();
    }
    let asks = places(pipeline).filter(|(_, _, action)| action.config("HeadworksSelfApproval") == Some("false"));
    let problem = |(n, m, action)| {
        let what = "no source of the pipeline tells who pushed a revision; CodeCommit sources do";
        wrong(action, "HeadworksSelfApproval", what).in_item("actions", m).in_item("stages", n)
    };
    asks.map(problem).collect()
}
