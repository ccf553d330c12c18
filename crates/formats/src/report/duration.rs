//! Durations as tools write them, in nanoseconds. What cannot be read counts as nothing: a report is not wrong for it.

/// `0.005`, `1,234.5` (thousands) or `0,005` (a decimal comma).
pub(super) fn of_seconds(text: &str) -> u64 {
    scaled(text, 1e9)
}

/// Milliseconds.
pub(super) fn of_millis(text: &str) -> u64 {
    scaled(text, 1e6)
}

fn scaled(text: &str, factor: f64) -> u64 {
    let text = text.trim();
    let plain = if text.contains('.') { text.replace(',', "") } else { text.replace(',', ".") };
    nanos(plain.parse::<f64>().unwrap_or(0.0) * factor)
}

/// The whole nanoseconds of a figure that may be anything.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of a float stays within the range")]
pub(super) fn nanos(value: f64) -> u64 {
    if value.is_finite() { value.round().clamp(0.0, i64::MAX as f64 / 2.0) as u64 } else { 0 }
}

/// `[d.]hh:mm:ss[.fffffff]`.
pub(super) fn of_clock(text: &str) -> u64 {
    let mut parts = text.trim().rsplit(':');
    let seconds = of_seconds(parts.next().unwrap_or_default());
    let minutes: u64 = parts.next().and_then(|t| t.parse().ok()).unwrap_or(0);
    let (days, hours) = match parts.next().unwrap_or("0").split_once('.') {
        Some((days, hours)) => (days.parse().unwrap_or(0), hours.parse().unwrap_or(0)),
        None => (0_u64, parts_hours(text)),
    };
    let rest = days.saturating_mul(24).saturating_add(hours).saturating_mul(60).saturating_add(minutes);
    rest.saturating_mul(60_000_000_000).saturating_add(seconds).min(i64::MAX as u64 / 2)
}

fn parts_hours(text: &str) -> u64 {
    text.trim().rsplit(':').nth(2).and_then(|t| t.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_read_in_all_their_spellings() {
        for (text, nanos) in [
            ("0.005", 5_000_000),
            ("1,234.5", 1_234_500_000_000),
            ("0,005", 5_000_000),
            ("0.1", 100_000_000),
            (" 12 ", 12_000_000_000),
            ("", 0),
            ("soon", 0),
            ("-1", 0),
            ("NaN", 0),
        ] {
            assert_eq!(of_seconds(text), nanos, "{text}");
        }
        assert_eq!(of_millis("12"), 12_000_000);
    }

    #[test]
    fn clocks_may_have_days_and_fractions() {
        assert_eq!(of_clock("00:00:01.2345678"), 1_234_567_800);
        assert_eq!(of_clock("01:02:03"), 3_723_000_000_000);
        assert_eq!(of_clock("1.00:00:00"), 86_400_000_000_000);
        assert_eq!(of_clock("nonsense"), 0);
    }
}
