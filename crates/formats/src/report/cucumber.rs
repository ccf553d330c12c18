//! Cucumber's JSON: features hold scenarios, scenarios steps. A scenario is a test case; durations are nanoseconds.

use std::fmt;

use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::cases::{CaseStatus, TestCase, TestReport};
use super::pending::Pending;

/// The document: a list of features.
#[derive(Debug)]
pub(super) struct Cucumber;

impl<'de> DeserializeSeed<'de> for Cucumber {
    type Value = TestReport;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<TestReport, D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Cucumber {
    type Value = TestReport;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of features")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut features: A) -> Result<TestReport, A::Error> {
        let mut all = TestReport::default();
        while let Some(Feature(report)) = features.next_element()? {
            all.merge(report);
        }
        Ok(all)
    }
}

/// A feature's scenarios.
struct Feature(TestReport);

impl<'de> Deserialize<'de> for Feature {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_map(FeatureVisitor)
    }
}

struct FeatureVisitor;

impl<'de> Visitor<'de> for FeatureVisitor {
    type Value = Feature;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a feature")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Feature, A::Error> {
        let (mut name, mut uri, mut keyword, mut report) = (String::new(), String::new(), false, None);
        // The name may stand behind what it names.
        while let Some(key) = members.next_key::<String>()? {
            match key.as_str() {
                "name" => name = members.next_value::<Text>()?.0,
                "uri" => uri = members.next_value::<Text>()?.0,
                "keyword" => {
                    keyword = true;
                    members.next_value::<IgnoredAny>()?;
                }
                "elements" => report = Some(members.next_value::<Elements>()?.0),
                _ => {
                    members.next_value::<IgnoredAny>()?;
                }
            }
        }
        if report.is_none() && !keyword && uri.is_empty() {
            return Err(serde::de::Error::custom("a feature has neither 'elements' nor 'uri' nor 'keyword'"));
        }
        let mut report = report.unwrap_or_default();
        report.for_each(|case| {
            case.prefix.clone_from(&name);
            case.suite.clone_from(&uri);
        });
        Ok(Feature(report))
    }
}

/// A text; anything else counts as none.
#[derive(Default)]
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Text(Option::<String>::deserialize(from)?.unwrap_or_default()))
    }
}

struct Elements(TestReport);

impl<'de> Deserialize<'de> for Elements {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(ElementsVisitor)
    }
}

struct ElementsVisitor;

impl<'de> Visitor<'de> for ElementsVisitor {
    type Value = Elements;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of scenarios")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Elements, A::Error> {
        let mut report = TestReport::default();
        let mut background = Outcome::default();
        while let Some(element) = elements.next_element::<Element>()? {
            let mut outcome = Outcome::default();
            for part in [element.before, element.steps, element.after] {
                outcome.join(part);
            }
            if element.kind.as_deref() == Some("background") {
                background = outcome;
                continue;
            }
            let mut all = std::mem::take(&mut background);
            all.join(outcome);
            report.add(all.case(element.name.0));
        }
        Ok(Elements(report))
    }
}

#[derive(Deserialize)]
struct Element {
    #[serde(default)]
    name: Text,
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    before: Outcome,
    #[serde(default)]
    steps: Outcome,
    #[serde(default)]
    after: Outcome,
}

/// What became of a list of steps.
#[derive(Default)]
struct Outcome {
    duration_nanos: u64,
    bad: Option<CaseStatus>,
    skipped: bool,
    message: String,
}

impl Outcome {
    fn join(&mut self, other: Outcome) {
        self.duration_nanos = self.duration_nanos.saturating_add(other.duration_nanos);
        self.skipped |= other.skipped;
        // A failure says more than a step that is not defined.
        let worse = match (self.bad, other.bad) {
            (_, None) | (Some(CaseStatus::Failed), _) => false,
            (None, Some(_)) => true,
            (Some(_), Some(status)) => status == CaseStatus::Failed,
        };
        if worse {
            (self.bad, self.message) = (other.bad, other.message);
        }
    }

    fn case(self, name: String) -> TestCase {
        let mut case = Pending::new(name, String::new(), String::new());
        case.status = match (self.bad, self.skipped) {
            (Some(status), _) => status,
            (None, true) => CaseStatus::Skipped,
            (None, false) => CaseStatus::Succeeded,
        };
        case.duration_nanos = self.duration_nanos;
        case.message(&self.message);
        case.done()
    }
}

impl<'de> Deserialize<'de> for Outcome {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_seq(StepsVisitor)
    }
}

struct StepsVisitor;

impl<'de> Visitor<'de> for StepsVisitor {
    type Value = Outcome;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of steps")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut steps: A) -> Result<Outcome, A::Error> {
        let mut outcome = Outcome::default();
        while let Some(StepRecord { name, result }) = steps.next_element()? {
            let Some(StepResult { status, duration, error_message }) = result else { continue };
            let status = status.unwrap_or_default();
            let one = Outcome {
                duration_nanos: duration.map_or(0, Nanos::value),
                bad: match status.to_ascii_lowercase().as_str() {
                    "passed" | "skipped" => None,
                    "failed" => Some(CaseStatus::Failed),
                    // Undefined, pending and ambiguous: nobody can say.
                    _ => Some(CaseStatus::Unknown),
                },
                skipped: status.eq_ignore_ascii_case("skipped"),
                message: error_message.0,
            };
            let unsaid = one.bad == Some(CaseStatus::Unknown) && one.message.is_empty();
            outcome.join(if unsaid { Outcome { message: format!("{status}: {}", name.0), ..one } } else { one });
        }
        Ok(outcome)
    }
}

#[derive(Deserialize)]
struct StepRecord {
    #[serde(default)]
    name: Text,
    #[serde(default)]
    result: Option<StepResult>,
}

#[derive(Deserialize)]
struct StepResult {
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    duration: Option<Nanos>,
    #[serde(default)]
    error_message: Text,
}

/// Whole nanoseconds; some versions write them with a fraction.
#[derive(Deserialize)]
#[serde(untagged)]
enum Nanos {
    Whole(u64),
    Float(f64),
}

impl Nanos {
    fn value(self) -> u64 {
        match self {
            Nanos::Whole(n) => n.min(i64::MAX as u64 / 2),
            Nanos::Float(n) => super::duration::nanos(n),
        }
    }
}
