//! The shapes of one service, with references resolved to indexes.

use std::sync::OnceLock;

use crate::validate::Pattern;

/// The place of a shape in its service's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ShapeId(pub(super) u32);

/// All shapes of a service.
#[derive(Debug, Default)]
pub(crate) struct Shapes(pub(super) Box<[Shape]>);

impl Shapes {
    /// The shape; ids come from the loader alone, so that they are always valid.
    pub(crate) fn get(&self, id: ShapeId) -> &Shape {
        &self.0[id.0 as usize]
    }

    #[cfg(test)]
    pub(crate) fn patterns(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|s| s.pattern.as_ref()).map(|p| &*p.text)
    }
}

/// One shape.
#[derive(Debug)]
pub(crate) struct Shape {
    pub(crate) name: Box<str>,
    pub(crate) kind: Kind,
    pub(crate) sensitive: bool,
    pub(crate) streaming: bool,
    pub(crate) min: Option<f64>,
    pub(crate) max: Option<f64>,
    pub(crate) pattern: Option<Box<PatternText>>,
    pub(crate) values: Box<[Box<str>]>,
}

/// A pattern as published, and what it compiles to on first use.
#[derive(Debug)]
pub(crate) struct PatternText {
    pub(crate) text: Box<str>,
    pub(crate) compiled: OnceLock<Pattern>,
}

/// What a shape is.
#[derive(Debug)]
pub(crate) enum Kind {
    Structure(Structure),
    List { element: Element, flattened: bool },
    Map { key: Element, value: Element, flattened: bool },
    Text,
    Integer,
    Long,
    Float,
    Boolean,
    Blob,
    Timestamp(Option<TimeFormat>),
}

/// How a time is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeFormat {
    Iso8601,
    Rfc822,
    Unix,
}

impl TimeFormat {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "iso8601" => Some(TimeFormat::Iso8601),
            "rfc822" => Some(TimeFormat::Rfc822),
            "unixTimestamp" => Some(TimeFormat::Unix),
            _ => None,
        }
    }
}

/// A structure; members stand in the order of their names.
#[derive(Debug)]
pub(crate) struct Structure {
    pub(crate) members: Box<[Member]>,
    /// The member that is the whole body.
    pub(crate) payload: Option<usize>,
    pub(crate) event_stream: bool,
    pub(crate) error: Option<Box<ErrorTrait>>,
    pub(crate) namespace: Option<Box<Namespace>>,
}

impl Structure {
    /// The member of that name, with its place.
    pub(crate) fn member(&self, name: &str) -> Option<&Member> {
        self.members.binary_search_by(|m| (*m.name).cmp(name)).ok().and_then(|i| self.members.get(i))
    }

    /// The member that is the whole body.
    pub(crate) fn payload(&self) -> Option<&Member> {
        self.payload.and_then(|i| self.members.get(i))
    }
}

/// What a model says of an error.
#[derive(Debug, Default)]
pub(crate) struct ErrorTrait {
    /// The code on the wire of query and rest-xml, where it is not the shape's name.
    pub(crate) code: Option<Box<str>>,
    pub(crate) status: Option<u16>,
    pub(crate) fault: bool,
}

/// An XML namespace.
#[derive(Debug)]
pub(crate) struct Namespace {
    pub(crate) prefix: Option<Box<str>>,
    pub(crate) uri: Box<str>,
}

/// A structure's member.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: Box<str>,
    /// The name on the wire, where it differs.
    pub(crate) location_name: Option<Box<str>>,
    pub(crate) shape: ShapeId,
    pub(crate) location: Location,
    pub(crate) required: bool,
    pub(crate) flattened: bool,
    pub(crate) attribute: bool,
    pub(crate) streaming: bool,
    pub(crate) namespace: Option<Box<Namespace>>,
}

impl Member {
    /// The name on the wire.
    pub(crate) fn wire_name(&self) -> &str {
        self.location_name.as_deref().unwrap_or(&self.name)
    }
}

/// Where a member travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Location {
    Body,
    Uri,
    Query,
    Header,
    /// A map whose keys follow a common prefix.
    HeaderMap,
    Status,
}

/// A list's element, a map's key or value.
#[derive(Debug)]
pub(crate) struct Element {
    pub(crate) shape: ShapeId,
    pub(crate) location_name: Option<Box<str>>,
    pub(crate) namespace: Option<Box<Namespace>>,
}
