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
