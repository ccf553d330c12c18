//! From saphyr's events to the tree.

use std::collections::{HashMap, HashSet};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, StrInput, Tag};

use super::{Node, Value, hints};
use crate::{Diagnostic, Span};

/// How deep nodes may nest.
pub const MAX_DEPTH: usize = 64;
/// How many nodes a document may have after its aliases are expanded.
pub const MAX_NODES: usize = 100_000;
/// How many bytes of text its scalars may have, aliases expanded.
const MAX_TEXT_BYTES: usize = 16 << 20;
/// How long a file may be.
const MAX_FILE_BYTES: usize = 4 << 20;

/// Parses the first document. `Ok` carries warnings. Codes: Y001 syntax, Y002 limits, Y003 empty, Y004 duplicate
/// key, Y005 unknown alias, Y006 a key that is not text, Y007 further documents.
pub fn parse(text: &str) -> Result<(Node, Vec<Diagnostic>), Vec<Diagnostic>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > MAX_FILE_BYTES {
        let message = format!("the file has {} bytes; at most {MAX_FILE_BYTES} are read", text.len());
        return Err(vec![Diagnostic::error("Y002", Span::START, message)]);
    }
    let error = match build(text) {
        Ok(parsed) => return Ok(parsed),
        Err(error) => error,
    };
    // JSON allows tabs and surrogate pairs where YAML does not.
    if let Some(json) = as_json(text) {
        let without_tabs = text.replace('\t', " ");
        return Ok(build(&without_tabs).unwrap_or_else(|_| (json_node(&json), Vec::new())));
    }
    Err(vec![hints::explain(text, error)])
}

fn build(text: &str) -> Built<(Node, Vec<Diagnostic>)> {
    let mut builder = Builder {
        parser: Parser::new_from_str(text),
        anchors: HashMap::new(),
        used: Size::default(),
        warnings: Vec::new(),
    };
    match builder.document()? {
        Some(node) => Ok((node, builder.warnings)),
        None => Err(Diagnostic::error("Y003", Span::START, "the file is empty")),
    }
}

/// What a node takes, with all below it.
#[derive(Clone, Copy, Default)]
struct Size {
    nodes: usize,
    text_bytes: usize,
}

struct Builder<'t> {
    parser: Parser<'t, StrInput<'t>>,
    anchors: HashMap<usize, (Node, Size)>,
    /// Copies that are kept for aliases included.
    used: Size,
    warnings: Vec<Diagnostic>,
}

type Built<T> = Result<T, Diagnostic>;

impl<'t> Builder<'t> {
    fn document(&mut self) -> Built<Option<Node>> {
        while let Some((event, at)) = self.next()? {
            match event {
                Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
                Event::StreamEnd | Event::DocumentEnd => return Ok(None),
                event => {
                    let node = self.node(event, at, 0)?;
                    let trailing_empty = node.is_null() && node.as_text() == Some("");
                    self.further_documents();
                    return Ok((!trailing_empty).then_some(node));
                }
            }
        }
        Ok(None)
    }

    /// What follows the first document is not read, but not passed over without a word.
    fn further_documents(&mut self) {
        while let Ok(Some((event, at))) = self.next() {
            match event {
                Event::DocumentEnd | Event::Nothing => {}
                Event::DocumentStart(_) => {
                    let message = "another document begins here; only the first one is read";
                    return self.warnings.push(Diagnostic::warning("Y007", at, message));
                }
                _ => return,
            }
        }
    }

    fn next(&mut self) -> Built<Option<(Event<'t>, Span)>> {
        match self.parser.next_event() {
            None => Ok(None),
            Some(Ok((event, span))) => Ok(Some((event, place(&span.start)))),
            Some(Err(error)) => Err(syntax_error(&error)),
        }
    }

    /// The next event inside a collection that has begun; the parser has closed every collection before it ends.
    fn inner(&mut self, opened: Span) -> Built<(Event<'t>, Span)> {
        self.next()?.ok_or_else(|| Diagnostic::error("Y001", opened, "what begins here does not end"))
    }

    fn node(&mut self, event: Event<'t>, span: Span, depth: usize) -> Built<Node> {
        if depth > MAX_DEPTH {
            return Err(Diagnostic::error("Y002", span, format!("nodes nest deeper than {MAX_DEPTH} levels")));
        }
        let before = self.used;
        self.count(Size { nodes: 1, text_bytes: 0 }, span)?;
        let (value, anchor, tag) = match event {
            Event::Alias(id) => {
                let Some((node, size)) = self.anchors.get(&id).cloned() else {
                    return Err(Diagnostic::error("Y005", span, "the alias names no anchor before it"));
                };
                self.count(size, span)?;
                return Ok(Node { span, ..node });
            }
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain;
                self.count(Size { nodes: 0, text_bytes: text.len() }, span)?;
                (Value::Scalar { text: text.into_owned(), plain }, anchor, tag_text(tag.as_deref()))
            }
            Event::SequenceStart(anchor, tag) => {
                let mut items = Vec::new();
                loop {
                    let (event, at) = self.inner(span)?;
                    if event == Event::SequenceEnd {
                        break;
                    }
                    items.push(self.node(event, at, depth + 1)?);
                }
                (Value::Sequence(items), anchor, tag_text(tag.as_deref()))
            }
            Event::MappingStart(anchor, tag) => {
                (Value::Mapping(self.mapping(span, depth)?), anchor, tag_text(tag.as_deref()))
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::SequenceEnd
            | Event::MappingEnd => return Err(Diagnostic::error("Y001", span, "a value is missing here")),
        };
        let node = Node { value, span, tag };
        if anchor != 0 {
            let size =
                Size { nodes: self.used.nodes - before.nodes, text_bytes: self.used.text_bytes - before.text_bytes };
            // The copy takes room as well, and anchors may stand within anchors.
            self.count(size, span)?;
            self.anchors.insert(anchor, (node.clone(), size));
        }
        Ok(node)
    }

    fn mapping(&mut self, opened: Span, depth: usize) -> Built<Vec<(Node, Node)>> {
        let mut entries: Vec<(Node, Node)> = Vec::new();
        let mut index: HashMap<String, usize> = HashMap::new();
        let mut merged: HashSet<String> = HashSet::new();
        loop {
            let (event, at) = self.inner(opened)?;
            if event == Event::MappingEnd {
                return Ok(entries);
            }
            let key = self.node(event, at, depth + 1)?;
            let (event, at) = self.inner(opened)?;
            let value = self.node(event, at, depth + 1)?;
            let Some(name) = key.as_text().map(str::to_owned) else {
                return Err(Diagnostic::error("Y006", key.span, format!("a key must be text, not {}", key.kind())));
            };
            if is_merge(&key, &name) {
                for (key, value) in merge_sources(&value) {
                    let name = key.as_text().unwrap_or_default().to_owned();
                    if !index.contains_key(&name) {
                        index.insert(name.clone(), entries.len());
                        merged.insert(name);
                        entries.push((key, value));
                    }
                }
                continue;
            }
            match index.get(&name).copied() {
                None => {
                    index.insert(name, entries.len());
                    entries.push((key, value));
                }
                Some(i) => {
                    if !merged.remove(&name) {
                        let message = format!("key '{name}' stands twice in one mapping; the last one counts");
                        self.warnings.push(Diagnostic::warning("Y004", key.span, message));
                    }
                    if let Some(entry) = entries.get_mut(i) {
                        *entry = (key, value);
                    }
                }
            }
        }
    }

    fn count(&mut self, size: Size, span: Span) -> Built<()> {
        self.used.nodes = self.used.nodes.saturating_add(size.nodes);
        self.used.text_bytes = self.used.text_bytes.saturating_add(size.text_bytes);
        if self.used.nodes > MAX_NODES {
            let message = format!("the document has more than {MAX_NODES} nodes, aliases expanded");
            return Err(Diagnostic::error("Y002", span, message));
        }
        if self.used.text_bytes > MAX_TEXT_BYTES {
            let message = format!("the document has more than {MAX_TEXT_BYTES} bytes of text, aliases expanded");
            return Err(Diagnostic::error("Y002", span, message));
        }
        Ok(())
    }
}

fn is_merge(key: &Node, name: &str) -> bool {
    name == "<<" && matches!(key.value, Value::Scalar { plain: true, .. })
}

fn merge_sources(value: &Node) -> Vec<(Node, Node)> {
    match &value.value {
        Value::Mapping(entries) => entries.clone(),
        Value::Sequence(items) => items.iter().filter_map(Node::as_mapping).flatten().cloned().collect(),
        Value::Scalar { .. } => Vec::new(),
    }
}

fn tag_text(tag: Option<&Tag>) -> Option<String> {
    tag.map(|tag| if tag.is_yaml_core_schema() { format!("!!{}", tag.suffix) } else { tag.to_string() })
}

fn place(marker: &Marker) -> Span {
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Span { line: number(marker.line()), column: number(marker.col().saturating_add(1)) }
}

fn syntax_error(error: &ScanError) -> Diagnostic {
    Diagnostic::error("Y001", place(error.marker()), error.info())
}

fn as_json(text: &str) -> Option<serde_json::Value> {
    text.trim_start().starts_with('{').then_some(())?;
    serde_json::from_str(text).ok()
}

/// serde_json has its own depth limit; places are lost on this path.
fn json_node(value: &serde_json::Value) -> Node {
    use serde_json::Value as Json;
    let scalar = |text: String, plain| Value::Scalar { text, plain };
    let value = match value {
        Json::Null => scalar("null".to_owned(), true),
        Json::Bool(b) => scalar(b.to_string(), true),
        Json::Number(n) => scalar(n.to_string(), true),
        Json::String(s) => scalar(s.clone(), false),
        Json::Array(items) => Value::Sequence(items.iter().map(json_node).collect()),
        Json::Object(map) => {
            let key = |k: &String| Node { value: scalar(k.clone(), false), span: Span::START, tag: None };
            Value::Mapping(map.iter().map(|(k, v)| (key(k), json_node(v))).collect())
        }
    };
    Node { value, span: Span::START, tag: None }
}

#[cfg(test)]
#[path = "parse_tests.rs"]
mod tests;
