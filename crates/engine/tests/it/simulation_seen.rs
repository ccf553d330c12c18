//! How often something happened in the simulation of pipelines, over all seeds: one that never gets there proves nothing.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! things {
    ($($name:ident $text:literal,)*) => {
        #[expect(non_camel_case_types, clippy::upper_case_acronyms, reason = "it only counts the constants")]
        enum Thing { $($name),* }
        $(pub const $name: usize = Thing::$name as usize;)*
        const NAMES: &[&str] = &[$($text),*];
        static SEEN: [AtomicU64; [$($text),*].len()] = [const { AtomicU64::new(0) }; [$($text),*].len()];
    };
}

things! {
    RETRIED "retried",
    RETRIED_AFTER_STOP "retried after a stop",
    RETRIED_BY_ITSELF "retried by itself",
    ROLLED_BACK "rolled back",
    ROLLED_BACK_BY_ITSELF "rolled back by itself",
    OVERRIDDEN "overridden",
    SKIPPED "skipped",
    SUPERSEDED "superseded",
    QUEUED_BEHIND_ANOTHER "queued behind another",
    SIDE_BY_SIDE "in parallel",
    MODE_CHANGED "mode changed",
    PUT_OFF "put off at the gates",
    APPROVED_LATE "late approvals",
    JOB_SUCCEEDED "jobs succeeded",
    JOB_FAILED "jobs failed",
    JOB_CONTINUED "jobs continued",
    JOB_ABANDONED "jobs abandoned",
    LEASE_ENDED "leases ended",
    OLD_NONCE "old nonces",
    LATE_RESULT "late results",
    INVOKED "invoked",
    CHILD "children",
    CHILD_OF_CHILD "children of children",
    CHILD_OF_RETRY "children of retries",
    CHILD_STOPPED_WITH_PARENT "children stopped with their parents",
    PARENT_FAILED_WITH_STOPPED_CHILD "parents failed with stopped children",
    CHILD_SUPERSEDED "children superseded",
    CHILD_TIMED_OUT "children timed out",
    CHILD_UNHEARD "ends of children unheard",
    CHILD_TOLD_TO_STOP "children told to stop",
    MATRIX "matrices",
    MATRIX_OF_VARIABLE "matrices from variables",
    RUN_SUCCEEDED "runs succeeded",
    RUN_FAILED "runs failed",
    RUN_STILLBORN "runs failed as they began",
    RUN_ABANDONED "runs abandoned",
    RUNS_RETRIED_ALONE "failed runs retried alone",
    CHILD_OF_RUN "children of runs",
    MATRIX_READ "matrices read",
    MATRIX_REFUSED "matrices refused",
    MATRIX_READ_LATE "matrices read too late",
    LIST_OF_RUNS "lists of what runs have",
    LIST_WITH_NULL "lists with null",
    APPROVED_BY_QUORUM "approved by a quorum",
    APPROVED_TWICE "approved twice by one",
    SAID_AGAIN "approvals said again",
    REJECTED "rejected",
    REJECTED_AFTER_APPROVALS "rejected after approvals",
    APPROVAL_TIMED_OUT "timed out after approvals",
    SELF_APPROVAL "approvals of one's own",
    AUTHOR_UNKNOWN "approvals without an author",
    REVISION_NOT_NAMED "approvals without the revision",
    APPROVAL_LOST "approvals that count no more",
    APPROVED_BY_OTHERS "approved by others then",
    NOBODY_MAY_APPROVE "approvals that nobody may give",
    PLAN "definitions brought along",
    PLAN_AGAIN "the same again",
    PLAN_CHANGED "another one",
    PLAN_REFUSED "definitions refused",
    PLAN_RETRIED "their executions retried",
    PLAN_OF_PLAN "definitions brought along by such",
    PLAN_SUCCEEDED "their actions succeeded",
    PLAN_FAILED "their actions failed",
    PLAN_STOPPED "their actions stopped",
    CHILD_CANCELLED "their executions cancelled",
}

pub fn saw(what: usize) {
    SEEN[what].fetch_add(1, Ordering::Relaxed);
}

/// Prints how often everything was seen, and insists that it was when all seeds were played.
pub fn tell_what_was_seen() {
    let seen: Vec<(&str, u64)> = NAMES.iter().copied().zip(SEEN.iter().map(|n| n.load(Ordering::Relaxed))).collect();
    println!("{}", seen.iter().map(|(name, n)| format!("{name}: {n}")).collect::<Vec<_>>().join("; "));
    let few = ["SIM_SEED", "SIM_SEEDS"].iter().any(|name| std::env::var_os(name).is_some());
    assert!(few || seen.iter().all(|(_, n)| *n > 0), "{seen:?}");
}
