//! `codebuild-glob-search` and `codebuild-tests-run` on the PATH of a job.

use crate::rig::{Rig, Seen};

const FILES: &str = "mkdir -p a/tests 'b b/tests' .git; for f in a/tests/one_test.py a/tests/two_test.py 'b b/tests/three_test.py' \
                     four_test.py five_test.py a/helper.py .git/six_test.py; do : >\"$f\"; done; ln -s four_test.py link_test.py; \
                     ln -s a linked; mkdir folder_test.py";
const SEARCH: &str = "--files-search \"codebuild-glob-search '**/*_test.py'\"";

/// What a job with these files says to a command.
async fn said(id: &str, env: &[(&str, &str)], command: &str) -> Option<Seen> {
    let rig = Rig::new().await?;
    let mut job = rig.spec(id, &[FILES, command]);
    job.env.extend(env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    Some(rig.run(&job).await)
}

#[tokio::test]
async fn a_search_gives_files_and_no_folders_below_the_current_one() {
    let Some(seen) = said(
        "glob",
        &[],
        "cd a && codebuild-glob-search '**/*_test.py' && cd .. && echo -- && \
                                        codebuild-glob-search '*_test.py' 'b b/**'",
    )
    .await
    else {
        return;
    };
    let lines =
        ["tests/one_test.py", "tests/two_test.py", "--", "b b/tests/three_test.py", "five_test.py", "four_test.py"];
    assert_eq!(seen.lines(), [&lines[..], &["link_test.py"]].concat(), "{seen:?}");
}

#[tokio::test]
async fn a_search_that_finds_nothing_says_so() {
    let Some(seen) = said("none", &[], "codebuild-glob-search '*.js' 2>/dev/null; codebuild-glob-search '*.js'").await
    else {
        return;
    };
    assert_eq!(seen.lines(), ["No files found that match *.js"], "{seen:?}");
    assert!(seen.succeeded());
}

#[tokio::test]
async fn every_test_runs_in_exactly_one_shard() {
    for strategy in ["equal-distribution", "stability"] {
        let mut all = Vec::new();
        let mut sizes = Vec::new();
        for shard in ["0", "1", "2"] {
            let env = [("CODEBUILD_CURRENT_SHARD", shard), ("CODEBUILD_TOTAL_SHARDS", "3")];
            let command = format!(
                "codebuild-tests-run {SEARCH} --sharding-strategy {strategy} --test-command \"printf '%s\\n'\" 2>/dev/null"
            );
            let Some(seen) = said(&format!("{strategy}-{shard}"), &env, &command).await else { return };
            assert!(seen.succeeded(), "{seen:?}");
            sizes.push(seen.lines().len());
            all.extend(seen.lines().into_iter().map(str::to_owned));
        }
        all.sort();
        let expected = [
            "a/tests/one_test.py",
            "a/tests/two_test.py",
            "b b/tests/three_test.py",
            "five_test.py",
            "four_test.py",
            "link_test.py",
        ];
        assert_eq!(all, expected, "{strategy}");
        assert!(strategy == "stability" || sizes == [2, 2, 2], "{sizes:?}");
    }
}

#[tokio::test]
async fn a_command_that_wants_the_list_in_another_form_has_it_in_a_variable() {
    let command = format!(
        "codebuild-tests-run {SEARCH} --test-command='echo \"$CODEBUILD_CURRENT_SHARD_FILES\" | sed s/_test.py//' 2>/dev/null"
    );
    let Some(seen) = said("variable", &[], &command).await else { return };
    assert_eq!(seen.lines(), ["a/tests/one", "a/tests/two", "b b/tests/three", "five", "four", "link"], "{seen:?}");
}

#[tokio::test]
async fn more_names_than_a_variable_holds_reach_the_command_as_arguments() {
    let long = "x".repeat(60);
    let search = format!("--files-search 'i=0; while [ $i -lt 3000 ]; do echo {long}/\"it s\"/$i; i=$((i + 1)); done'");
    let count = "count() { echo $#; }; count";
    let command = format!(
        "codebuild-tests-run {search} --test-command '{count}' 2>/dev/null; codebuild-tests-run {search} --test-command 'echo \
         \"$CODEBUILD_CURRENT_SHARD_FILES\"' 2>&1 | tail -1; codebuild-tests-run --files-search 'echo -n_test' \
         --test-command echo 2>/dev/null"
    );
    let Some(seen) = said("many", &[], &command).await else { return };
    let lines = seen.lines();
    assert_eq!(lines.first(), Some(&"3000"), "{seen:?}");
    assert!(lines.iter().any(|line| line.contains("no variable holds more than 128 KiB")), "{seen:?}");
    assert_eq!(lines.last(), Some(&"./-n_test"), "{seen:?}");
}

#[tokio::test]
async fn a_program_of_the_image_that_is_called_codebuild_is_not_hidden() {
    let Some(seen) =
        said("bare", &[], "for w in codebuild codebuild-resume; do command -v $w; done | sed 's|.*/||'").await
    else {
        return;
    };
    assert_eq!(seen.lines(), ["codebuild-resume"], "{seen:?}");
}

/// The shard of each of so many tests.
async fn shards(id: &str, tests: u32, shards: u32) -> Option<Vec<Option<u32>>> {
    let search = format!("i=0; while [ $i -lt {tests} ]; do echo t$i; i=$((i + 1)); done");
    let command = format!(
        "s=0; while [ $s -lt {shards} ]; do export CODEBUILD_CURRENT_SHARD=$s CODEBUILD_TOTAL_SHARDS={shards}; codebuild-tests-run \
         --files-search '{search}' --sharding-strategy stability --test-command \"printf '%s $s\\n'\" 2>/dev/null; s=$((s + 1)); done"
    );
    let seen = said(id, &[], &command).await?;
    let of = |test: u32| {
        let lines = seen.lines();
        let at = lines.iter().find_map(|line| line.strip_prefix(&format!("t{test} ")));
        at.and_then(|shard| shard.parse().ok())
    };
    Some((0..tests).map(of).collect())
}

#[tokio::test]
async fn under_stability_tests_stay_where_they_are() {
    let Some(before) = shards("before", 60, 4).await else { return };
    assert!(before.iter().all(Option::is_some), "{before:?}");
    for shard in 0..4 {
        let size = before.iter().filter(|at| **at == Some(shard)).count();
        assert!((6..=26).contains(&size), "shard {shard} has {size} of 60");
    }
    let more_tests = shards("tests", 90, 4).await.unwrap();
    assert_eq!(more_tests.get(..60), Some(before.as_slice()));
    // A new shard takes its part from the others, and nothing else moves.
    let more_shards = shards("shards", 60, 5).await.unwrap();
    let moved: Vec<_> = before.iter().zip(&more_shards).filter(|(old, new)| old != new).collect();
    assert!((4..=24).contains(&moved.len()) && moved.iter().all(|(_, new)| **new == Some(4)), "{moved:?}");
}

#[tokio::test]
async fn what_goes_wrong_is_the_commands_status() {
    let shards = [("CODEBUILD_CURRENT_SHARD", "0"), ("CODEBUILD_TOTAL_SHARDS", "3")];
    for (id, arguments, status, says) in [
        ("fails", "--files-search 'echo x' --test-command 'exit 7 #'", 7, "shard 2 of 3 has 1 of the 1 test files"),
        ("search", "--files-search 'exit 3' --test-command true", 3, "the files-search command ended with status 3"),
        ("empty", "--files-search true --test-command true", 1, "found no test files"),
        ("few", "--files-search 'echo x' --test-command false", 0, "shard 0 of 3 has none of the 1 test files"),
        ("missing", "--files-search 'echo x'", 2, "--test-command is missing"),
        ("unknown", "--files-search 'echo x' --test-command true --shards 3", 2, "--shards is not known"),
        (
            "strategy",
            "--files-search 'echo x' --test-command true --sharding-strategy even",
            2,
            "is no sharding strategy",
        ),
    ] {
        let mut env = shards;
        if id == "fails" {
            env[0].1 = "2";
        }
        let Some(seen) = said(id, &env, &format!("codebuild-tests-run {arguments}")).await else { return };
        assert_eq!(if seen.succeeded() { 0 } else { seen.status() }, status, "{id}: {seen:?}");
        assert!(seen.lines().concat().contains(says), "{id}: {seen:?}");
    }
}
