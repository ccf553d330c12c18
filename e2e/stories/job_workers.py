"""Custom actions: jobs for workers, by boto3, the aws CLI and `headworks worker`, with `kill -9` at every moment."""

import io
import json
import os
import signal
import subprocess
import time
import zipfile

import boto3

from delivery import ARTIFACTS, Delivery, action
from stage import REGION, Server, binary, eventually, files_under, proved

server = Server().start()
delivery = Delivery(server).prepare()
pipelines = delivery.codepipeline


def custom(name, provider, configuration, inputs=(), outputs=(), category="Build", **more):
    """An action of a custom type."""
    declared = action(name, category, provider, configuration, inputs, outputs, **more)
    declared["actionTypeId"]["owner"] = "Custom"
    return declared


def pipeline(name, *actions, source=None):
    """A pipeline with one stage of work."""
    source = source or delivery.declaration()["stages"][0]
    return {"name": name, "roleArn": delivery.role, "artifactStore": {"type": "S3", "location": ARTIFACTS},
            "stages": [source, {"name": "Work", "actions": list(actions)}]}


def latest(name, stage="Work", number=0):
    """The latest run of an action."""
    states = pipelines.get_pipeline_state(name=name)["stageStates"]
    found = next(state for state in states if state["stageName"] == stage)
    return found["actionStates"][number].get("latestExecution", {})


def refused(call, **arguments):
    """The code of the error that a call gives."""
    try:
        call(**arguments)
    except pipelines.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
    raise AssertionError(f"{call} was not refused: {arguments}")


def poll(provider, **more):
    """The one job that is handed out."""
    kind = {"category": "Build", "owner": "Custom", "provider": provider, "version": "1"}
    return eventually(f"a job of {provider}", lambda: pipelines.poll_for_jobs(actionTypeId=kind, **more)["jobs"])[0]


def zipped(**files):
    """A zip with these entries."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return data.getvalue()


# --- a worker in Python, with kill -9 of the server ---------------------------------------------------------------------

server.aws("codepipeline", "create-custom-action-type", "--category", "Build", "--provider", "Python",
           "--action-version", "1",
           "--configuration-properties", json.dumps([
               {"name": "Place", "required": True, "key": True, "secret": False, "queryable": True},
               {"name": "Token", "required": True, "key": False, "secret": True}]),
           "--settings", json.dumps({
               "entityUrlTemplate": "https://ci.example/{Config:Place}",
               "executionUrlTemplate": "https://ci.example/{Config:Place}/{ExternalExecutionId}"}),
           "--input-artifact-details", "minimumCount=1,maximumCount=1",
           "--output-artifact-details", "minimumCount=1,maximumCount=1")
listed = server.aws("codepipeline", "list-action-types", "--action-owner-filter", "Custom")["actionTypes"]
assert [t["id"]["provider"] for t in listed] == ["Python"], listed
hostile = "$(touch /tmp/hostile) `id`"
assert refused(pipelines.create_pipeline, pipeline=pipeline("python", custom(
    "Make", "Python", {"Place": hostile, "Token": "t"}, ["Fetched"], ["Made"]))) == "InvalidActionDeclarationException"
created = pipelines.create_pipeline(pipeline=pipeline("python", custom(
    "Make", "Python", {"Place": "lab", "Token": "hunter2"}, ["Fetched"], ["Made"], namespace="Made")))["pipeline"]
assert created["stages"][1]["actions"][0]["configuration"] == {"Place": "lab", "Token": "****"}, created
# Its job is nobody's here.
initial = delivery.executions("python")[0]["pipelineExecutionId"]
pipelines.stop_pipeline_execution(pipelineName="python", pipelineExecutionId=initial, abandon=True)
delivery.wait_for(initial, "Stopped", pipeline="python")
shown = pipelines.get_pipeline(name="python")["pipeline"]
assert "hunter2" not in json.dumps(shown), shown
pipelines.update_pipeline(pipeline=shown)
execution = pipelines.start_pipeline_execution(name="python")["pipelineExecutionId"]

lab = {"queryParam": {"Place": "lab"}}
first = poll("Python", **lab)
server.kill()
server.restart()
kind = first["data"]["actionTypeId"]
assert pipelines.poll_for_jobs(actionTypeId=kind, **lab)["jobs"] == [], "it is the first worker's still"
assert refused(pipelines.poll_for_jobs, actionTypeId=kind) == "ValidationException", "the queryable property must be given"
acknowledged = pipelines.acknowledge_job(jobId=first["id"], nonce=first["nonce"])
assert acknowledged["status"] == "InProgress", acknowledged
assert refused(pipelines.acknowledge_job, jobId=first["id"], nonce="0") == "InvalidNonceException"
server.kill()
server.restart()
data = pipelines.get_job_details(jobId=first["id"])["jobDetails"]["data"]
assert data["actionConfiguration"]["configuration"] == {"Place": "lab", "Token": "hunter2"}, data
assert data["pipelineContext"]["pipelineExecutionId"] == execution, data
proved("kill -9 between hand-out, acknowledgement and result loses no job and hands none out twice; secrets come back")

keys = data["artifactCredentials"]
theirs = boto3.client("s3", endpoint_url=server.endpoint, region_name=REGION, aws_access_key_id=keys["accessKeyId"],
                      aws_secret_access_key=keys["secretAccessKey"], aws_session_token=keys["sessionToken"])
there, made = (data[kind][0]["location"]["s3Location"] for kind in ("inputArtifacts", "outputArtifacts"))
content = theirs.get_object(Bucket=there["bucketName"], Key=there["objectKey"])["Body"].read()
assert "message.txt" in zipfile.ZipFile(io.BytesIO(content)).namelist()
theirs.put_object(Bucket=made["bucketName"], Key=made["objectKey"], Body=zipped(result="by hand"))
for call, arguments in [
    (theirs.put_object, {"Bucket": there["bucketName"], "Key": there["objectKey"], "Body": b"x"}),
    (theirs.list_objects_v2, {"Bucket": ARTIFACTS}),
    (theirs.get_object, {"Bucket": ARTIFACTS, "Key": "something/else"}),
]:
    assert refused(call, **arguments) == "AccessDenied", call
proved("a job's credentials read its inputs, write its outputs, and do nothing else")

pipelines.put_job_success_result(jobId=first["id"], continuationToken="half", executionDetails={
    "externalExecutionId": "42", "summary": "Half done", "percentComplete": 50})
assert latest("python")["externalExecutionUrl"] == "https://ci.example/lab/42", latest("python")
assert latest("python")["percentComplete"] == 50, latest("python")
second = poll("Python", **lab)
assert second["data"]["continuationToken"] == "half" and second["id"] != first["id"], second
assert refused(pipelines.put_job_success_result, jobId=first["id"]) == "InvalidJobStateException"
assert refused(pipelines.put_job_success_result, jobId=second["id"]) == "InvalidJobStateException"
pipelines.acknowledge_job(jobId=second["id"], nonce=second["nonce"])
pipelines.put_job_success_result(jobId=second["id"], outputVariables={"Url": "https://made.example"})
assert refused(pipelines.put_job_success_result, jobId=second["id"]) == "InvalidJobStateException"
delivery.wait_for(execution, "Succeeded", pipeline="python")
[run] = [r for r in pipelines.list_action_executions(pipelineName="python", filter={
    "pipelineExecutionId": execution})["actionExecutionDetails"] if r["actionName"] == "Make"]
assert run["output"]["outputVariables"] == {"Url": "https://made.example"}, run
assert run["input"]["resolvedConfiguration"]["Token"] == "****", run
assert refused(theirs.get_object, Bucket=there["bucketName"], Key=there["objectKey"]) in (
    "InvalidAccessKeyId", "AccessDenied", "ExpiredToken", "InvalidToken"), "the credentials end with the job"
assert refused(pipelines.poll_for_third_party_jobs, actionTypeId={
    "category": "Test", "owner": "ThirdParty", "provider": "X", "version": "1"}) == "ActionTypeNotFoundException"
proved("continuation tokens, output variables and results that count once")

waiting = pipelines.start_pipeline_execution(name="python")["pipelineExecutionId"]
begun = time.monotonic()
forgotten = poll("Python", **lab)

# --- headworks worker ---------------------------------------------------------------------------------------------------

SCRIPT = server.folder / "work.sh"
SCRIPT.write_text("""\
#!/bin/sh
set -eu
echo "working on $HEADWORKS_PIPELINE $HEADWORKS_ACTION"
printf '%s' "$HEADWORKS_CONFIG_TEXT" > "$HEADWORKS_OUTPUT_MADE/text"
cp message.txt "$HEADWORKS_OUTPUT_MADE/"
echo "Length=$(printf '%s' "$HEADWORKS_CONFIG_TEXT" | wc -c)" >> "$HEADWORKS_VARIABLES"
case "$HEADWORKS_CONFIG_HOW" in
  fail) echo "it went wrong" >&2; exit 3 ;;
  hang) echo $$ > "$HEADWORKS_CONFIG_TEXT"; exec sleep 600 ;;
esac
""")
SCRIPT.chmod(0o755)
workers = []


def worker(*flags):
    """Starts a worker; it ends with the story."""
    log = open(server.folder / "worker.log", "ab")
    command = [str(binary()), "worker", "--data", str(server.data), "--region", REGION, "--category", "Build", "--provider", "Script",
               "--work", str(server.folder / "work"), *flags, "--", str(SCRIPT)]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                               env={**os.environ, "HOME": str(server.home)})
    workers.append(process)
    return process


def said():
    """What the workers have printed."""
    return (server.folder / "worker.log").read_text(errors="replace")


def script(name, how, text):
    """A pipeline with one action of the worker, and its first execution."""
    pipelines.create_pipeline(pipeline=pipeline(name, custom(
        "Run", "Script", {"How": how, "Text": text}, ["Fetched"], ["Made"])))
    return eventually("the first execution", lambda: delivery.executions(name))[0]["pipelineExecutionId"]


process = worker("--register", "--property", "How:required", "--property", "Text:required", "--jobs", "4", "--every", "1")
eventually("the worker has registered its type", lambda: "working for Build/Script/1" in said())
text = "$(touch /tmp/hostile); `id` \" ' \\ #{not a variable"
good = script("good", "succeed", text)
server.kill()
server.restart()
delivery.wait_for(good, "Succeeded", pipeline="good")
[run] = [r for r in pipelines.list_action_executions(pipelineName="good")["actionExecutionDetails"] if r["actionName"] == "Run"]
assert run["output"]["outputVariables"] == {"Length": str(len(text))}, run
place = run["output"]["outputArtifacts"][0]["s3location"]
archive = zipfile.ZipFile(io.BytesIO(delivery.s3.get_object(Bucket=place["bucket"], Key=place["key"])["Body"].read()))
assert archive.read("text").decode() == text and archive.read("message.txt") == b"first\n", archive.namelist()
assert not os.path.exists("/tmp/hostile"), "no value is a command"
proved("headworks worker runs a command per job, and what a pipeline says is no part of it")

bad = script("bad", "fail", "x")
eventually("the action fails", lambda: delivery.status(bad, "bad") == "Failed")
error = latest("bad")["errorDetails"]
assert error["code"] == "JobFailed" and "exit code 3" in error["message"] and "it went wrong" in error["message"], error
proved("a command that fails fails its action, with the last that it printed")

pid_file = server.folder / "pid"
hanging = script("hanging", "hang", str(pid_file))
pid = int(eventually("the command runs", lambda: pid_file.exists() and pid_file.read_text().strip()))
pipelines.stop_pipeline_execution(pipelineName="hanging", pipelineExecutionId=hanging, abandon=True)
eventually("the command is ended", lambda: not os.path.exists(f"/proc/{pid}"))
pid_file.unlink()
proved("an execution that is stopped ends the command of its worker")

killed = pipelines.start_pipeline_execution(name="hanging")["pipelineExecutionId"]
eventually("the command runs again", lambda: pid_file.exists() and pid_file.read_text().strip())
orphan = int(pid_file.read_text())
process.send_signal(signal.SIGKILL)
process.wait()
process = worker()
eventually("the next worker reports it", lambda: delivery.status(killed, "hanging") == "Failed")
assert "The worker ended while it ran this job" in latest("hanging")["errorDetails"]["message"], latest("hanging")
os.kill(orphan, signal.SIGKILL)
proved("what a killed worker has left is reported by the next one, and runs no second time")

evil = {"name": "Source", "actions": [action(
    "Fetch", "Source", "S3", {"S3Bucket": "evil-source", "S3ObjectKey": "evil.zip", "PollForSourceChanges": "false"},
    outputs=["Fetched"])]}
delivery.s3.create_bucket(Bucket="evil-source", CreateBucketConfiguration={"LocationConstraint": REGION})
delivery.s3.put_bucket_versioning(Bucket="evil-source", VersioningConfiguration={"Status": "Enabled"})
delivery.s3.put_object(Bucket="evil-source", Key="evil.zip", Body=zipped(**{"../../escaped": "out"}))
pipelines.create_pipeline(pipeline=pipeline("evil", custom(
    "Run", "Script", {"How": "succeed", "Text": "x"}, ["Fetched"], ["Made"]), source=evil))
bad = eventually("the first execution", lambda: delivery.executions("evil"))[0]["pipelineExecutionId"]
eventually("the action fails", lambda: delivery.status(bad, "evil") == "Failed")
assert "is refused" in latest("evil")["errorDetails"]["message"], latest("evil")
assert "escaped" not in {path.name for path in files_under(server.folder)}, "nothing is written outside of the job's folder"
proved("an artifact whose entries lead out of its folder fails the action")

process.send_signal(signal.SIGTERM)
assert process.wait(timeout=60) == 0, said()
leftover = [p for p in (server.folder / "work").iterdir() if p.name != "lock"]
assert leftover == [], leftover
proved("SIGTERM ends a worker without a trace")

# --- the worker that never came back --------------------------------------------------------------------------------------

again = eventually("the job goes back into the queue", lambda: pipelines.poll_for_jobs(
    actionTypeId=forgotten["data"]["actionTypeId"], **lab)["jobs"], seconds=90, every=0.5)[0]
assert again["id"] == forgotten["id"] and again["nonce"] != forgotten["nonce"], again
assert time.monotonic() - begun > 50, "not before its time"
assert refused(pipelines.acknowledge_job, jobId=forgotten["id"], nonce=forgotten["nonce"]) == "InvalidNonceException"
pipelines.acknowledge_job(jobId=again["id"], nonce=again["nonce"])
server.aws("codepipeline", "put-job-failure-result", "--job-id", again["id"], "--failure-details",
           "type=PermissionError,message=No entry,externalExecutionId=43")
eventually("the action fails", lambda: delivery.status(waiting, "python") == "Failed")
error = latest("python")["errorDetails"]
assert error == {"code": "PermissionError", "message": "No entry"}, error
proved("a job that a worker forgot goes to another, and the old nonce counts no more")

server.aws("codepipeline", "delete-custom-action-type", "--category", "Build", "--provider", "Python",
           "--action-version", "1")
assert refused(pipelines.poll_for_jobs, actionTypeId=forgotten["data"]["actionTypeId"]) == "ActionTypeNotFoundException"
assert refused(pipelines.create_custom_action_type, category="Build", provider="Python", version="1",
               inputArtifactDetails={"minimumCount": 0, "maximumCount": 0},
               outputArtifactDetails={"minimumCount": 0, "maximumCount": 0}) == "ValidationException"
failed = pipelines.start_pipeline_execution(name="python")["pipelineExecutionId"]
eventually("the action fails", lambda: delivery.status(failed, "python") == "Failed")
assert latest("python")["errorDetails"]["code"] == "ConfigurationError", latest("python")
proved("a deleted type is not made again as another one, and its actions fail when they are reached")
