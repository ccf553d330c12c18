use e2e::tell_later;

#[test]
fn a_push_travels_through_approval_to_the_deployed_object() {
    tell_later("push_to_deploy", "pipelines in the server");
}

#[test]
fn a_newer_push_supersedes_a_waiting_execution() {
    tell_later("supersede", "pipelines in the server");
}

#[test]
fn a_failing_build_fails_its_stage_with_its_reason() {
    tell_later("failing_build", "pipelines in the server");
}

#[test]
fn stopping_ends_real_processes() {
    tell_later("stopping", "pipelines in the server");
}

#[test]
fn ten_kills_lose_nothing_and_repeat_nothing() {
    tell_later("kill", "pipelines in the server");
}

#[test]
fn git_clients_work_unmodified() {
    tell_later("git_clients", "git in the server");
}

#[test]
fn the_s3_commands_work_unmodified() {
    tell_later("s3_cli", "S3 in the server");
}

#[test]
fn logs_can_be_followed_while_a_build_runs() {
    tell_later("logs_cli", "builds in the server");
}

#[test]
fn operators_can_rely_on_it() {
    tell_later("operating", "the server");
}

#[test]
fn the_demo_ends_well() {
    tell_later("demo", "the demo");
}
