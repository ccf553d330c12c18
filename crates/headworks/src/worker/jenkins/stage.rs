//! How far a build is, in the job's folder.

use std::fs;
use std::io;
use std::path::Path;

const FILE: &str = "jenkins";

/// What Jenkins knows of the build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing was asked yet.
    New,
    /// It was asked for a build, and the answer is not known.
    Asked,
    /// The build waits under this number of the queue.
    Queued(u64),
    /// The build has this number.
    Building(u64),
}

impl Stage {
    pub fn read(folder: &Path) -> Stage {
        Stage::parse(&fs::read_to_string(folder.join(FILE)).unwrap_or_default())
    }

    pub(super) fn parse(text: &str) -> Stage {
        let number = |word: &str| text.strip_prefix(word).and_then(|number| number.trim().parse().ok());
        match (number("queued "), number("building ")) {
            (Some(number), _) => Stage::Queued(number),
            (None, Some(number)) => Stage::Building(number),
            (None, None) if text.is_empty() => Stage::New,
            (None, None) => Stage::Asked,
        }
    }

    pub fn text(self) -> String {
        match self {
            Stage::New => String::new(),
            Stage::Asked => "asked".to_owned(),
            Stage::Queued(number) => format!("queued {number}"),
            Stage::Building(number) => format!("building {number}"),
        }
    }

    /// Replaces what was there, whole.
    pub fn write(self, folder: &Path) -> io::Result<()> {
        let new = folder.join("jenkins.new");
        fs::write(&new, self.text())?;
        fs::rename(new, folder.join(FILE))
    }
}
