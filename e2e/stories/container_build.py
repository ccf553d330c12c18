"""Builds run in containers: image, log, artifacts, a killed server, a stop, an image that nobody has."""

import io
import json
import os
import re
import shlex
import subprocess
import time
import zipfile

from stage import Server, eventually, processes_with, proved, skip

SOCKET = os.environ.get("HEADWORKS_TEST_CONTAINER_SOCKET") or skip(
    "HEADWORKS_TEST_CONTAINER_SOCKET is not set: `cargo xtask test` starts an engine where it can")
PODMAN = shlex.split(os.environ["HEADWORKS_TEST_PODMAN"])
IMAGE = "localhost/headworks-test/busybox:1"
CURATED = "aws/codebuild/standard:7.0"

BUILDSPEC = """\
version: 0.2
env:
  exported-variables: [ANSWER]
phases:
  build:
    commands:
      - test -e /boot || echo in a container
      - cat message.txt && pwd && test "$PWD" = "$CODEBUILD_SRC_DIR"
      - wget -q -O - "$AWS_ENDPOINT_URL/healthz" >/dev/null && echo the server can be reached
      - ANSWER=$(expr 6 '*' 7) && export ANSWER
      - mkdir -p dist && echo "built $ANSWER" >dist/result.txt
artifacts:
  files: dist/result.txt
"""

server = Server(settings={
    "HEADWORKS_EXECUTOR_KIND": "container",
    "HEADWORKS_EXECUTOR_SOCKET": SOCKET,
    "HEADWORKS_EXECUTOR_IMAGES": f"{CURATED}={IMAGE}",
}).start()
jobs = f"label=headworks.jobs={server.data / 'jobs'}"
server.at_end([*PODMAN, "rm", "--force", "--filter", jobs])
codebuild, s3 = server.client("codebuild"), server.client("s3")
s3.create_bucket(Bucket="sources", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
s3.put_object(Bucket="sources", Key="app/message.txt", Body=b"hello from the source\n")
role = server.role("build", "s3:*")
codebuild.create_project(
    name="app",
    source={"type": "S3", "location": "sources/app/", "buildspec": BUILDSPEC},
    artifacts={"type": "S3", "location": "sources", "path": "out", "packaging": "ZIP", "name": "app.zip"},
    environment={"type": "LINUX_CONTAINER", "image": CURATED, "computeType": "BUILD_GENERAL1_SMALL",
                 "privilegedMode": True},
    serviceRole=role,
)


def build_of(id: str) -> dict:
    return codebuild.batch_get_builds(ids=[id])["builds"][0]


def start(**overrides) -> str:
    return codebuild.start_build(projectName="app", **overrides)["build"]["id"]


def wait_for(id: str) -> dict:
    return eventually(f"the end of {id}", lambda: (b := build_of(id))["buildComplete"] and b, seconds=120)


def log_of(build: dict) -> str:
    logs, client = build["logs"], server.client("logs")
    try:
        events = client.get_log_events(
            logGroupName=logs["groupName"], logStreamName=logs["streamName"], startFromHead=True)["events"]
    except (KeyError, client.exceptions.ResourceNotFoundException):
        return ""  # nothing was printed yet
    return "\n" + "".join(event["message"] for event in events)


def phase(build: dict, name: str) -> dict:
    return next(p for p in build["phases"] if p["phaseType"] == name)


def containers() -> list[str]:
    told = subprocess.run([*PODMAN, "ps", "--all", "--filter", jobs, "--format", "{{.Names}}"],
                          check=True, capture_output=True, text=True).stdout
    return told.split()


build = wait_for(start())
text = log_of(build)
assert build["buildStatus"] == "SUCCEEDED", (build["phases"], text)
for line in ("in a container", "hello from the source", "the server can be reached"):
    assert f"\n{line}\n" in text, text
assert build["exportedEnvironmentVariables"] == [{"name": "ANSWER", "value": "42"}], build
content = s3.get_object(Bucket="sources", Key="out/app.zip")["Body"].read()
assert zipfile.ZipFile(io.BytesIO(content)).read("dist/result.txt") == b"built 42\n"
proved("a build runs in its image, sees its source and the server, and its artifacts are stored")

told = phase(build, "PROVISIONING")["contexts"][0]["message"]
assert IMAGE in told and "container" in told, told
assert IMAGE in text and "executor.allow_privileged" in text, text
proved("PROVISIONING and the log say which image it is, and that privileged mode is the operator's to allow")

build = wait_for(start(imageOverride="localhost:9/nobody/nothing:1"))
provisioning = phase(build, "PROVISIONING")
assert (build["buildStatus"], provisioning["phaseStatus"]) == ("FAILED", "FAILED"), build
assert "Unable to pull the container image localhost:9/nobody/nothing:1" in provisioning["contexts"][0]["message"]
assert "Pulling image localhost:9/nobody/nothing:1" in log_of(build)
proved("an image that nobody has fails the build in PROVISIONING with the reason")

SLOW = "version: 0.2\nphases:\n  build:\n    commands:\n      - echo before; sleep 4; echo after; echo ran >>ran\n" \
       "      - test $(wc -l <ran) = 1\n"
id = start(buildspecOverride=SLOW, artifactsOverride={"type": "NO_ARTIFACTS"})
eventually("the build's first words", lambda: "\nbefore\n" in log_of(build_of(id)))
server.kill()
time.sleep(1)
server.restart()
codebuild = server.client("codebuild")
build = wait_for(id)
text = log_of(build)
assert build["buildStatus"] == "SUCCEEDED", (build["phases"], text)
assert text.count("\nbefore\n") == 1 and text.count("\nafter\n") == 1, text
proved("a build in a container outlives a killed server; nothing is lost and nothing runs twice")

mark = f"97{os.getpid()}"
FOREVER = f"version: 0.2\nphases:\n  build:\n    commands:\n      - (sleep {mark} &); echo up; sleep {mark}\n"
id = start(buildspecOverride=FOREVER, artifactsOverride={"type": "NO_ARTIFACTS"})
eventually("the build's first words", lambda: "\nup\n" in log_of(build_of(id)))
codebuild.stop_build(id=id)
build = wait_for(id)
assert build["buildStatus"] == "STOPPED", build
assert not processes_with(f"sleep {mark}")
proved("a stopped build leaves no process")

id = start(buildspecOverride=FOREVER, artifactsOverride={"type": "NO_ARTIFACTS"})
eventually("the build's first words", lambda: "\nup\n" in log_of(build_of(id)))
subprocess.run([*PODMAN, "kill", *containers()], check=True, capture_output=True)
build = wait_for(id)
context = phase(build, "BUILD")["contexts"][0]["message"]
assert build["buildStatus"] == "FAULT" and re.search("ended from outside: exit status 137", context), build
proved("a container that is killed ends its build with the reason")

eventually("the last container to be gone", lambda: not containers())
proved("no container is left")
server.stop()
