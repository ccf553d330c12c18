"""A matrix: one action, many runs side by side, from a list or from a file in an artifact; through kill -9, retry and stop."""

import json
import subprocess
import time

from delivery import Delivery, action
from stage import Gate, Server, binary, eventually, proved

BUILDSPEC = """\
version: 0.2
env:
  shell: bash
  exported-variables: [SAID]
phases:
  build:
    commands:
      - echo "run $N of $HERE begins"
      - if [ "$GATE" = yes ]; then THROUGH; fi
      - test "$N" != "$STUMBLES"
      - export SAID="run $N"
"""

gate = Gate()
server = Server().start()
delivery = Delivery(server).prepare(
    {"buildspec.yml": BUILDSPEC.replace("THROUGH", gate.command), "message.txt": "x", "ci/three.json": '[{"n":"a"},{"n":"b"},{"n":"c"}]',
     "ci/five-hundred.json": json.dumps([str(n) for n in range(500)]),
     "ci/too-many.json": json.dumps([str(n) for n in range(501)]),
     "ci/broken.json": '["1", 2]', "ci/huge.json": json.dumps(["x" * (1 << 20)])},
    project={"environment": {"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0",
                             "computeType": "BUILD_GENERAL1_SMALL",
                             "environmentVariables": [{"name": "HERE", "value": "the project"}]}})
pipelines, codebuild = delivery.codepipeline, delivery.codebuild


def variables(name, **more):
    """The variables of a run, one of them its own value."""
    return json.dumps([{"name": "N", "value": name}, *({"name": k, "value": v} for k, v in more.items())])


def declared(name, *stages):
    """A pipeline with the repository as its source and these stages."""
    [source] = delivery.declaration()["stages"][:1]
    source = json.loads(json.dumps(source))
    source["actions"][0]["outputArtifacts"] = [{"name": "Fetched"}]
    source["actions"][0]["namespace"] = "Fetched"
    return {**delivery.declaration(), "name": name, "pipelineType": "V2", "executionMode": "PARALLEL",
            "stages": [source, *stages]}


def tests(configuration, **more):
    """A stage with one action that builds."""
    return {"name": "Test", "actions": [action(
        "Unit", "Test", "CodeBuild", {"ProjectName": "delivery", **configuration}, ["Fetched"], **more)]}


def runs(pipeline, execution, stage="Test"):
    """The action executions of a stage by name, the newest of each."""
    page = pipelines.get_paginator("list_action_executions").paginate(
        pipelineName=pipeline, filter={"latestInPipelineExecution": {
            "pipelineExecutionId": execution, "startTimeRange": "Latest"}})
    details = [run for answer in page for run in answer["actionExecutionDetails"]]
    return {run["actionName"]: run for run in details if run["stageName"] == stage}


def status(pipeline, execution):
    """The status of an execution."""
    return pipelines.get_pipeline_execution(
        pipelineName=pipeline, pipelineExecutionId=execution)["pipelineExecution"]["status"]


def begin(declaration):
    """Makes a pipeline; the execution that this starts."""
    pipelines.create_pipeline(pipeline=declaration)
    summaries = lambda: pipelines.list_pipeline_executions(
        pipelineName=declaration["name"])["pipelineExecutionSummaries"]
    return eventually("the first execution", summaries)[0]["pipelineExecutionId"]


def ended(pipeline, execution, wanted, seconds=120):
    """Waits for the end of an execution."""
    last = eventually(f"{pipeline} ends", lambda: (s := status(pipeline, execution)) not in ("InProgress", "Stopping") and s,
                      seconds=seconds)
    assert last == wanted, (last, wanted, [(n, r["status"]) for n, r in runs(pipeline, execution).items()])


# --- twenty at once, and kill -9 ------------------------------------------------------------------------------------------

twenty = json.dumps({"os": ["a", "b", "c", "d"], "v": ["1", "2", "3", "4", "5"]})
report = {"name": "Report", "actions": [action("Tell", "Build", "CodeBuild", {
    "ProjectName": "delivery", "EnvironmentVariables": json.dumps([{"name": "ALL", "value": "#{Unit.SAID}"}, {"name": "N", "value": "last"}])}, ["Fetched"])]}
first = begin(declared("twenty", tests(
    {"HeadworksMatrix": twenty, "EnvironmentVariables": variables("#{matrix.os}#{matrix.v}", GATE="yes")},
    namespace="Unit"), report))
names = [f"Unit@{n}" for n in range(1, 21)]


def builds(execution, pipeline="twenty"):
    """The builds of the runs, in order."""
    found = runs(pipeline, execution)
    ids = [found[n]["output"].get("executionResult", {}).get("externalExecutionId") for n in names if n in found]
    if len(ids) < 20 or not all(ids):
        return None
    known = {build["id"]: build for build in codebuild.batch_get_builds(ids=ids)["builds"]}
    return [known[id] for id in ids]


def building(build):
    """When a build's own commands began and ended."""
    [phase] = [p for p in build["phases"] if p["phaseType"] == "BUILD"]
    return phase["startTime"], phase.get("endTime")


eventually("twenty builds are at their commands at one moment", lambda: (all_ := builds(first)) and all(
    b["currentPhase"] == "BUILD" for b in all_), seconds=100)
assert sorted(runs("twenty", first)) == sorted(names)
server.kill()
server.restart()
gate.open()
ended("twenty", first, "Succeeded", seconds=150)
done = builds(first)
begun, finished = zip(*(building(build) for build in done))
assert max(begun) < min(finished), "a moment at which all of them ran"
own = [next(v["value"] for v in b["environment"]["environmentVariables"] if v["name"] == "N") for b in done]
assert own == [f"{os}{v}" for os in "abcd" for v in "12345"], own
said = runs("twenty", first, "Report")["Tell"]["input"]["resolvedConfiguration"]["EnvironmentVariables"]
assert json.loads(json.loads(said)[0]["value"]) == [f"run {n}" for n in own], said
assert len(codebuild.list_builds_for_project(projectName="delivery")["ids"]) == 21, "none ran twice, none is missing"
told = server.aws("codepipeline", "get-pipeline-execution", "--pipeline-name", "twenty", "--pipeline-execution-id", first)
assert told["pipelineExecution"]["status"] == "Succeeded"
cells = [json.loads(runs("twenty", first)[n]["input"]["resolvedConfiguration"]["HeadworksMatrix"]) for n in names]
assert cells[0] == {"os": "a", "v": "1"} and cells[19] == {"os": "d", "v": "5"}, cells
proved("twenty runs of one action build at the same time, each with its own values, through kill -9; a later action has all they said")



def headworks(*words):
    """What `headworks pipeline` prints."""
    done = subprocess.run([binary(), "pipeline", *words], env=server.environment(), capture_output=True, text=True)
    return done.stdout


shown = headworks("watch", "twenty", first)
assert all(f"Test/{name}: Succeeded" in shown for name in names), shown

# --- a file, a failure, a retry -------------------------------------------------------------------------------------------

files = begin({**declared("files", tests(
    {"HeadworksMatrixFile": "Fetched::ci/three.json", "EnvironmentVariables": variables("#{matrix.n}", STUMBLES="b")})),
    "executionMode": "SUPERSEDED"})
ended("files", files, "Failed")
before = runs("files", files)
assert {n: r["status"] for n, r in before.items()} == {
    "Unit": "Succeeded", "Unit@1": "Succeeded", "Unit@2": "Failed", "Unit@3": "Succeeded"}, before
stage = pipelines.get_pipeline_state(name="files")["stageStates"][1]
assert [a["actionName"] for a in stage["actionStates"]] == ["Unit", "Unit@1", "Unit@2", "Unit@3"], stage
assert len({a["latestExecution"]["actionExecutionId"] for a in stage["actionStates"]}) == 4
drawn = headworks("graph", "files")
assert "  1. Unit@1 (CodeBuild): Succeeded\n  1. Unit@2 (CodeBuild): Failed\n  1. Unit@3" in drawn, drawn
proved("graph and watch show the runs")
server.aws("codepipeline", "retry-stage-execution", "--pipeline-name", "files", "--stage-name", "Test",
           "--pipeline-execution-id", files, "--retry-mode", "FAILED_ACTIONS")
eventually("the retry has begun", lambda: runs("files", files)["Unit@2"]["actionExecutionId"] != before["Unit@2"]["actionExecutionId"])
ended("files", files, "Failed")
after = runs("files", files)
same = [n for n in before if before[n]["actionExecutionId"] == after[n]["actionExecutionId"]]
assert same == [n for n in before if n != "Unit@2"], same
cell = lambda run: run["input"]["resolvedConfiguration"]["HeadworksMatrix"]
assert cell(before["Unit@2"]) == cell(after["Unit@2"]) == '{"n":"b"}'
proved("a matrix comes from a file of an artifact; the others end when one fails, and a retry repeats that one alone")

for file, why in (("ci/none.json", "has no file ci/none.json"), ("ci/broken.json", "item 2 of the matrix must be a text, not a number"),
                  ("ci/too-many.json", "it has 501 runs, which is more than the maximum of 500"),
                  ("ci/huge.json", "more than 1048576 bytes")):
    name = file.split("/")[1].split(".")[0]
    bad = begin(declared(name, tests({"HeadworksMatrixFile": f"Fetched::{file}"})))
    ended(name, bad, "Failed")
    error = runs(name, bad)["Unit"]["output"]["executionResult"]["errorDetails"]
    assert error["code"] == "ConfigurationError" and why in error["message"], error
proved("a file that is missing, huge or no matrix fails the action and says why")

# --- five hundred ---------------------------------------------------------------------------------------------------------

pipelines.create_custom_action_type(category="Build", provider="Nobody", version="1",
                                    inputArtifactDetails={"minimumCount": 0, "maximumCount": 1},
                                    outputArtifactDetails={"minimumCount": 0, "maximumCount": 0})
wide = action("Wide", "Build", "Nobody", {"HeadworksMatrixFile": "Fetched::ci/five-hundred.json"}, ["Fetched"])
wide["actionTypeId"]["owner"] = "Custom"
many = begin(declared("many", {"name": "Test", "actions": [wide]}))
at = time.monotonic()
eventually("five hundred runs", lambda: len(runs("many", many)) == 501, seconds=180)
print(f"500 runs began within {time.monotonic() - at:.1f} s")
pipelines.stop_pipeline_execution(pipelineName="many", pipelineExecutionId=many, abandon=True)
ended("many", many, "Stopped")
assert sum(r["status"] == "Abandoned" for r in runs("many", many).values()) == 500
proved("five hundred runs begin, and a stop ends them all")

lists = lambda a, b: json.dumps({"a": [str(n) for n in range(a)], "b": [f"{n:x}" for n in range(b)]}, separators=(",", ":"))
held = {"name": "Ask", "actions": [action("Ask", "Approval", "Manual", {})]}
pipelines.create_pipeline(pipeline=declared("held", held, tests({"HeadworksMatrix": lists(4, 125)})))
out = tests({"HeadworksMatrix": '["1"]'}, outputs=["Made"])
for wrong, reason in (
    (tests({"HeadworksMatrix": lists(3, 167)}), "it has 501 runs, which is more than the maximum of 500"),
    (tests({"HeadworksMatrix": "[]"}), "the list is empty"),
    (tests({"HeadworksMatrix": '["1","1"]'}), "run 2 has the same values as run 1"),
    (tests({"HeadworksMatrix": '["1"]', "HeadworksMatrixFile": "Fetched::x"}), "not both"),
    (tests({"HeadworksMatrix": '["1"]', "HeadworksMatrixLimit": "2"}), "HeadworksMatrixLimit"),
    (tests({"HeadworksMatrixFile": "Elsewhere::x"}), "one of the action's input artifacts"),
    (out, "declares output artifacts, which is not available"),
):
    try:
        pipelines.create_pipeline(pipeline=declared("bad", wrong))
        raise AssertionError(f"accepted: {wrong}")
    except pipelines.exceptions.ClientError as error:
        assert reason in str(error), error
proved("five hundred runs are accepted, five hundred and one are refused, and whatever cannot be a matrix says why")
server.stop()
