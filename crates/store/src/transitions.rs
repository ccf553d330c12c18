//! How often machines stepped, and how often they did not, for metrics.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Counts since this process opened the store.
#[derive(Clone, Default)]
pub(crate) struct Transitions(Arc<Mutex<Counts>>);

#[derive(Default)]
struct Counts {
    /// By kind of machine and the status that a step led to.
    steps: BTreeMap<(String, &'static str), u64>,
    /// By kind of machine and what became of the input.
    missed: BTreeMap<(String, Missed), u64>,
}

/// A step that is about to be committed.
pub(crate) struct Transition {
    pub kind: String,
    pub status: &'static str,
    /// Nothing followed from it.
    pub idle: bool,
}

/// What became of an input that led to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Missed {
    /// The machine refused it.
    Refused,
    /// The machine took it and nothing followed: the result of an attempt that is over, a request that was repeated.
    Stale,
}

impl Missed {
    /// The word for metrics.
    pub fn name(self) -> &'static str {
        match self {
            Missed::Refused => "refused",
            Missed::Stale => "stale",
        }
    }
}

impl Transitions {
    /// Takes the steps of what has just been committed.
    pub fn count(&self, steps: impl IntoIterator<Item = Transition>) {
        let mut counts = self.lock();
        for Transition { kind, status, idle } in steps {
            if idle {
                *counts.missed.entry((kind.clone(), Missed::Stale)).or_default() += 1;
            }
            *counts.steps.entry((kind, status)).or_default() += 1;
        }
    }

    /// Counts a refusal at once: whoever hears it may well undo all else.
    pub fn refused(&self, kind: &str) {
        *self.lock().missed.entry((kind.to_owned(), Missed::Refused)).or_default() += 1;
    }

    /// The steps until now.
    pub fn steps(&self) -> Vec<(String, &'static str, u64)> {
        self.lock().steps.iter().map(|((kind, status), count)| (kind.clone(), *status, *count)).collect()
    }

    /// The inputs that led to nothing until now.
    pub fn missed(&self) -> Vec<(String, Missed, u64)> {
        self.lock().missed.iter().map(|((kind, missed), count)| (kind.clone(), *missed, *count)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
