//! Scenario files: `tests/scenarios/trigger/*.txt`. A file has the filters of a trigger as one line of JSON, then what happens to the
//! repository (`> branch NAME FILE...`, `> tag NAME`, `> pull-request EVENT TARGET FILE...`), each followed by whether the
//! pipeline starts. `HEADWORKS_TEST_UPDATE=1` writes the files anew.

use engine::pipeline::{GitEvent, Reaction, reaction};
use formats::pipeline::{GitConfiguration, PullRequestEvent};

#[test]
fn every_trigger_reacts_as_its_scenario_says() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/trigger");
    let update = std::env::var_os("HEADWORKS_TEST_UPDATE").is_some();
    let mut count = 0;
    for file in std::fs::read_dir(&folder).unwrap() {
        let file = file.unwrap().path();
        let written = std::fs::read_to_string(&file).unwrap();
        let actual = play(&written);
        count += 1;
        if update {
            std::fs::write(&file, &actual).unwrap();
        } else {
            assert_eq!(actual, written, "{}", file.display());
        }
    }
    assert!(count > 0, "no scenarios in {}", folder.display());
}

fn play(text: &str) -> String {
    let (mut out, mut json) = (String::new(), String::new());
    let mut git: Option<GitConfiguration> = None;
    for line in text.lines().filter(|line| !line.starts_with("  ")) {
        out += line;
        out.push('\n');
        match line.strip_prefix("> ") {
            Some(command) => {
                let git = git.get_or_insert_with(|| serde_json::from_str(&json).unwrap());
                out += if starts(git, command) { "  starts\n" } else { "  does not start\n" };
            }
            None if git.is_none() && !line.starts_with('#') => json += line,
            None => {}
        }
    }
    out
}

fn starts(git: &GitConfiguration, command: &str) -> bool {
    let words: Vec<&str> = command.split_whitespace().collect();
    let name = words[1].to_owned();
    let (event, files) = match words[0] {
        "branch" => (GitEvent::Branch { name }, &words[2..]),
        "tag" => (GitEvent::Tag { name }, &words[2..]),
        "pull-request" => {
            let all = [PullRequestEvent::Open, PullRequestEvent::Updated, PullRequestEvent::Closed];
            let event = all.into_iter().find(|event| event.as_str() == name).expect("an event");
            (GitEvent::PullRequest { event, target: words[2].to_owned() }, &words[3..])
        }
        other => panic!("no command {other}"),
    };
    match reaction(git, "main", &event) {
        Reaction::Starts => true,
        Reaction::Nothing => false,
        Reaction::IfFiles(filters) => files.iter().any(|file| filters.iter().any(|filter| filter.admits(file))),
    }
}
