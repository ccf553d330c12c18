"""The Commands action and the Commands rule: shell commands of a pipeline without a build project."""

import io
import json
import zipfile

from delivery import Delivery, action
from stage import Server, eventually, proved

server = Server().start()
delivery = Delivery(server).prepare()
pipelines = delivery.codepipeline


def latest(stage="Run"):
    """The latest run of the first action of a stage."""
    return delivery.stage(stage)["actionStates"][0].get("latestExecution", {})


def refused(declaration):
    """The message of the refusal."""
    try:
        pipelines.create_pipeline(pipeline=declaration)
    except pipelines.exceptions.ClientError as error:
        return error.response["Error"]["Message"]
    raise AssertionError(f"it was not refused: {declaration}")


declaration = delivery.declaration()
source, _, deploy = declaration["stages"]
compute = action("Make", "Compute", "Commands", {}, ["Fetched"], ["Built"], namespace="Made")
compute["commands"] = [
    "mkdir -p site",
    "cp message.txt site/index.html",
    "echo #{codepipeline.PipelineExecutionId} '#{Fetched.BranchName}' > site/by.txt",
    "echo \"$WHO says '$(cat message.txt)'\" > notes.txt",
    "export LENGTH=$(wc -c < message.txt) SECOND=\"two words\"",
]
compute["environmentVariables"] = [{"name": "WHO", "value": "#{Fetched.BranchName}: $(id)", "type": "PLAINTEXT"}]
compute["outputVariables"] = ["LENGTH", "SECOND", "CODEBUILD_BUILD_ID"]
compute["outputArtifacts"] = [{"name": "Built", "files": ["site/**/*", "notes.txt"]}]
declaration["stages"] = [source, {"name": "Run", "actions": [compute]}, deploy]
assert "V2" in refused(declaration | {"pipelineType": "V1"})
several = json.loads(json.dumps(declaration))
several["stages"][1]["actions"][0]["commands"] = ["echo a\necho b"]
assert "single line" in refused(several)
absent = json.loads(json.dumps(declaration))
absent["stages"][1]["actions"][0] = action("Make", "Invoke", "StepFunctions", {}, ["Fetched"], ["Built"])
assert "no service for state machines" in refused(absent)

pipelines.create_pipeline(pipeline=declaration)
first = eventually("the first execution", delivery.executions)[0]["pipelineExecutionId"]
delivery.wait_for(first, "Succeeded")
[run] = [r for r in pipelines.list_action_executions(pipelineName="delivery")["actionExecutionDetails"] if r["actionName"] == "Make"]
variables = run["output"]["outputVariables"]
build = variables.pop("CODEBUILD_BUILD_ID")
assert variables == {"LENGTH": "6", "SECOND": "two words"}, variables
assert run["output"]["executionResult"]["externalExecutionId"] == build, run
place = run["output"]["outputArtifacts"][0]["s3location"]
archive = zipfile.ZipFile(io.BytesIO(delivery.s3.get_object(Bucket=place["bucket"], Key=place["key"])["Body"].read()))
assert sorted(archive.namelist()) == ["notes.txt", "site/by.txt", "site/index.html"], archive.namelist()
assert archive.read("site/by.txt").decode() == f"{first} main\n", archive.read("site/by.txt")
assert archive.read("notes.txt").decode() == "main: $(id) says 'first'\n", archive.read("notes.txt")
assert delivery.published("site/index.html") == "first\n"
groups = [g["logGroupName"] for g in server.client("logs").describe_log_groups()["logGroups"]]
assert "/aws/codepipeline/delivery" in groups, groups
stream = run["output"]["executionResult"]["logStreamARN"]
name = f"{run['actionExecutionId']}/{build.split(':')[1]}"
assert stream.endswith(f":log-group:/aws/codepipeline/delivery:log-stream:{name}"), stream
assert latest()["logStreamARN"] == stream, latest()
said = server.client("logs").get_log_events(logGroupName="/aws/codepipeline/delivery", logStreamName=name)["events"]
assert any("cp message.txt" in event["message"] for event in said), said
assert pipelines.get_pipeline(name="delivery")["pipeline"]["pipelineType"] == "V2", "what only those have makes it one"
proved("commands of a pipeline run without a project, with variables in and out and the files that were asked for")

compute["commands"] = ["echo '#{Fetched.CommitMessage}'"]
pipelines.update_pipeline(pipeline=declaration)
hostile = delivery.execution_for(delivery.commit_and_push({"message.txt": "first\n\n"}, "'; touch /tmp/owned; '"))
eventually("the action fails", lambda: delivery.status(hostile) == "Failed")
assert "environment variable" in latest()["errorDetails"]["message"], latest()
proved("a commit's message in a command is no command")

compute["commands"] = ["echo about to fail", "exit 7", "touch never"]
declaration["stages"][1]["onFailure"] = {"result": "ROLLBACK"}
del declaration["stages"][1]["onFailure"]
pipelines.update_pipeline(pipeline=declaration)
failed = pipelines.start_pipeline_execution(name="delivery")["pipelineExecutionId"]
eventually("the action fails", lambda: delivery.status(failed) == "Failed")
assert latest()["errorDetails"]["code"] == "JobFailed", latest()
proved("a command that fails fails the action")

compute["commands"] = ["mkdir -p site", "cp message.txt site/index.html", "touch notes.txt", "export LENGTH=1 SECOND=2"]
declaration["stages"][1]["onSuccess"] = {"conditions": [{"result": "FAIL", "rules": [{
    "name": "Look", "ruleTypeId": {"category": "Rule", "owner": "AWS", "provider": "Commands", "version": "1"},
    "inputArtifacts": [{"name": "Built"}], "commands": ["cat site/index.html", "grep -q second site/index.html"]}]}]}
pipelines.update_pipeline(pipeline=declaration)
unmet = pipelines.start_pipeline_execution(name="delivery")["pipelineExecutionId"]
eventually("the condition is not met", lambda: delivery.status(unmet) == "Failed")
assert delivery.stage("Run")["onSuccessConditionState"]["latestExecution"]["status"] == "Failed", delivery.stage("Run")
met = delivery.execution_for(delivery.commit_and_push({"message.txt": "second\n"}, "The second commit"))
delivery.wait_for(met, "Succeeded")
assert delivery.published("site/index.html") == "second\n"
proved("commands decide about a stage as a rule")

compute["commands"] = ["sleep 600"]
declaration["stages"][1].pop("onSuccess")
pipelines.update_pipeline(pipeline=declaration)
stopped = pipelines.start_pipeline_execution(name="delivery")["pipelineExecutionId"]
build = eventually("the commands run", lambda: latest().get("externalExecutionId") if latest().get("status") == "InProgress" else None)
server.kill()
server.restart()
pipelines.stop_pipeline_execution(pipelineName="delivery", pipelineExecutionId=stopped, abandon=True)
ended = lambda: delivery.codebuild.batch_get_builds(ids=[build])["builds"][0]["buildStatus"] == "STOPPED"
eventually("the commands are ended", ended)
proved("stopping the execution stops its commands, and kill -9 in between changes nothing")

declaration["stages"][1]["actions"][0] = action("Call", "Invoke", "Lambda", {"FunctionName": "f"}, ["Fetched"], ["Built"])
pipelines.update_pipeline(pipeline=declaration)
called = pipelines.start_pipeline_execution(name="delivery")["pipelineExecutionId"]
eventually("the action fails", lambda: delivery.status(called) == "Failed")
assert "lambda:Invoke is not available" in latest()["errorDetails"]["message"], latest()
proved("an action that needs a missing operation says which")
