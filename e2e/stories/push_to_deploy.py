"""A push travels through source, build and approval to a deployed object, driven by the aws CLI, boto3 and git."""

import json
from pathlib import Path

from delivery import BUILDSPEC, SITE, Delivery, action
from stage import REGION, Server, eventually, proved

server = Server().start()
identity = server.aws("sts", "get-caller-identity")
account = identity["Account"]
assert identity["Arn"] == f"arn:aws:iam::{account}:root", identity
proved("the aws CLI signs with the installation's own key")

# Everything is created with the aws CLI, from files where it reads files.
delivery = Delivery(server)
trust = {"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Principal": {"Service": ["codepipeline.amazonaws.com", "codebuild.amazonaws.com"]},
    "Action": "sts:AssumeRole"}]}
(server.folder / "trust.json").write_text(json.dumps(trust))
role = server.aws("iam", "create-role", "--role-name", "delivery",
                  "--assume-role-policy-document", f"file://{server.folder}/trust.json")["Role"]["Arn"]
(server.folder / "policy.json").write_text(json.dumps({"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Resource": f"arn:aws:codecommit:{REGION}:{account}:delivery", "Action": [
        "codecommit:GetBranch", "codecommit:GetCommit", "codecommit:UploadArchive", "codecommit:GetUploadArchiveStatus"]},
    {"Effect": "Allow", "Resource": f"arn:aws:codebuild:{REGION}:{account}:project/delivery", "Action": "codebuild:StartBuild"},
    {"Effect": "Allow", "Action": ["s3:GetObject*", "s3:PutObject"], "Resource": "arn:aws:s3:::delivery-artifacts/*"},
    {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{SITE}/*"}]}))
server.aws("iam", "put-role-policy", "--role-name", "delivery", "--policy-name", "delivery",
           "--policy-document", f"file://{server.folder}/policy.json")
delivery.role = role
for bucket in ("delivery-artifacts", SITE):
    server.aws("s3", "mb", f"s3://{bucket}")
repository = server.aws("codecommit", "create-repository", "--repository-name", "delivery",
                        "--repository-description", "What we deliver")["repositoryMetadata"]
assert "defaultBranch" not in repository, repository
assert repository["cloneUrlHttp"] == f"{server.endpoint}/v1/repos/delivery", repository
assert repository["Arn"] == f"arn:aws:codecommit:{REGION}:{account}:delivery", repository

work = server.folder / "work"
server.git("clone", "-q", repository["cloneUrlHttp"], str(work), cwd=server.folder)
delivery.work = work
server.git("checkout", "-q", "-b", "main", cwd=work)
first = delivery.commit_and_push({"buildspec.yml": BUILDSPEC, "message.txt": "first\n"}, "The first commit")
assert server.aws("codecommit", "get-repository", "--repository-name", "delivery")[
    "repositoryMetadata"]["defaultBranch"] == "main"
assert server.aws("codecommit", "get-branch", "--repository-name", "delivery", "--branch-name", "main")[
    "branch"]["commitId"] == first
proved("git pushes with AWS's credential helper, and the first push names the default branch")

project = {
    "name": "delivery", "serviceRole": role,
    "source": {"type": "CODEPIPELINE"}, "artifacts": {"type": "CODEPIPELINE"},
    "environment": {"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0",
                    "computeType": "BUILD_GENERAL1_SMALL"},
}
(server.folder / "project.json").write_text(json.dumps(project))
server.aws("codebuild", "create-project", "--cli-input-json", f"file://{server.folder}/project.json")
declaration = delivery.declaration(approval=True)
(server.folder / "pipeline.json").write_text(json.dumps({"pipeline": declaration}))
created = server.aws("codepipeline", "create-pipeline", "--cli-input-json", f"file://{server.folder}/pipeline.json")
assert created["pipeline"]["version"] == 1, created

# Creating a pipeline starts it, as on AWS. Let that execution finish first.
initial = eventually("the execution that creation starts", lambda: delivery.executions())[0]
assert initial["trigger"]["triggerType"] == "CreatePipeline", initial
delivery.approve(initial["pipelineExecutionId"])
delivery.wait_for(initial["pipelineExecutionId"], "Succeeded")
assert delivery.published() == "first\n"
proved("creating the pipeline runs it once, on what is in the branch")

commit = delivery.commit_and_push({"message.txt": "Hello from the second commit\n"}, "A greeting")
execution = delivery.execution_for(commit)
token = delivery.approval_token(execution)
assert delivery.stage("Source")["latestExecution"]["status"] == "Succeeded"
assert delivery.stage("Build")["latestExecution"]["status"] == "Succeeded"
assert delivery.published() == "first\n", "nothing may be deployed before the approval"
proved("a push starts the pipeline by event, and nothing is deployed before the approval")

server.aws("codepipeline", "put-approval-result", "--pipeline-name", "delivery", "--stage-name", "Deploy",
           "--action-name", "Approve", "--token", token, "--result", "summary=Looks good,status=Approved")
delivery.wait_for(execution, "Succeeded")
target = server.folder / "fetched.html"
server.aws("s3", "cp", f"s3://{SITE}/index.html", str(target))
assert target.read_text() == "Hello from the second commit\n"
proved("after the approval the deployed object is what the pushed commit built")

state = server.aws("codepipeline", "get-pipeline-state", "--name", "delivery")
assert [s["latestExecution"]["status"] for s in state["stageStates"]] == ["Succeeded"] * 3, state
actions = server.aws("codepipeline", "list-action-executions", "--pipeline-name", "delivery", "--filter",
                     f"pipelineExecutionId={execution}")["actionExecutionDetails"]
assert {a["actionName"]: a["status"] for a in actions} == dict.fromkeys(
    ["Fetch", "Compile", "Approve", "Publish"], "Succeeded"), actions
compiled = next(a for a in actions if a["actionName"] == "Compile")
build_id = compiled["output"]["executionResult"]["externalExecutionId"]
build = delivery.codebuild.batch_get_builds(ids=[build_id])["builds"][0]
assert build["buildStatus"] == "SUCCEEDED" and build["resolvedSourceVersion"] == commit, build
assert build["initiator"] == "codepipeline/delivery", build
phases = {p["phaseType"]: p.get("phaseStatus") for p in build["phases"]}
assert phases["BUILD"] == "SUCCEEDED" and "COMPLETED" in phases, phases
logs = server.client("logs").get_log_events(
    logGroupName=build["logs"]["groupName"], logStreamName=build["logs"]["streamName"], startFromHead=True)
text = "".join(event["message"] for event in logs["events"])
assert "cp message.txt out/index.html" in text, text
proved("history, build record and log tell what happened")

artifacts = delivery.s3.list_objects_v2(Bucket="delivery-artifacts")["Contents"]
assert all(item["Key"].startswith("delivery/") for item in artifacts), artifacts
kinds = {event["detail_type"] for event in server.events()}
assert {"CodeCommit Repository State Change", "CodeBuild Build State Change",
        "CodePipeline Pipeline Execution State Change", "CodePipeline Stage Execution State Change",
        "CodePipeline Action Execution State Change"} <= kinds, kinds
proved("artifacts lie under AWS's keys, and every service has told the event bus")
server.stop()
