use e2e::tell;

#[test]
fn a_push_travels_through_approval_to_the_deployed_object() {
    tell("push_to_deploy");
}

#[test]
fn a_push_travels_the_same_way_with_postgres() {
    tell("push_to_deploy_postgres");
}

#[test]
fn a_newer_push_supersedes_a_waiting_execution() {
    tell("supersede");
}

#[test]
fn triggers_start_what_a_push_matches_and_nothing_else() {
    tell("triggers");
}

#[test]
fn repositories_behind_connections_are_sources_and_tell_of_pushes() {
    tell("connections");
}

#[test]
fn a_webhook_of_a_pipeline_starts_it_once_for_each_delivery() {
    tell("pipeline_webhooks");
}

#[test]
fn notification_rules_tell_each_event_once_and_say_what_was_not_sent() {
    tell("notifications");
}

#[test]
fn rules_and_schedules_start_pipelines_once_for_each_event() {
    tell("event_rules");
}

#[test]
fn executions_queue_up_or_run_side_by_side() {
    tell("modes");
}

#[test]
fn a_failing_build_fails_its_stage_with_its_reason() {
    tell("failing_build");
}

#[test]
fn a_stage_that_fails_is_retried_rolled_back_or_let_go() {
    tell("stage_failures");
}

#[test]
fn jobs_of_custom_actions_are_done_by_workers_and_none_is_lost() {
    tell("job_workers");
}

#[test]
fn actions_become_builds_of_jenkins_and_none_begins_twice() {
    tell("jenkins");
}

#[test]
fn commands_of_a_pipeline_run_without_a_project() {
    tell("commands");
}

#[test]
fn one_action_runs_many_times_side_by_side() {
    tell("matrix");
}

#[test]
fn a_buildspec_has_its_effects() {
    tell("buildspec");
}

#[test]
fn stopping_ends_real_processes() {
    tell("stopping");
}

#[test]
fn ten_kills_lose_nothing_and_repeat_nothing() {
    tell("kill");
}

#[test]
fn kills_of_the_server_keep_every_execution_in_every_mode() {
    tell("kill_pipelines");
}

#[test]
fn kills_of_the_server_keep_every_execution_with_postgres() {
    tell("kill_pipelines_postgres");
}

#[test]
fn whatever_is_killed_no_build_is_stuck_and_none_runs_twice() {
    tell("kill_builds");
}

#[test]
fn builds_that_nobody_wants_end_with_a_reason() {
    tell("bad_builds");
}

#[test]
fn reports_caches_and_badges_work_with_plain_clients() {
    tell("reports");
}

#[test]
fn builds_have_secrets_that_nobody_else_sees() {
    tell("build_secrets");
}

#[test]
fn clients_in_builds_reach_us_under_the_names_of_aws() {
    tell("front");
}

#[test]
fn git_clients_work_unmodified() {
    tell("git_clients");
}

#[test]
fn the_s3_commands_work_unmodified() {
    tell("s3_cli");
}

#[test]
fn logs_can_be_read_while_a_build_runs() {
    tell("logs_cli");
}

#[test]
fn aws_logs_tail_follows_a_running_build() {
    tell("logs_tail");
}

#[test]
fn a_build_is_held_to_the_policies_of_its_role() {
    tell("build_rights");
}

#[test]
fn operators_can_rely_on_it() {
    tell("operating");
}

#[test]
fn bad_input_gets_its_error_and_leaves_the_rest_running() {
    tell("bad_input");
}

#[test]
fn a_full_disk_is_refused_in_words_and_passes() {
    tell("full_disk");
}

#[test]
fn headworks_run_gives_what_the_server_gives() {
    tell("run");
}

#[test]
fn builds_run_in_containers() {
    tell("container_build");
}

#[test]
fn docker_in_builds() {
    tell("docker_in_builds");
}

#[test]
fn the_demo_ends_well() {
    tell("demo");
}

#[test]
fn batches_of_each_kind_run_with_boto3() {
    tell("batch_builds");
}

#[test]
fn builds_wait_for_their_slot_and_are_retried() {
    tell("build_queue");
}

#[test]
fn webhooks_start_builds_of_sources_elsewhere() {
    tell("webhooks");
}

#[test]
fn commands_run_in_sandboxes() {
    tell("sandboxes");
}

#[test]
fn a_build_waits_at_its_breakpoint_for_a_shell() {
    tell("breakpoints");
}

#[test]
fn executions_are_steered_from_the_command_line() {
    tell("pipeline_cli");
}

#[test]
fn a_pipeline_runs_against_the_working_copy() {
    tell("run_pipeline");
}

#[test]
fn approvals_take_several_principals_who_have_not_brought_the_execution_about() {
    tell("approvals");
}

#[test]
fn an_action_starts_another_pipeline() {
    tell("child_pipelines");
}
