"""An action starts another pipeline: at once, or waiting for it; stop and failure pass between them, whatever is killed."""

import io
import json
import zipfile

from delivery import action
from stage import Server, eventually, proved

server = Server().start()
pipelines = server.client("codepipeline")
s3 = server.client("s3")
role = server.role("pipelines", "s3:*", "codepipeline:StartPipelineExecution")
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
assert child_of(two) == child, "the same child goes on"
assert status("child", child) == "InProgress" and status("parent", two) == "InProgress"
decide(child, "Rejected")
eventually("the parent fails with its child again", lambda: status("parent", two) == "Failed")
pipelines.retry_stage_execution(pipelineName="child", stageName="Ask", pipelineExecutionId=child,
                                retryMode="FAILED_ACTIONS")
eventually("the child asks again", lambda: token(child))
decide(child, "Approved")
eventually("the child goes its own way", lambda: status("child", child) == "Succeeded")
assert status("parent", two) == "Failed"
proved("the retry of a failed action tries its child again; a child that is retried by hand does not change its parent")

pipelines.retry_stage_execution(pipelineName="parent", stageName="Invoke", pipelineExecutionId=two,
                                retryMode="FAILED_ACTIONS")
again = eventually("another child", lambda: (c := child_of(two)) != child and c)
pipelines.stop_pipeline_execution(pipelineName="parent", pipelineExecutionId=two, abandon=True)
eventually("the child stops with its parent", lambda: status("child", again) == "Stopped")
assert status("parent", two) == "Stopped"
proved("failure passes up, a retry starts another child when the first has not failed, and a stop passes down")

gentle = pipelines.start_pipeline_execution(name="parent")["pipelineExecutionId"]
child = child_of(gentle)
pipelines.stop_pipeline_execution(pipelineName="parent", pipelineExecutionId=gentle, abandon=False)
eventually("the child is asked to stop, too", lambda: status("child", child) == "Stopping")
assert status("parent", gentle) == "Stopping"
decide(child, "Approved")
eventually("both stop when the child's action has ended", lambda: status("parent", gentle) == "Stopped")
assert status("child", child) == "Stopped"
proved("a stop that waits passes down, and waits for what the child is at")

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
    (e for e in executions("itself") if e["status"] == "Failed"), None))
why = started(last["pipelineExecutionId"], "itself")["output"]["executionResult"]["errorDetails"]["message"]
assert "More than 10 executions" in why, why
assert len(executions("itself")) <= 11, len(executions("itself"))
pipelines.create_pipeline(pipeline=declared("mirror", invoke("mirror", HeadworksWait="true")))
stuck = eventually("it fails", lambda: next((e for e in executions("mirror") if e["status"] == "Failed"), None))
why = started(stuck["pipelineExecutionId"], "mirror")["output"]["executionResult"]["errorDetails"]["message"]
assert "would wait for the one that waits for it" in why and len(executions("mirror")) == 1, why
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

# --- definitions from an artifact -----------------------------------------------------------------------------------------


def packed(parent, /, **files):
    """The object from which a parent has its definitions."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in files.items():
            archive.writestr(f"plans/{name}.json", text if isinstance(text, str) else json.dumps(text))
    s3.put_object(Bucket="sources", Key=f"{parent}.zip", Body=content.getvalue())


def plan(*stages, **more):
    """A definition without what its parent gives."""
    whole = declared("x", *stages, **more)
    return {key: value for key, value in whole.items() if key not in ("name", "roleArn", "artifactStore", "pipelineType")}


def maker(name, place="Object::plans/child.json", **more):
    """A pipeline that runs what its source defines."""
    start = action("Start", "Invoke", "CodePipeline", {"HeadworksDefinition": place, **more}, ["Object"])
    whole = declared(name, {"name": "Invoke", "actions": [start]})
    whole["stages"][0]["actions"][0]["configuration"]["S3ObjectKey"] = f"{name}.zip"
    return whole


def begin(declaration):
    """Makes a pipeline; the execution that this starts."""
    pipelines.create_pipeline(pipeline=declaration)
    return eventually("the first execution", lambda: executions(declaration["name"]))[0]["pipelineExecutionId"]


def steps(name, execution):
    """The action executions of an execution, newest first."""
    return pipelines.list_action_executions(
        pipelineName=name, filter={"pipelineExecutionId": execution})["actionExecutionDetails"]


def made(name, execution, run="Start"):
    """The id of the child that an action has started, when it waits for its approval, and the approval's token."""
    def probe():
        found = next((s for s in steps(name, execution) if s["actionName"] == run), None)
        assert not found or found["status"] == "InProgress", found
        child = found and found["output"].get("executionResult", {}).get("externalExecutionId")
        if not child:
            return None
        asked = next((s for s in steps(f"{name}@{run}", child) if s["actionName"] == "Ask"), None)
        waits = asked and asked["status"] == "InProgress"
        return (child, asked["output"]["executionResult"]["externalExecutionId"]) if waits else None
    return eventually(f"{run} of {name} waits for its child", probe)


def answer(name, key, verdict="Approved"):
    """Decides on a child's approval."""
    pipelines.put_approval_result(pipelineName=name, stageName="Ask", actionName="Ask", token=key,
                                  result={"summary": "because", "status": verdict})


asks = {"name": "Ask", "actions": [action("Ask", "Approval", "Manual", {})]}
packed("maker", child=plan(asks))
one = begin(maker("maker"))
child, key = made("maker", one)
server.kill()
server.restart()
definition = pipelines.get_pipeline(name="maker@Start")["pipeline"]
assert (definition["roleArn"], definition["artifactStore"]["location"]) == (role, "artifacts"), definition
assert (definition["version"], definition["executionMode"], definition["pipelineType"]) == (1, "PARALLEL", "V2"), definition
assert [e["pipelineExecutionId"] for e in executions("maker@Start")] == [child]
seen = pipelines.get_pipeline_state(name="maker")["stageStates"][1]["actionStates"][0]["latestExecution"]
assert seen["externalExecutionId"] == child and f"pipelines/maker@Start/executions/{child}" in seen["externalExecutionUrl"], seen
assert pipelines.get_pipeline_state(name="maker@Start")["stageStates"][1]["stageName"] == "Ask"
answer("maker@Start", key, "Rejected")
eventually("failure passes up", lambda: status("maker", one) == "Failed")
pipelines.retry_stage_execution(pipelineName="maker", stageName="Invoke", pipelineExecutionId=one, retryMode="FAILED_ACTIONS")
same, key = made("maker", one)
assert same == child, (same, child)
answer("maker@Start", key)
eventually("the parent ends with its child", lambda: status("maker", one) == "Succeeded")
two = pipelines.start_pipeline_execution(name="maker")["pipelineExecutionId"]
child, key = made("maker", two)
assert pipelines.get_pipeline(name="maker@Start")["pipeline"]["version"] == 1, "the same definition"
answer("maker@Start", key)
eventually("the second one ends", lambda: status("maker", two) == "Succeeded")
packed("maker", child=plan(asks, {**asks, "name": "Again"}))
three = eventually("the new object starts the parent", lambda: (e := executions("maker")[0]["pipelineExecutionId"]) != two and e)
other, other_key = made("maker", three)
assert pipelines.get_pipeline(name="maker@Start")["pipeline"]["version"] == 2, "another definition"
pipelines.stop_pipeline_execution(pipelineName="maker", pipelineExecutionId=three, abandon=True)
eventually("the child stops with its parent", lambda: status("maker@Start", other) == "Stopped")
proved("an artifact brings a pipeline along, which runs as a child: stop, retry and failure pass, through kill -9")

packed("fan", a=plan(asks), b=plan(asks, executionMode="QUEUED"))
fan = begin(maker("fan", "Object::plans/#{matrix.value}.json", HeadworksMatrix='["a","b"]'))
for n in ("1", "2"):
    found = eventually("the child", lambda: executions(f"fan@Start@{n}") if f"fan@Start@{n}" in [
        p["name"] for p in pipelines.list_pipelines()["pipelines"]] else None)
    assert len(found) == 1, found
assert pipelines.get_pipeline(name="fan@Start@2")["pipeline"]["executionMode"] == "QUEUED"
pipelines.stop_pipeline_execution(pipelineName="fan", pipelineExecutionId=fan, abandon=True)
for n in ("1", "2"):
    eventually("all children stop", lambda: executions(f"fan@Start@{n}")[0]["status"] == "Stopped")
proved("a matrix runs as many children as it has values")

again = action("Start", "Invoke", "CodePipeline", {"HeadworksDefinition": "Object::plans/child.json"}, ["Object"])
itself = plan({"name": "Invoke", "actions": [again]})
itself["stages"][0]["actions"][0]["configuration"]["S3ObjectKey"] = "loop.zip"
packed("loop", child=itself)
loop = begin(maker("loop"))
eventually("it ends", lambda: status("loop", loop) == "Failed", seconds=60)
deepest = "loop" + 10 * "@Start"
error = next(s for s in steps(deepest, executions(deepest)[0]["pipelineExecutionId"]) if s["actionName"] == "Start")
assert "More than 10 executions" in error["output"]["executionResult"]["errorDetails"]["message"], error
pipelines.create_pipeline(pipeline=declared("taken@Start", ask, variables=[{"name": "key", "defaultValue": "none"}]))
trigger = {"providerType": "CodeStarSourceConnection", "gitConfiguration": {"sourceActionName": "Object"}}
foreign = server.role("foreign", "s3:*")
for name, text, reason in (
    ("taken", plan(asks), "PipelineNameInUseException"),
    ("foreign", {**plan(asks), "roleArn": foreign}, "no other than its parent's"),
    ("triggered", plan(asks, triggers=[trigger]), "it has triggers"),
    ("named", {**plan(asks), "name": "mine"}, "leave it out"),
    ("alone", plan(), "minimum of 2 stages"),
    ("broken", "{\"stages\": [", "line"),
    ("huge", " " * (1 << 21), "more than 1048576 bytes"),
):
    packed(name, child=text)
    bad = begin(maker(name))
    eventually(f"{name} fails", lambda: status(name, bad) == "Failed")
    why = steps(name, bad)[0]["output"]["executionResult"]["errorDetails"]
    assert why["code"] == "ConfigurationError" and reason in why["message"], (name, why)
    if name != "taken":
        assert f"{name}@Start" not in [p["name"] for p in pipelines.list_pipelines()["pipelines"]], name
assert pipelines.get_pipeline(name="taken@Start")["pipeline"]["version"] == 1
try:
    pipelines.create_pipeline(pipeline=maker("both", PipelineName="child"))
    raise AssertionError("accepted")
except pipelines.exceptions.ClientError as error:
    assert "not both" in str(error), error
proved("a definition gets no other role, no trigger and no other's name; one that emits itself comes to an end")
server.stop()
