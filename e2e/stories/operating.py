"""What operators rely on: health, metrics, a graceful stop, test mode on loopback only, and reset."""

import json
import re
import socket
import stat
import subprocess
import time
import urllib.error
import urllib.request

import boto3

from stage import Server, binary, eventually, proved

server = Server().start()
for path in ("/healthz", "/readyz"):
    assert urllib.request.urlopen(server.endpoint + path).status == 200, path
key = server.data / "root-key.json"
assert stat.S_IMODE(key.stat().st_mode) == 0o600
proved("health and readiness answer, and the root key is the owner's alone")

s3 = server.client("s3")
s3.create_bucket(Bucket="kept", CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
metrics = urllib.request.urlopen(server.endpoint + "/metrics").read().decode()
for line in (
    'headworks_requests_total{service="s3",operation="CreateBucket",status="200"} 1',
    'headworks_request_duration_seconds_count{service="s3"} 1',
    "headworks_outbox_rows 0", "headworks_outbox_age_seconds 0",
):
    assert line in metrics.splitlines(), f"{line} is missing:\n{metrics}"
assert int(re.search(r"^headworks_disk_free_bytes (\d+)$", metrics, re.MULTILINE)[1]) > 0, metrics
server.client("iam").create_role(RoleName="quick", AssumeRolePolicyDocument=json.dumps({"Statement": {
    "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "codebuild.amazonaws.com"}}}))
codebuild = server.client("codebuild")
codebuild.create_project(
    name="quick", source={"type": "NO_SOURCE", "buildspec": "version: 0.2\nphases: {build: {commands: ['true']}}"},
    artifacts={"type": "NO_ARTIFACTS"}, serviceRole="arn:aws:iam::123456789012:role/quick",
    environment={"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0", "computeType": "BUILD_GENERAL1_SMALL"})
build = codebuild.start_build(projectName="quick")["build"]["id"]
eventually("the build ends", lambda: codebuild.batch_get_builds(ids=[build])["builds"][0]["buildComplete"])
metrics = urllib.request.urlopen(server.endpoint + "/metrics").read().decode()
assert 'headworks_machines{kind="build",status="SUCCEEDED"} 1' in metrics.splitlines(), metrics
assert 'headworks_transitions_total{kind="build",status="SUCCEEDED"} 1' in metrics.splitlines(), metrics
codebuild.stop_build(id=build)  # too late: the build refuses it, the client sees the build as it is
page = lambda: urllib.request.urlopen(server.endpoint + "/metrics").read().decode().splitlines()
assert 'headworks_inputs_missed_total{kind="build",result="refused"} 1' in page(), page()
eventually("the job's remains go", lambda: all(
    f'headworks_jobs{{state="{state}"}} 0' in page() for state in ("waiting", "running", "ended", "lost")))
proved("metrics count requests, transitions and jobs by state, and watch the outbox and the disk")

codebuild.create_project(
    name="slow", source={"type": "NO_SOURCE", "buildspec":
                         "version: 0.2\nphases: {build: {commands: ['echo begun; sleep 10; echo ended']}}"},
    artifacts={"type": "NO_ARTIFACTS"}, serviceRole="arn:aws:iam::123456789012:role/quick",
    environment={"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0", "computeType": "BUILD_GENERAL1_SMALL"})
slow = codebuild.start_build(projectName="slow")["build"]["id"]
eventually("the slow build runs",
           lambda: codebuild.batch_get_builds(ids=[slow])["builds"][0]["currentPhase"] == "BUILD")
begin = time.perf_counter()
server.stop()
took = time.perf_counter() - begin
# Not as long as the build.
assert took < 5, f"the stop took {took:.1f} s"
status = subprocess.run([binary(), "status", "--data", server.data, "--output", "json"],
                        capture_output=True, text=True, timeout=20)
assert status.returncode == 0 and '"IN_PROGRESS"' in status.stdout, status
server.restart()
codebuild = server.client("codebuild")
eventually("the slow build ends", lambda: codebuild.batch_get_builds(ids=[slow])["builds"][0]["buildComplete"])
assert codebuild.batch_get_builds(ids=[slow])["builds"][0]["buildStatus"] == "SUCCEEDED"
log = server.client("logs").get_log_events(
    logGroupName="/aws/codebuild/slow", logStreamName=slow.split(":")[1], startFromHead=True)["events"]
assert [e["message"] for e in log].count("begun\n") == 1 and [e["message"] for e in log].count("ended\n") == 1, log
proved("SIGTERM does not wait for a running build, which ends while nobody looks; the next start hears all of it")
assert [b["Name"] for b in server.client("s3").list_buckets()["Buckets"]] == ["kept"]
proved("SIGTERM ends with 0, and a restart finds everything")
try:
    urllib.request.urlopen(urllib.request.Request(server.endpoint + "/_headworks/reset", method="POST"))
    raise AssertionError("reset must not exist outside of test mode")
except urllib.error.HTTPError as error:
    assert error.code in (400, 403, 404, 405), error.code
server.stop()

refused = subprocess.run(
    [binary(), "up", "--data", server.folder / "other", "--listen", "0.0.0.0:0", "--test-mode"],
    capture_output=True, text=True, timeout=20)
assert refused.returncode != 0 and "listen on 127.0.0.1" in refused.stderr, refused
proved("test mode is refused on any address but loopback")

test = Server("--test-mode").start()
sts = boto3.client("sts", endpoint_url=test.endpoint, region_name="us-east-1",
                   aws_access_key_id="anything", aws_secret_access_key="at all")
assert sts.get_caller_identity()["Account"] == "123456789012"
s3 = test.client("s3")
s3.create_bucket(Bucket="gone", CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})


def reset() -> float:
    begin = time.perf_counter()
    urllib.request.urlopen(urllib.request.Request(test.endpoint + "/_headworks/reset", method="POST"))
    return time.perf_counter() - begin


# At best: others may hold the processors.
eventually("a reset in under 50 ms", lambda: reset() < 0.05)
assert s3.list_buckets()["Buckets"] == []
proved("test mode takes any signature, and reset drops all state in under 50 ms")
test.stop()

narrow = Server(settings={"HEADWORKS_LIMITS_CONNECTIONS": "20"}).start()
mute = []
for _ in range(60):
    connection = socket.create_connection(("127.0.0.1", narrow.port))
    connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: mute\r\n")
    mute.append(connection)
begin = time.perf_counter()
for path in ("/healthz", "/readyz"):
    assert urllib.request.urlopen(narrow.endpoint + path, timeout=20).status == 200, path
assert narrow.client("sts").get_caller_identity()["Account"]
took = time.perf_counter() - begin
assert took < 15, f"it took {took:.1f} s"
told = narrow.log.read_text().count("limits.connections")
assert told == 1, f"the log says so {told} times"
proved("connections that never say what they want give way to those that do, and the log is not flooded")
for connection in mute:
    connection.close()
narrow.stop()
