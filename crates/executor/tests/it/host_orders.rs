//! What is ordered of a job that waits for commands, on the host.

use base::{CommandEnd, JobHold, JobOutcome};
use executor::Executor as _;

use crate::contract::{ends, order};
use crate::rig::{Rig, follow};

#[tokio::test]
async fn each_command_has_a_shell_of_its_own_and_its_output_apart() {
    let Some(rig) = Rig::new().await else { return };
    let mut job = rig.spec("apart", &[]);
    job.hold = JobHold::ForOrders;
    job.env.insert("GIVEN".into(), "value".into());
    rig.host.start(&job).await.unwrap();
    let commands = [
        "cd /; export GIVEN=changed; echo out; echo err >&2; exit 4",
        "pwd; echo $GIVEN; echo kept >file",
        "cat file; echo 'unfinished",
        "kill -9 $PPID",
        "cat file; head -c 200000 /dev/zero | tr '\\0' x; echo; echo end",
        "sleep 1000 & echo left one behind",
        "fail command",
    ];
    for (n, command) in commands.iter().enumerate() {
        rig.host.order(&job.id, &order(&n.to_string(), command)).await.unwrap();
    }
    let ends = ends(&rig.host, &job.id, commands.len()).await;
    let of = |n: usize| &ends[n].1;
    assert_eq!((of(0).exit_status, of(0).stdout.as_str(), of(0).stderr.as_str()), (Some(4), "out\n", "err\n"));
    assert_eq!(of(1).stdout, format!("{}\nvalue\n", job.work_dir.display()));
    assert!(of(2).exit_status != Some(0) && of(2).stdout.is_empty() && !of(2).stderr.is_empty(), "{:?}", of(2));
    assert_eq!(of(3).exit_status, Some(137), "the shell that the commands share was killed");
    assert_eq!(of(4).exit_status, Some(0), "the next one has a new one");
    let text = &of(4).stdout;
    assert!(text.starts_with("[the first ") && text.ends_with("x\nend\n"), "{}", &text[..60]);
    assert!(text.len() < CommandEnd::MAX_LEN + 100);
    assert_eq!(of(5).stdout, "left one behind\n", "a process in the background holds nothing up");
    assert_eq!(of(6).exit_status, Some(127));
    assert!(of(6).stderr.contains("not found"), "{:?}", of(6));
    rig.host.cancel(&job.id).await.unwrap();
    let seen = follow(&rig.host, &job.id).await;
    assert!(seen.text.contains("left one behind") && seen.text.contains("err\n"));
    assert!(seen.text.matches('x').count() >= 200_000, "the log has all of it");
}

#[tokio::test]
async fn a_job_that_is_out_of_time_says_what_its_command_wrote() {
    let Some(rig) = Rig::new().await else { return };
    let mut job = rig.spec("time", &[]);
    job.hold = JobHold::ForOrders;
    // Enough for the command to begin on a busy machine.
    job.timeout_seconds = 6;
    rig.host.start(&job).await.unwrap();
    rig.host.order(&job.id, &order("a", "echo begun; sleep 1000")).await.unwrap();
    let ends = ends(&rig.host, &job.id, 1).await;
    assert_eq!((ends[0].1.exit_status, ends[0].1.stdout.as_str()), (None, "begun\n"));
    assert!(matches!(follow(&rig.host, &job.id).await.outcome, JobOutcome::TimedOut(_)));
}
