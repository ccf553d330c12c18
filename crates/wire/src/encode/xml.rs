//! XML bodies: the answers of query and rest-xml.

use serde_json::Value;

use super::scalar::{misfit, text};
use crate::model::{Kind, Location, Member, Namespace, Shape, Shapes, TimeFormat};
use crate::route::Call;

/// What S3 and the query services begin their documents with.
pub(super) const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

/// A document in the making.
pub(super) struct Writer<'a> {
    pub(super) out: String,
    pub(super) shapes: &'a Shapes,
    /// S3 writes milliseconds even when they are 0.
    pub(super) millis: bool,
}

/// `<OpResponse><OpResult>...</OpResult><ResponseMetadata>...`.
pub(super) fn query_result(call: &Call, shape: Option<&Shape>, output: &Value, request_id: &str) -> String {
    let mut w = Writer { out: String::with_capacity(512), shapes: call.service.shapes(), millis: false };
    let name = call.operation.name();
    w.out.push('<');
    w.out.push_str(name);
    w.out.push_str("Response");
    if let Some(namespace) = call.service.namespace() {
        w.out.push_str(" xmlns=\"");
        escape(&mut w.out, namespace);
        w.out.push('"');
    }
    w.out.push('>');
    if let Some(shape) = shape {
        match call.operation.result_wrapper() {
            Some(wrapper) => {
                w.open(wrapper, None);
                w.content(shape, output);
                w.close(wrapper);
            }
            None => w.content(shape, output),
        }
    }
    w.out.push_str("<ResponseMetadata><RequestId>");
    escape(&mut w.out, request_id);
    w.out.push_str("</RequestId></ResponseMetadata></");
    w.out.push_str(name);
    w.out.push_str("Response>");
    w.out
}

impl Writer<'_> {
    pub(super) fn open(&mut self, name: &str, namespace: Option<&Namespace>) {
        self.out.push('<');
        self.out.push_str(name);
        if let Some(namespace) = namespace {
            self.out.push_str(" xmlns");
            if let Some(prefix) = &namespace.prefix {
                self.out.push(':');
                self.out.push_str(prefix);
            }
            self.out.push_str("=\"");
            escape(&mut self.out, &namespace.uri);
            self.out.push('"');
        }
        self.out.push('>');
    }

    pub(super) fn close(&mut self, name: &str) {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    /// What stands between an element's tags.
    pub(super) fn content(&mut self, shape: &Shape, value: &Value) {
        match (&shape.kind, value) {
            (Kind::Structure(s), Value::Object(object)) => {
                for member in s.members.iter().filter(|m| m.location == Location::Body && !m.attribute) {
                    if let Some(value) = object.get(&*member.name).filter(|v| !v.is_null()) {
                        self.member(member, value);
                    }
                }
            }
            (Kind::List { element, .. }, Value::Array(items)) => {
                let name = element.location_name.as_deref().unwrap_or("member");
                let inner = self.shapes.get(element.shape);
                items.iter().for_each(|item| self.element(name, inner, item, element.namespace.as_deref()));
            }
            (Kind::Map { .. }, Value::Object(_)) => self.entries("entry", shape, value),
            _ => match text(shape, value, TimeFormat::Iso8601, self.millis) {
                Some(text) => escape(&mut self.out, &text),
                None => misfit(shape, value),
            },
        }
    }

    /// One element with its content; attributes of its structure stand in its tag.
    pub(super) fn element(&mut self, name: &str, shape: &Shape, value: &Value, namespace: Option<&Namespace>) {
        let own = if let Kind::Structure(s) = &shape.kind { s.namespace.as_deref() } else { None };
        self.open(name, namespace.or(own));
        if let (Kind::Structure(s), Value::Object(object)) = (&shape.kind, value) {
            for member in s.members.iter().filter(|m| m.attribute) {
                if let Some(value) = object.get(&*member.name).and_then(Value::as_str) {
                    self.out.pop();
                    self.out.push(' ');
                    self.out.push_str(member.wire_name());
                    self.out.push_str("=\"");
                    escape(&mut self.out, value);
                    self.out.push_str("\">");
                }
            }
        }
        self.content(shape, value);
        self.close(name);
    }

    fn member(&mut self, member: &Member, value: &Value) {
        let shape = self.shapes.get(member.shape);
        let name = member.wire_name();
        match &shape.kind {
            Kind::List { element, flattened } if *flattened || member.flattened => {
                let name = element.location_name.as_deref().unwrap_or(name);
                let inner = self.shapes.get(element.shape);
                for item in value.as_array().into_iter().flatten() {
                    self.element(name, inner, item, member.namespace.as_deref());
                }
            }
            Kind::Map { flattened, .. } if *flattened || member.flattened => self.entries(name, shape, value),
            _ => self.element(name, shape, value, member.namespace.as_deref()),
        }
    }

    fn entries(&mut self, name: &str, shape: &Shape, map: &Value) {
        let Kind::Map { key, value: v, .. } = &shape.kind else { return };
        let key_name = key.location_name.as_deref().unwrap_or("key");
        let value_name = v.location_name.as_deref().unwrap_or("value");
        let inner = self.shapes.get(v.shape);
        for (key, value) in map.as_object().into_iter().flatten() {
            self.open(name, None);
            self.open(key_name, None);
            escape(&mut self.out, key);
            self.close(key_name);
            self.element(value_name, inner, value, None);
            self.close(name);
        }
    }
}

/// Appends text with what XML reserves written as references.
pub(super) fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // Parsers turn a bare carriage return into a line feed.
            '\r' => out.push_str("&#13;"),
            '\n' | '\t' => out.push(c),
            // XML 1.0 cannot carry these; S3 writes the reference nevertheless.
            c if c < ' ' || c == '\u{fffe}' || c == '\u{ffff}' => {
                out.push_str(&format!("&#x{:x};", u32::from(c)));
            }
            c => out.push(c),
        }
    }
}
