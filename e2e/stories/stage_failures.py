"""Stages that fail: retries, rollbacks and conditions, by the aws CLI and boto3, with `kill -9` in between."""

import time

from delivery import BUILDSPEC, SITE, Delivery, action
from stage import Server, eventually, proved

server = Server().start()
delivery = Delivery(server).prepare()
pipelines = delivery.codepipeline


def rule(name, provider, configuration, inputs=()):
    """A rule's declaration."""
    return {
        "name": name,
        "ruleTypeId": {"category": "Rule", "owner": "AWS", "provider": provider, "version": "1"},
        "configuration": configuration,
        "inputArtifacts": [{"name": name} for name in inputs],
    }


def condition(result, *rules):
    """A condition's declaration."""
    return {"conditions": [{"result": result, "rules": list(rules)}]}


def start(**variables):
    """Starts an execution with values for the pipeline's variables."""
    more = {"variables": [{"name": name, "value": value} for name, value in variables.items()]} if variables else {}
    return pipelines.start_pipeline_execution(name="delivery", **more)["pipelineExecutionId"]


def refused(call, **arguments):
    """The code of the error that a call gives."""
    try:
        call(**arguments)
    except pipelines.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
    raise AssertionError(f"{call} was not refused: {arguments}")


declaration = delivery.declaration()
source, build, deploy = declaration["stages"]
declaration["pipelineType"] = "V2"
declaration["variables"] = [{"name": "site", "defaultValue": SITE}]
build["onFailure"] = {"result": "RETRY", "retryConfiguration": {"retryMode": "FAILED_ACTIONS"}}
deploy["actions"][0]["configuration"]["BucketName"] = "#{variables.site}"
deploy["onFailure"] = {"result": "ROLLBACK"}
kept = pipelines.create_pipeline(pipeline=declaration)["pipeline"]
assert kept["stages"][1]["onFailure"] == build["onFailure"], kept
first = eventually("the execution that creation starts", delivery.executions)[0]["pipelineExecutionId"]
delivery.wait_for(first, "Succeeded")
second = delivery.execution_for(delivery.commit_and_push({"message.txt": "second\n"}, "The second commit"))
delivery.wait_for(second, "Succeeded")
assert delivery.published() == "second\n"

# --- rollback -----------------------------------------------------------------------------------------------------------

back = server.aws("codepipeline", "rollback-stage", "--pipeline-name", "delivery", "--stage-name", "Deploy",
                  "--target-pipeline-execution-id", first)["pipelineExecutionId"]
delivery.wait_for(back, "Succeeded")
assert delivery.published() == "first\n", delivery.published()
execution = pipelines.get_pipeline_execution(pipelineName="delivery", pipelineExecutionId=back)["pipelineExecution"]
assert execution["executionType"] == "ROLLBACK", execution
assert execution["rollbackMetadata"]["rollbackTargetPipelineExecutionId"] == first, execution
assert execution["trigger"]["triggerType"] == "ManualRollback", execution
assert refused(pipelines.rollback_stage, pipelineName="delivery", stageName="Deploy",
               targetPipelineExecutionId=back) == "UnableToRollbackStageException"
succeeded = pipelines.list_pipeline_executions(
    pipelineName="delivery", filter={"succeededInStage": {"stageName": "Deploy"}})["pipelineExecutionSummaries"]
assert [e["pipelineExecutionId"] for e in succeeded] == [back, second, first], succeeded
proved("a stage is rolled back to an earlier execution, with its artifacts, by an execution of its own")

broken = start(site="no-such-bucket-anywhere")
for moment in (0.2, 0.6, 0.05):
    time.sleep(moment)  # kills fall into the build, the deployment, or the rollback
    server.kill()
    server.restart()
eventually("the deployment fails", lambda: delivery.status(broken) == "Failed")
newest = eventually("the rollback begins", lambda: next(
    (e for e in delivery.executions() if e["trigger"]["triggerType"] == "AutomatedRollback"), None))
delivery.wait_for(newest["pipelineExecutionId"], "Succeeded")
assert newest["rollbackMetadata"]["rollbackTargetPipelineExecutionId"] == second, newest
assert broken in newest["trigger"]["triggerDetail"], newest
assert delivery.published() == "second\n"
assert len(delivery.executions()) == 5, "one execution for each start, and one for each rollback"
proved("a stage that fails goes back by itself to the execution that was successful in it last, whatever is killed")

# --- retry --------------------------------------------------------------------------------------------------------------

failing = BUILDSPEC.replace("mkdir -p out", "sh -c 'exit 3'")
before = len(delivery.builds())
failed = delivery.execution_for(delivery.commit_and_push({"buildspec.yml": failing}, "A build that fails"))
delivery.wait_for(failed, "Failed")
assert len(delivery.builds()) == before + 2, "one build, and one retry"
metadata = delivery.stage("Build")["retryStageMetadata"]
assert metadata == {"autoStageRetryAttempt": 1, "latestRetryTrigger": "AutomatedStageRetry"}, metadata
proved("a stage that fails is tried again once by itself")

server.aws("codepipeline", "retry-stage-execution", "--pipeline-name", "delivery", "--stage-name", "Build",
           "--pipeline-execution-id", failed, "--retry-mode", "FAILED_ACTIONS")
server.kill()
server.restart()
delivery.wait_for(failed, "Failed")
eventually("the third build has ended", lambda: len(delivery.builds()) == before + 3)
metadata = delivery.stage("Build")["retryStageMetadata"]
assert metadata == {
    "autoStageRetryAttempt": 1, "manualStageRetryAttempt": 1, "latestRetryTrigger": "ManualStageRetry"}, metadata
assert refused(pipelines.retry_stage_execution, pipelineName="delivery", stageName="Build",
               pipelineExecutionId=second, retryMode="ALL_ACTIONS") == "NotLatestPipelineExecutionException"
runs = pipelines.list_action_executions(
    pipelineName="delivery", filter={"pipelineExecutionId": failed})["actionExecutionDetails"]
assert [(r["actionName"], r["status"]) for r in runs] == [("Compile", "Failed")] * 3 + [("Fetch", "Succeeded")], runs
proved("a retry by hand survives kill -9 and runs exactly once")

# --- conditions -----------------------------------------------------------------------------------------------------------

delivery.create_project("checks", source={"type": "CODEPIPELINE", "buildspec": """\
version: 0.2
phases:
  build:
    commands:
      - grep -q third index.html
"""})
deploy["beforeEntry"] = condition("FAIL", rule("Reviewed", "VariableCheck", {
    "Variable": "#{Fetched.CommitMessage}", "Operator": "CONTAINS", "Value": "reviewed"}))
deploy["onSuccess"] = condition("FAIL", rule("Look", "CodeBuild", {"ProjectName": "checks"}, ["Built"]))
gate = {"name": "Gate", "actions": [action("Ask", "Approval", "Manual", {})], "beforeEntry": condition(
    "SKIP", rule("Asks", "VariableCheck", {
        "Variable": "#{Fetched.CommitMessage}", "Operator": "MATCHES", "Value": ".*please ask.*"}))}
declaration["stages"] = [source, build, gate, deploy]
pipelines.update_pipeline(pipeline=declaration)
types = [t["id"]["provider"] for t in pipelines.list_rule_types()["ruleTypes"]]
assert types == ["CloudWatchAlarm", "CodeBuild", "Commands", "DeploymentWindow", "LambdaInvoke", "VariableCheck"], types

third = delivery.execution_for(delivery.commit_and_push(
    {"buildspec.yml": BUILDSPEC, "message.txt": "third\n"}, "The third commit"))
eventually("the condition is not met", lambda: delivery.status(third) == "Failed")
assert delivery.stage("Gate")["latestExecution"]["status"] == "Skipped", delivery.stage("Gate")
state = delivery.stage("Deploy")["beforeEntryConditionState"]
assert state["latestExecution"]["status"] == "Failed", state
assert "latestExecution" not in delivery.action("Deploy", "Publish") or delivery.published() == "second\n"
proved("a stage is skipped, and another is not entered, because of a commit's message")

server.aws("codepipeline", "override-stage-condition", "--pipeline-name", "delivery", "--stage-name", "Deploy",
           "--pipeline-execution-id", third, "--condition-type", "BEFORE_ENTRY")
delivery.wait_for(third, "Succeeded")
assert delivery.published() == "third\n"
stage = delivery.stage("Deploy")
assert stage["beforeEntryConditionState"]["latestExecution"]["status"] == "Overridden", stage
assert stage["onSuccessConditionState"]["latestExecution"]["status"] == "Succeeded", stage
rules = pipelines.list_rule_executions(
    pipelineName="delivery", filter={"pipelineExecutionId": third})["ruleExecutionDetails"]
assert [(r["ruleName"], r["status"]) for r in rules] == [
    ("Look", "Succeeded"), ("Reviewed", "Failed"), ("Asks", "Failed")], rules
assert rules[0]["output"]["executionResult"]["externalExecutionId"].startswith("checks:"), rules[0]
proved("who overrides the condition lets it in; a build checks what was deployed")

fourth = delivery.execution_for(delivery.commit_and_push({"message.txt": "fourth\n"}, "reviewed: the fourth commit"))
eventually("the check finds the wrong text", lambda: delivery.status(fourth) == "Failed")
assert delivery.stage("Deploy")["onSuccessConditionState"]["latestExecution"]["status"] == "Failed"
proved("a stage whose success is not confirmed has failed")

deploy["onSuccess"] = condition("FAIL", rule("Ask", "LambdaInvoke", {"FunctionName": "check"}))
pipelines.update_pipeline(pipeline=declaration)
fifth = start()
eventually("the function cannot be asked", lambda: delivery.status(fifth) == "Failed")
state = delivery.stage("Deploy")["onSuccessConditionState"]
message = state["conditionStates"][0]["ruleStates"][0]["latestExecution"]["errorDetails"]["message"]
assert state["latestExecution"]["status"] == "Errored" and "lambda:Invoke" in message, state
proved("a rule that needs a service which is not here says so")

for event in server.events():
    assert event["detail_type"] != "CodePipeline Stage Execution State Change" or event["detail"]["state"] in (
        "STARTED", "SUCCEEDED", "FAILED", "RESUMED", "SKIPPED", "CANCELED"), event
states = [(e["detail"].get("stage"), e["detail"]["state"]) for e in server.events()
          if e["detail"].get("execution-id") == failed and "action" not in e["detail"]]
assert states == [
    (None, "STARTED"), ("Source", "STARTED"), ("Source", "SUCCEEDED"), ("Build", "STARTED"),
    ("Build", "FAILED"), ("Build", "RESUMED"), ("Build", "FAILED"), (None, "FAILED"),
    (None, "RESUMED"), ("Build", "RESUMED"), ("Build", "FAILED"), (None, "FAILED")], states
proved("the events tell each of it once and in order")
server.stop()
