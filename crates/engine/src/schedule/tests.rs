use base::{Machine, Step, TimerChange, Timestamp};
use formats::schedule::ScheduleExpression;

use super::*;

const RULE: &str = "arn:aws:events:eu-west-1:123456789012:rule/r";

fn at(minute: i64) -> Timestamp {
    Timestamp::from_secs(1_767_225_600 + minute * 60)
}

fn idle() -> ScheduleState {
    ScheduleState { rule: RULE.to_owned(), scheduled: Scheduled::Idle }
}

fn begin(state: &ScheduleState, text: &str, now: Timestamp) -> Step<Schedule> {
    let expression = ScheduleExpression::parse(text).unwrap();
    Schedule::step(state, ScheduleInput::Begin { expression }, now).unwrap()
}

fn timer(step: &Step<Schedule>) -> Option<Timestamp> {
    match step.timers.as_slice() {
        [TimerChange::Set { at, .. }] => Some(*at),
        [TimerChange::Clear { .. }] => None,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_schedule_goes_off_at_each_of_its_times_with_one_event() {
    let mut step = begin(&idle(), "rate(5 minutes)", at(0));
    for minute in [5, 10, 15] {
        assert_eq!(timer(&step), Some(at(minute)));
        step = Schedule::step(&step.state, ScheduleInput::Due { at: at(minute) }, at(minute)).unwrap();
        assert_eq!(step.events.len(), 1);
        let event = &step.events[0];
        assert_eq!((event.source.as_str(), event.detail_type.as_str()), ("aws.events", "Scheduled Event"));
        assert_eq!(event.resources, [RULE]);
    }
}

#[test]
fn what_was_missed_is_made_up_for_once_and_the_rhythm_is_kept() {
    let step = begin(&idle(), "rate(5 minutes)", at(0));
    let step = Schedule::step(&step.state, ScheduleInput::Due { at: at(5) }, at(33)).unwrap();
    assert_eq!((step.events.len(), timer(&step)), (1, Some(at(35))));
    let stale = Schedule::step(&step.state, ScheduleInput::Due { at: at(5) }, at(33));
    assert_eq!(stale, Err(ScheduleRefusal::Stale));
}

#[test]
fn an_end_or_another_expression_takes_the_timer_away() {
    let step = begin(&idle(), "rate(5 minutes)", at(0));
    let other = begin(&step.state, "rate(1 hour)", at(2));
    assert_eq!(timer(&other), Some(at(62)));
    assert_eq!(Schedule::step(&other.state, ScheduleInput::Due { at: at(5) }, at(5)), Err(ScheduleRefusal::Stale));
    let ended = Schedule::step(&other.state, ScheduleInput::End, at(3)).unwrap();
    assert_eq!((timer(&ended), ended.state), (None, idle()));
    assert_eq!(Schedule::step(&idle(), ScheduleInput::Due { at: at(62) }, at(62)), Err(ScheduleRefusal::Stale));
}

#[test]
fn after_its_last_time_a_schedule_rests() {
    let step = begin(&idle(), "cron(0 0 1 1 ? 2027)", at(0));
    let due = timer(&step).unwrap();
    let step = Schedule::step(&step.state, ScheduleInput::Due { at: due }, due).unwrap();
    assert_eq!((step.events.len(), timer(&step)), (1, None));
    assert_eq!(timer(&begin(&idle(), "cron(0 0 1 1 ? 2020)", at(0))), None);
}

#[test]
fn states_survive_storage() {
    let step = begin(&idle(), "cron(0 10 ? * MON-FRI *)", at(0));
    let text = serde_json::to_string(&step.state).unwrap();
    assert_eq!(serde_json::from_str::<ScheduleState>(&text).unwrap(), step.state);
}

#[test]
fn a_clock_that_was_ahead_does_not_silence_a_schedule() {
    let replan = |state: &ScheduleState, now| Schedule::step(state, ScheduleInput::Replan, now).unwrap();
    for (text, next) in [("rate(5 minutes)", 5), ("cron(0 * * * ? *)", 60)] {
        let ahead = begin(&idle(), text, at(500_000));
        let mended = replan(&ahead.state, at(0));
        assert_eq!(timer(&mended), Some(at(next)), "{text}");
        assert!(mended.events.is_empty());
    }
    let planned = begin(&idle(), "rate(5 minutes)", at(0));
    for minute in [0, 3, 33] {
        let same = replan(&planned.state, at(minute));
        assert_eq!((same.timers.len(), &same.state), (0, &planned.state));
    }
    assert_eq!(replan(&idle(), at(0)).state, idle());
}
