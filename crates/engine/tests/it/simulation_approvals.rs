//! Approvals in the simulation: who decides, what must come of it, and what must hold meanwhile.

use std::collections::BTreeMap;
use std::time::Duration;

use engine::pipeline::{
    ActionRun, ActionStatus, Approval, ApprovalRun, ExecutionInput, ExecutionState, Refusal, Verdict,
};
use formats::pipeline::{Provider, RetryMode};

use crate::simulation::Simulation;
use crate::simulation_seen::*;

/// Users, and two sessions of one role, which are one principal.
pub const PEOPLE: [&str; 6] = [
    "arn:aws:iam::123456789012:user/ann",
    "arn:aws:iam::123456789012:user/bob",
    "arn:aws:iam::123456789012:user/cyn",
    "arn:aws:iam::123456789012:user/dan",
    "arn:aws:sts::123456789012:assumed-role/ops/eve",
    "arn:aws:sts::123456789012:assumed-role/ops/fay",
];

/// What people write: some of it names the revision.
const SUMMARIES: [&str; 4] = ["", "fine", "take x", "another one"];

/// An approval that was asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    execution: String,
    /// The action's effect key.
    key: String,
    stage: String,
    action: String,
    token: String,
}

/// What the simulation knows of approvals, apart from their executions.
#[derive(Default)]
pub struct Ballots {
    asked: Vec<Asked>,
    by_token: BTreeMap<String, Ballot>,
    /// Who has brought about which execution.
    parts: Vec<(String, String)>,
}

#[derive(Default)]
struct Ballot {
    /// Of its action.
    key: String,
    /// Who approved, and what he said.
    given: Vec<(String, String)>,
    is_rejected: bool,
    /// Some approvals came to nothing, because their givers brought the execution about afterwards.
    has_lost: bool,
}

/// What must come of a decision.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Outcome {
    NotTaken,
    Rejects,
    SaidAgain,
    ApprovedBefore,
    SelfApproval,
    AuthorUnknown,
    RevisionNotNamed,
    Counts,
    Completes,
}

impl Simulation {
    pub fn any_person(&mut self) -> String {
        PEOPLE[self.rng.below(PEOPLE.len())].to_owned()
    }

    /// Often somebody who has approved what he may not have brought about, as long as it waits for others.
    pub fn any_who_approved(&mut self, execution: &str) -> String {
        let stage = self.world.state(execution).stages.last();
        let approvals = stage.into_iter().flat_map(|s| &s.actions).filter(|run| !run.is_ended());
        let guarded = approvals.filter_map(|run| run.approval.as_ref()).filter(|approval| !approval.self_approval);
        match guarded
            .flat_map(|approval| &approval.given)
            .map(|given| given.by.clone())
            .next()
            .filter(|_| self.rng.chance(70))
        {
            Some(by) => by,
            None => self.any_person(),
        }
    }

    /// Notes who has a part in an execution.
    pub fn note_part(&mut self, execution: &str, who: &str) {
        self.ballots.parts.push((execution.to_owned(), who.to_owned()));
    }

    /// A few people decide, with the right token or a wrong one, and perhaps on what was decided or timed out long ago.
    pub fn decide(&mut self) {
        for _ in 0..=self.rng.below(3) {
            // Whoever is late is told so, also while the timer has not fired yet: scenarios show that.
            self.world.pass(Duration::ZERO);
            self.note_pending();
            let old = self.rng.chance(20);
            let fits = |asked: &&Asked| old || self.is_open(asked);
            let fits: Vec<Asked> = self.ballots.asked.iter().filter(fits).cloned().collect();
            if fits.is_empty() {
                return;
            }
            let mut asked = fits[self.rng.below(fits.len())].clone();
            if self.rng.chance(10) {
                asked.token = "wrong".to_owned();
            } else if !self.is_open(&asked) {
                saw(APPROVED_LATE);
            }
            let verdict = if self.rng.chance(90) { Verdict::Approved } else { Verdict::Rejected };
            let (by, summary) = (self.any_person(), SUMMARIES[self.rng.below(SUMMARIES.len())].to_owned());
            self.vote(&asked, verdict, &by, &summary);
            // Something beside it may have failed. Whoever has approved and has that tried again has a part in it then.
            if self.rng.chance(60) {
                self.retry_of(asked.execution, RetryMode::FailedActions);
            }
        }
    }

    /// Everybody approves what waits; what nobody may approve is rejected.
    pub fn decide_all(&mut self) {
        for asked in self.note_pending() {
            for by in PEOPLE {
                if self.is_open(&asked) {
                    self.vote(&asked, Verdict::Approved, by, "x or another");
                }
            }
            if self.is_open(&asked) {
                saw(NOBODY_MAY_APPROVE);
                self.vote(&asked, Verdict::Rejected, PEOPLE[0], "");
            }
        }
    }

    fn note_pending(&mut self) -> Vec<Asked> {
        let mut pending = Vec::new();
        for (id, row) in &self.world.executions {
            let Some(stage) = row.state.stages.last() else { continue };
            for action in &stage.actions {
                if let ActionStatus::AwaitingApproval { token } = &action.status {
                    let (execution, key, token) = (id.clone(), action.key.clone(), token.clone());
                    let (stage, action) = (stage.name.clone(), action.name.clone());
                    pending.push(Asked { execution, key, stage, action, token });
                }
            }
        }
        for asked in &pending {
            let key = &asked.key;
            let ballot = self.ballots.by_token.entry(asked.token.clone()).or_insert_with(|| {
                self.ballots.asked.push(asked.clone());
                Ballot { key: key.clone(), ..Ballot::default() }
            });
            assert_eq!(ballot.key, *key, "two approvals have one token");
        }
        pending
    }

    fn is_open(&self, asked: &Asked) -> bool {
        run_of(self.world.state(&asked.execution), asked)
            .is_some_and(|run| matches!(run.status, ActionStatus::AwaitingApproval { .. }))
    }

    fn vote(&mut self, asked: &Asked, verdict: Verdict, by: &str, summary: &str) {
        self.forget_what_does_not_count();
        let outcome = self.outcome(asked, verdict, by, summary);
        let approval = Approval {
            stage: asked.stage.clone(),
            action: asked.action.clone(),
            token: asked.token.clone(),
            verdict,
            summary: summary.to_owned(),
            by: by.to_owned(),
        };
        let answer = self.world.execution(&asked.execution, ExecutionInput::Approve(approval.clone()));
        let fits = match outcome {
            Outcome::NotTaken => matches!(answer, Err(Refusal::WrongToken | Refusal::ApprovalCompleted { .. })),
            Outcome::ApprovedBefore => matches!(answer, Err(Refusal::ApprovedBefore { .. })),
            Outcome::SelfApproval => matches!(answer, Err(Refusal::SelfApproval { .. })),
            Outcome::AuthorUnknown => matches!(answer, Err(Refusal::AuthorUnknown { .. })),
            Outcome::RevisionNotNamed => matches!(answer, Err(Refusal::RevisionNotNamed { .. })),
            Outcome::Rejects | Outcome::SaidAgain | Outcome::Counts | Outcome::Completes => answer.is_ok(),
        };
        assert!(fits, "{by} says '{summary}' ({verdict:?}) to {asked:?}: {outcome:?}, not {answer:?}");
        let open = self.is_open(asked);
        let ballot = self.ballots.by_token.entry(asked.token.clone()).or_default();
        match outcome {
            Outcome::Rejects => {
                saw(if ballot.given.is_empty() { REJECTED } else { REJECTED_AFTER_APPROVALS });
                ballot.is_rejected = true;
                assert!(!open, "a rejection rejects");
            }
            Outcome::Counts | Outcome::Completes => {
                ballot.given.push((by.to_owned(), summary.to_owned()));
                assert_eq!(open, outcome == Outcome::Counts, "{asked:?} with {:?}", ballot.given);
                if !open && ballot.given.len() > 1 {
                    saw(APPROVED_BY_QUORUM);
                }
                if !open && ballot.has_lost {
                    saw(APPROVED_BY_OTHERS);
                }
            }
            Outcome::SaidAgain => saw(SAID_AGAIN),
            Outcome::ApprovedBefore => saw(APPROVED_TWICE),
            Outcome::SelfApproval => saw(SELF_APPROVAL),
            Outcome::AuthorUnknown => saw(AUTHOR_UNKNOWN),
            Outcome::RevisionNotNamed => saw(REVISION_NOT_NAMED),
            Outcome::NotTaken => {}
        }
        if matches!(outcome, Outcome::Rejects | Outcome::Completes) {
            let again = self.world.execution(&asked.execution, ExecutionInput::Approve(approval));
            assert!(again.is_err(), "an approval is decided once");
        }
    }

    /// As the documents say, without a look at how the engine does it.
    fn outcome(&self, asked: &Asked, verdict: Verdict, by: &str, summary: &str) -> Outcome {
        let state = self.world.state(&asked.execution);
        let Some(run) = run_of(state, asked).filter(|_| self.is_open(asked)) else { return Outcome::NotTaken };
        let Some(ballot) = self.ballots.by_token.get(&asked.token) else { panic!("{asked:?} is not known") };
        let declared = state.definition.stage(&asked.stage).and_then(|s| s.action(&asked.action)).expect("the action");
        let self_approval = declared.config("HeadworksSelfApproval") != Some("false");
        let known = ballot.given.iter().find(|(who, _)| principal(who) == principal(by));
        if verdict == Verdict::Rejected {
            return Outcome::Rejects;
        }
        if ballot.given.iter().any(|(who, said)| who == by && said == summary) {
            return Outcome::SaidAgain;
        }
        if known.is_some() {
            return Outcome::ApprovedBefore;
        }
        if !self_approval && has_part(state, by) {
            return Outcome::SelfApproval;
        }
        if !self_approval && !knows_all_pushers(state) {
            return Outcome::AuthorUnknown;
        }
        let revision = declared.config("HeadworksRevision").map(|_| &run.resolved["HeadworksRevision"]);
        if revision.is_some_and(|revision| !summary.split(' ').any(|word| word == revision)) {
            return Outcome::RevisionNotNamed;
        }
        let quorum = declared.config("HeadworksQuorum").map_or(1, |quorum| quorum.parse().unwrap());
        if ballot.given.len() + 1 == quorum { Outcome::Completes } else { Outcome::Counts }
    }

    /// Whoever has a part in the execution since he approved it has not approved it.
    fn forget_what_does_not_count(&mut self) {
        for asked in &self.ballots.asked {
            let state = self.world.state(&asked.execution);
            let Some(run) = run_of(state, asked).filter(|_| self.is_open(asked)) else { continue };
            if run.approval.as_ref().is_some_and(|approval| !approval.self_approval)
                && let Some(ballot) = self.ballots.by_token.get_mut(&asked.token)
            {
                let before = ballot.given.len();
                ballot.given.retain(|(who, _)| !has_part(state, who));
                if ballot.given.len() < before {
                    ballot.has_lost = true;
                    saw(APPROVAL_LOST);
                }
            }
        }
    }

    /// What an execution says of its approvals is what people have said.
    pub fn check_approvals(&mut self, ids: &[String]) {
        self.note_pending();
        self.forget_what_does_not_count();
        for id in ids {
            let state = self.world.state(id);
            let Some(stage) = state.stages.last() else { continue };
            for run in &stage.actions {
                if let Some(approval) = &run.approval {
                    self.check_approval(state, run, approval);
                }
            }
        }
    }

    fn check_approval(&self, state: &ExecutionState, run: &ActionRun, approval: &ApprovalRun) {
        let none = Ballot::default();
        let ballot = self.ballots.by_token.get(&approval.token).unwrap_or(&none);
        let given: Vec<(String, String)> =
            approval.given.iter().map(|given| (given.by.clone(), given.summary.clone())).collect();
        assert_eq!(given, ballot.given, "who has approved {}", run.key);
        let mut principals: Vec<&str> = given.iter().map(|(who, _)| principal(who)).collect();
        principals.sort_unstable();
        principals.dedup();
        assert_eq!(principals.len(), given.len(), "somebody has approved {} twice", run.key);
        let quorum = approval.quorum as usize;
        let fits = match &run.status {
            ActionStatus::AwaitingApproval { token } => *token == approval.token && given.len() < quorum,
            ActionStatus::Succeeded { .. } => given.len() == quorum && !ballot.is_rejected,
            ActionStatus::Failed(error) if error.code == "JobTimedOut" => {
                if !given.is_empty() {
                    saw(APPROVAL_TIMED_OUT);
                }
                !ballot.is_rejected && given.len() < quorum
            }
            ActionStatus::Failed(_) => ballot.is_rejected && given.len() < quorum,
            ActionStatus::Abandoned => !ballot.is_rejected && given.len() < quorum && state.is_ended(),
            ActionStatus::Working => false,
        };
        assert!(fits, "the approval {} is {:?} after {given:?} of {quorum}", run.key, run.status);
    }

    /// Whoever has brought an execution about is known to it.
    pub fn check_parts(&self) {
        for (execution, who) in &self.ballots.parts {
            let starters = &self.world.state(execution).starters;
            assert!(starters.contains(who), "{execution} does not know of {who}: {starters:?}");
        }
    }
}

fn run_of<'a>(state: &'a ExecutionState, asked: &Asked) -> Option<&'a ActionRun> {
    let all = state.stages.iter().rev().filter(|s| s.name == asked.stage).flat_map(|s| &s.actions);
    all.into_iter().find(|run| run.approval.as_ref().is_some_and(|approval| approval.token == asked.token))
}

/// The role of a session, or the user.
fn principal(arn: &str) -> &str {
    if arn.contains(":assumed-role/") { arn.trim_end_matches(|c| c != '/') } else { arn }
}

/// All who have a part in an execution.
pub fn parts_in(state: &ExecutionState) -> impl Iterator<Item = &String> {
    let pushers = state.source_revisions.iter().flat_map(|source| &source.revision.pushers);
    state.starters.iter().chain(pushers)
}

fn has_part(state: &ExecutionState, who: &str) -> bool {
    parts_in(state).any(|part| principal(part) == principal(who))
}

fn knows_all_pushers(state: &ExecutionState) -> bool {
    let mut sources = state.definition.source_actions().filter(|a| a.provider() == Some(Provider::CodeCommitSource));
    sources.all(|action| {
        let pushed = |source: &&engine::pipeline::SourceRevision| !source.revision.pushers.is_empty();
        state.source_revisions.iter().filter(pushed).any(|source| source.action == action.name)
    })
}
