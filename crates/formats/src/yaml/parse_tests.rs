use super::*;
use crate::Span;

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

#[test]
fn a_bomb_of_text_is_refused() {
    let mut text = format!("big: &big '{}'\nall:\n", "x".repeat(1 << 20));
    text.push_str(&"- *big\n".repeat(10_000));
    assert!(first_error(&text).contains("bytes of text"));
}

#[test]
fn anchors_within_anchors_count_their_copies() {
    let open: String = (0..60).map(|i| format!("&a{i} [")).collect();
    let text = format!("{open}{}{}", "x,".repeat(5_000), "]".repeat(60));
    assert!(first_error(&text).contains("more than 100000 nodes"));
}

#[test]
fn ten_thousand_levels_are_refused_in_any_style() {
    let indented: String = (0..2_000).map(|i| format!("{}a:\n", " ".repeat(i))).collect();
    for text in ["[".repeat(10_000), "- ".repeat(10_000), "{a: ".repeat(10_000), "? ".repeat(10_000), indented] {
        let error = first_error(&text);
        assert!(error.contains("nest deeper than 64") || error.contains("recursion limit"), "{error}");
    }
    let json = format!("{{\"a\":\t{}1{}}}", "[".repeat(10_000), "]".repeat(10_000));
    assert!(parse(&json).is_err());
}

#[test]
fn json_with_tabs_keeps_its_places() {
    let node = ok("{\n\t\"a\": {\n\t\t\"b\": 1 } }");
    assert_eq!(node.get("a").unwrap().get("b").unwrap().span, Span { line: 3, column: 8 });
}

#[test]
fn a_second_document_is_a_warning() {
    let (node, warnings) = parse("a: 1\n---\na: 2\n").unwrap();
    assert_eq!(node.get("a").unwrap().as_text(), Some("1"));
    assert_eq!(warnings.first().map(|w| (w.code, w.span.line)), Some(("Y007", 2)));
    assert!(parse("a: 1\n---\n: : [\n").is_ok());
    assert!(parse("---\na: 1\n...\n").unwrap().1.is_empty());
}

#[test]
fn a_file_of_many_megabytes_is_not_read() {
    assert!(first_error(&"a: b\n".repeat(1 << 20)).contains("bytes"));
}

#[test]
fn usual_slips_get_a_hint() {
    for (text, hint) in [
        ("files:\n  - **/*\n", "put it in quotes: '**/*'"),
        ("files:\n  - *.js\n", "put it in quotes: '*.js'"),
        ("a:\n  - @x/y\n", "put it in quotes: '@x/y'"),
        ("a: %d\n", "put it in quotes: '%d'"),
        ("a:\n  - \"$X\" -f y\n", "put all of it in quotes: '\"$X\" -f y'"),
        ("a: echo b: c\n", "a colon before a blank"),
        ("a:\n  - 'x\n", "quote"),
        ("a:\n  b: 1\n c: 2\n", "indent"),
    ] {
        let error = first_error(text);
        assert!(error.contains(hint), "{text}: {error}");
    }
}
