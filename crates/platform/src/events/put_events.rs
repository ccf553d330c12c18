//! PutEvents: custom events. Each entry that is well-formed is taken; each other is answered with its own error.
//! <https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html>
//!
//! Deviation: sources that begin with `headworks.` are refused like those that begin with `aws.`: what they tell is believed. An
//! entry for a bus that there is not, or with a TraceHeader, is refused by name, where AWS drops the event or passes it on to X-Ray.

use base::{ApiError, Event, Timestamp};
use formats::event_input::is_too_deep;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::events;

use super::{bus, errors};
use crate::Cx;
use crate::transact::transact;

/// Members that are refused by name: there are no global endpoints.
pub const UNSUPPORTED: &[&str] = &["EndpointId"];

/// Bytes of all entries together ("Calculating PutEvents event entry size").
const MOST_BYTES: usize = 256 * 1024;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub entries: Vec<Entry>,
    pub endpoint_id: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Entry {
    pub time: Option<Timestamp>,
    pub source: Option<String>,
    #[serde(default)]
    pub resources: Vec<String>,
    pub detail_type: Option<String>,
    pub detail: Option<String>,
    pub event_bus_name: Option<String>,
    pub trace_header: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub failed_entry_count: usize,
    pub entries: Vec<Taken>,
}

/// What became of an entry.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Taken {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_code: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
}

pub async fn put_events(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    if input.endpoint_id.is_some() {
        return Err(errors::validation("Headworks does not support the parameter EndpointId of PutEvents."));
    }
    if input.entries.iter().map(Entry::bytes).sum::<usize>() > MOST_BYTES {
        return Err(errors::validation("Total size of the entries in the request is over the limit."));
    }
    cx.room()?;
    let (mut events, mut entries) = (Vec::new(), Vec::new());
    for entry in input.entries {
        let time = entry.time.unwrap_or_else(|| cx.now());
        entries.push(match entry.event(cx) {
            Ok(event) => {
                let id = cx.ids.uuid().to_string();
                events.push((id.clone(), time, event));
                Taken { event_id: Some(id), ..Taken::default() }
            }
            Err((code, message)) => Taken { error_code: Some(code), error_message: Some(message), ..Taken::default() },
        });
    }
    transact(cx, events, |tx, cx, events| {
        Box::pin(async move {
            for (id, time, event) in events {
                events::append_custom(tx, cx.scope(), event, (id, *time), &cx.caller.principal.arn).await?;
            }
            Ok(())
        })
    })
    .await?;
    let failed_entry_count = entries.iter().filter(|taken| taken.error_code.is_some()).count();
    Ok(Output { failed_entry_count, entries })
}

impl Entry {
    fn bytes(&self) -> usize {
        let texts = [&self.source, &self.detail_type, &self.detail].into_iter().flatten().chain(&self.resources);
        texts.map(String::len).sum::<usize>() + if self.time.is_some() { 14 } else { 0 }
    }

    fn event(self, cx: &Cx) -> Result<Event, (&'static str, String)> {
        let argument =
            |name: &str, why: &str| ("InvalidArgument", format!("Parameter {name} is not valid. Reason: {why}."));
        let required = |name: &str, value: Option<String>| {
            let why = format!("{name} is a required argument");
            value.filter(|text| !text.is_empty()).ok_or_else(|| argument(name, &why))
        };
        let source = required("Source", self.source)?;
        if source.starts_with("aws.") || source.starts_with("headworks.") {
            return Err(("NotAuthorizedForSourceException", "Not authorized for the source.".to_owned()));
        }
        let detail_type = required("DetailType", self.detail_type)?;
        let detail: Value = serde_json::from_str(&required("Detail", self.detail)?)
            .ok()
            // One that is nested deeper could not be read again inside of its envelope.
            .filter(|detail: &Value| detail.is_object() && !is_too_deep(detail))
            .ok_or_else(|| ("MalformedDetail", "Detail is malformed.".to_owned()))?;
        if bus::check(cx.scope(), self.event_bus_name.as_deref()).is_err() {
            return Err(argument("EventBusName", "Headworks has the event bus default alone"));
        }
        if self.trace_header.is_some() {
            return Err(argument("TraceHeader", "Headworks does not pass traces on"));
        }
        Ok(Event { source, detail_type, resources: self.resources, detail })
    }
}
