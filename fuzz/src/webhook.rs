//! Deliveries of webhooks: headers, body, and what filters make of them.

use engine::webhook::{Delivered, Filter, FilterKind, Filters, Sender, decide, read};

const KINDS: [FilterKind; 6] = [
    FilterKind::HeadRef,
    FilterKind::BaseRef,
    FilterKind::FilePath,
    FilterKind::CommitMessage,
    FilterKind::ActorAccountId,
    FilterKind::TagName,
];

/// Lines `Name: value` up to an empty one are the headers; the line after them is a filter's pattern; the rest is the
/// body.
pub fn run(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (head, rest) = text.split_once("\n\n").unwrap_or(("", &text));
    let (pattern, body) = rest.split_once('\n').unwrap_or(("", rest));
    let header = |name: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
    };
    let Some(sender) = Sender::of(&header) else { return };
    let Ok(delivered) = read(sender.format, &sender.kind, body.as_bytes()) else { return };
    let event = match delivered {
        Delivered::Event(event) => event,
        Delivered::Approval(approval) => {
            assert!((7..=40).contains(&approval.commit.len()), "{approval:?}");
            return;
        }
        Delivered::Nothing(why) => return assert!(!why.is_empty()),
    };
    for (name, _) in event.variables() {
        assert!(name.starts_with("CODEBUILD_WEBHOOK_"), "{name}");
    }
    // What waits for an approval is kept as JSON.
    let kept = serde_json::to_string(&event).ok();
    let back = kept.and_then(|text| serde_json::from_str(&text).ok());
    assert_eq!(Some(event.clone()), back, "an event survives being kept");
    let filter = |kind, pattern: &str| Filter { kind, pattern: pattern.to_owned(), exclude_matched_pattern: false };
    for kind in KINDS {
        let group = vec![filter(FilterKind::Event, &event.event), filter(kind, pattern)];
        if let Ok(filters) = Filters::new(&[group]) {
            let _ = decide(&filters, &event);
        }
    }
}
