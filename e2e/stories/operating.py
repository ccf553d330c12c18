"""What operators rely on: health, metrics, a graceful stop, test mode on loopback only, and reset."""

import stat
import subprocess
import time
import urllib.error
import urllib.request

import boto3

from stage import Server, binary, proved

server = Server().start()
for path in ("/healthz", "/readyz"):
    assert urllib.request.urlopen(server.endpoint + path).status == 200, path
metrics = urllib.request.urlopen(server.endpoint + "/metrics").read().decode()
for word in ("requests", "outbox", "jobs", "disk"):
    assert word in metrics, f"no metric about {word}:\n{metrics}"
key = server.data / "root-key.json"
assert stat.S_IMODE(key.stat().st_mode) == 0o600
proved("health, readiness and metrics answer, and the root key is the owner's alone")

s3 = server.client("s3")
s3.create_bucket(Bucket="kept", CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
server.stop()
server.restart()
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
assert refused.returncode != 0 and "loopback" in refused.stderr, refused
proved("test mode is refused on any address but loopback")

test = Server("--test-mode").start()
sts = boto3.client("sts", endpoint_url=test.endpoint, region_name="us-east-1",
                   aws_access_key_id="anything", aws_secret_access_key="at all")
assert sts.get_caller_identity()["Account"] == "123456789012"
s3 = test.client("s3")
s3.create_bucket(Bucket="gone", CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
best = 1.0
for _ in range(5):
    begin = time.perf_counter()
    urllib.request.urlopen(urllib.request.Request(test.endpoint + "/_headworks/reset", method="POST"))
    best = min(best, time.perf_counter() - begin)
assert best < 0.05, f"reset took {best * 1000:.0f} ms at best"
assert s3.list_buckets()["Buckets"] == []
proved("test mode takes any signature, and reset drops all state in under 50 ms")
test.stop()
