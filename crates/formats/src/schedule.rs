//! Schedule expressions of rules: `rate(5 minutes)`, `cron(0 10 ? * MON-FRI *)`, in UTC.
//!
//! <https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html>

use std::fmt;
use std::time::Duration;

use base::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::cron::Cron;

/// When something is to happen again and again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ScheduleExpression {
    text: String,
    times: Times,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Times {
    Rate(Duration),
    Cron(Box<Cron>),
}

impl ScheduleExpression {
    /// Reads an expression.
    ///
    /// # Errors
    /// What is wrong with it, for its writer.
    pub fn parse(text: &str) -> Result<Self, String> {
        let inner = |name: &str| text.strip_prefix(name)?.strip_prefix('(')?.strip_suffix(')');
        let times = match (inner("rate"), inner("cron")) {
            (Some(rate), _) => Times::Rate(self::rate(rate)?),
            (None, Some(fields)) => Times::Cron(Box::new(cron(fields)?)),
            (None, None) => return Err(format!("'{text}' is neither rate(...) nor cron(...)")),
        };
        Ok(ScheduleExpression { text: text.to_owned(), times })
    }

    /// The expression as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The next time after `after`; a rate is counted from `since`. None when there is no other.
    pub fn next(&self, since: Timestamp, after: Timestamp) -> Option<Timestamp> {
        match &self.times {
            Times::Rate(every) => {
                let every = i64::try_from(every.as_micros()).ok()?;
                let passed = after.micros().saturating_sub(since.micros()).max(0) / every;
                let next = since.micros().checked_add(every.checked_mul(passed + 1)?)?;
                // What cannot be written as a date does not come.
                jiff::Timestamp::from_microsecond(next).ok().map(|_| Timestamp::from_micros(next))
            }
            Times::Cron(cron) => {
                let minute = after.secs().div_euclid(60) + 1;
                let from = TimeZone::UTC.to_datetime(Timestamp::from_secs(minute * 60).to_jiff());
                let found = cron.first(from)?.to_zoned(TimeZone::UTC).ok()?;
                Some(Timestamp::from_secs(found.timestamp().as_second()))
            }
        }
    }
}

fn rate(text: &str) -> Result<Duration, String> {
    let wrong = || format!("'rate({text})' is not a positive number with minute, minutes, hour, hours, day or days");
    let (number, unit) = text.split_once(' ').ok_or_else(wrong)?;
    let digits = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    let number: u64 = number.parse().ok().filter(|n| digits && *n > 0).ok_or_else(wrong)?;
    let seconds = match (unit, number) {
        ("minute", 1) | ("minutes", 2..) => 60,
        ("hour", 1) | ("hours", 2..) => 3600,
        ("day", 1) | ("days", 2..) => 24 * 3600,
        ("minute" | "hour" | "day", _) => return Err(format!("'rate({text})': after {number} the unit is {unit}s")),
        ("minutes" | "hours" | "days", _) => return Err(format!("'rate({text})': after 1 the unit has no s")),
        _ => return Err(wrong()),
    };
    let seconds = number.checked_mul(seconds).filter(|s| *s < 1_000_000_000_000).ok_or_else(wrong)?;
    Ok(Duration::from_secs(seconds))
}

fn cron(text: &str) -> Result<Cron, String> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    let Ok(fields) = <[&str; 6]>::try_from(fields) else {
        return Err(format!(
            "'cron({text})' has not the six fields minutes, hours, day of month, month, day of week, year"
        ));
    };
    let [_, _, days, _, weekdays, _] = fields;
    if (days == "?") == (weekdays == "?") {
        return Err("of day of month and day of week one must be '?', and not both".to_owned());
    }
    if weekdays.contains('#') && weekdays.contains(',') {
        return Err("with # there is one day of week only".to_owned());
    }
    Cron::parse(fields)
}

impl fmt::Display for ScheduleExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl TryFrom<String> for ScheduleExpression {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        ScheduleExpression::parse(&text)
    }
}

impl From<ScheduleExpression> for String {
    fn from(expression: ScheduleExpression) -> String {
        expression.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn time(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    fn next(expression: &str, after: &str) -> Option<String> {
        let expression = ScheduleExpression::parse(expression).unwrap_or_else(|e| panic!("{e}"));
        expression.next(time("2026-01-01T00:00:00Z"), time(after)).map(|t| t.to_string())
    }

    #[test]
    fn the_rates_of_the_guide_are_counted_from_their_beginning() {
        for (rate, after, expected) in [
            ("rate(1 minute)", "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"),
            ("rate(5 minutes)", "2026-01-01T00:05:00Z", "2026-01-01T00:10:00Z"),
            ("rate(5 minutes)", "2026-01-01T00:14:59Z", "2026-01-01T00:15:00Z"),
            ("rate(1 hour)", "2026-03-01T00:30:00Z", "2026-03-01T01:00:00Z"),
            ("rate(7 days)", "2026-01-01T00:00:01Z", "2026-01-08T00:00:00Z"),
        ] {
            assert_eq!(next(rate, after).as_deref(), Some(expected), "{rate} {after}");
        }
    }

    #[test]
    fn the_cron_expressions_of_the_guide_name_the_times_that_it_says() {
        // 2026-11-22 is a Sunday.
        for (cron, after, expected) in [
            ("cron(0 10 * * ? *)", "2026-11-22T10:00:00Z", "2026-11-23T10:00:00Z"),
            ("cron(0 10 * * ? *)", "2026-11-22T09:59:59.999Z", "2026-11-22T10:00:00Z"),
            ("cron(15 12 * * ? *)", "2026-11-22T12:00:00Z", "2026-11-22T12:15:00Z"),
            ("cron(0 18 ? * MON-FRI *)", "2026-11-20T18:00:00Z", "2026-11-23T18:00:00Z"),
            ("cron(0 8 1 * ? *)", "2026-11-22T00:00:00Z", "2026-12-01T08:00:00Z"),
            ("cron(0/15 * * * ? *)", "2026-11-22T23:45:00Z", "2026-11-23T00:00:00Z"),
            ("cron(0/10 * ? * MON-FRI *)", "2026-11-20T23:50:00Z", "2026-11-23T00:00:00Z"),
            ("cron(0/5 8-17 ? * MON-FRI *)", "2026-11-23T17:55:00Z", "2026-11-24T08:00:00Z"),
            ("cron(0/30 20-2 ? * MON-FRI *)", "2026-11-20T23:30:00Z", "2026-11-23T00:00:00Z"),
            ("cron(0/30 20-2 ? * MON-FRI *)", "2026-11-23T02:30:00Z", "2026-11-23T20:00:00Z"),
            ("cron(0 0 ? * FRI-MON *)", "2026-11-23T00:00:00Z", "2026-11-27T00:00:00Z"),
            ("cron(0 0 1 NOV-FEB ? *)", "2026-02-01T00:00:00Z", "2026-11-01T00:00:00Z"),
            ("cron(50-10/10 12 * * ? *)", "2026-11-22T12:10:00Z", "2026-11-22T12:50:00Z"),
            ("cron(0 9 ? * 2#1 *)", "2026-11-22T00:00:00Z", "2026-12-07T09:00:00Z"),
            ("cron(15 10 ? * 6L 2019-2030)", "2026-11-22T00:00:00Z", "2026-11-27T10:15:00Z"),
            ("cron(0 0 3W * ? *)", "2026-09-30T00:00:00Z", "2026-10-02T00:00:00Z"),
            ("cron(0 0 L FEB ? *)", "2026-03-01T00:00:00Z", "2027-02-28T00:00:00Z"),
            ("cron(0 0 29 2 ? *)", "2026-03-01T00:00:00Z", "2028-02-29T00:00:00Z"),
            ("cron(0 0 1 JAN,JUL ? 2030)", "2026-03-01T00:00:00Z", "2030-01-01T00:00:00Z"),
        ] {
            assert_eq!(next(cron, after).as_deref(), Some(expected), "{cron} {after}");
        }
        assert_eq!(next("cron(0 0 1 1 ? 2020)", "2026-01-01T00:00:00Z"), None);
        assert_eq!(next("cron(0 0 31 FEB ? *)", "2026-01-01T00:00:00Z"), None);
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for bad in [
            "",
            "5 minutes",
            "rate(5)",
            "rate(0 minutes)",
            "rate(-1 minutes)",
            "rate(+5 minutes)",
            "rate(1 minutes)",
            "rate(5 minute)",
            "rate(5 seconds)",
            "rate(1.5 hours)",
            "rate(99999999999999999999 days)",
            "rate(5 minutes",
            "cron(* * * * *)",
            "cron(0 12 * * * *)",
            "cron(0 12 ? * ? *)",
            "cron(60 12 * * ? *)",
            "cron(0 24 * * ? *)",
            "cron(0 12 32 * ? *)",
            "cron(0 12 * 13 ? *)",
            "cron(0 12 ? * 8 *)",
            "cron(0 12 ? * 2#6 *)",
            "cron(0 12 ? * 2#1,3#1 *)",
            "cron(0 12 * * ? 1969)",
            "cron(0 12 * * ? 2030-2028)",
            "cron(0/0 12 * * ? *)",
            "cron(a * * * ? *)",
        ] {
            assert!(ScheduleExpression::parse(bad).is_err(), "{bad}");
        }
    }
}
