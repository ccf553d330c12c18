//! Manual approvals: what they take, beyond AWS too, and who has given them.
//!
//! Beyond AWS, as keys of the action's configuration:
//! * `HeadworksQuorum`: so many principals must approve; one rejection rejects.
//! * `HeadworksSelfApproval: "false"`: who started the execution, had a stage of it retried, overrode a condition of it, or
//!   pushed a commit that it brings, may not approve it.
//! * `HeadworksRevision`: whoever approves names this revision in his summary.

use std::collections::BTreeMap;

use base::Timestamp;
use formats::pipeline::{ActionDeclaration, MAX_QUORUM, Provider, references};
use serde::{Deserialize, Serialize};

use super::action::configuration_error;
use super::draft::Draft;
use super::{ActionError, ActionRun, ActionStatus, ExecutionState, Mode};

/// The longest summary of a decision, in characters (API Reference, ApprovalResult).
const MAX_SUMMARY: usize = 512;

/// A manual approval that was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ApprovalRun {
    /// Whoever decides must know it.
    pub token: String,
    /// How many principals must approve.
    pub quorum: u32,
    /// Whether those who brought the execution about may approve it, as on AWS.
    pub self_approval: bool,
    /// The revision that approvals must name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<String>,
    /// The CodeCommit sources of which nobody knows who pushed their revisions; empty if that does not matter. Nobody can
    /// approve while there are any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown_pushers: Vec<String>,
    /// Nobody knows who started the execution, and that matters.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unknown_starter: bool,
    /// The other source actions: they do not tell who made their revisions; empty if that does not matter.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown_authors: Vec<String>,
    /// What became of the notice to its topic, if there is something to say about that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notice: Option<String>,
    /// The approvals so far, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given: Vec<Given>,
}

/// One approval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Given {
    /// The ARN of the principal.
    pub by: String,
    pub at: Timestamp,
    /// What he said.
    pub summary: String,
}

impl ApprovalRun {
    /// What an action asks for, `resolved` being its configuration and `key` its effect key.
    pub(super) fn asked(
        state: &ExecutionState,
        action: &ActionDeclaration,
        resolved: &BTreeMap<String, String>,
        key: &str,
    ) -> Result<Self, ActionError> {
        let wrong = |what: &str| Err(configuration_error(action, what));
        // Validation lets none in; an earlier program did.
        for key in ["HeadworksQuorum", "HeadworksSelfApproval"] {
            if action.config(key).is_some_and(|value| !references(value).is_empty()) {
                return wrong(&format!("'{key}' must not hold a variable of the execution"));
            }
        }
        let quorum = match resolved.get("HeadworksQuorum").map(|text| text.parse::<u32>()) {
            None => 1,
            Some(Ok(quorum)) if (1..=MAX_QUORUM).contains(&quorum) => quorum,
            Some(_) => return wrong(&format!("'HeadworksQuorum' must be a number from 1 to {MAX_QUORUM}")),
        };
        let self_approval = match resolved.get("HeadworksSelfApproval").map(String::as_str) {
            None | Some("true") => true,
            Some("false") => false,
            Some(other) => return wrong(&format!("'HeadworksSelfApproval' must be true or false, not '{other}'")),
        };
        let revision = resolved.get("HeadworksRevision").map(|text| text.trim().to_owned());
        match revision.as_deref().map(|text| text.chars().count()) {
            Some(0) => return wrong("'HeadworksRevision' has no value"),
            Some(length) if length > MAX_SUMMARY => {
                let what = format!(
                    "the value of 'HeadworksRevision' is too long for the summary of an approval, which holds {MAX_SUMMARY} \
                     characters"
                );
                return wrong(&what);
            }
            Some(_) | None => {}
        }
        Ok(ApprovalRun {
            token: token(state, key),
            quorum,
            self_approval,
            revision,
            unknown_pushers: nameless(state).filter(|_| !self_approval).map(|(source, _)| source.to_owned()).collect(),
            unknown_starter: !self_approval && state.starters.is_empty(),
            unknown_authors: if self_approval { Vec::new() } else { unknown_authors(state) },
            notice: None,
            given: Vec::new(),
        })
    }

    /// One that AWS has too.
    pub(super) fn by_anyone(token: String) -> Self {
        ApprovalRun {
            token,
            quorum: 1,
            self_approval: true,
            revision: None,
            unknown_pushers: Vec::new(),
            unknown_starter: false,
            unknown_authors: Vec::new(),
            notice: None,
            given: Vec::new(),
        }
    }

    /// How many more must approve.
    pub fn missing(&self) -> u32 {
        self.quorum.saturating_sub(u32::try_from(self.given.len()).unwrap_or(u32::MAX))
    }

    /// What there is to say about it while it waits.
    pub(super) fn summary(&self) -> Option<String> {
        let mut told = Vec::new();
        if self.quorum > 1 {
            let by: Vec<&str> = self.given.iter().map(|given| given.by.as_str()).collect();
            let by = if by.is_empty() { String::new() } else { format!(" ({})", by.join(", ")) };
            told.push(format!("{} of {} approvals{by}", self.given.len(), self.quorum));
        }
        if let Some(revision) = &self.revision {
            told.push(format!("The approval is for revision {revision}: its summary must contain that"));
        }
        for source in &self.unknown_pushers {
            told.push(format!("Nobody can approve: who pushed the revision of source '{source}' is not known"));
        }
        if self.unknown_starter {
            told.push("Who started the execution is not known, and could approve".to_owned());
        }
        for source in &self.unknown_authors {
            told.push(format!("The author of the revision of source '{source}' is not known, and could approve"));
        }
        told.extend(self.notice.clone());
        (!told.is_empty()).then(|| told.join("\n"))
    }

    /// What there is to say about it when all have approved.
    pub(super) fn outcome(&self) -> Option<String> {
        let said = |given: &Given| match given.summary.is_empty() {
            true => given.by.clone(),
            false => format!("{}: {}", given.by, given.summary),
        };
        match self.given.as_slice() {
            [one] if self.quorum == 1 => Some(one.summary.clone()).filter(|s| !s.is_empty()),
            all => {
                let all: Vec<String> = all.iter().map(said).collect();
                Some(format!("{} of {} approvals ({})", all.len(), self.quorum, all.join("; ")))
            }
        }
    }

    /// Whether a summary names the revision, if it must.
    pub(super) fn is_named_in(&self, summary: &str) -> bool {
        self.revision.as_ref().is_none_or(|revision| names_revision(summary, revision))
    }
}

/// Whether a text names a revision: it stands there as a word of its own, not within a longer one. `1.2.3` does not name `1.2`,
/// but a full stop may follow.
pub fn names_revision(text: &str, revision: &str) -> bool {
    let bounded = |at: usize| {
        let (before, behind) =
            (text.get(..at).unwrap_or_default(), text.get(at + revision.len()..).unwrap_or_default());
        !goes_on(before.chars().rev()) && !goes_on(behind.chars())
    };
    !revision.is_empty() && text.match_indices(revision).any(|(at, _)| bounded(at))
}

/// Whether a word goes on with these characters.
fn goes_on(mut chars: impl Iterator<Item = char>) -> bool {
    let next = chars.find(|c| !matches!(c, '.' | '+' | '/' | '~'));
    next.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
}

impl Draft {
    pub(super) fn ask_for_approval(&self, run: &mut ActionRun, approval: ApprovalRun) {
        let token = approval.token.clone();
        // API Reference, PutApprovalResult: the state of a pipeline in mode PARALLEL shows no tokens; whoever approves finds
        // them here.
        run.external.id = (self.state.mode() == Mode::Parallel).then(|| token.clone());
        run.status = ActionStatus::AwaitingApproval { token };
        run.external.summary = approval.summary();
        run.approval = Some(approval);
    }

    /// Notes that one more has approved.
    pub(super) fn note_approval(&mut self, key: &str, given: Given) {
        self.change_approval(key, |approval| approval.given.push(given));
    }

    /// Notes what became of the notice.
    pub(super) fn note_notice(&mut self, key: &str, notice: Option<String>) {
        self.change_approval(key, |approval| approval.notice = notice);
    }

    /// Notes who else has brought the execution about. His approval of what he may not approve now does not count any more.
    pub(super) fn note_starters(&mut self, by: impl IntoIterator<Item = String>) {
        let news: Vec<String> = by.into_iter().filter(|by| !self.state.starters.contains(by)).collect();
        self.state.starters.extend(news);
        let starters = self.state.starters.clone();
        let is_one = |given: &Given| starters.iter().any(|starter| is_same_principal(starter, &given.by));
        let concerned = |run: &&ActionRun| {
            let approval = run.approval.as_ref().filter(|approval| !approval.self_approval && !run.is_ended());
            approval.is_some_and(|approval| approval.given.iter().any(is_one))
        };
        let keys: Vec<String> = self.current().actions.iter().filter(concerned).map(|run| run.key.clone()).collect();
        for key in keys {
            self.change_approval(&key, |approval| approval.given.retain(|given| !is_one(given)));
        }
    }

    fn change_approval(&mut self, key: &str, change: impl FnOnce(&mut ApprovalRun)) {
        let now = self.now;
        let Some(run) = self.run_mut(key) else { return };
        let Some(approval) = &mut run.approval else { return };
        change(approval);
        run.external.summary = approval.summary();
        run.updated = now;
    }
}

impl ExecutionState {
    /// Whether it matters who has made what it brings: to its own approvals, or to those of pipelines that it invokes.
    pub fn asks_for_authors(&self) -> bool {
        let asks = |action: &ActionDeclaration| {
            action.config("HeadworksSelfApproval") == Some("false") || action.provider() == Some(Provider::Pipeline)
        };
        self.definition.stages.iter().flat_map(|stage| &stage.actions).any(asks)
    }
}

/// Of what this principal has brought about the execution, if it is so.
pub(super) fn part_in(state: &ExecutionState, by: &str) -> Option<String> {
    let pushed = |pushers: &[String]| pushers.iter().any(|pusher| is_same_principal(pusher, by));
    if let Some(source) = state.source_revisions.iter().find(|source| pushed(&source.revision.pushers)) {
        let (id, action) = (&source.revision.id, &source.action);
        return Some(format!(
            "this principal pushed revision {id} of source '{action}', or a commit that comes with it"
        ));
    }
    let started = state.starters.iter().any(|starter| is_same_principal(starter, by));
    started.then(|| "this principal started the execution or had a stage of it retried".to_owned())
}

/// Whether two ARNs stand for one principal. All sessions of a role do: whoever assumes it names the session as he likes, and
/// could be two that way.
pub fn is_same_principal(one: &str, other: &str) -> bool {
    fn identity(arn: &str) -> &str {
        match arn.find(":assumed-role/") {
            Some(_) => arn.rsplit_once('/').map_or(arn, |(role, _)| role),
            None => arn,
        }
    }
    identity(one) == identity(other)
}

/// The CodeCommit sources of which nobody knows who pushed their revisions, with these.
pub(super) fn nameless(state: &ExecutionState) -> impl Iterator<Item = (&str, Option<&str>)> {
    let sources = state.definition.source_actions().filter(|a| a.provider() == Some(Provider::CodeCommitSource));
    sources.filter_map(|action| match state.source_revisions.iter().find(|source| source.action == action.name) {
        Some(source) if !source.revision.pushers.is_empty() => None,
        Some(source) => Some((action.name.as_str(), Some(source.revision.id.as_str()))),
        None => Some((action.name.as_str(), None)),
    })
}

fn unknown_authors(state: &ExecutionState) -> Vec<String> {
    let others = state.definition.source_actions().filter(|a| a.provider() != Some(Provider::CodeCommitSource));
    others.map(|action| action.name.clone()).collect()
}

/// Follows from what nobody is told, from the action, and from the revisions that the execution has.
fn token(state: &ExecutionState, key: &str) -> String {
    // One of an earlier program: its inputs give the same state again.
    if state.salt.is_empty() {
        return base::derived_uuid(&["approval", key]).to_string();
    }
    let mut parts = vec!["approval", state.salt.as_str(), key];
    for source in &state.source_revisions {
        parts.extend([source.action.as_str(), source.revision.id.as_str()]);
    }
    base::derived_uuid(&parts).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_of_one_role_are_one_principal() {
        let session = |role: &str, name: &str| format!("arn:aws:sts::123456789012:assumed-role/{role}/{name}");
        assert!(is_same_principal(&session("ops", "ann"), &session("ops", "bob")));
        assert!(!is_same_principal(&session("ops", "ann"), &session("dev", "ann")));
        let user = |name: &str| format!("arn:aws:iam::123456789012:user/{name}");
        assert!(is_same_principal(&user("team/ann"), &user("team/ann")));
        assert!(!is_same_principal(&user("team/ann"), &user("team/bob")));
    }

    #[test]
    fn a_revision_is_named_by_a_word_of_its_own() {
        let approval = ApprovalRun { revision: Some("8cf40f2".to_owned()), ..ApprovalRun::by_anyone(String::new()) };
        for good in ["8cf40f2", "approve 8cf40f2.", "(8cf40f2)", "x8cf40f2 and 8cf40f2"] {
            assert!(approval.is_named_in(good), "{good}");
        }
        for bad in ["", "8cf40f", "8cf40f2a", "x8cf40f2", "8CF40F2", "8cf40f2-rc1"] {
            assert!(!approval.is_named_in(bad), "{bad}");
        }
        for (text, revision, named) in [
            ("ship 1.2", "1.2", true),
            ("ship 1.2.", "1.2", true),
            ("ship 1.2...", "1.2", true),
            ("ship 1.2, not 1.3", "1.2", true),
            ("ship 1.2.3", "1.2", false),
            ("ship 0.1.2", "1.2", false),
            ("ship 1.2+b3", "1.2", false),
            ("ship 1.2~rc1", "1.2", false),
            ("ship feature/1.2", "1.2", false),
            ("ship feature/1.2 and 1.2", "1.2", true),
            ("anything", "", false),
        ] {
            assert_eq!(names_revision(text, revision), named, "{text} for {revision}");
        }
    }
}
