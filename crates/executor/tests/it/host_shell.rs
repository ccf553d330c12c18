//! One shell for all commands, and what commands can do to it.

use base::{JobOutcome, Secret, StepOutcome};

use crate::rig::{Rig, step};

#[tokio::test]
async fn variables_functions_and_the_folder_are_kept_from_command_to_command() {
    let Some(rig) = Rig::new().await else { return };
    let mut job = rig.spec("kept", &["A=1; f() { echo f$1; }; mkdir -p sub && cd sub", "f $A"]);
    job.steps.push(step("POST_BUILD", &["f 2", "basename \"$PWD\""]));
    let seen = rig.run(&job).await;
    assert_eq!(seen.lines(), ["f1", "f2", "sub"], "{seen:?}");
    assert!(seen.succeeded());
}

#[tokio::test]
async fn a_command_that_ends_the_shell_hands_environment_and_folder_to_the_next_one() {
    let Some(rig) = Rig::new().await else { return };
    for shell in ["sh", "bash"] {
        let mut job = rig.spec(
            "exits",
            &[
                "export MULTI=\"a 'b\n\\\"c\" LOST=1; mkdir -p \"d d\"; cd 'd d'; unset LOST; exit 0",
                "echo \"$MULTI|${LOST-unset}\"; basename \"$PWD\"",
            ],
        );
        job.steps[0].finally = vec!["set -e".into(), "false".into()];
        job.steps.push(step("POST_BUILD", &["echo never"]));
        job.shell = shell.into();
        let seen = rig.run(&job).await;
        assert_eq!(seen.lines(), ["a 'b", "\"c|unset", "d d"], "{shell}: {seen:?}");
        assert_eq!(seen.status(), 1);
        std::fs::remove_dir_all(&job.work_dir).unwrap();
    }
}

#[tokio::test]
async fn a_syntax_error_fails_its_command_and_nothing_else() {
    let Some(rig) = Rig::new().await else { return };
    for shell in ["sh", "bash"] {
        let mut job = rig.spec("syntax", &["export A=1", "if then", "echo never"]);
        job.steps[0].finally = vec!["echo a=$A".into()];
        job.shell = shell.into();
        let seen = rig.run(&job).await;
        assert_eq!(seen.lines().last(), Some(&"a=1"), "{shell}: {seen:?}");
        assert!(matches!(seen.ended()[..], [("BUILD", StepOutcome::Failed { command, .. })] if command == "if then"));
    }
}

#[tokio::test]
async fn commands_of_several_lines_and_here_documents_are_one_command() {
    let Some(rig) = Rig::new().await else { return };
    let job = rig.spec("lines", &["for i in 1 2; do\n  echo $i\ndone\ncat <<END\nx $((1+1))\nEND", "echo done"]);
    assert_eq!(rig.run(&job).await.lines(), ["1", "2", "x 2", "done"]);
}

#[tokio::test]
async fn a_command_replaced_by_exec_or_killed_has_that_status() {
    let Some(rig) = Rig::new().await else { return };
    let mut job = rig.spec("exec", &["exec sh -c 'exit 7'"]);
    job.steps[0].finally = vec!["kill -9 $$".into()];
    let seen = rig.run(&job).await;
    assert_eq!(seen.status(), 7, "{seen:?}");
    let job = rig.spec("killed", &["kill -9 $$"]);
    assert_eq!(rig.run(&job).await.status(), 137);
    let job = rig.spec("missing", &["no-such-program-anywhere"]);
    assert_eq!(rig.run(&job).await.status(), 127);
}

#[tokio::test]
async fn commands_have_no_input_and_no_descriptor_but_their_own() {
    let Some(rig) = Rig::new().await else { return };
    for shell in ["sh", "bash"] {
        let mut job = rig.spec(
            "fds",
            &[
                "if read x; then echo read; else echo end; fi",
                "ls -l /proc/self/fd | sed -n 's/.* \\([0-9]*\\) -> .*/\\1/p' | tr '\\n' ' '",
                "for n in 3 4 5 6 7 8 9; do { true <&$n; } 2>/dev/null && echo got $n; done; true",
            ],
        );
        job.shell = shell.into();
        let seen = rig.run(&job).await;
        // `ls` has 3 open itself: the folder that it lists.
        assert_eq!(seen.lines(), ["end", "0 1 2 3 "], "{shell}: {seen:?}");
    }
}

#[tokio::test]
async fn options_that_a_command_sets_do_not_break_the_next_one() {
    let Some(rig) = Rig::new().await else { return };
    for shell in ["sh", "bash"] {
        let mut job = rig.spec("options", &["set -euCf", "IFS=/; echo ok", "trap 'echo bye' EXIT", "echo end; exit 4"]);
        job.shell = shell.into();
        let seen = rig.run(&job).await;
        assert_eq!(seen.lines(), ["ok", "end", "bye"], "{shell}: {seen:?}");
        assert_eq!(seen.status(), 4);
    }
}

#[tokio::test]
async fn the_succeeding_variable_falls_with_the_first_failure() {
    let Some(rig) = Rig::new().await else { return };
    let mut job = rig.spec("succeeding", &["echo $OK", "exit 2"]);
    job.steps[0].finally = vec!["echo $OK".into()];
    job.steps[0].on_failure = base::StepFailure::Continue;
    job.steps.push(step("POST_BUILD", &["echo $OK; sh -c 'echo $OK'"]));
    job.succeeding_variable = Some("OK".into());
    let seen = rig.run(&job).await;
    assert_eq!(seen.lines(), ["1", "0", "0", "0"], "{seen:?}");
}

#[tokio::test]
async fn the_environment_is_made_from_scratch() {
    let Some(rig) = Rig::new().await else { return };
    let mut job = rig.spec("env", &["env | sort"]);
    job.env.insert("MINE".into(), "a b".into());
    let seen = rig.run(&job).await;
    let mut names: Vec<&str> = seen.lines().iter().filter_map(|l| Some(l.split_once('=')?.0)).collect();
    names.retain(|n| !["_", "OLDPWD", "PWD", "SHLVL"].contains(n));
    assert_eq!(names, ["HOME", "LANG", "MINE", "PATH"], "{seen:?}");
}

#[tokio::test]
async fn announcements_stand_in_order_with_the_output_and_show_no_secret() {
    let Some(rig) = Rig::new().await else { return };
    let mut job = rig.spec("announce", &["printf one", "echo tok3n-value; false"]);
    job.announce = true;
    job.masked = vec![Secret::new("tok3n-value".into())];
    let seen = rig.run(&job).await;
    let without_time: Vec<String> = seen
        .lines()
        .iter()
        .map(|l| match l.strip_prefix("[Container] ") {
            Some(rest) => {
                let (time, what) = rest.split_at(26);
                assert_eq!(time.len(), "2024/01/01 00:00:00.000000".len());
                format!("C{what}")
            }
            None => (*l).to_owned(),
        })
        .collect();
    let message = "Error while executing command: echo ***; false. Reason: exit status 1";
    assert_eq!(
        without_time,
        [
            "C Entering phase BUILD".to_owned(),
            "C Running command printf one".into(),
            "one".into(),
            "C Running command echo ***; false".into(),
            "***".into(),
            "C Command did not exit successfully echo ***; false exit status 1".into(),
            "C Phase complete: BUILD State: FAILED".into(),
            format!("C Phase context status code: COMMAND_EXECUTION_ERROR Message: {message}"),
        ]
    );
}

#[tokio::test]
async fn what_is_left_in_the_background_ends_with_the_job() {
    let Some(rig) = Rig::new().await else { return };
    let job = rig.spec("background", &["(while :; do echo tick; sleep 0.01; done) & sleep 0.1", "echo end"]);
    let seen = rig.run(&job).await;
    assert!(seen.succeeded() && seen.text.contains("end"), "{seen:?}");
}

#[tokio::test]
async fn exported_values_of_any_form_arrive_and_links_are_not_followed() {
    let Some(rig) = Rig::new().await else { return };
    let mut job = rig.spec(
        "exported",
        &[
            "export A=\"1\n 2'\" B=; C=plain",
            "ln -s /etc/hostname /run/headworks/export-D; mkfifo /run/headworks/export-E",
            "exit 0",
        ],
    );
    job.exported = ["A", "B", "C", "D", "E", "not a name; exit 9"].map(str::to_owned).to_vec();
    let seen = rig.run(&job).await;
    let JobOutcome::Finished { exported, .. } = &seen.outcome else { panic!("{seen:?}") };
    let got: Vec<_> = exported.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    // C was no part of the environment, so the shell that `exit` ended took it along.
    assert_eq!(got, [("A", "1\n 2'"), ("B", "")]);
}

#[tokio::test]
async fn a_link_in_place_of_a_command_file_is_not_written_through() {
    let Some(rig) = Rig::new().await else { return };
    let job = rig.spec(
        "links",
        &["for n in 2 3 4 5; do ln -s \"$PWD/victim\" /run/headworks/command-$n; done", "echo next; ls"],
    );
    let seen = rig.run(&job).await;
    assert_eq!(seen.lines(), ["next"], "{seen:?}");
    assert!(!job.work_dir.join("victim").exists());
}
