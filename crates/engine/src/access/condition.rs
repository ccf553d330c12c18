//! Whether a statement's conditions hold.

use std::net::IpAddr;

use base::Timestamp;
use formats::policy::{Condition, Effect, Operator, Quantifier};

use super::Context;
use super::matching::{glob, with_variables};

/// Whether all conditions of a statement with this effect hold.
pub(super) fn all_hold(effect: Effect, conditions: &[Condition], context: &Context) -> bool {
    conditions.iter().all(|c| match context.get(&c.key) {
        Some(unknown) if unknown.is_empty() => effect == Effect::Deny,
        present => holds(c, present, context),
    })
}

fn holds(condition: &Condition, present: Option<&Vec<String>>, context: &Context) -> bool {
    if condition.operator == Operator::Null {
        let wants_absent = condition.values.iter().any(|v| v.eq_ignore_ascii_case("true"));
        return wants_absent == present.is_none();
    }
    let Some(values) = present else {
        // Without the key a negated operator holds, and so does "for all of them".
        return condition.if_exists || condition.operator.is_negated() || condition.quantifier == Quantifier::All;
    };
    let one = |value: &String| {
        let matches = condition.values.iter().any(|w| compare(condition.operator, value, &with_variables(w, context)));
        matches != condition.operator.is_negated()
    };
    match condition.quantifier {
        Quantifier::Any => values.iter().any(one),
        Quantifier::All | Quantifier::Single => values.iter().all(one),
    }
}

/// The comparison itself; negated operators compare like their positive twins.
fn compare(operator: Operator, value: &str, wanted: &str) -> bool {
    match operator {
        Operator::StringEquals | Operator::StringNotEquals | Operator::BinaryEquals => value == wanted,
        Operator::StringEqualsIgnoreCase | Operator::StringNotEqualsIgnoreCase => {
            value.to_lowercase() == wanted.to_lowercase()
        }
        Operator::StringLike | Operator::StringNotLike => glob(wanted, value, false),
        Operator::ArnEquals | Operator::ArnLike | Operator::ArnNotEquals | Operator::ArnNotLike => arn(wanted, value),
        Operator::Bool => value.eq_ignore_ascii_case(wanted),
        Operator::NumericEquals | Operator::NumericNotEquals => numbers(value, wanted, |a, b| a == b),
        Operator::NumericLessThan => numbers(value, wanted, |a, b| a < b),
        Operator::NumericLessThanEquals => numbers(value, wanted, |a, b| a <= b),
        Operator::NumericGreaterThan => numbers(value, wanted, |a, b| a > b),
        Operator::NumericGreaterThanEquals => numbers(value, wanted, |a, b| a >= b),
        Operator::DateEquals | Operator::DateNotEquals => dates(value, wanted, |a, b| a == b),
        Operator::DateLessThan => dates(value, wanted, |a, b| a < b),
        Operator::DateLessThanEquals => dates(value, wanted, |a, b| a <= b),
        Operator::DateGreaterThan => dates(value, wanted, |a, b| a > b),
        Operator::DateGreaterThanEquals => dates(value, wanted, |a, b| a >= b),
        Operator::IpAddress | Operator::NotIpAddress => in_network(value, wanted),
        Operator::Null => false,
    }
}

/// Wildcards do not reach over the colons that part an ARN.
fn arn(pattern: &str, value: &str) -> bool {
    let (mut p, mut v) = (pattern.splitn(6, ':'), value.splitn(6, ':'));
    loop {
        match (p.next(), v.next()) {
            (None, None) => return true,
            (Some(p), Some(v)) if glob(p, v, false) => {}
            _ => return false,
        }
    }
}

fn numbers(value: &str, wanted: &str, holds: fn(f64, f64) -> bool) -> bool {
    matches!((value.parse(), wanted.parse()), (Ok(a), Ok(b)) if holds(a, b))
}

fn dates(value: &str, wanted: &str, holds: fn(Timestamp, Timestamp) -> bool) -> bool {
    let read = |s: &str| Timestamp::parse(s).or_else(|| s.parse().ok().map(Timestamp::from_secs));
    matches!((read(value), read(wanted)), (Some(a), Some(b)) if holds(a, b))
}

fn in_network(value: &str, wanted: &str) -> bool {
    let (network, bits) = wanted.split_once('/').map_or((wanted, None), |(n, b)| (n, Some(b)));
    let shift = |width: u32| match bits {
        None => Some(0),
        Some(b) => b.parse::<u32>().ok().and_then(|b| width.checked_sub(b)),
    };
    match (value.parse(), network.parse()) {
        (Ok(IpAddr::V4(v)), Ok(IpAddr::V4(n))) => {
            shift(32).is_some_and(|s| (v.to_bits() ^ n.to_bits()).checked_shr(s).unwrap_or(0) == 0)
        }
        (Ok(IpAddr::V6(v)), Ok(IpAddr::V6(n))) => {
            shift(128).is_some_and(|s| (v.to_bits() ^ n.to_bits()).checked_shr(s).unwrap_or(0) == 0)
        }
        _ => false,
    }
}
