//! The targets under libFuzzer: `HEADWORKS_FUZZ_TARGET` names the one, `HEADWORKS_FUZZ_SEEDS` a folder for its seeds.
//! Without a target it names them all.

#![no_main]

use std::path::Path;
use std::sync::OnceLock;

use fuzz::{TARGETS, Target};

static TARGET: OnceLock<Target> = OnceLock::new();

libfuzzer_sys::fuzz_target!(
    init: begin(),
    |bytes: &[u8]| {
        if let Some(target) = TARGET.get() {
            (target.run)(bytes);
        }
    }
);

/// Before libFuzzer looks at its folders.
fn begin() {
    let Ok(name) = std::env::var("HEADWORKS_FUZZ_TARGET") else {
        TARGETS.iter().for_each(|target| println!("{}", target.name));
        std::process::exit(0);
    };
    let Some(target) = fuzz::target(&name) else { panic!("no target is called '{name}'") };
    if let Ok(folder) = std::env::var("HEADWORKS_FUZZ_SEEDS") {
        for (n, seed) in fuzz::seeds(&name).iter().enumerate() {
            let written = std::fs::write(Path::new(&folder).join(format!("seed-{n:04}")), seed);
            written.unwrap_or_else(|e| panic!("cannot write a seed into {folder}: {e}"));
        }
    }
    let _ = TARGET.set(target);
}
