//! Who runs, who waits, and how many may.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::build::Purpose;

/// The whole state of a queue.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct QueueState {
    pub account_limit: Option<u32>,
    /// By name.
    pub project_limits: BTreeMap<String, u32>,
    /// By ARN.
    pub fleets: BTreeMap<String, FleetSlots>,
    pub running: Vec<Running>,
    /// Oldest first.
    pub waiting: Vec<Waiting>,
}

/// What a fleet holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FleetSlots {
    pub capacity: u32,
    pub overflow: Overflow,
}

/// What becomes of a build that finds its fleet full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Overflow {
    Queue,
    OnDemand,
}

/// A build that was admitted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Running {
    pub build: String,
    pub project: String,
    pub place: Place,
}

/// Whose slot a build has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Place {
    OnDemand,
    Fleet(String),
}

/// A build that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    pub build: String,
    pub project: String,
    pub fleet: Option<String>,
    #[serde(default)]
    pub purpose: Purpose,
}

impl QueueState {
    /// Takes the next build for which there is room.
    pub(super) fn admit_one(&mut self) -> Option<(String, Purpose)> {
        let mut of_project: BTreeMap<&str, u32> = BTreeMap::new();
        let mut of_fleet: BTreeMap<&str, u32> = BTreeMap::new();
        let mut on_demand = 0_u32;
        for running in &self.running {
            *of_project.entry(&running.project).or_default() += 1;
            match &running.place {
                Place::OnDemand => on_demand += 1,
                Place::Fleet(arn) => *of_fleet.entry(arn).or_default() += 1,
            }
        }
        let place = |waiting: &Waiting| -> Option<Place> {
            let busy = of_project.get(waiting.project.as_str()).copied().unwrap_or(0);
            if self.project_limits.get(&waiting.project).is_some_and(|limit| busy >= *limit) {
                return None;
            }
            if let Some((arn, slots)) = waiting.fleet.as_ref().and_then(|arn| self.fleets.get_key_value(arn)) {
                if of_fleet.get(arn.as_str()).copied().unwrap_or(0) < slots.capacity {
                    return Some(Place::Fleet(arn.clone()));
                }
                if slots.overflow == Overflow::Queue {
                    return None;
                }
            }
            self.account_limit.is_none_or(|limit| on_demand < limit).then_some(Place::OnDemand)
        };
        let free = self.waiting.iter().enumerate().filter_map(|(n, waiting)| Some((n, waiting, place(waiting)?)));
        let busy = |waiting: &Waiting| of_project.get(waiting.project.as_str()).copied().unwrap_or(0);
        let (n, _, place) = free.min_by_key(|(n, waiting, _)| (busy(waiting), *n))?;
        let Waiting { build, project, fleet: _, purpose } = self.waiting.remove(n);
        self.running.push(Running { build: build.clone(), project, place });
        Some((build, purpose))
    }
}
