//! Reading what operations answer.

use base::Timestamp;
use serde_json::Value;

/// The items of an array, or none.
pub fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The text of a string, or an empty one.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A text for a terminal: on one line, and without what steers a terminal.
pub fn plain(value: &Value) -> String {
    let line = value.as_str().unwrap_or_default().lines().next().unwrap_or_default();
    line.chars().filter(|c| !c.is_control()).collect()
}

/// A time of awsJson: seconds, with a fraction.
pub fn time(value: &Value) -> Option<Timestamp> {
    let millis = value.as_f64()? * 1000.0;
    #[expect(clippy::cast_possible_truncation, reason = "a float beyond the range becomes its end")]
    let millis = millis as i64;
    Some(Timestamp::from_millis(millis))
}
