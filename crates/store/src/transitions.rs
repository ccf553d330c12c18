//! How often machines stepped, for metrics: counted when the step is committed, and only then.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Steps since this process opened the store, by kind of machine and the status that they led to.
#[derive(Clone, Default)]
pub(crate) struct Transitions(Arc<Mutex<BTreeMap<Transition, u64>>>);

/// Kind and status.
pub(crate) type Transition = (String, &'static str);

impl Transitions {
    /// Takes the steps of what has just been committed.
    pub fn count(&self, steps: impl IntoIterator<Item = Transition>) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for step in steps {
            *counts.entry(step).or_default() += 1;
        }
    }

    /// The counts until now.
    pub fn counts(&self) -> BTreeMap<Transition, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
