"""An action starts another pipeline: at once, or waiting for it; stop and failure pass between them, whatever is killed."""

import json

from delivery import action
from stage import Server, eventually, proved

server = Server().start()
pipelines = server.client("codepipeline")
s3 = server.client("s3")
role = server.role("pipelines", "s3:*")
for bucket in ("sources", "artifacts"):
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
s3.put_bucket_versioning(Bucket="sources", VersioningConfiguration={"Status": "Enabled"})
version = s3.put_object(Bucket="sources", Key="it's \"quoted\".zip", Body=b"x")["VersionId"]


def declared(name, *stages, **more):
    """A pipeline with an S3 source and these stages."""
    source = action("Object", "Source", "S3", {"S3Bucket": "sources", "S3ObjectKey": "it's \"quoted\".zip",
                                               "PollForSourceChanges": "false"}, outputs=["Object"], namespace="Object")
    return {"name": name, "roleArn": role, "artifactStore": {"type": "S3", "location": "artifacts"}, "pipelineType": "V2",
            "stages": [{"name": "Source", "actions": [source]}, *stages], **more}


def invoke(pipeline, **configuration):
    """A stage that starts a pipeline."""
    return {"name": "Invoke", "actions": [
        action("Start", "Invoke", "CodePipeline", {"PipelineName": pipeline, **configuration})]}


def executions(name):
    """All executions, newest first."""
    pages = pipelines.get_paginator("list_pipeline_executions").paginate(pipelineName=name)
    return [e for page in pages for e in page["pipelineExecutionSummaries"]]


def status(name, execution):
    """An execution's status."""
    return pipelines.get_pipeline_execution(
        pipelineName=name, pipelineExecutionId=execution)["pipelineExecution"]["status"]


def started(execution, name="parent"):
    """The action that started the child of an execution."""
    runs = pipelines.list_action_executions(
        pipelineName=name, filter={"pipelineExecutionId": execution})["actionExecutionDetails"]
    return next((r for r in runs if r["actionName"] == "Start"), None)


def child_of(execution):
    """The child's id, when it waits for its approval."""
    def probe():
        run = started(execution)
        child = run and run["output"].get("executionResult", {}).get("externalExecutionId")
        return child if child and token(child) else None
    return eventually("the child waits for its approval", probe)


def token(child):
    """The token of the child's approval."""
    stage = pipelines.get_pipeline_state(name="child")["stageStates"][1]
    latest = stage["actionStates"][0].get("latestExecution", {})
    mine = stage.get("latestExecution", {}).get("pipelineExecutionId") == child
    return latest.get("token") if mine and latest.get("status") == "InProgress" else None


def decide(child, verdict):
    """Decides on the child's approval."""
    pipelines.put_approval_result(pipelineName="child", stageName="Ask", actionName="Ask", token=token(child),
                                  result={"summary": "because", "status": verdict})


ask = {"name": "Ask", "actions": [action("Ask", "Approval", "Manual", {"CustomData": "#{variables.key}"})]}
pipelines.create_pipeline(pipeline=declared("child", ask, variables=[{"name": "key", "defaultValue": "none"}]))
first = eventually("creation starts the child", lambda: executions("child"))[0]["pipelineExecutionId"]
eventually("its approval waits", lambda: token(first))
decide(first, "Approved")

# --- waiting --------------------------------------------------------------------------------------------------------------

variables = json.dumps([{"name": "key", "value": "#{Object.ObjectKey}"}])
revisions = json.dumps([{"actionName": "Object", "revisionType": "S3_OBJECT_VERSION_ID", "revisionValue": version}])
pipelines.create_pipeline(pipeline=declared(
    "parent", invoke("child", Variables=variables, SourceRevisions=revisions, HeadworksWait="true")))
one = eventually("creation starts the parent", lambda: executions("parent"))[0]["pipelineExecutionId"]
child = child_of(one)
server.kill()
server.restart()
given = pipelines.get_pipeline_execution(pipelineName="child", pipelineExecutionId=child)["pipelineExecution"]
assert given["variables"] == [{"name": "key", "resolvedValue": "it's \"quoted\".zip"}], given
assert given["artifactRevisions"][0]["revisionId"] == version, given
assert status("parent", one) == "InProgress"
decide(child, "Approved")
server.kill()
server.restart()
eventually("the parent ends with its child", lambda: status("parent", one) == "Succeeded")
assert status("child", child) == "Succeeded" and len(executions("child")) == 2
proved("an action waits for the execution that it started, with variables and revisions, through kill -9")

two = pipelines.start_pipeline_execution(name="parent")["pipelineExecutionId"]
child = child_of(two)
decide(child, "Rejected")
eventually("the parent fails with its child", lambda: status("parent", two) == "Failed")
error = started(two)["output"]["executionResult"]["errorDetails"]
assert error["code"] == "JobFailed" and child in error["message"] and "ended Failed" in error["message"], error
pipelines.retry_stage_execution(pipelineName="parent", stageName="Invoke", pipelineExecutionId=two,
                                retryMode="FAILED_ACTIONS")
again = eventually("another child", lambda: (c := child_of(two)) != child and c)
pipelines.stop_pipeline_execution(pipelineName="parent", pipelineExecutionId=two, abandon=True)
eventually("the child stops with its parent", lambda: status("child", again) == "Stopped")
assert status("parent", two) == "Stopped"
proved("failure passes up, a retry starts another child, and a stop passes down")

three = pipelines.start_pipeline_execution(name="parent")["pipelineExecutionId"]
child = child_of(three)
pipelines.stop_pipeline_execution(pipelineName="child", pipelineExecutionId=child, abandon=True)
eventually("the parent hears of it", lambda: status("parent", three) == "Failed")
assert "ended Stopped" in started(three)["output"]["executionResult"]["errorDetails"]["message"]
proved("a child that is stopped fails the action that waits for it")

# --- not waiting ----------------------------------------------------------------------------------------------------------

pipelines.create_pipeline(pipeline=declared("starter", invoke("child")))
four = eventually("creation starts it", lambda: executions("starter"))[0]["pipelineExecutionId"]
eventually("it does not wait", lambda: status("starter", four) == "Succeeded")
child = started(four, "starter")["output"]["executionResult"]["externalExecutionId"]
assert status("child", child) == "InProgress"
proved("without HeadworksWait the action ends when the execution has begun, as on AWS")

# --- what cannot be -------------------------------------------------------------------------------------------------------

pipelines.create_pipeline(pipeline=declared("itself", invoke("itself")))
last = eventually("it starts itself no more", lambda: next(
    (e for e in executions("itself") if e["status"] == "Failed"), None), seconds=30)
why = started(last["pipelineExecutionId"], "itself")["output"]["executionResult"]["errorDetails"]["message"]
assert "More than 10 executions" in why, why
assert len(executions("itself")) <= 11, len(executions("itself"))
pipelines.create_pipeline(pipeline=declared("lost", invoke("nowhere")))
lost = eventually("it fails", lambda: next((e for e in executions("lost") if e["status"] == "Failed"), None))
why = started(lost["pipelineExecutionId"], "lost")["output"]["executionResult"]["errorDetails"]
assert why["code"] == "ConfigurationError" and "PipelineNotFoundException" in why["message"], why
v1 = declared("old", invoke("child"))
v1["pipelineType"] = "V1"
for wrong, reason in ((v1, "only supported for pipelines of type V2"),
                      (declared("bad", invoke("child", Variables="x")), "must be a JSON array"),
                      (declared("bad", invoke("child", HeadworksWait="maybe")), "is not one of true, false")):
    try:
        pipelines.create_pipeline(pipeline=wrong)
        raise AssertionError(f"accepted: {wrong}")
    except pipelines.exceptions.ClientError as error:
        assert reason in str(error), error
proved("a pipeline that starts itself comes to an end; what is wrong is refused with a reason")
server.stop()
