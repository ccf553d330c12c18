"""Approvals beyond AWS: several principals, none of whom has brought the execution about, for a revision that they name; boto3
with users and roles of IAM, git with the key of one of them, and kill -9 between two approvals.
"""

import json
import subprocess
import threading
import uuid

import boto3
from botocore.exceptions import ClientError

from delivery import Delivery, SITE, action
from stage import REGION, Server, binary, eventually, proved

server = Server().start()
delivery = Delivery(server).prepare({"message.txt": "first\n"})
account = server.aws("sts", "get-caller-identity")["Account"]
iam = server.client("iam")


def pipelines(key: str, secret: str, token: str | None = None):
    """CodePipeline with credentials of one's own."""
    return boto3.client("codepipeline", endpoint_url=server.endpoint, region_name=REGION, aws_access_key_id=key,
                        aws_secret_access_key=secret, aws_session_token=token)


class User:
    """A user of IAM with a key."""

    def __init__(self, name: str):
        self.name = name
        self.arn = iam.create_user(UserName=name)["User"]["Arn"]
        key = iam.create_access_key(UserName=name)["AccessKey"]
        self.key, self.secret = key["AccessKeyId"], key["SecretAccessKey"]
        self.pipelines = pipelines(self.key, self.secret)

    def environment(self) -> dict:
        return {**server.environment(), "AWS_ACCESS_KEY_ID": self.key, "AWS_SECRET_ACCESS_KEY": self.secret}

    def push(self, message: str) -> str:
        """Commits and pushes by git with this user's key; the commit's id."""
        (delivery.work / "message.txt").write_text(f"{message}\n")
        key = {"AWS_ACCESS_KEY_ID": self.key, "AWS_SECRET_ACCESS_KEY": self.secret}
        for words in (["add", "-A"], ["commit", "-q", "-m", message], ["push", "-q", "origin", "main"]):
            server.git(*words, cwd=delivery.work, settings=key)
        return server.git("rev-parse", "HEAD", cwd=delivery.work).stdout.strip()


ann, bob, cyn, dan = (User(name) for name in ("ann", "bob", "cyn", "dan"))


def declaration(name: str, **configuration) -> dict:
    """Source, then an approval with this configuration, then a deployment."""
    declared = delivery.declaration(name)
    source = declared["stages"][0]
    source["actions"][0]["configuration"]["RepositoryName"] = "delivery"
    approve = action("Approve", "Approval", "Manual", configuration, runOrder=1)
    publish = action("Publish", "Deploy", "S3", {"BucketName": SITE, "Extract": "true"}, ["Fetched"], runOrder=2)
    return {**declared, "stages": [source, {"name": "Deploy", "actions": [approve, publish]}]}


def create(name: str, **configuration) -> str:
    """Has ann make the pipeline; its first execution."""
    delivery.name = name
    ann.pipelines.create_pipeline(pipeline=declaration(name, **configuration))
    return eventually("the first execution", lambda: delivery.executions())[0]["pipelineExecutionId"]


def decide(who, execution: str, summary: str = "", status: str = "Approved", token: str | None = None) -> str:
    """One decision: `ok`, or the code and text of the refusal."""
    client = who.pipelines if isinstance(who, User) else who
    try:
        client.put_approval_result(
            pipelineName=delivery.name, stageName="Deploy", actionName="Approve",
            result={"summary": summary, "status": status}, token=token or delivery.approval_token(execution))
        return "ok"
    except ClientError as error:
        return f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"


def refused(answer: str, code: str, *texts: str):
    assert answer.startswith(f"{code}: "), answer
    assert all(text in answer for text in texts), answer


def summary() -> str:
    return delivery.action("Deploy", "Approve")["latestExecution"]["summary"]


for configuration, text in (
    ({"HeadworksQuorum": "0"}, "number from 1 to 20"),
    ({"HeadworksQuorum": "21"}, "number from 1 to 20"),
    ({"HeadworksSelfApproval": "no"}, "is not one of true, false"),
    ({"HeadworksQuorum": "#{Fetched.BranchName}"}, "must not hold a variable"),
    ({"HeadworksSelfApproval": "#{Fetched.BranchName}"}, "must not hold a variable"),
    ({"HeadworksRevision": "Fetched.CommitId"}, "must hold a variable"),
    ({"HeadworksRevision": "#{Nobody.CommitId}"}, "namespace that does not exist"),
    ({"HeadworksQuorums": "2"}, "unknown configuration"),
):
    try:
        ann.pipelines.create_pipeline(pipeline=declaration("wrong", **configuration))
        raise AssertionError(f"{configuration} was taken")
    except ClientError as error:
        assert text in str(error), error
    file = server.folder / "wrong.json"
    file.write_text(json.dumps({"pipeline": declaration("wrong", **configuration)}))
    checked = subprocess.run([str(binary()), "check", str(file)], capture_output=True, text=True)
    assert checked.returncode != 0 and text in checked.stdout + checked.stderr, checked
proved("wrong values of the keys are refused when the pipeline is made, and found by headworks check")

# --- two principals, and kill -9 between them -------------------------------------------------------------------------
first = create("quorum", HeadworksQuorum="2")
token = delivery.approval_token(first)
assert summary() == "0 of 2 approvals", summary()
assert decide(bob, first, "fine") == "ok"
assert summary() == f"1 of 2 approvals ({bob.arn})", summary()
server.kill()
server.restart()
assert delivery.approval_token(first) == token and summary() == f"1 of 2 approvals ({bob.arn})", summary()
refused(decide(bob, first, "again"), "ApprovalAlreadyCompletedException", bob.arn, "1 more")
assert decide(bob, first, "fine") == "ok" and summary() == f"1 of 2 approvals ({bob.arn})", "a retry changes nothing"
refused(decide(cyn, first, token=str(uuid.uuid4())), "InvalidApprovalTokenException")
# What tokens were derived from once: everybody who may look at the execution knows that.
derived = uuid.UUID("68656164-776f-524b-8000-000000000001")
for parts in (["approval", f"{first}/Deploy/Approve/1"], ["approval", "", f"{first}/Deploy/Approve/1"]):
    guessed = str(uuid.uuid5(derived, "\x1f".join(parts)))
    refused(decide(cyn, first, token=guessed), "InvalidApprovalTokenException")
assert decide(cyn, first, "fine too", token=token) == "ok"
delivery.wait_for(first, "Succeeded")
assert summary() == f"2 of 2 approvals ({bob.arn}: fine; {cyn.arn}: fine too)", summary()
refused(decide(dan, first, token=token), "ApprovalAlreadyCompletedException", "has been approved")
proved("two principals approve, with kill -9 between them; the same one twice, a wrong token and a third are refused")

second = bob.pipelines.start_pipeline_execution(name="quorum")["pipelineExecutionId"]
token = delivery.approval_token(second)
assert decide(bob, second) == "ok"
assert decide(cyn, second, "not on friday", "Rejected") == "ok"
delivery.wait_for(second, "Failed")
refused(decide(dan, second, token=token), "ApprovalAlreadyCompletedException", "has been rejected")
third = bob.pipelines.start_pipeline_execution(name="quorum")["pipelineExecutionId"]
token = delivery.approval_token(third)
bob.pipelines.stop_pipeline_execution(pipelineName="quorum", pipelineExecutionId=third, abandon=True)
delivery.wait_for(third, "Stopped")
refused(decide(dan, third, token=token), "ApprovalAlreadyCompletedException", "stopped")
proved("one rejection rejects; an approval of an execution that was stopped is refused")

# Both at once, again and again: each counts, whichever is first.
for number in range(3):
    execution = create(f"crowd-{number}", HeadworksQuorum="4")
    token = delivery.approval_token(execution)
    answers: dict[str, str] = {}

    def approve(user: User):
        answers[user.name] = decide(user, execution, token=token)

    crowd = [threading.Thread(target=approve, args=(user,)) for user in (ann, bob, cyn, dan)]
    for thread in crowd:
        thread.start()
    for thread in crowd:
        thread.join()
    assert set(answers.values()) == {"ok"}, answers
    delivery.wait_for(execution, "Succeeded")
proved("four approvals at the same moment count four")

# --- nobody approves what he has brought about --------------------------------------------------------------------------
first = create("apart", HeadworksSelfApproval="false")
refused(decide(ann, first), "AccessDeniedException", ann.arn, "started the execution")
assert decide(bob, first) == "ok"
delivery.wait_for(first, "Succeeded")
commit = bob.push("by bob")
pushed = delivery.execution_for(commit)
refused(decide(bob, pushed), "AccessDeniedException", bob.arn, "pushed")
assert decide(bob, pushed, "no", "Rejected") == "ok", "one may reject one's own"
delivery.wait_for(pushed, "Failed")
cyn.pipelines.retry_stage_execution(pipelineName="apart", stageName="Deploy", pipelineExecutionId=pushed,
                                    retryMode="FAILED_ACTIONS")
refused(decide(cyn, pushed), "AccessDeniedException", cyn.arn, "retried")
started = dan.pipelines.start_pipeline_execution(name="apart")["pipelineExecutionId"]
assert decide(ann, pushed) == "ok"
delivery.wait_for(pushed, "Succeeded")
# The commit is still bob's, whoever starts an execution for it.
refused(decide(bob, started), "AccessDeniedException", "pushed")
refused(decide(dan, started), "AccessDeniedException", "started")
assert decide(ann, started) == "ok"
delivery.wait_for(started, "Succeeded")
made = boto3.client("codecommit", endpoint_url=server.endpoint, region_name=REGION, aws_access_key_id=cyn.key,
                    aws_secret_access_key=cyn.secret).put_file(
    repositoryName="delivery", branchName="main", filePath="message.txt", fileContent=b"by cyn\n", parentCommitId=commit)
pushed = delivery.execution_for(made["commitId"])
refused(decide(cyn, pushed), "AccessDeniedException", cyn.arn, "pushed")
assert decide(bob, pushed) == "ok"
delivery.wait_for(pushed, "Succeeded")
server.git("pull", "-q", "origin", "main", cwd=delivery.work)
pushed = delivery.execution_for(ann.push("by ann, below"))
assert decide(bob, pushed, "not yet", "Rejected") == "ok"
delivery.wait_for(pushed, "Failed")
above = dan.push("by dan, on top")
pushed = delivery.execution_for(above)
refused(decide(ann, pushed), "AccessDeniedException", ann.arn, "pushed")
refused(decide(dan, pushed), "AccessDeniedException", dan.arn, "pushed")
assert decide(bob, pushed) == "ok", "what bob made has been delivered"
delivery.wait_for(pushed, "Succeeded")
proved("who started an execution, had it retried, or pushed its revision by git or by API, may not approve it")

# --- for a revision that is named -----------------------------------------------------------------------------------------
first = create("named", HeadworksRevision="#{Fetched.CommitId}", HeadworksQuorum="2")
commit = above
delivery.approval_token(first)
assert commit in summary(), summary()
refused(decide(bob, first, "yes"), "ValidationException", commit, "must contain")
refused(decide(bob, first, f"x{commit}"), "ValidationException", commit)
assert decide(bob, first, f"go {commit}") == "ok"
approve_named = [str(binary()), "pipeline", "approve", "named", "--summary", "from the terminal"]
for more in ([], ["--revision", commit[:12]]):
    shown = subprocess.run([*approve_named, *more], capture_output=True, text=True, env=cyn.environment(),
                           stdin=subprocess.DEVNULL)
    assert shown.returncode != 0 and commit in shown.stderr, shown
shown = subprocess.run([*approve_named, "--revision", commit], capture_output=True, text=True, env=cyn.environment())
assert shown.returncode == 0 and commit in shown.stdout + shown.stderr, shown
delivery.wait_for(first, "Succeeded")
assert f"{cyn.arn}: from the terminal {commit}" in summary(), summary()
proved("an approval names its revision; headworks pipeline approve names it for nobody who has not")

# --- roles ----------------------------------------------------------------------------------------------------------------
trust = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": f"arn:aws:iam::{account}:root"}}]}
role = iam.create_role(RoleName="approvers", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]


def session(name: str):
    given = server.client("sts").assume_role(RoleArn=role, RoleSessionName=name)["Credentials"]
    return pipelines(given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"])


execution = create("roles", HeadworksQuorum="3")
refused(decide(session("AWSCodeBuild-story"), execution), "AccessDeniedException", "codepipeline:PutApprovalResult")
assert decide(session("one"), execution) == "ok"
refused(decide(session("two"), execution), "ApprovalAlreadyCompletedException", "assumed-role/approvers/two")
assert decide(server.client("codepipeline"), execution) == "ok", "root is a principal like any other"
assert decide(ann, execution) == "ok"
delivery.wait_for(execution, "Succeeded")
proved("sessions of one role are one principal; a session that may not approve is refused")
server.stop()
