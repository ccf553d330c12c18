"""Builds have a container engine of their own where project and operator want it: docker works, and nothing is left."""

import io
import os
import shutil
import subprocess
import tarfile
import time
from pathlib import Path

from stage import Server, eventually, processes_with, proved, skip

if os.geteuid() != 0:
    skip("an engine inside of builds needs a server that runs as root")
for program in ("docker", "podman", "runc", "ip", "iptables", "busybox"):
    if not shutil.which(program):
        skip(f"there is no {program}")

BUILDSPEC = """\
version: 0.2
phases:
  build:
    commands:
      - docker images --format 'begins with {{.Repository}}'
      - docker import -m base image.tar local/base:1
      - docker build -q -t local/app:$CODEBUILD_BUILD_NUMBER . 2>/dev/null
      - docker run --rm -v "$PWD:/src" local/app:$CODEBUILD_BUILD_NUMBER /bin/busybox cat /src/message.txt /built
      - docker run -d --name web -p 8099:80 local/base:1 /bin/busybox sh -c 'mkdir /w; echo served >/w/x; /bin/busybox httpd -f -p 80 -h /w'
      - for i in $(seq 600); do curl -sf http://127.0.0.1:8099/x && break; sleep 0.1; done
      - curl -s -o /dev/null -w 'the server answers %{http_code}\\n' "$AWS_ENDPOINT_URL/healthz"
"""
DOCKERFILE = "FROM local/base:1\nRUN [\"/bin/busybox\", \"sh\", \"-c\", \"echo built in the image >/built\"]\n"
PLAIN = "version: 0.2\nphases:\n  build:\n    commands:\n      - docker ps\n"


def image() -> bytes:
    """A file system with busybox in it."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for name in ("bin", "tmp"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(folder)
        tar.add(shutil.which("busybox"), "bin/busybox", filter=lambda member: member)
    return content.getvalue()


server = Server(settings={"HEADWORKS_EXECUTOR_KIND": "host", "HEADWORKS_EXECUTOR_ALLOW_PRIVILEGED": "true"}).start()
codebuild, s3 = server.client("codebuild"), server.client("s3")
s3.create_bucket(Bucket="sources", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
for key, body in (("message.txt", b"from the source\n"), ("Dockerfile", DOCKERFILE.encode()), ("image.tar", image())):
    s3.put_object(Bucket="sources", Key=f"app/{key}", Body=body)
role = server.role("build", "*")
codebuild.create_project(
    name="app", source={"type": "S3", "location": "sources/app/", "buildspec": BUILDSPEC},
    artifacts={"type": "NO_ARTIFACTS"}, cache={"type": "LOCAL", "modes": ["LOCAL_DOCKER_LAYER_CACHE"]},
    environment={"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0",
                 "computeType": "BUILD_GENERAL1_SMALL", "privilegedMode": True},
    serviceRole=role)


def build(**overrides) -> tuple[dict, str]:
    started = codebuild.start_build(projectName="app", **overrides)["build"]["id"]
    ended = eventually(f"the end of {started}", lambda: next(
        (b for b in codebuild.batch_get_builds(ids=[started])["builds"] if b["buildComplete"]), None), 180)
    return ended, log_of(ended)


def log_of(build: dict) -> str:
    logs, client = build["logs"], server.client("logs")
    try:
        events = client.get_log_events(
            logGroupName=logs["groupName"], logStreamName=logs["streamName"], startFromHead=True)["events"]
    except (KeyError, client.exceptions.ResourceNotFoundException):
        return ""  # nothing was printed yet
    return "\n" + "".join(event["message"] for event in events)


def links() -> str:
    return subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout


before = links()
ended, log = build()
assert ended["buildStatus"] == "SUCCEEDED", log
for line in ("from the source", "built in the image", "served", "the server answers 200"):
    assert f"\n{line}\n" in log, log
assert "\nbegins with" not in log, log
told = next(p for p in ended["phases"] if p["phaseType"] == "PROVISIONING")["contexts"][0]["message"]
assert "a container engine of its own" in told, told
assert links() == before
proved("docker imports, builds, runs, mounts the source and publishes a port, and the machine's network is as it was")

ended, log = build()
assert ended["buildStatus"] == "SUCCEEDED", log
assert "\nbegins with local/base\n" in log and "\nbegins with local/app\n" in log, log
proved("LOCAL_DOCKER_LAYER_CACHE: the next build begins with what the last one has made")

ended, log = build(privilegedModeOverride=False, buildspecOverride=PLAIN)
assert ended["buildStatus"] == "FAILED", log
assert "There is no container engine in this build: privilegedMode is not set in the project's environment" in log, log
proved("without privilegedMode the log of a docker command that fails names the switch")

mark = f"98{os.getpid():07}"
FOREVER = f"""\
version: 0.2
phases:
  build:
    commands:
      - docker run -d local/base:1 /bin/busybox sleep {mark}
      - echo up; sleep {mark}
"""
started = codebuild.start_build(projectName="app", buildspecOverride=FOREVER)["build"]
current = lambda: codebuild.batch_get_builds(ids=[started["id"]])["builds"][0]
eventually("the build's first words", lambda: "\nup\n" in log_of(current()))
server.kill()
assert processes_with(f"sleep {mark}"), "it outlives the server"
server.restart()
codebuild = server.client("codebuild")
codebuild.stop_build(id=started["id"])
eventually("the end of the build", lambda: current()["buildComplete"])
eventually("the end of its containers", lambda: not processes_with(f"sleep {mark}"))
eventually("the job's folder to be gone", lambda: not list((server.data / "jobs").iterdir()))
mounts = Path("/proc/self/mountinfo").read_text()
assert str(server.data) not in mounts, mounts
proved("containers of a build outlive the server with it, and end with it")
server.stop()
