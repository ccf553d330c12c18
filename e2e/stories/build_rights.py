"""What runs in a build is held to its role's policies, over the API and over git: real git, the aws command, real builds.
So are the actions of a pipeline: without a role of their own to the policies of the pipeline's."""

import json
import sys
from pathlib import Path

from delivery import Delivery
from stage import REGION, Server, eventually, proved

VENV = Path(sys.executable).parent.parent

# Set up as AWS's documentation says, inside of a build.
PREPARE = [
    f"export HOME=$PWD PATH={VENV}/bin:$PATH GIT_TERMINAL_PROMPT=0",
    "git config --global credential.helper '!aws codecommit credential-helper --ignore-host-check $@'",
    "git config --global credential.UseHttpPath true",
    "git config --global user.name Builder && git config --global user.email builder@example.com",
    'refused() { if "$@" >out 2>&1; then echo "NOT REFUSED $*"; return 1; fi; cat out; '
    'grep -Eq "not authorized|error: 403" out; }',
]

# The aws command of these tests, and the Python that it runs on, may be in a home folder, which builds do not see.
tools = [str(path) for path in (VENV, Path(sys.base_prefix)) if path != Path("/usr")]
server = Server(settings={"HEADWORKS_EXECUTOR_VISIBLE": ":".join(tools)}).start()
delivery = Delivery(server).prepare()
account = server.aws("sts", "get-caller-identity")["Account"]
kept = delivery.codecommit.create_repository(repositoryName="kept")["repositoryMetadata"]["cloneUrlHttp"]
delivery.codepipeline.create_pipeline(pipeline=delivery.declaration(approval=True))
roles = {name: server.role(name) for name in ("builder", "strong")}


def build(*commands: str):
    """Runs the commands in a build as `builder`; each must end well."""
    spec = {"version": 0.2, "phases": {"build": {"commands": [*PREPARE, *commands]}}}
    started = delivery.codebuild.start_build(projectName="rights", buildspecOverride=json.dumps(spec))["build"]["id"]

    def probe():
        now = delivery.codebuild.batch_get_builds(ids=[started])["builds"][0]
        return now if now["buildComplete"] else None
    ended = eventually("the build ends", probe, 120)
    if ended["buildStatus"] != "SUCCEEDED":
        logs = server.client("logs").get_log_events(
            logGroupName=ended["logs"]["groupName"], logStreamName=ended["logs"]["streamName"], startFromHead=True)
        raise AssertionError("".join(event["message"] for event in logs["events"]))


delivery.create_project("rights", source={"type": "NO_SOURCE", "buildspec": "version: 0.2\nphases: {}\n"},
                        artifacts={"type": "NO_ARTIFACTS"}, serviceRole=roles["builder"])

NOTHING = [
    "aws sts get-caller-identity",
    "refused aws s3 ls",
    "refused aws codebuild start-build --project-name delivery --buildspec-override x",
    f"refused aws codebuild update-project --name rights --service-role {roles['strong']}",
    "refused aws codepipeline get-pipeline-state --name delivery",
    "refused aws codepipeline put-approval-result --pipeline-name delivery --stage-name Deploy --action-name Approve"
    " --token 00000000-0000-0000-0000-000000000000 --result summary=x,status=Approved",
    "refused aws iam create-access-key --user-name root",
    f"refused git clone -q {delivery.clone_url} library",
]
build(*NOTHING)
proved("a build whose role has no policies may ask who it is, and nothing else: no API, no git")

policy = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": ["codecommit:*", "codebuild:UpdateProject"], "Resource": "*"},
    {"Effect": "Deny", "Action": "codecommit:*", "Resource": f"arn:aws:codecommit:{REGION}:{account}:kept"},
    {"Effect": "Deny", "Action": "codecommit:GitPush", "Resource": f"arn:aws:codecommit:{REGION}:{account}:delivery"},
]}
delivery.iam.put_role_policy(RoleName="builder", PolicyName="git", PolicyDocument=json.dumps(policy))
build(
    f"git clone -q {delivery.clone_url} library",
    "cd library && echo more >more.txt && git add -A && git commit -q -m More",
    "refused git push -q origin HEAD:main",
    f"refused git clone -q {kept} other",
    "refused aws codecommit get-repository --repository-name kept",
    "refused aws codecommit update-repository-name --old-name kept --new-name free",
    "refused aws codecommit update-repository-name --old-name delivery --new-name kept",
    "refused aws s3 ls",
)
proved("a build clones what its role's policy allows; what is denied stays so under another name and over git")

build(
    "aws codebuild update-project --name rights --description mine",
    f"refused aws codebuild update-project --name rights --service-role {roles['strong']}",
    "refused aws codebuild update-project --name rights --build-batch-config "
    f"serviceRole={roles['strong']}",
)
described = delivery.codebuild.batch_get_projects(names=["rights"])["projects"][0]
assert (described["description"], described["serviceRole"]) == ("mine", roles["builder"]), described
proved("a project is given another role only by who may pass that role")

delivery.iam.delete_role_policy(RoleName="builder", PolicyName="git")
build(*NOTHING)
proved("with its last policy a role loses what the policy gave, and gains nothing")

# --- pipelines ------------------------------------------------------------------------------------------------------------
pipelines = delivery.codepipeline
narrow = delivery.declaration("narrow")
narrow["roleArn"] = server.role("narrow")
name, arn = narrow["roleArn"].split("/")[-1], lambda service, resource: f"arn:aws:{service}:{REGION}:{account}:{resource}"


def allow(what: str, resource: str, *actions: str):
    """Gives the pipeline's role a policy."""
    document = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": resource}]}
    delivery.iam.put_role_policy(RoleName=name, PolicyName=what, PolicyDocument=json.dumps(document))


def fails(stage: str, text: str, call: str):
    """The execution has failed in this stage, for want of this call."""
    delivery.wait_for(execution, "Failed", pipeline="narrow")
    states = pipelines.get_pipeline_state(name="narrow")["stageStates"]
    found = next(s for s in states if s["stageName"] == stage)["actionStates"][0]["latestExecution"]["errorDetails"]
    assert found["code"] == "PermissionError", found
    assert text in found["message"] and f"not authorized to perform: {call} on resource: " in found["message"], found


def retry(stage: str):
    """Has the failed stage tried again."""
    pipelines.retry_stage_execution(
        pipelineName="narrow", stageName=stage, pipelineExecutionId=execution, retryMode="FAILED_ACTIONS")


trust = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "codebuild.amazonaws.com"}}]}
other = delivery.iam.create_role(RoleName="other", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
try:
    pipelines.create_pipeline(pipeline={**narrow, "roleArn": other})
    raise AssertionError("a role that does not trust CodePipeline is accepted")
except pipelines.exceptions.InvalidStructureException as error:
    assert f"CodePipeline is not authorized to perform AssumeRole on role {other}" in str(error), error
pipelines.create_pipeline(pipeline=narrow)
execution = delivery.executions("narrow")[0]["pipelineExecutionId"]
git = "permissions required to access the AWS CodeCommit repository named delivery. Update the IAM role permissions"
fails("Source", git, "codecommit:GetBranch")
allow("source", arn("codecommit", "delivery"), "codecommit:GetBranch", "codecommit:GetCommit",
      "codecommit:UploadArchive", "codecommit:GetUploadArchiveStatus")
retry("Source")
fails("Source", "access the Amazon S3 bucket named delivery-artifacts", "s3:PutObject")
allow("store", "arn:aws:s3:::delivery-artifacts/*", "s3:GetObject", "s3:PutObject")
retry("Source")
fails("Build", "Error calling startBuild: ", "codebuild:StartBuild")
allow("build", arn("codebuild", "project/delivery"), "codebuild:StartBuild")
retry("Build")
fails("Deploy", "access the Amazon S3 bucket named delivery-site", "s3:PutObject")
assert delivery.s3.list_objects_v2(Bucket="delivery-site")["KeyCount"] == 0
allow("site", "arn:aws:s3:::delivery-site/*", "s3:PutObject")
retry("Deploy")
delivery.wait_for(execution, "Succeeded", pipeline="narrow")
assert delivery.published() == "first\n"
proved("an action does what its pipeline's role may, and says what that lacks; with it a retry succeeds")
server.stop()
