use std::path::Path;

use fuzz::{TARGETS, seeds};

fn replay(name: &str) {
    let target = fuzz::target(name).unwrap();
    let seeds = seeds(name);
    assert!(seeds.len() >= 6, "{name} has only {} seeds", seeds.len());
    for seed in seeds {
        (target.run)(&seed);
        // A file that is cut off is what a build that was killed leaves.
        for part in 1..8 {
            (target.run)(&seed[..seed.len() * part / 8]);
        }
    }
    for any in [b"".as_slice(), b"\0", b"\x01", b"\xff\xfe\0\0", &[b'['; 10_000], &[b'\n'; 10_000]] {
        (target.run)(any);
    }
}

#[test]
fn no_buildspec_that_was_seen_breaks_its_reader() {
    replay("buildspec");
}

#[test]
fn no_report_that_was_seen_breaks_its_reader() {
    replay("report");
}

#[test]
fn no_source_archive_that_was_seen_leaves_its_folder() {
    replay("archive");
}

#[test]
fn no_cache_archive_that_was_seen_leaves_its_folder() {
    replay("cache");
}

#[test]
fn no_delivery_that_was_seen_breaks_its_reader() {
    replay("webhook");
}

#[test]
fn every_finding_belongs_to_a_target() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("findings");
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        assert!(TARGETS.iter().any(|target| target.name == name), "no target is called {name}");
    }
}
