//! What fuzzing begins with: the fixtures of the crates, the corpus beside the work tree, and findings.

use std::fs;
use std::path::{Path, PathBuf};

use formats::report::ReportFormat;

use crate::{composed, report};

/// The seeds of a target.
pub fn seeds(target: &str) -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut seeds = files(&root.join("findings").join(target));
    match target {
        "buildspec" => {
            for folder in
                ["../crates/formats/tests/buildspec/ok", "../crates/formats/tests/buildspec/bad", "../examples"]
            {
                seeds.extend(files(&root.join(folder)));
            }
            let corpus = ["../../shared/corpus/buildspec", "../../../shared/corpus/buildspec"];
            seeds.extend(corpus.iter().flat_map(|folder| files(&root.join(folder))));
        }
        "report" => {
            for file in files(&root.join("../crates/formats/tests/report")) {
                seeds.extend(ReportFormat::ALL.map(|format| report::seed(format, &file)));
            }
        }
        "archive" | "cache" => {
            for lines in ARCHIVES {
                seeds.push([b"\x01".as_slice(), lines.as_bytes()].concat());
                seeds.push([b"\x00".as_slice(), &composed::archive(lines.as_bytes())].concat());
            }
        }
        "webhook" => seeds.extend(DELIVERIES.iter().map(|text| text.as_bytes().to_vec())),
        _ => {}
    }
    seeds
}

/// The files in a folder; none when there is no such folder.
fn files(folder: &Path) -> Vec<Vec<u8>> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths.iter().filter_map(|path| fs::read(path).ok()).collect()
}

const ARCHIVES: [&str; 9] = [
    "f 644 buildspec.yml>version: 0.2\nf 755 bin/run>#!/bin/sh\nd 755 empty/\nl 777 bin/also>run\n",
    "f 644 ../x>evil\n",
    "f 644 /etc/x>evil\n",
    "f 644 a/../../x>evil\n",
    "l 777 d>..\nf 644 d/x>evil\n",
    "l 777 d>.\nl 777 d/d/l>../../secret\n",
    "l 777 a>b\nl 777 b>a\nl 777 c/up>../a/b\n",
    "z 644 zeros>200000\nf 4755 suid>x\n",
    "f 644 a>file\nf 644 a/b>below a file\nd 755 a/\nf 644 ./a>again\n",
];

const DELIVERIES: [&str; 6] = [
    "X-GitHub-Event: push\nX-Hub-Signature-256: sha256=00ff\nX-GitHub-Delivery: 1\n\n^refs/heads/main$\n{\"ref\":\"refs/heads/main\",\"before\":\"00\",\"after\":\"aaaaaaaa\",\"head_commit\":{\"message\":\"Fix [ci]\"},\"sender\":{\"id\":77},\"repository\":{\"name\":\"app\"},\"commits\":[{\"added\":[\"src/a.rs\"],\"modified\":[],\"removed\":[]}]}",
    "X-GitHub-Event: pull_request\n\n^src/\n{\"action\":\"closed\",\"number\":12,\"sender\":{\"id\":77},\"repository\":{\"name\":\"app\"},\"pull_request\":{\"title\":\"Better\",\"merged\":true,\"merge_commit_sha\":\"mm\",\"head\":{\"ref\":\"topic\",\"sha\":\"bbbbbbbb\",\"repo\":{\"full_name\":\"eve/app\"}},\"base\":{\"ref\":\"main\",\"repo\":{\"full_name\":\"acme/app\"}}}}",
    "X-GitHub-Event: issue_comment\n\n.*\n{\"action\":\"created\",\"comment\":{\"body\":\"/codebuild_run(0123abc)\",\"author_association\":\"OWNER\",\"user\":{\"id\":1}},\"issue\":{\"number\":3,\"pull_request\":{}},\"sender\":{\"id\":1}}",
    "X-Gitlab-Event: Push Hook\nX-Gitlab-Token: t\nIdempotency-Key: 4\n\n(a|b)+$\n{\"ref\":\"refs/heads/main\",\"before\":\"00\",\"after\":\"aaaaaaaa\",\"user_id\":77,\"project\":{\"name\":\"app\"},\"commits\":[{\"message\":\"Fix\",\"added\":[\"a\"],\"modified\":[],\"removed\":[]}]}",
    "X-Gitlab-Event: Merge Request Hook\n\nx\n{\"object_attributes\":{\"iid\":5,\"action\":\"open\",\"source_branch\":\"t\",\"target_branch\":\"main\",\"last_commit\":{\"id\":\"cccccccc\",\"message\":\"m\"}},\"user\":{\"id\":1},\"project\":{\"name\":\"app\"}}",
    "X-Event-Key: repo:push\nX-Request-UUID: 1\n\nmain\n{\"actor\":{\"account_id\":\"77\"},\"repository\":{\"name\":\"app\"},\"push\":{\"changes\":[{\"new\":{\"name\":\"main\",\"type\":\"branch\",\"target\":{\"hash\":\"aaaaaaaa\",\"message\":\"Fix\"}},\"old\":null}]}}",
];
