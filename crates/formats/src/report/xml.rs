//! The loop over an XML document.

use std::borrow::Cow;
use std::io::BufRead;

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Error, Reader};

use super::error::{Fault, ReadError, from_io, malformed};
use super::format::ReportFormat;
use super::thin_xml::ThinXml;

/// Elements that nest deeper are refused.
const MAX_DEPTH: usize = 256;
/// An element with more attributes is refused.
const MAX_ATTRIBUTES: usize = 256;

/// What a format does with a document. A path holds the names of the open elements, outermost first.
pub(super) trait Visitor {
    /// An element begins; it is the last of the path.
    fn open(&mut self, path: &Path, tag: &Tag<'_>) -> Result<(), Fault>;

    /// A piece of text in the last element of the path.
    fn text(&mut self, _path: &Path, _text: &str) {}

    /// The last element of the path ends.
    fn close(&mut self, path: &Path) -> Result<(), Fault>;
}

/// The open elements.
#[derive(Debug, Default)]
pub(super) struct Path(Vec<String>);

impl Path {
    /// True when the innermost elements have these names, the innermost last.
    pub fn ends(&self, names: &[&str]) -> bool {
        self.0.len() >= names.len() && self.0.iter().rev().zip(names.iter().rev()).all(|(a, b)| a == b)
    }

    pub fn depth(&self) -> usize {
        self.0.len()
    }

    /// The innermost element.
    pub fn last(&self) -> &str {
        self.0.last().map_or("", String::as_str)
    }

    /// The element around the innermost.
    pub fn parent(&self) -> &str {
        self.0.iter().rev().nth(1).map_or("", String::as_str)
    }
}

/// An element's attributes.
#[derive(Debug)]
pub(super) struct Tag<'a>(Vec<(&'a str, Cow<'a, str>)>);

impl<'a> Tag<'a> {
    fn read(start: &'a BytesStart<'_>) -> Result<Self, Fault> {
        let mut found = Vec::new();
        for attribute in start.attributes().with_checks(false) {
            let attribute = attribute.map_err(|e| Fault { code: "R001", message: e.to_string(), help: None })?;
            if found.len() == MAX_ATTRIBUTES {
                return Err(Fault::limit(format!("an element with more than {MAX_ATTRIBUTES} attributes is not read")));
            }
            found.push((attribute.key.into_inner(), attribute.value));
        }
        Ok(Tag(found))
    }

    /// An attribute's value. What is no reference stays as it is written.
    pub fn get(&self, name: &str) -> Option<String> {
        let (_, raw) = self.0.iter().find(|(key, _)| *key == name)?;
        Some(quick_xml::escape::unescape(raw).map_or_else(|_| raw.to_string(), Cow::into_owned))
    }

    /// An attribute's value, empty when it is missing.
    pub fn text(&self, name: &str) -> String {
        self.get(name).unwrap_or_default()
    }

    /// A whole number, if the attribute holds one.
    pub fn number(&self, name: &str) -> Option<u64> {
        let (_, raw) = self.0.iter().find(|(key, _)| *key == name)?;
        raw.trim().parse().ok()
    }
}

/// Reads a document whose root is one of the format's.
pub(super) fn visit(format: ReportFormat, input: &mut dyn BufRead, visitor: &mut dyn Visitor) -> Result<(), ReadError> {
    let mut reader = Reader::from_reader(ThinXml::new(input));
    let config = reader.config_mut();
    config.expand_empty_elements = true;
    config.allow_dangling_amp = true;
    let mut buffer = Vec::new();
    let mut path = Path::default();
    let mut roots = 0;
    loop {
        buffer.clear();
        reader.get_mut().event_over();
        let begins = reader.get_ref().at();
        let event = match reader.read_event_into(&mut buffer) {
            Ok(event) => event,
            Err(e) => return Err(unreadable(e, reader.get_ref().at())),
        };
        let handled = match event {
            Event::Start(start) => {
                path.0.push(start.local_name().into_inner().to_owned());
                if path.depth() == 1 {
                    roots += 1;
                    root(format, path.last(), roots)
                } else if path.depth() > MAX_DEPTH {
                    Err(Fault::limit(format!("elements that nest deeper than {MAX_DEPTH} are not read")))
                } else {
                    Ok(())
                }
                .and_then(|()| visitor.open(&path, &Tag::read(&start)?))
            }
            Event::End(_) => {
                let closed = visitor.close(&path);
                path.0.pop();
                closed
            }
            Event::Text(text) if path.depth() == 0 && !text.trim_ascii().is_empty() => {
                Err(Fault::format(format!("this is no {}: it does not begin with an element", format.name())))
            }
            Event::Text(text) => {
                visitor.text(&path, &text.xml10_content());
                Ok(())
            }
            Event::CData(text) => {
                visitor.text(&path, &text.xml10_content());
                Ok(())
            }
            Event::GeneralRef(reference) => {
                match reference.resolve_char_ref() {
                    Ok(Some(c)) => visitor.text(&path, c.encode_utf8(&mut [0; 4])),
                    Ok(None) => match &*reference {
                        "amp" => visitor.text(&path, "&"),
                        "lt" => visitor.text(&path, "<"),
                        "gt" => visitor.text(&path, ">"),
                        "quot" => visitor.text(&path, "\""),
                        "apos" => visitor.text(&path, "'"),
                        // Entities of a document's own are not expanded: they make small files large.
                        other => visitor.text(&path, &format!("&{other};")),
                    },
                    Err(_) => {}
                }
                Ok(())
            }
            Event::Eof => break,
            // An empty element arrives as a start and an end.
            Event::Empty(_) | Event::DocType(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => Ok(()),
        };
        handled.map_err(|fault| fault.at(begins))?;
    }
    let end = reader.get_ref().at();
    if path.depth() > 0 {
        return Err(malformed(end, format!("the file ends before </{}>", path.last())));
    }
    if roots == 0 {
        return Err(Fault::format(format!("this is no {}: the file is empty", format.name())).at(end));
    }
    Ok(())
}

fn root(format: ReportFormat, name: &str, roots: u32) -> Result<(), Fault> {
    if roots > 1 {
        let message = format!("a second root element <{name}>: a document has one");
        return Err(Fault { code: "R001", message, help: None });
    }
    if format.roots().contains(&name) {
        return Ok(());
    }
    let fault = Fault::format(format!("this is no {}: the root element is <{name}>", format.name()));
    Err(match ReportFormat::of_root(name) {
        Some(other) => fault.with_help(format!("write file-format: {}", other.name())),
        None => fault,
    })
}

fn unreadable(e: Error, at: crate::Span) -> ReadError {
    match e {
        Error::Io(e) => match std::sync::Arc::try_unwrap(e) {
            Ok(e) => from_io(at, e),
            Err(e) => ReadError::Io(std::io::Error::new(e.kind(), e.to_string())),
        },
        Error::Syntax(e) => malformed(at, e.to_string()),
        Error::IllFormed(e) => malformed(at, e.to_string()),
        Error::InvalidAttr(e) => malformed(at, e.to_string()),
        Error::Encoding(e) => malformed(at, format!("the text is not UTF-8: {e}")),
        Error::Escape(e) => malformed(at, e.to_string()),
        Error::Namespace(e) => malformed(at, e.to_string()),
    }
}
