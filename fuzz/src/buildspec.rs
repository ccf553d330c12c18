//! Buildspecs, and the plan of the batch that one may hold.

use engine::build::FileMatcher;
use engine::build_batch;
use formats::Severity;
use formats::buildspec;

/// The bytes are the file.
pub fn run(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (spec, found) = buildspec::read(&text);
    let has_errors = found.iter().any(|finding| finding.severity == Severity::Error);
    assert_eq!(spec.is_none(), has_errors, "a buildspec is read or refused with a reason: {found:?}");
    let lines = u32::try_from(text.lines().count()).unwrap_or(u32::MAX).saturating_add(1);
    for finding in &found {
        assert!(finding.span.line >= 1 && finding.span.column >= 1, "{finding:?}");
        // A carriage return ends a line for YAML, not for `lines`.
        assert!(finding.span.line <= lines || text.contains(['\r', '\u{85}', '\u{2028}', '\u{2029}']), "{finding:?}");
        assert!(!finding.message.is_empty(), "{finding:?}");
        let _ = finding.in_file("buildspec.yml").to_string();
    }
    let Some(spec) = spec else { return };
    if let Some(batch) = &spec.batch
        && let Ok(builds) = build_batch::plan(batch)
    {
        assert!((1..=build_batch::MAX_BUILDS).contains(&builds.len()));
    }
    let sets = spec.artifacts.iter().flat_map(|artifacts| {
        std::iter::once(&artifacts.primary).chain(artifacts.secondary.iter().map(|(_, set)| set))
    });
    for set in sets {
        if let Ok(matcher) = FileMatcher::new(&set.files, &set.exclude_paths) {
            let _ = matcher.matches("target/app.jar");
        }
    }
}
