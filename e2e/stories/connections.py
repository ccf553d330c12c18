"""Connections: repositories elsewhere as sources, by push, by filters and by polling; clones in builds; secrets stay hidden."""

import base64
import functools
import hashlib
import hmac
import http.server
import json
import subprocess
import threading
import urllib.error
import urllib.request
import uuid

from delivery import ARTIFACTS, Delivery, action
from stage import Server, eventually, proved

TOKEN = "tok-9876543210-secret"
HOOK = "hook-9876543210-secret"
BUILDSPEC = """\
version: 0.2
phases:
  build:
    commands:
      - echo "described $(git describe --tags), $(git rev-list --count HEAD) commits, at $(git rev-parse HEAD)"
      - if grep -rq tok-9876 .git || env | grep -q tok-9876; then echo "the token leaked"; exit 9; fi
"""

server = Server().start()
delivery = Delivery(server).prepare(files={"buildspec.yml": BUILDSPEC, "src/a.txt": "a\n"})
pipelines, secrets = delivery.codepipeline, server.client("secretsmanager")
connections = server.client("codestar-connections")

# --- a git server that wants a token ------------------------------------------------------------------------------
work, bare = server.folder / "elsewhere", server.folder / "public" / "team" / "app.git"
(work / "src").mkdir(parents=True)
bare.parent.mkdir(parents=True)


def git(*words: str, cwd=work) -> str:
    return server.plain_git(*words, cwd=cwd).stdout.strip()


def push(path: str, branch: str = "main") -> str:
    target = work / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(str(uuid.uuid4()))
    git("add", "-A")
    git("commit", "-q", "-m", f"Change {path}")
    git("push", "-q", "-f", str(bare), f"HEAD:refs/heads/{branch}")
    git("update-server-info", cwd=bare)
    return git("rev-parse", "HEAD")


git("init", "-q", "-b", "main")
(work / "buildspec.yml").write_text(BUILDSPEC)
git("add", "-A")
git("commit", "-q", "-m", "The first")
git("tag", "v1")
git("clone", "-q", "--bare", str(work), str(bare), cwd=server.folder)
first = push("src/one.txt")
allowed = "Basic " + base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()


class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.headers.get("Authorization") != allowed:
            self.send_response(401)
            self.send_header("WWW-Authenticate", "Basic")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        super().do_GET()

    def log_message(self, *_):
        pass


public = http.server.ThreadingHTTPServer(
    ("127.0.0.1", 0), functools.partial(Handler, directory=str(server.folder / "public")))
threading.Thread(target=public.serve_forever, daemon=True).start()

# --- the connection -----------------------------------------------------------------------------------------------
host = connections.create_host(Name="ours", ProviderType="GitHubEnterpriseServer",
                               ProviderEndpoint=f"http://127.0.0.1:{public.server_port}")["HostArn"]
assert connections.get_host(HostArn=host)["Status"] == "AVAILABLE"
arn = connections.create_connection(ConnectionName="app", HostArn=host)["ConnectionArn"]
shown = connections.get_connection(ConnectionArn=arn)["Connection"]
assert shown["ConnectionStatus"] == "PENDING" and shown["ProviderType"] == "GitHubEnterpriseServer", shown
secret = secrets.create_secret(Name="git/app", SecretString=json.dumps(
    {"ServerType": "GITHUB_ENTERPRISE", "AuthType": "PERSONAL_ACCESS_TOKEN", "Token": TOKEN, "WebhookSecret": HOOK}))["ARN"]


def refused(code: str, why: str, call):
    try:
        call()
    except connections.exceptions.ClientError as e:
        assert e.response["Error"]["Code"] == code and why in str(e), e
        return
    raise AssertionError(f"{code} was expected")


tag = [{"Key": "headworks:secret", "Value": secret}]
refused("ValidationException", "cannot be used", lambda: connections.tag_resource(
    ResourceArn=arn, Tags=[{"Key": "headworks:secret", "Value": secret[:-6] + "AAAAAA"}]))
connections.tag_resource(ResourceArn=arn, Tags=tag)
assert connections.list_tags_for_resource(ResourceArn=arn)["Tags"] == tag
newer = server.client("codeconnections")
assert newer.get_connection(ConnectionArn=arn)["Connection"]["ConnectionStatus"] == "AVAILABLE"
listed = server.aws("codestar-connections", "list-connections", "--host-arn-filter", host)["Connections"]
assert [c["ConnectionArn"] for c in listed] == [arn], listed
refused("ResourceUnavailableException", "delete them first", lambda: connections.delete_host(HostArn=host))
proved("a connection is complete once its tag names a secret that can be used, under both names of the service")


def create(name: str, project=None, source=None, **more) -> None:
    configuration = {"ConnectionArn": arn, "FullRepositoryId": "team/app", "BranchName": "main", **(source or {})}
    fetch = action("Fetch", "Source", "CodeStarSourceConnection", configuration, outputs=["Fetched"], namespace="Fetched")
    then = action("Compile", "Build", "CodeBuild", {"ProjectName": project}, ["Fetched"]) if project else \
        action("Approve", "Approval", "Manual", {})
    pipelines.create_pipeline(pipeline={
        "name": name, "roleArn": delivery.role, "artifactStore": {"type": "S3", "location": ARTIFACTS},
        "pipelineType": "V2", "stages": [{"name": "Source", "actions": [fetch]}, {"name": "Then", "actions": [then]}],
        **more})


def source_of(pipeline: str, commit: str) -> dict:
    def probe():
        details = pipelines.list_action_executions(pipelineName=pipeline)["actionExecutionDetails"]
        for d in details:
            assert d["actionName"] != "Fetch" or d["status"] != "Failed", d
            variables = d.get("output", {}).get("outputVariables", {})
            if d["actionName"] == "Fetch" and variables.get("CommitId") == commit:
                return variables
    return eventually(f"the source of {pipeline} at {commit}", probe)


def may_use(role: str):
    delivery.iam.put_role_policy(RoleName=role, PolicyName="connection", PolicyDocument=json.dumps({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "codestar-connections:UseConnection", "Resource": arn}]}))


create("held", source={"DetectChanges": "false"})
execution = delivery.executions("held")[0]["pipelineExecutionId"]
delivery.wait_for(execution, "Failed", pipeline="held")
why = pipelines.list_action_executions(pipelineName="held")["actionExecutionDetails"][0]["output"]["executionResult"]
assert why["errorDetails"]["code"] == "PermissionError", why
assert f"permissions required to use the connection {arn}" in why["errorDetails"]["message"], why
may_use(delivery.role.split("/")[-1])
pipelines.retry_stage_execution(
    pipelineName="held", stageName="Source", pipelineExecutionId=execution, retryMode="FAILED_ACTIONS")
eventually("the connection is used", lambda: delivery.executions("held")[0].get("sourceRevisions"))
proved("a connection is used by pipelines whose role may use it")

create("zip", source={"DetectChanges": "true"})
variables = source_of("zip", first)
assert variables["FullRepositoryName"] == "team/app" and variables["ConnectionArn"] == arn, variables
assert variables["CommitMessage"] == "Change src/one.txt" and variables["BranchName"] == "main", variables
artifact = delivery.s3.list_objects_v2(Bucket=ARTIFACTS, Prefix="zip/")["Contents"][0]["Key"]
assert delivery.s3.get_object(Bucket=ARTIFACTS, Key=artifact)["Body"].read()[:2] == b"PK"
proved("a repository behind a connection is a source, with the documented variables")

# --- clones -------------------------------------------------------------------------------------------------------
delivery.create_project("cloned", serviceRole=server.role("cloner", "s3:*", "codecommit:GitPull"))
create("clone", project="cloned", source={"OutputArtifactFormat": "CODEBUILD_CLONE_REF", "DetectChanges": "false"})
execution = delivery.executions("clone")[0]["pipelineExecutionId"]


def log_of(project: str) -> str:
    build = delivery.codebuild.list_builds_for_project(projectName=project)["ids"][0]
    build = delivery.codebuild.batch_get_builds(ids=[build])["builds"][0]
    logs = build.get("logs", {})
    if not logs.get("streamName"):
        return json.dumps(build["phases"], default=str)
    events = server.client("logs").get_log_events(
        logGroupName=logs["groupName"], logStreamName=logs["streamName"], startFromHead=True)
    return "".join(event["message"] for event in events["events"]) + json.dumps(build["phases"], default=str)


eventually("the build without the right fails", lambda: delivery.status(execution, "clone") == "Failed", 90)
assert "authorization failed" in log_of("cloned"), log_of("cloned")
may_use("cloner")
pipelines.start_pipeline_execution(name="clone")
execution = delivery.executions("clone")[0]["pipelineExecutionId"]
delivery.wait_for(execution, "Succeeded", 90, pipeline="clone")
assert f"described v1-1-g{first[:7]}, 2 commits, at {first}" in log_of("cloned"), log_of("cloned")

source = action("Fetch", "Source", "CodeCommit", {
    "RepositoryName": "delivery", "BranchName": "main", "OutputArtifactFormat": "CODEBUILD_CLONE_REF"}, outputs=["Fetched"])
build = action("Compile", "Build", "CodeBuild", {"ProjectName": "cloned"}, ["Fetched"])
server.git("tag", "c1", cwd=delivery.work)
server.git("push", "-q", "origin", "c1", cwd=delivery.work)
pipelines.create_pipeline(pipeline={
    "name": "own", "roleArn": delivery.role, "artifactStore": {"type": "S3", "location": ARTIFACTS},
    "stages": [{"name": "Source", "actions": [source]}, {"name": "Then", "actions": [build]}]})
delivery.wait_for(delivery.executions("own")[0]["pipelineExecutionId"], "Succeeded", 90, pipeline="own")
assert "described c1, 1 commits" in log_of("cloned"), log_of("cloned")
proved("with CODEBUILD_CLONE_REF a build clones what the source names, as far as its role may")

# --- pushes -------------------------------------------------------------------------------------------------------
create("filtered", triggers=[{"providerType": "CodeStarSourceConnection", "gitConfiguration": {
    "sourceActionName": "Fetch",
    "push": [{"branches": {"includes": ["main", "release/*"]}, "filePaths": {"includes": ["src/**"]}}],
    "pullRequest": [{"events": ["OPEN"], "branches": {"includes": ["main"]}}]}}])
hook = f"{server.endpoint}/webhooks?c={arn.split('/')[-1]}"
counts = {name: len(delivery.executions(name)) for name in ("zip", "filtered", "clone")}


def deliver(event: str, body: dict, secret=HOOK, id=None, to=hook) -> tuple[int, str]:
    data = json.dumps({"repository": {"full_name": "team/app", "name": "app"}, **body}).encode()
    signed = "sha256=" + hmac.new(secret.encode(), data, hashlib.sha256).hexdigest()
    request = urllib.request.Request(to, data=data, method="POST", headers={
        "X-GitHub-Event": event, "X-GitHub-Delivery": id or str(uuid.uuid4()), "User-Agent": "GitHub-Hookshot/abc",
        "X-Hub-Signature-256": signed, "Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()


def pushed(commit: str, before: str, files: list, branch="main") -> dict:
    return {"ref": f"refs/heads/{branch}", "before": before, "after": commit,
            "commits": [{"added": [], "modified": files, "removed": []}], "head_commit": {"message": "x"}}


def started(expected: dict[str, int], detail: dict | None = None):
    def probe():
        return all(len(delivery.executions(name)) >= counts[name] + n for name, n in expected.items())
    eventually(f"starts of {expected}", probe)
    for name in counts:
        now = delivery.executions(name)
        assert len(now) == counts[name] + expected.get(name, 0), (name, len(now), counts)
        counts[name] = len(now)
        if detail and name == "filtered" and expected.get(name):
            assert now[0]["trigger"]["triggerType"] == "WebhookV2", now[0]
            told = json.loads(now[0]["trigger"]["triggerDetail"])
            assert detail.items() <= told.items(), (told, detail)


second = push("src/two.txt")
body = pushed(second, first, ["src/two.txt"])
assert deliver("push", body, secret="other")[0] == 403
assert deliver("push", body, to=f"{server.endpoint}/webhooks?c={uuid.uuid4()}")[0] == 404
id = str(uuid.uuid4())
assert deliver("push", body, id=id)[0] == 200
assert deliver("push", body, id=id)[0] == 409
assert deliver("push", body)[0] == 409
started({"zip": 1, "filtered": 1}, {"branch": "main", "commit": second, "before": first, "repository": "team/app"})
source_of("filtered", second)
assert delivery.executions("zip")[0]["trigger"] == {"triggerType": "Webhook", "triggerDetail": arn}
third = push("docs/three.txt")
assert deliver("push", pushed(third, second, ["docs/three.txt"]))[0] == 200
started({"zip": 1})
git("checkout", "-q", "-b", "release/1")
fourth = push("src/four.txt", "release/1")
assert deliver("push", pushed(fourth, third, ["src/four.txt"], "release/1"))[0] == 200
started({"filtered": 1}, {"branch": "release/1", "commit": fourth})
assert source_of("filtered", fourth)["BranchName"] == "release/1"
git("checkout", "-q", "-b", "topic")
fifth = push("src/five.txt", "topic")


def request(kind: str, fork: bool = False, merged: bool = False) -> dict:
    return {"action": kind, "number": 7, "pull_request": {
        "merged": merged, "title": "x", "base": {"ref": "main", "repo": {"full_name": "team/app"}},
        "head": {"ref": "topic", "sha": fifth, "repo": {"full_name": "else/app" if fork else "team/app"}}}}


assert "fork" in deliver("pull_request", request("opened", fork=True))[1]
assert deliver("pull_request", request("synchronize"))[0] == 200
assert deliver("pull_request", request("opened"))[0] == 200
started({"filtered": 1}, {"event": "OPEN", "targetBranch": "main", "branch": "topic", "commit": fifth})
assert source_of("filtered", fifth)["BranchName"] == "topic"
proved("pushes and pull requests that a git server tells of start what their filters match, once; unsigned ones nothing")

# --- polling ------------------------------------------------------------------------------------------------------
git("checkout", "-q", "main")
sixth = push("src/six.txt")
server.kill()
server.restart()
started({"zip": 1})
assert delivery.executions("zip")[0]["trigger"] == {"triggerType": "PollForSourceChanges", "triggerDetail": "Fetch"}
source_of("zip", sixth)
assert deliver("push", pushed(sixth, third, ["src/six.txt"]))[0] == 200
started({"filtered": 1}, {"branch": "main", "commit": sixth})
server.kill()
server.restart()
seventh = push("src/seven.txt")
assert deliver("push", pushed(seventh, sixth, ["src/seven.txt"]))[0] == 200
started({"zip": 1, "filtered": 1}, {"branch": "main", "commit": seventh})
server.kill()
server.restart()
started({})
proved("a push that nobody told of is found by polling, and no revision starts a pipeline twice, kill -9 or not")

for key in (TOKEN, HOOK):
    found = subprocess.run(["grep", "-rlF", key, str(server.data), str(server.log)], capture_output=True, text=True)
    assert found.stdout == "", found.stdout
proved("neither the token nor the webhook's secret is anywhere in the clear")

# --- GitHub, version 1 --------------------------------------------------------------------------------------------
fetch = {"name": "Fetch", "actionTypeId": {"category": "Source", "owner": "ThirdParty", "provider": "GitHub", "version": "1"},
         "configuration": {"Owner": "o", "Repo": "r", "Branch": "main", "OAuthToken": TOKEN, "PollForSourceChanges": "false"},
         "outputArtifacts": [{"name": "Fetched"}]}
declared = {
    "name": "github", "roleArn": delivery.role, "artifactStore": {"type": "S3", "location": ARTIFACTS},
    "stages": [{"name": "Source", "actions": [fetch]}, {"name": "Then", "actions": [action("Ok", "Approval", "Manual", {})]}]}
made = pipelines.create_pipeline(pipeline=declared)["pipeline"]
assert made["stages"][0]["actions"][0]["configuration"]["OAuthToken"] == "****", made
got = pipelines.get_pipeline(name="github")["pipeline"]
assert got["stages"][0]["actions"][0]["configuration"]["OAuthToken"] == "****", got
got = pipelines.update_pipeline(pipeline=got)["pipeline"]
assert got["version"] == 2 and got["stages"][0]["actions"][0]["configuration"]["OAuthToken"] == "****", got
declared["name"] = "masked"
declared["stages"][0]["actions"][0]["configuration"]["OAuthToken"] = "****"
refused("ValidationException", "no earlier value to keep", lambda: pipelines.create_pipeline(pipeline=declared))
found = subprocess.run(["grep", "-rlF", TOKEN, str(server.data), str(server.log)], capture_output=True, text=True)
assert found.stdout == "", found.stdout
proved("the token of a GitHub action is shown as **** and kept when that is sent back")

pipelines.delete_pipeline(name="filtered")
connections.delete_connection(ConnectionArn=arn)
connections.delete_host(HostArn=host)
refused("ResourceNotFoundException", arn, lambda: connections.get_connection(ConnectionArn=arn))
assert deliver("push", pushed(fifth, first, ["src/x"]))[0] == 404
proved("what is deleted is gone")
server.stop()
