"""Sandboxes: commands run in the environment of a project's builds, once each, and survive the server."""

import json
import os

import boto3
from botocore.exceptions import ClientError
from delivery import Delivery
from stage import REGION, Server, eventually, processes_with, proved, sleepers

MARK = f"86411.{os.getpid():07}"

server = Server().start()
delivery = Delivery(server).prepare({"hello.txt": "from the repository\n"})
codebuild, iam, logs, ssm = (server.client(name) for name in ("codebuild", "iam", "logs", "ssm"))
iam.attach_role_policy(RoleName="delivery-role", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
ssm.put_parameter(Name="/sandbox/word", Type="SecureString", Value="a-w0rd-that-nobody-sees")
environment = {
    "type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0", "computeType": "BUILD_GENERAL1_SMALL",
    "environmentVariables": [
        {"name": "COLOUR", "value": "green"},
        {"name": "WORD", "value": "/sandbox/word", "type": "PARAMETER_STORE"},
    ],
}


def project(name, **more):
    codebuild.create_project(**{
        "name": name, "environment": environment, "serviceRole": delivery.role,
        "artifacts": {"type": "NO_ARTIFACTS"}, **more,
    })


def sandbox(id):
    return codebuild.batch_get_sandboxes(ids=[id])["sandboxes"][0]


def started(name):
    """A sandbox that takes commands."""
    made = codebuild.start_sandbox(projectName=name)["sandbox"]
    assert made["status"] in ("QUEUED", "IN_PROGRESS", "RUNNING"), made
    return eventually("a sandbox that runs", lambda: running(made["id"]))


def running(id):
    now = sandbox(id)
    assert now["status"] not in ("FAILED", "STOPPED"), now
    return now if now["status"] == "RUNNING" else None


def execution(box, id):
    found = codebuild.batch_get_command_executions(sandboxId=box, commandExecutionIds=[id])
    return found["commandExecutions"][0]


def over(box, id, seconds=60):
    def look():
        now = execution(box, id)
        return now if now["status"] in ("SUCCEEDED", "FAILED") else None
    return eventually("the end of a command", look, seconds)


def run(box, command):
    made = codebuild.start_command_execution(sandboxId=box, command=command, type="SHELL")["commandExecution"]
    assert made["status"] == "SUBMITTED" and made["command"] == command, made
    return over(box, made["id"])


def refused(code, operation, **arguments):
    try:
        operation(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return error.response["Error"]["Message"]
    raise AssertionError(f"not refused: {arguments}")


# --- the environment of a build -------------------------------------------------------------------------------------

project("plain", source={"type": "NO_SOURCE", "buildspec": "version: 0.2\nphases: {build: {commands: [exit 1]}}"})
box = started("plain")
assert box["currentSession"]["currentPhase"] == "RUN_SANDBOX", box
assert box["id"].startswith("plain:") and box["arn"].endswith(":sandbox/" + box["id"]), box
names = [phase["phaseType"] for phase in box["currentSession"]["phases"]]
assert names == ["SUBMITTED", "QUEUED", "PROVISIONING", "DOWNLOAD_SOURCE", "RUN_SANDBOX"], names

hello = run(box["id"], 'echo "Hello World"')
assert (hello["status"], hello["exitCode"], hello["standardOutputContent"]) == ("SUCCEEDED", "0", "Hello World\n"), hello
assert "standardErrContent" not in hello and hello["sandboxArn"] == box["arn"], hello
failed = run(box["id"], "echo out; fail command")
assert (failed["status"], failed["exitCode"], failed["standardOutputContent"]) == ("FAILED", "127", "out\n"), failed
assert "not found" in failed["standardErrContent"], failed
told = run(box["id"], 'echo "$COLOUR $CODEBUILD_SRC_DIR"; pwd; echo $WORD; aws sts get-caller-identity --query Arn')
lines = told["standardOutputContent"].splitlines()
assert lines[0] == f"green {lines[1]}" and lines[2] == "***", told
assert lines[3].endswith(f'AWSCodeBuild-{box["currentSession"]["id"]}"'), told
proved("a command has the project's variables, masked secrets and the role of the project's builds")

where = box["currentSession"]["logs"]
events = logs.get_log_events(logGroupName=where["groupName"], logStreamName=where["streamName"])["events"]
text = "".join(event["message"] for event in events)
assert "Hello World" in text and "a-w0rd-that-nobody-sees" not in text and "Running command echo out; fail" in text, text
proved("what commands write is in CloudWatch Logs")

listed = server.aws("codebuild", "list-command-executions-for-sandbox", "--sandbox-id", box["arn"], "--max-results", "2",
                    "--sort-order", "ASCENDING", "--no-paginate")
assert [e["id"] for e in listed["commandExecutions"]] == [hello["id"], failed["id"]], listed
rest = codebuild.list_command_executions_for_sandbox(
    sandboxId=box["id"], nextToken=listed["nextToken"], maxResults=2, sortOrder="ASCENDING")
assert [e["id"] for e in rest["commandExecutions"]] == [told["id"]] and "nextToken" not in rest, rest
assert server.aws("codebuild", "list-sandboxes")["ids"] == [box["id"]]
assert server.aws("codebuild", "list-sandboxes-for-project", "--project-name", "plain")["ids"] == [box["id"]]

project("with-source", source={"type": "CODECOMMIT", "location": delivery.clone_url}, sourceVersion="main")
sourced = started("with-source")
read = run(sourced["id"], "cat hello.txt; git log --oneline | wc -l")
assert read["standardOutputContent"].splitlines() == ["from the repository", "1"], read
assert sandbox(sourced["id"])["currentSession"]["resolvedSourceVersion"], sandbox(sourced["id"])
proved("a sandbox has its project's sources, and needs no buildspec in them")

# --- two at once, tokens --------------------------------------------------------------------------------------------

first = codebuild.start_command_execution(sandboxId=sourced["id"], command="sleep 1; echo one")["commandExecution"]["id"]
second = codebuild.start_command_execution(sandboxId=sourced["id"], command="echo two")["commandExecution"]["id"]
ended = [over(sourced["id"], id) for id in (first, second)]
assert ended[0]["endTime"] <= ended[1]["startTime"], ended
proved("commands of one sandbox run one after the other")

one = codebuild.start_sandbox(projectName="plain", idempotencyToken="t")["sandbox"]["id"]
assert codebuild.start_sandbox(projectName="plain", idempotencyToken="t")["sandbox"]["id"] == one
assert codebuild.stop_sandbox(id=one)["sandbox"]["id"] == one
eventually("the end of a sandbox", lambda: sandbox(one)["status"] == "STOPPED")

# --- what is refused ------------------------------------------------------------------------------------------------

unknown = "plain:00000000-0000-4000-8000-000000000000"
for operation, arguments in (
    (codebuild.stop_sandbox, {"id": unknown}),
    (codebuild.start_command_execution, {"sandboxId": unknown, "command": "true"}),
    (codebuild.list_command_executions_for_sandbox, {"sandboxId": unknown}),
    (codebuild.start_sandbox_connection, {"sandboxId": unknown}),
    (codebuild.start_sandbox, {"projectName": "nobody-made-it"}),
    (codebuild.list_sandboxes_for_project, {"projectName": "nobody-made-it"}),
):
    refused("ResourceNotFoundException", operation, **arguments)
found = codebuild.batch_get_sandboxes(ids=[unknown, box["arn"]])
assert found["sandboxesNotFound"] == [unknown] and found["sandboxes"][0]["id"] == box["id"], found
found = codebuild.batch_get_command_executions(sandboxId=box["id"], commandExecutionIds=[first, hello["id"]])
assert found["commandExecutionsNotFound"] == [first], "the command of another sandbox"
start = codebuild.start_command_execution
assert "STOPPED" in refused("InvalidInputException", start, sandboxId=one, command="true")
refused("InvalidInputException", start, sandboxId=box["id"], command="#" * 70000)
refused("InvalidInputException", start, sandboxId=box["id"], command="true", type="PYTHON")
refused("InvalidInputException", codebuild.list_sandboxes, nextToken="nonsense")
message = refused("InvalidInputException", codebuild.start_sandbox_connection, sandboxId=box["id"])
assert f"headworks attach {box['id']}" in message, message
proved("unknown ids, stopped sandboxes, commands that are too long or of another type are refused")

# --- kill -9 --------------------------------------------------------------------------------------------------------

ledger = "/tmp/ledger"
slow = codebuild.start_command_execution(
    sandboxId=box["id"], command=f"echo ran >>{ledger}; sleep 3; echo slept")["commandExecution"]["id"]
later = codebuild.start_command_execution(
    sandboxId=box["id"], command=f"cat {ledger}; sleep 0.{os.getpid()}")["commandExecution"]["id"]
eventually("a command that runs", lambda: execution(box["id"], slow)["status"] in ("IN_PROGRESS", "SUCCEEDED"))
server.kill()
server.restart()
assert over(box["id"], slow)["standardOutputContent"] == "slept\n"
assert over(box["id"], later)["standardOutputContent"] == "ran\n"
assert running(box["id"]) and run(box["id"], f"cat {ledger}")["standardOutputContent"] == "ran\n"
proved("kill -9 of the server: the sandbox goes on, and no command runs twice")

# --- the end --------------------------------------------------------------------------------------------------------

endless = codebuild.start_command_execution(
    sandboxId=box["id"], command=f"echo begun; sleep {MARK}")["commandExecution"]["id"]
waiting = codebuild.start_command_execution(sandboxId=box["id"], command="echo never")["commandExecution"]["id"]
# Not the shell, which has the same words before it has said anything.
eventually("a process of the command", lambda: sleepers(MARK))
stopping = server.aws("codebuild", "stop-sandbox", "--id", box["arn"])["sandbox"]
assert stopping["status"] in ("STOPPING", "STOPPED"), stopping
eventually("the end of the sandbox", lambda: sandbox(box["id"])["status"] == "STOPPED")
eventually("no process of the command", lambda: not processes_with(f"sleep {MARK}"))
done = over(box["id"], endless)
assert done["status"] == "FAILED" and "exitCode" not in done and done["standardOutputContent"] == "begun\n", done
assert "ended before" in done["standardErrContent"], done
never = over(box["id"], waiting)
assert never["status"] == "FAILED" and "startTime" not in never, never
assert "stopped" in never["standardErrContent"], never
last = sandbox(box["id"])
assert last["currentSession"]["currentPhase"] == "COMPLETED" and last["endTime"] >= last["startTime"], last
proved("StopSandbox ends every process, and commands that it cuts off say so")

lost = started("plain")
orphan = codebuild.start_command_execution(sandboxId=lost["id"], command="sleep 1000")["commandExecution"]["id"]
eventually("a command that runs", lambda: execution(lost["id"], orphan)["status"] == "IN_PROGRESS")
uuid = lost["currentSession"]["id"]
for pid in processes_with(uuid):
    try:
        os.kill(pid, 9)
    except ProcessLookupError:
        pass
gone = over(lost["id"], orphan)
assert gone["status"] == "FAILED" and "exitCode" not in gone, gone
eventually("the end of the sandbox", lambda: sandbox(lost["id"])["status"] == "FAILED")
proved("a sandbox whose processes are killed from outside fails, and so does its command: nobody knows how it ended")

codebuild.update_project(name="plain", timeoutInMinutes=5)
assert started("plain")["timeoutInMinutes"] == 5
codebuild.stop_sandbox(id=sourced["id"])

# --- who may --------------------------------------------------------------------------------------------------------

policy = {"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Action": "codebuild:StartSandbox", "Resource": "arn:aws:codebuild:*:*:project/plain"}]}
trust = iam.get_role(RoleName="delivery-role")["Role"]["AssumeRolePolicyDocument"]
narrow = iam.create_role(RoleName="narrow", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
iam.put_role_policy(RoleName="narrow", PolicyName="p", PolicyDocument=json.dumps(policy))
environment["environmentVariables"].pop()
project("narrow", source={"type": "NO_SOURCE", "buildspec": "version: 0.2"}, serviceRole=narrow)
inside = started("narrow")["id"]
fetch = 'curl -sH "Authorization: $AWS_CONTAINER_AUTHORIZATION_TOKEN" $AWS_CONTAINER_CREDENTIALS_FULL_URI'
own = json.loads(run(inside, fetch)["standardOutputContent"])
guest = boto3.client("codebuild", endpoint_url=server.endpoint, region_name=REGION, aws_access_key_id=own["AccessKeyId"],
                     aws_secret_access_key=own["SecretAccessKey"], aws_session_token=own["Token"])
allowed = guest.start_sandbox(projectName="plain")["sandbox"]["id"]
for operation, arguments in (
    (guest.start_sandbox, {"projectName": "with-source"}),
    (guest.stop_sandbox, {"id": allowed}),
    (guest.batch_get_sandboxes, {"ids": [allowed]}),
    (guest.start_command_execution, {"sandboxId": inside, "command": "true"}),
    (guest.batch_get_command_executions, {"sandboxId": allowed, "commandExecutionIds": [first]}),
    (guest.list_command_executions_for_sandbox, {"sandboxId": allowed}),
    (guest.list_sandboxes_for_project, {"projectName": "plain"}),
    (guest.start_sandbox_connection, {"sandboxId": inside}),
    (guest.list_sandboxes, {}),
):
    refused("AccessDeniedException", operation, **arguments)
for id in (inside, allowed):
    codebuild.stop_sandbox(id=id)
    eventually("the end of a sandbox", lambda: sandbox(id)["status"] == "STOPPED")
try:
    guest.start_sandbox(projectName="plain")
except ClientError as error:
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] in (400, 403), error
else:
    raise AssertionError("the credentials outlived their sandbox")
proved("policies decide, by the project, and a sandbox's credentials end with it")
server.stop()
