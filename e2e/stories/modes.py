"""The execution modes QUEUED and PARALLEL, by the aws CLI and boto3: queues, executions side by side, their approvals, limits and
refusals, and what becomes of executions when a pipeline changes its mode."""

import json

from delivery import Delivery, action
from stage import Server, eventually, proved

server = Server(settings={"HEADWORKS_LIMITS_EXECUTIONS": "4"}).start()
delivery = Delivery(server).prepare()
pipelines = delivery.codepipeline


def declaration(mode: str) -> dict:
    declared = delivery.declaration("modes")
    source, _, deploy = declared["stages"]
    deploy["actions"][0]["inputArtifacts"] = [{"name": "Fetched"}]
    approve = {"name": "Approve", "actions": [action("Ok", "Approval", "Manual", {})]}
    return {**declared, "pipelineType": "V2", "executionMode": mode, "stages": [source, approve, deploy]}


def start(**more) -> str:
    return pipelines.start_pipeline_execution(name="modes", **more)["pipelineExecutionId"]


def stage(name: str) -> dict:
    states = pipelines.get_pipeline_state(name="modes")["stageStates"]
    return next(s for s in states if s["stageName"] == name)


def waiting(name: str) -> list[str]:
    return [e["pipelineExecutionId"] for e in stage(name).get("inboundExecutions", [])]


def decide(token: str, status: str = "Approved"):
    pipelines.put_approval_result(pipelineName="modes", stageName="Approve", actionName="Ok", token=token,
                                  result={"summary": "story", "status": status})


def refused(call, *arguments, **named) -> str:
    try:
        call(*arguments, **named)
    except pipelines.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
    raise AssertionError(f"{call} was not refused")


first_type = declaration("QUEUED") | {"pipelineType": "V1"}
assert refused(pipelines.create_pipeline, pipeline=first_type) == "InvalidStructureException"
created = pipelines.create_pipeline(pipeline=declaration("QUEUED"))["pipeline"]
assert created["executionMode"] == "QUEUED", created
first = eventually("the first execution", lambda: delivery.executions("modes"))[0]["pipelineExecutionId"]
queue = [start(), start(), start(clientRequestToken="fourth")]
try:
    start()
    raise AssertionError("a fifth execution was taken")
except pipelines.exceptions.ConcurrentPipelineExecutionsLimitExceededException as error:
    assert "limit of 4" in str(error), error
assert start(clientRequestToken="fourth") == queue[2]
eventually("all wait for the approval", lambda: waiting("Approve") == queue)
state = stage("Approve")
assert state["inboundExecution"]["pipelineExecutionId"] == queue[0], state
assert state["latestExecution"]["pipelineExecutionId"] == first, state
assert not any(e["status"] == "Superseded" for e in delivery.executions("modes"))
proved("in mode QUEUED executions wait in their order, none is superseded, and a fifth of four is refused as modelled")

server.aws("codepipeline", "stop-pipeline-execution", "--pipeline-name", "modes", "--pipeline-execution-id", queue[1],
           "--reason", "not needed")
assert waiting("Approve") == [queue[0], queue[2]]
assert delivery.status(queue[1], "modes") == "Stopped"
for execution in (first, queue[0]):
    def token():
        latest = stage("Approve")
        run = latest["actionStates"][0].get("latestExecution", {})
        return latest["latestExecution"]["pipelineExecutionId"] == execution and run.get("token")
    decide(eventually(f"{execution} asks", token))
    delivery.wait_for(execution, "Succeeded", pipeline="modes")
proved("one that waits is stopped at once; the others go on one by one")

server.aws("codepipeline", "update-pipeline", "--pipeline", json.dumps(declaration("PARALLEL")))
# An approval is an action in progress: the execution ends when it does.
run = stage("Approve")["actionStates"][0]
assert "latestExecution" not in run, "mode PARALLEL has no state of its stages"
decide_by = {d["pipelineExecutionId"]: d for d in pipelines.list_action_executions(pipelineName="modes")[
    "actionExecutionDetails"] if d["actionName"] == "Ok" and d["status"] == "InProgress"}
assert list(decide_by) == [queue[2]], decide_by
server.aws("codepipeline", "stop-pipeline-execution", "--pipeline-name", "modes", "--pipeline-execution-id", queue[2],
           "--abandon")
assert refused(pipelines.disable_stage_transition, pipelineName="modes", stageName="Approve", transitionType="Inbound",
               reason="freeze") == "ValidationException"
assert refused(pipelines.rollback_stage, pipelineName="modes", stageName="Deploy",
               targetPipelineExecutionId=first) == "UnableToRollbackStageException"
beside = [start(), start(), start()]


def asking() -> dict[str, str]:
    details = pipelines.list_action_executions(pipelineName="modes")["actionExecutionDetails"]
    return {d["pipelineExecutionId"]: d["output"]["executionResult"]["externalExecutionId"]
            for d in details if d["actionName"] == "Ok" and d["status"] == "InProgress"}


eventually("all three ask at the same time", lambda: set(asking()) == set(beside))
tokens = asking()
server.kill()
server.restart()
decide(tokens[beside[2]])
delivery.wait_for(beside[2], "Succeeded", pipeline="modes")
assert refused(decide, tokens[beside[2]]) == "ApprovalAlreadyCompletedException"
decide(tokens[beside[0]], "Rejected")
assert delivery.status(beside[0], "modes") == "Failed"
server.aws("codepipeline", "retry-stage-execution", "--pipeline-name", "modes", "--stage-name", "Approve",
           "--pipeline-execution-id", beside[0], "--retry-mode", "FAILED_ACTIONS")
proved("in mode PARALLEL executions go side by side, are approved by their external ids and retried whoever came later")

pipelines.update_pipeline(pipeline=declaration("SUPERSEDED"))
again = asking()
assert set(again) == {beside[0], beside[1]}, again
for execution, token in again.items():
    decide(token)
    delivery.wait_for(execution, "Succeeded", pipeline="modes")
modes = [e["executionMode"] for e in delivery.executions("modes")]
assert modes == ["PARALLEL"] * 3 + ["QUEUED"] * 4, modes
proved("executions of mode PARALLEL go on when their pipeline changes its mode")
server.stop()
