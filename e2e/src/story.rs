//! Runs one story: a Python script with real clients.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A story whose parts are not all built yet: skipped, aloud, unless `HEADWORKS_STORIES=all`. Becomes [`tell`] when they are.
pub fn tell_later(name: &str, waits_for: &str) {
    if std::env::var("HEADWORKS_STORIES").is_ok_and(|which| which == "all") {
        tell(name);
    } else {
        println!("SKIPPED: waits for {waits_for}");
    }
}

/// Runs `stories/NAME.py` and fails when it fails. Without its interpreter (`cargo xtask setup`) it is skipped, aloud.
///
/// The story's own `SKIPPED: reason` goes through to the test command, which counts it.
#[expect(clippy::disallowed_methods, reason = "a story is a process of its own: real clients and a real server")]
pub fn tell(name: &str) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let environment = match std::env::var_os("HEADWORKS_TEST_VENV") {
        Some(folder) => PathBuf::from(folder),
        None => here.join("../target/venv"),
    };
    let python = environment.join("bin/python");
    if !python.exists() {
        println!("SKIPPED: {} is missing; `cargo xtask setup` makes it", python.display());
        return;
    }
    let story = here.join("stories").join(format!("{name}.py"));
    let status = Command::new(&python)
        .args(["-u", "-X", "dev", "-W", "ignore"])
        .arg(&story)
        .stdin(Stdio::null())
        .status()
        .unwrap_or_else(|error| panic!("cannot start {}: {error}", python.display()));
    assert!(status.success(), "the story {} ended with {status}", story.display());
}
