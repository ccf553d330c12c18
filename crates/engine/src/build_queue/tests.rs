use base::{Machine, Step, Tell, Timestamp};

use super::*;
use crate::build::Purpose;

struct World(QueueState);

impl World {
    /// The builds that an input admits.
    fn take(&mut self, input: QueueInput) -> Vec<String> {
        let Step { state, tells, .. } = BuildQueue::step(&self.0, input, Timestamp::from_secs(0)).unwrap();
        self.0 = state;
        tells.into_iter().map(|Tell { id, .. }| id).collect()
    }

    fn ask(&mut self, build: &str, limits: Limits) -> Vec<String> {
        let project = build.split(':').next().unwrap().to_owned();
        self.take(QueueInput::Ask {
            ticket: Ticket { build: build.to_owned(), project, purpose: Purpose::Build, limits },
        })
    }

    fn leave(&mut self, build: &str) -> Vec<String> {
        self.take(QueueInput::Leave { build: build.to_owned() })
    }
}

fn account(n: u32) -> Limits {
    Limits { account: Some(n), ..Limits::default() }
}

#[test]
fn builds_wait_for_a_slot_of_their_project_and_asking_twice_asks_once() {
    let mut queue = World(QueueState::default());
    let one = || Limits { project: Some(1), ..Limits::default() };
    assert_eq!(queue.ask("a:1", one()), ["a:1"]);
    assert!(queue.ask("a:2", one()).is_empty() && queue.ask("a:2", one()).is_empty());
    assert_eq!(queue.ask("b:1", one()), ["b:1"], "another project has its own limit");
    assert_eq!(queue.leave("a:1"), ["a:2"]);
    assert!(queue.leave("a:1").is_empty() && queue.0.waiting.is_empty());
    assert!(queue.ask("a:3", one()).is_empty());
    assert!(queue.leave("a:3").is_empty(), "a build that gives up leaves no hole");
    assert!(queue.ask("a:4", one()).is_empty());
    let lifted = QueueInput::Project { name: "a".to_owned(), limit: None };
    assert_eq!(queue.take(lifted), ["a:4"]);
}

#[test]
fn a_project_that_floods_the_queue_does_not_keep_others_from_their_turn() {
    let mut queue = World(QueueState::default());
    assert_eq!(queue.ask("flood:0", account(2)), ["flood:0"]);
    assert_eq!(queue.ask("flood:1", account(2)), ["flood:1"]);
    for n in 2..50 {
        assert!(queue.ask(&format!("flood:{n}"), account(2)).is_empty());
    }
    assert!(queue.ask("small:1", account(2)).is_empty());
    assert_eq!(queue.leave("flood:0"), ["small:1"]);
    assert_eq!(queue.leave("flood:1"), ["flood:2"]);
}

#[test]
fn a_full_fleet_queues_or_overflows_as_it_was_told() {
    let mut queue = World(QueueState::default());
    let on = |overflow| Limits {
        account: Some(1),
        fleet: Some(FleetLimit { arn: format!("fleet/{overflow:?}"), slots: FleetSlots { capacity: 1, overflow } }),
        ..Limits::default()
    };
    assert_eq!(queue.ask("a:1", on(Overflow::Queue)), ["a:1"]);
    assert!(queue.ask("a:2", on(Overflow::Queue)).is_empty());
    assert_eq!(queue.ask("b:1", on(Overflow::OnDemand)), ["b:1"]);
    assert_eq!(queue.ask("b:2", on(Overflow::OnDemand)), ["b:2"]);
    assert_eq!(queue.0.running[2].place, Place::OnDemand);
    assert!(queue.ask("b:3", on(Overflow::OnDemand)).is_empty(), "the account is full as well");
    assert_eq!(queue.leave("b:2"), ["b:3"]);
    let slots = Some(FleetSlots { capacity: 2, overflow: Overflow::Queue });
    assert_eq!(queue.take(QueueInput::Fleet { arn: "fleet/Queue".to_owned(), slots }), ["a:2"]);
}
