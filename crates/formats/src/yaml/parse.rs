//! From saphyr's events to the tree.

use std::collections::{HashMap, HashSet};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, StrInput, Tag};

use super::{Node, Value};
use crate::{Diagnostic, Span};

/// How deep nodes may nest.
pub const MAX_DEPTH: usize = 64;
/// How many nodes a document may have after its aliases are expanded.
pub const MAX_NODES: usize = 100_000;

/// Parses the first document. `Ok` carries warnings. Codes: Y001 syntax, Y002 limits, Y003 empty, Y004 duplicate
/// key, Y005 unknown alias, Y006 a key that is not text.
pub fn parse(text: &str) -> Result<(Node, Vec<Diagnostic>), Vec<Diagnostic>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut builder =
        Builder { parser: Parser::new_from_str(text), anchors: HashMap::new(), nodes: 0, warnings: Vec::new() };
    match builder.document() {
        Ok(Some(node)) => Ok((node, builder.warnings)),
        Ok(None) => Err(vec![Diagnostic::error("Y003", Span::START, "the file is empty")]),
        // JSON allows tabs and surrogate pairs where YAML does not.
        Err(diagnostic) => match from_json(text) {
            Some(node) => Ok((node, Vec::new())),
            None => Err(vec![explain_tab(text, diagnostic)]),
        },
    }
}

struct Builder<'t> {
    parser: Parser<'t, StrInput<'t>>,
    /// Anchored nodes with their size, counted in nodes.
    anchors: HashMap<usize, (Node, usize)>,
    nodes: usize,
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
                    return Ok((!trailing_empty).then_some(node));
                }
            }
        }
        Ok(None)
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
        let before = self.nodes;
        self.count(1, span)?;
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
            self.anchors.insert(anchor, (node.clone(), self.nodes - before));
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

    fn count(&mut self, nodes: usize, span: Span) -> Built<()> {
        self.nodes = self.nodes.saturating_add(nodes);
        if self.nodes > MAX_NODES {
            let message = format!("the document has more than {MAX_NODES} nodes, aliases expanded");
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

/// A tab in the indentation is the most common mistake and gives the least helpful parser messages, often at
/// another line: name it where it stands.
fn explain_tab(text: &str, original: Diagnostic) -> Diagnostic {
    let in_indentation = |line: &str| {
        let indentation = line.len() - line.trim_start_matches([' ', '\t']).len();
        line.get(..indentation).and_then(|head| head.find('\t'))
    };
    let near = text
        .lines()
        .enumerate()
        .take(original.span.line as usize)
        .filter_map(|(i, line)| in_indentation(line).filter(|_| !line.trim().is_empty()).map(|column| (i, column)));
    match near.last() {
        Some((line, column)) if original.span.line as usize <= line + 3 => {
            let number = |n: usize| u32::try_from(n + 1).unwrap_or(u32::MAX);
            let span = Span { line: number(line), column: number(column) };
            Diagnostic::error("Y001", span, "a tab stands in the indentation").with_help("indent with spaces")
        }
        _ => original,
    }
}

fn from_json(text: &str) -> Option<Node> {
    text.trim_start().starts_with('{').then_some(())?;
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    Some(json_node(&value))
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
mod tests {
    use super::*;

    fn ok(text: &str) -> Node {
        parse(text).unwrap().0
    }

    fn first_error(text: &str) -> String {
        parse(text).unwrap_err().first().unwrap().in_file("f.yml").to_string()
    }

    #[test]
    fn scalars_stay_as_they_were_written() {
        let node = ok("a: 3.10\nb: 0644\nc: yes\nd: '~'\ne: ~\n");
        assert_eq!(node.get("a").unwrap().as_text(), Some("3.10"));
        assert_eq!(node.get("b").unwrap().as_text(), Some("0644"));
        assert_eq!(node.get("c").unwrap().as_text(), Some("yes"));
        assert!(!node.get("d").unwrap().is_null());
        assert!(node.get("e").unwrap().is_null());
    }

    #[test]
    fn places_count_lines_and_columns_from_one() {
        let node = ok("phases:\r\n  build:\r\n    commands: x\r\n");
        let build = node.get("phases").unwrap().as_mapping().unwrap().first().unwrap().0.span;
        assert_eq!(build, Span { line: 2, column: 3 });
    }

    #[test]
    fn tags_anchors_and_merges_are_kept() {
        let node = ok("base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\nr: !Ref Name\n");
        assert_eq!(node.get("use").unwrap().get("x").unwrap().as_text(), Some("1"));
        assert_eq!(node.get("use").unwrap().get("y").unwrap().as_text(), Some("3"));
        assert_eq!(node.get("r").unwrap().tag.as_deref(), Some("!Ref"));
    }

    #[test]
    fn a_tab_is_named_where_it_stands() {
        assert_eq!(
            first_error("version: 0.2\nphases:\n\tbuild:\n\t\tcommands: x\n"),
            "f.yml:3:1: error[Y001]: a tab stands in the indentation; indent with spaces"
        );
    }

    #[test]
    fn a_bomb_of_aliases_is_refused() {
        let mut text = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for i in 1..9 {
            let list = vec![format!("*a{}", i - 1); 10].join(",");
            text.push_str(&format!("a{i}: &a{i} [{list}]\n"));
        }
        assert!(first_error(&text).contains("more than 100000 nodes"));
    }

    #[test]
    fn bottomless_nesting_is_refused() {
        for text in ["[".repeat(5000), format!("{}x{}", "[".repeat(100), "]".repeat(100))] {
            let error = first_error(&text);
            assert!(error.contains("nest deeper than 64") || error.contains("recursion limit"), "{error}");
        }
    }

    #[test]
    fn json_with_tabs_and_surrogates_is_read() {
        let node = ok("{\n\t\"a\":\"\\ud83d\\ude00\",\"b\":[1,true,null]}");
        assert_eq!(node.get("a").unwrap().as_text(), Some("\u{1f600}"));
        assert!(node.get("b").unwrap().as_sequence().unwrap()[2].is_null());
    }

    #[test]
    fn a_key_that_stands_twice_is_a_warning() {
        let (node, warnings) = parse("a: 1\na: 2\n").unwrap();
        assert_eq!(node.get("a").unwrap().as_text(), Some("2"));
        assert_eq!(warnings.len(), 1);
    }

    #[test]
    fn an_empty_file_says_so() {
        assert!(first_error("").contains("empty"));
        assert!(first_error("# only a comment\n").contains("empty"));
    }
}
