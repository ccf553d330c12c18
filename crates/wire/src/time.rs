//! Times as the protocols write them.

use std::fmt::Write as _;

use base::Timestamp;

use crate::model::TimeFormat;

/// What jiff can say: within years 1 and 9999 for every offset.
const MIN_MICROS: i64 = -62_135_596_800_000_000;
const MAX_MICROS: i64 = 253_402_207_200_999_999;

/// Reads a time in the expected format, or in any other that clients are known to send in its place.
pub(crate) fn parse(text: &str, expected: TimeFormat) -> Option<Timestamp> {
    let text = text.trim();
    let order = match expected {
        TimeFormat::Iso8601 => [TimeFormat::Iso8601, TimeFormat::Unix, TimeFormat::Rfc822],
        TimeFormat::Rfc822 => [TimeFormat::Rfc822, TimeFormat::Iso8601, TimeFormat::Unix],
        TimeFormat::Unix => [TimeFormat::Unix, TimeFormat::Iso8601, TimeFormat::Rfc822],
    };
    order.into_iter().find_map(|format| match format {
        TimeFormat::Iso8601 => Timestamp::parse(text).or_else(|| date_alone(text)),
        TimeFormat::Unix => text.parse::<f64>().ok().and_then(from_secs),
        TimeFormat::Rfc822 => jiff::fmt::rfc2822::DateTimeParser::new()
            .parse_timestamp(text)
            .ok()
            .map(|t| Timestamp::from_micros(t.as_microsecond())),
    })
}

/// `2024-05-01` or `2024-05-01T12:00:00`, which mean UTC.
fn date_alone(text: &str) -> Option<Timestamp> {
    let civil: jiff::civil::DateTime = text.parse().ok()?;
    let zoned = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Timestamp::from_micros(zoned.timestamp().as_microsecond()))
}

/// Seconds since the epoch; `None` where no RFC 3339 form exists.
pub(crate) fn from_secs(secs: f64) -> Option<Timestamp> {
    let micros = (secs * 1e6).round();
    // The limits are exactly representable to within a microsecond, which is all that is kept.
    (micros >= MIN_MICROS as f64 && micros <= MAX_MICROS as f64).then(|| Timestamp::from_micros(micros as i64))
}

/// The canonical form of a time: RFC 3339.
pub(crate) fn canonical(time: Timestamp) -> serde_json::Value {
    serde_json::Value::String(time.to_string())
}

/// Year, month, day, hour, minute, second, microsecond, day of the week (0 = Sunday), in UTC.
struct Civil(i64, u32, u32, i64, i64, i64, i64, usize);

fn civil(time: Timestamp) -> Civil {
    let secs = time.secs();
    let (days, rest) = (secs.div_euclid(86_400), secs.rem_euclid(86_400));
    // Days to a date of the proleptic Gregorian calendar, with years that begin in March.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let weekday = (days + 4).rem_euclid(7) as usize;
    let micros = time.micros().rem_euclid(1_000_000);
    Civil(year, month as u32, day as u32, rest / 3600, rest / 60 % 60, rest % 60, micros, weekday)
}

/// `2024-05-01T12:00:00Z`, with milliseconds when there are any or when they are always wanted.
pub(crate) fn iso8601(time: Timestamp, always_millis: bool) -> String {
    let Civil(year, month, day, hour, minute, second, micros, _) = civil(time);
    let mut out = String::with_capacity(24);
    let _ = write!(out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    if always_millis || micros != 0 {
        let _ = write!(out, ".{:03}", micros / 1000);
    }
    out.push('Z');
    out
}

/// `20240501T120000Z`.
pub(crate) fn compact(time: Timestamp) -> String {
    let Civil(year, month, day, hour, minute, second, ..) = civil(time);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

/// `Wed, 01 May 2024 12:00:00 GMT`.
pub(crate) fn rfc822(time: Timestamp) -> String {
    const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let Civil(year, month, day, hour, minute, second, _, weekday) = civil(time);
    let name = MONTHS[(month as usize).saturating_sub(1).min(11)];
    format!("{}, {day:02} {name} {year:04} {hour:02}:{minute:02}:{second:02} GMT", DAYS[weekday])
}

/// Seconds since the epoch: a whole number when it is one, else with milliseconds.
pub(crate) fn unix(time: Timestamp) -> String {
    let millis = time.millis();
    if millis % 1000 == 0 {
        (millis / 1000).to_string()
    } else {
        let sign = if millis < 0 { "-" } else { "" };
        let millis = millis.unsigned_abs();
        format!("{sign}{}.{:03}", millis / 1000, millis % 1000)
    }
}

/// Reads the `YYYYMMDDTHHMMSSZ` of signatures.
pub(crate) fn parse_compact(text: &str) -> Option<Timestamp> {
    let b = text.as_bytes();
    if b.len() != 16 || b[8] != b'T' || b[15] != b'Z' {
        return None;
    }
    let number = |from: usize, to: usize| -> Option<i64> {
        b.get(from..to)?.iter().try_fold(0i64, |n, c| c.is_ascii_digit().then(|| n * 10 + i64::from(c - b'0')))
    };
    let (year, month, day) = (number(0, 4)?, number(4, 6)?, number(6, 8)?);
    let (hour, minute, second) = (number(9, 11)?, number(11, 13)?, number(13, 15)?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (y, m) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let (era, year_of_era) = (y.div_euclid(400), y.rem_euclid(400));
    let day_of_year = (153 * m + 2) / 5 + day - 1;
    let days = era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468;
    Some(Timestamp::from_secs(days * 86_400 + hour * 3600 + minute * 60 + second))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_reads_what_it_writes() {
        for micros in [0, 1_500_000_000_123_000, -1_000_000, 951_782_400_000_000, 253_402_207_200_000_000] {
            let t = Timestamp::from_micros(micros);
            assert_eq!(parse(&iso8601(t, false), TimeFormat::Iso8601), Some(t));
            assert_eq!(parse(&unix(t), TimeFormat::Unix), Some(t));
            let whole = Timestamp::from_secs(t.secs());
            assert_eq!(parse(&rfc822(whole), TimeFormat::Rfc822), Some(whole), "{}", rfc822(whole));
            if micros >= 0 {
                assert_eq!(parse_compact(&compact(whole)), Some(whole));
            }
        }
        assert_eq!(rfc822(Timestamp::from_secs(784_111_777)), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(iso8601(Timestamp::from_secs(951_782_400), true), "2000-02-29T00:00:00.000Z");
    }

    #[test]
    fn a_time_without_rfc_3339_form_is_refused() {
        assert_eq!(from_secs(f64::NAN), None);
        assert_eq!(from_secs(1e18), None);
        assert_eq!(parse("tomorrow", TimeFormat::Iso8601), None);
    }
}
