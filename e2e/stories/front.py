"""Inside a build, clients that know nothing of AWS_ENDPOINT_URL reach the server under AWS's own names, as the role."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from stage import REGION, ROOT, Server, eventually, proved, skip

# What the flow-ci sample pins: older than AWS_ENDPOINT_URL.
OLD = "boto3==1.18.53"

OLD_BOTO3 = f"""
import boto3, botocore
assert boto3.__version__ == "1.18.53"
code = boto3.client("codecommit", region_name="{REGION}")
print("old boto3 sees", code.get_repository(repositoryName="front")["repositoryMetadata"]["repositoryName"])
s3 = boto3.client("s3", region_name="{REGION}")
s3.put_object(Bucket="front-bucket", Key="from-old", Body=b"old but good")
print("old boto3 reads", s3.get_object(Bucket="front-bucket", Key="from-old")["Body"].read().decode())
"""

NODE = """
const https = require('https');
https.get(process.argv[2], r => { let t = ''; r.on('data', d => t += d); r.on('end', () => console.log('node reads', r.statusCode, t)); });
"""

BUILDSPEC = """\
version: 0.2
env:
  shell: bash
  git-credential-helper: no
phases:
  build:
    commands:
      - unset AWS_ENDPOINT_URL
      - export PATH="$VENV:$PATH" AWS_EC2_METADATA_DISABLED=true AWS_PAGER=
      - getent hosts sts.REGION.amazonaws.com front-bucket.s3.REGION.amazonaws.com
      - test -z "$AWS_ACCESS_KEY_ID" && echo no keys in the environment
      - echo "aws is $(aws sts get-caller-identity --query Arn --output text)"
      - aws s3 cp "$CODEBUILD_SRC_DIR/../hello" s3://front-bucket/hello 2>&1 || (echo hello > /tmp/hello && aws s3 cp /tmp/hello s3://front-bucket/hello)
      - echo "aws lists $(aws s3 ls s3://front-bucket/hello)"
      - printf %s "$OLD_BOTO3" > /tmp/old.py && "$OLD_PYTHON" /tmp/old.py
      - git -c credential.helper= -c 'credential.helper=!aws codecommit credential-helper $@' -c credential.UseHttpPath=true clone -q https://git-codecommit.REGION.amazonaws.com/v1/repos/front /tmp/clone && echo "git has $(cat /tmp/clone/README)"
      - printf %s "$NODE" > /tmp/get.js && node /tmp/get.js "$(aws s3 presign s3://front-bucket/hello)"
      - echo "curl gets $(curl -s -o /dev/null -w '%{http_code}' https://s3.REGION.amazonaws.com/front-bucket/hello)"
      - echo "credentials $(curl -s -H "Authorization:$AWS_CONTAINER_AUTHORIZATION_TOKEN" "$AWS_CONTAINER_CREDENTIALS_FULL_URI")"
      - echo "stranger $(curl -s -H 'Authorization:x' "$AWS_CONTAINER_CREDENTIALS_FULL_URI")"
""".replace("REGION", REGION)


def old_python() -> Path:
    """A Python with the old boto3, made once and kept beside the other environment."""
    venv = Path(os.environ.get("HEADWORKS_TEST_OLD_VENV") or ROOT / "target/venv-old")
    python = venv / "bin/python"
    if not (venv / "complete").exists():
        shutil.rmtree(venv, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(venv)], check=True)
        # This boto3 needs a urllib3 of its time and, on Python 3.12 and later, setuptools' own `six`.
        done = subprocess.run([str(python), "-m", "pip", "install", "-q", OLD, "urllib3<1.27"], capture_output=True, text=True)
        if done.returncode != 0:
            skip(f"{OLD} cannot be installed: {done.stderr.strip()[-300:]}")
        (venv / "complete").touch()
    return python


for program in ("node", "curl", "git", "bash"):
    if not shutil.which(program):
        skip(f"there is no {program}")
python = old_python()
# The Pythons of these tests may be in a home folder, which builds do not see.
tools = {str(path) for path in (Path(sys.executable).parent.parent, python.parent.parent, Path(sys.base_prefix))
         if path != Path("/usr")}
server = Server(settings={"HEADWORKS_EXECUTOR_VISIBLE": ":".join(sorted(tools))}).start()
if "lead to 127.77." not in eventually("the line about builds", lambda: (
        text if "builds run in" in (text := server.log.read_text(errors="replace")) and text.endswith("\n") else "")):
    skip("this machine does not let the server use port 443")

iam, s3, codebuild, codecommit = (server.client(name) for name in ("iam", "s3", "codebuild", "codecommit"))
role = server.role("build", "*")
s3.create_bucket(Bucket="front-bucket", CreateBucketConfiguration={"LocationConstraint": REGION})
clone_url = codecommit.create_repository(repositoryName="front")["repositoryMetadata"]["cloneUrlHttp"]
work = server.folder / "work"
work.mkdir()
(work / "README").write_text("what was pushed\n")
server.plain_git("init", "-q", "-b", "main", cwd=work)
server.git("add", "-A", cwd=work)
server.git("commit", "-q", "-m", "The first", cwd=work)
server.git("push", "-q", clone_url, "main", cwd=work)


def build(name: str, buildspec: str, **variables) -> tuple[dict, str]:
    codebuild.create_project(
        name=name, source={"type": "NO_SOURCE", "buildspec": buildspec}, artifacts={"type": "NO_ARTIFACTS"},
        environment={"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0",
                     "computeType": "BUILD_GENERAL1_SMALL",
                     "environmentVariables": [{"name": n, "value": v} for n, v in variables.items()]},
        serviceRole=role)
    started = codebuild.start_build(projectName=name)["build"]["id"]
    ended = eventually(f"the end of {name}", lambda: next(
        (b for b in codebuild.batch_get_builds(ids=[started])["builds"] if b["buildComplete"]), None), 120)
    events = server.client("logs").get_log_events(
        logGroupName=ended["logs"]["groupName"], logStreamName=ended["logs"]["streamName"], startFromHead=True)["events"]
    return ended, "".join(event["message"] for event in events)


ended, log = build("front", BUILDSPEC, VENV=str(Path(sys.executable).parent), OLD_PYTHON=str(python),
                   OLD_BOTO3=OLD_BOTO3, NODE=NODE)
assert ended["buildStatus"] == "SUCCEEDED", log
session = ended["id"].split(":")[1]
assert f":assumed-role/build/AWSCodeBuild-{session}\n" in log and "no keys in the environment\n" in log, log
proved("aws finds its credentials where the container endpoint is, and is the role in a session of this build")
assert "aws lists 20" in log and " hello\n" in log, log
assert "old boto3 sees front\n" in log and "old boto3 reads old but good\n" in log, log
proved("boto3 1.18.53 reaches CodeCommit, and S3 by the bucket's own host")
assert "git has what was pushed\n" in log, log
proved("git clones from git-codecommit.REGION.amazonaws.com")
assert "node reads 200 hello\n" in log, log
assert "curl gets 403\n" in log, log
proved("node's https and curl trust the certificate, and who does not sign is refused")

assert '"code":"AccessDenied"' in next(line for line in log.splitlines() if line.startswith("stranger ")), log
line = next(line for line in log.splitlines() if line.startswith("credentials "))
keys = json.loads(line.removeprefix("credentials "))
assert keys["RoleArn"] == role and keys["Expiration"].endswith("Z"), keys


def use() -> str:
    environment = {**server.environment(), "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
                   "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"], "AWS_SESSION_TOKEN": keys["Token"]}
    return subprocess.run(["aws", "sts", "get-caller-identity"], env=environment, capture_output=True, text=True).stderr


eventually("credentials that ended with their build", lambda: "InvalidClientTokenId" in use())
proved("credentials are given to the build alone, and are void when it is over")

_, log = build("without", "version: 0.2\nphases: {build: {commands: ['echo hosts $(grep -c amazonaws /etc/hosts)']}}\n",
               HEADWORKS_FRONT="off")
assert "hosts 0\n" in log, log
proved("a project can do without the front")
server.stop()
