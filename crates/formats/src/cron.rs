//! The fields of AWS's cron expressions: which minutes they name.

use std::ops::RangeInclusive;

use jiff::civil::{Date, DateTime, Weekday};

/// Minutes that an expression names, in the local time of whoever asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cron {
    minutes: Vec<Span>,
    hours: Vec<Span>,
    days: Vec<Day>,
    months: Vec<Span>,
    weekdays: Vec<Weekdays>,
    years: Vec<Span>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    from: i16,
    /// Before `from` when it goes on at the beginning: 20-2.
    to: i16,
    step: i16,
    /// How many values the field has.
    size: i16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Day {
    In(Span),
    /// So many days before the month's last.
    Last(i8),
    /// The working day nearest to this day, in the same month.
    Nearest(i8),
    LastWorking,
}

/// Sunday is 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weekdays {
    In(Span),
    LastOfMonth(i16),
    Nth(i16, i8),
}

const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
/// The years that an expression can name.
const YEARS: RangeInclusive<i16> = 1970..=2199;
const WEEKDAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

impl Cron {
    /// Reads minutes, hours, day of month, month, day of week and year.
    ///
    /// # Errors
    /// The field that is wrong, for the writer of the expression.
    pub fn parse([minutes, hours, days, months, weekdays, years]: [&str; 6]) -> Result<Self, String> {
        Ok(Cron {
            minutes: list(minutes, "minutes", |t| span(t, 0..=59, &[]))?,
            hours: list(hours, "hours", |t| span(t, 0..=23, &[]))?,
            days: list(days, "day of month", day)?,
            months: list(months, "month", |t| span(t, 1..=12, &MONTHS))?,
            weekdays: list(weekdays, "day of week", weekday)?,
            years: list(years, "year", |t| span(t, YEARS, &[]))?,
        })
    }

    /// Whether this minute is one of them.
    pub fn names(&self, time: DateTime) -> bool {
        has(&self.minutes, time.minute().into()) && has(&self.hours, time.hour().into()) && self.has_day(time.date())
    }

    /// The first minute that is named and not before this one; none when there is none before the year 2200.
    pub fn first(&self, from: DateTime) -> Option<DateTime> {
        let mut date = from.date();
        let mut earliest = (from.hour(), from.minute());
        while date.year() <= *YEARS.end() {
            if !has(&self.years, date.year()) {
                date = Date::new(date.year() + 1, 1, 1).ok()?;
            } else if !has(&self.months, date.month().into()) {
                date = date.last_of_month().tomorrow().ok()?;
            } else {
                let time = || {
                    let hours = (earliest.0..=23).filter(|hour| has(&self.hours, (*hour).into()));
                    let minutes = |hour| if hour == earliest.0 { earliest.1..=59 } else { 0..=59 };
                    let mut times = hours.flat_map(|hour| minutes(hour).map(move |minute| (hour, minute)));
                    times.find(|(_, minute)| has(&self.minutes, (*minute).into()))
                };
                if let Some((hour, minute)) = self.has_day(date).then(time).flatten() {
                    return Some(date.at(hour, minute, 0, 0));
                }
                date = date.tomorrow().ok()?;
            }
            earliest = (0, 0);
        }
        None
    }

    fn has_day(&self, date: Date) -> bool {
        has(&self.months, date.month().into())
            && has(&self.years, date.year())
            && self.days.iter().any(|d| d.is(date))
            && self.weekdays.iter().any(|w| w.is(date))
    }
}

fn has(spans: &[Span], n: i16) -> bool {
    spans.iter().any(|s| s.has(n))
}

impl Span {
    fn has(self, n: i16) -> bool {
        let after = |n: i16| (n - self.from).rem_euclid(self.size);
        after(n) <= after(self.to) && after(n) % self.step == 0
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
    let size = bounds.end() - bounds.start() + 1;
    (from <= to || bounds != YEARS).then_some(Span { from, to, step: step.unwrap_or(1), size })
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
