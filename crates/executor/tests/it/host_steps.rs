//! What a step asks for beside its commands: tries, users, fresh shells, a set-up of its own.

use base::{JobStep, StepFailure, StepOutcome, StepRetry};

use crate::rig::{Rig, step};

/// Counts its tries in a file and succeeds with the third.
const THIRD: &str = "n=$(cat n 2>/dev/null || echo 0); n=$((n+1)); echo $n >n; echo try $n; [ $n -ge 3 ]";

fn retry(count: u32, pattern: Option<&str>) -> Option<StepRetry> {
    Some(StepRetry { count, pattern: pattern.map(str::to_owned) })
}

#[tokio::test]
async fn a_step_is_tried_again_until_it_succeeds_and_then_nothing_has_failed() {
    let Some(rig) = Rig::new().await else { return };
    let mut job = rig.spec("again", &[THIRD, "echo after"]);
    job.steps[0].retry = retry(5, None);
    job.steps[0].finally = vec!["echo finally $OK".into()];
    job.steps.push(step("POST_BUILD", &["echo ok $OK"]));
    job.succeeding_variable = Some("OK".into());
    job.announce = true;
    let seen = rig.run(&job).await;
    let own: Vec<&str> = seen.lines().into_iter().filter(|line| !line.starts_with('[')).collect();
    let expected = ["try 1", "finally 0", "try 2", "finally 0", "try 3", "after", "finally 1", "ok 1"];
    assert_eq!(own, expected, "{seen:?}");
    assert!(seen.text.contains("Retrying phase BUILD: retry 2 of 5"), "{seen:?}");
    assert!(seen.succeeded());
}

#[tokio::test]
async fn tries_come_to_an_end() {
    let Some(rig) = Rig::new().await else { return };
    let mut job = rig.spec("enough", &["echo try; false"]);
    job.steps[0].retry = retry(2, None);
    job.steps[0].on_failure = StepFailure::Continue;
    job.steps.push(step("POST_BUILD", &["echo ok $OK"]));
    job.succeeding_variable = Some("OK".into());
    let seen = rig.run(&job).await;
    assert_eq!(seen.lines(), ["try", "try", "try", "ok 0"], "{seen:?}");
    let mut never = rig.spec("never", &["echo try; false"]);
    never.steps[0].retry = retry(0, None);
    assert_eq!(rig.run(&never).await.lines(), ["try"]);
}

#[tokio::test]
async fn a_pattern_is_looked_for_in_the_output_and_in_the_error_message() {
    let Some(rig) = Rig::new().await else { return };
    for (id, command, pattern, tries) in [
        ("output", "echo try; echo 'db: connection timed out (5 s)'; false", ".*connection timed out.*", 3),
        ("message", "echo try; exit 7", "exit status 7$", 3),
        ("neither", "echo try; exit 7", "exit status 8", 1),
        ("far", "echo try; echo nee''dle; head -c 300000 /dev/zero | tr '\\0' x; false", "needle", 1),
    ] {
        let mut job = rig.spec(id, &[command]);
        job.steps[0].retry = retry(2, Some(pattern));
        let seen = rig.run(&job).await;
        assert_eq!(seen.text.matches("try").count(), tries, "{id}: {seen:?}");
    }
}

#[tokio::test]
async fn a_secret_is_not_found_by_a_pattern() {
    let Some(rig) = Rig::new().await else { return };
    let mut job = rig.spec("masked", &["echo try; echo hunter2-hunter2; false"]);
    job.masked = vec![base::Secret::new("hunter2-hunter2".to_owned())];
    job.steps[0].retry = retry(2, Some("(?m)^hunter2"));
    assert_eq!(rig.run(&job).await.lines(), ["try", "***"]);
}

#[tokio::test]
async fn commands_run_as_the_user_that_the_step_names() {
    let Some(rig) = Rig::new().await else { return };
    if rig.host.isolation().user_namespace || !rustix::process::geteuid().is_root() {
        println!("skipped: only root can run jobs as somebody else");
        return;
    }
    let mut job = rig.spec("users", &["echo $(id -un) $A", "B=kept; export B; echo x >mine || echo refused"]);
    job.steps[0].run_as = Some("nobody".into());
    job.steps.insert(0, step("INSTALL", &["export A=exported; id -un; echo x >roots"]));
    job.steps.push(step("POST_BUILD", &["echo $(id -un) $B $HOME ${USER-none}"]));
    job.env.insert("HOME".into(), "/root".into());
    let seen = rig.run(&job).await;
    let lines = seen.lines();
    assert_eq!(lines.first(), Some(&"root"), "{seen:?}");
    assert_eq!(lines.get(1), Some(&"nobody exported"), "{seen:?}");
    assert!(lines.contains(&"refused"), "{seen:?}");
    assert_eq!(lines.last(), Some(&"root kept /root none"), "{seen:?}");
    assert!(seen.succeeded());
}

#[tokio::test]
async fn a_user_that_is_not_there_fails_the_step_and_is_named() {
    let Some(rig) = Rig::new().await else { return };
    if rig.host.isolation().user_namespace || !rustix::process::geteuid().is_root() {
        println!("skipped: only root can run jobs as somebody else");
        return;
    }
    let mut job = rig.spec("stranger", &["echo never"]);
    job.steps[0].run_as = Some("no-such-user".into());
    let seen = rig.run(&job).await;
    assert_eq!(seen.lines(), ["run-as: there is no user no-such-user in this build environment"]);
    assert_eq!(seen.status(), 126);
}

#[tokio::test]
async fn fresh_shells_keep_nothing_from_command_to_command() {
    let Some(rig) = Rig::new().await else { return };
    let commands =
        ["mkdir -p sub; cd sub; A=1; export A; pwd | sed 's|.*/||'", "echo ${A-unset}; [ -d sub ]", "exit 0"];
    let mut job = rig.spec("fresh", &commands);
    job.steps[0].fresh_shells = true;
    job.steps[0].finally = vec!["cat <<END\nhere\nEND".into(), "(exit 3)".into()];
    let seen = rig.run(&job).await;
    assert_eq!(seen.lines(), ["sub", "unset", "here"], "{seen:?}");
    assert_eq!(seen.status(), 3);
}

#[tokio::test]
async fn a_setup_changes_the_shell_and_can_refuse_the_step() {
    let Some(rig) = Rig::new().await else { return };
    let mut job = rig.spec("setup", &["f; echo $A"]);
    job.steps[0].setup = Some("f() { echo f; }\nA=1".into());
    job.announce = true;
    let seen = rig.run(&job).await;
    assert!(seen.succeeded(), "{seen:?}");
    assert!(!seen.text.contains("Running command f()"), "{seen:?}");

    let mut job = rig.spec("refused", &["echo never"]);
    job.steps[0].setup = Some(format!("{}='it is not here'\nreturn 1", JobStep::REFUSAL));
    job.steps[0].finally = vec!["echo neither".into()];
    job.steps[0].retry = retry(3, None);
    job.steps.push(step("POST_BUILD", &["echo nor this"]));
    let seen = rig.run(&job).await;
    assert_eq!(seen.lines(), Vec::<&str>::new(), "{seen:?}");
    assert!(matches!(&seen.ended()[..], [("BUILD", StepOutcome::Refused { reason })] if reason == "it is not here"));
}
