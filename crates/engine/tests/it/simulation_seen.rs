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
