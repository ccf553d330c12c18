"""A full disk is refused in words that help, breaks nothing that is there, and passes once there is room."""

import errno
import os
import subprocess
import urllib.error
import urllib.request

from botocore.exceptions import ClientError

from delivery import SITE, Delivery
from stage import Server, eventually, proved, skip

MIB = 1 << 20

server = Server(settings={"HEADWORKS_DISK_MIN_FREE_BYTES": str(24 * MIB), "HEADWORKS_DISK_WARN_FREE_BYTES": str(32 * MIB)})
server.data.mkdir(mode=0o700)
mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m,mode=700", "tmpfs", str(server.data)],
                         capture_output=True, text=True)
if mounted.returncode != 0:
    skip(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")
server.at_end(["umount", "--lazy", str(server.data)])
ballast = server.data / "ballast"


def fill(keep: int):
    """Leaves `keep` bytes free."""
    ballast.unlink(missing_ok=True)
    room = os.statvfs(server.data)
    assert room.f_blocks * room.f_frsize <= 64 * MIB, "this is not the story's own file system"
    with open(ballast, "wb") as file:
        size = max(room.f_bavail * room.f_frsize - keep, 1)
        # The server writes, too: what was free a moment ago may be less now.
        while size > 0:
            try:
                return os.posix_fallocate(file.fileno(), 0, size)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
            size -= os.sysconf("SC_PAGE_SIZE")


def free() -> int:
    room = os.statvfs(server.data)
    return room.f_bavail * room.f_frsize


def ready():
    try:
        return urllib.request.urlopen(server.endpoint + "/readyz").read().decode()
    except urllib.error.HTTPError as error:
        return error.read().decode()


def refused(call, **arguments) -> str:
    """The answer to a call that must fail for want of room."""
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == "InsufficientStorage", error
        assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 507, error
        return error.response["Error"]["Message"]
    raise AssertionError("a full disk must refuse this")


server.start()
delivery = Delivery(server).prepare()
delivery.create_project("alone", source={"type": "CODECOMMIT", "location": delivery.clone_url},
                        artifacts={"type": "NO_ARTIFACTS"})
delivery.s3.put_object(Bucket=SITE, Key="kept", Body=b"k" * 300_000)

delivery.create_project("slow", artifacts={"type": "NO_ARTIFACTS"}, source={
    "type": "NO_SOURCE", "buildspec": "version: 0.2\nphases: {build: {commands: ['sleep 600']}}"})
slow = delivery.codebuild.start_build(projectName="slow")["build"]["id"]


def build_of(id):
    return delivery.codebuild.batch_get_builds(ids=[id])["builds"][0]


eventually("a build runs", lambda: build_of(slow)["currentPhase"] == "BUILD")
fill(8 * MIB)
eventually("the running build is ended", lambda: build_of(slow)["buildComplete"])
contexts = [c["message"] for p in build_of(slow)["phases"] for c in p.get("contexts", [])]
assert build_of(slow)["buildStatus"] == "FAILED" and "The disk of the server is full" in contexts[0], build_of(slow)
proved("a running build is ended when there is no room, and its phase says why")
eventually("the server sees that the disk fills up", lambda: "nearly full" in ready())
for call, arguments in (
    (delivery.s3.put_object, {"Bucket": SITE, "Key": "more", "Body": b"x" * 1000}),
    (delivery.codebuild.start_build, {"projectName": "alone", "sourceVersion": "main"}),
    (delivery.codecommit.put_file, {"repositoryName": "delivery", "branchName": "main", "filePath": "more",
                                    "fileContent": b"x", "parentCommitId": "0" * 40}),
):
    message = refused(call, **arguments)
    assert "nearly full" in message and "disk.min_free_bytes" in message, message
(delivery.work / "message.txt").write_text("does not fit\n")
server.git("commit", "-q", "-a", "-m", "More", cwd=delivery.work)
push = server.git("push", "-q", "origin", "main", cwd=delivery.work, may_fail=True)
assert push.returncode != 0 and "nearly full" in push.stderr, push
assert delivery.s3.get_object(Bucket=SITE, Key="kept")["Body"].read() == b"k" * 300_000
assert delivery.codebuild.list_builds()["ids"] == [slow]
metrics = urllib.request.urlopen(server.endpoint + "/metrics").read().decode()
assert "headworks_disk_free_bytes " in metrics
proved("before the disk is full, uploads, commits, pushes and builds are refused and name the setting; reading works")

# Now really full, with nothing kept back.
server.stop()
ballast.unlink()
server.settings["HEADWORKS_DISK_MIN_FREE_BYTES"] = "0"
server.start()
fill(0)
refused(delivery.s3.put_object, Bucket=SITE, Key="large", Body=b"x" * (4 * MIB))
try:
    for number in range(200):
        delivery.s3.put_object(Bucket=SITE, Key=f"small-{number}", Body=b"y" * 2000)
    raise AssertionError("rows must not fit into a full disk for ever")
except ClientError as error:
    assert error.response["ResponseMetadata"]["HTTPStatusCode"] == 507, error
    written = number
assert delivery.s3.get_object(Bucket=SITE, Key="kept")["Body"].read() == b"k" * 300_000
for number in range(written):
    assert delivery.s3.get_object(Bucket=SITE, Key=f"small-{number}")["Body"].read() == b"y" * 2000
proved("on a full disk a write fails as such, what was answered with success is there, and the server stays up")

ballast.unlink()
server.git("push", "-q", "origin", "main", cwd=delivery.work)
build = delivery.codebuild.start_build(projectName="alone", sourceVersion="main")["build"]["id"]


def ended():
    now = delivery.codebuild.batch_get_builds(ids=[build])["builds"][0]
    return now if now["buildComplete"] else None


built = eventually("the build ends", ended)
assert built["buildStatus"] == "SUCCEEDED", built["phases"]
delivery.s3.put_object(Bucket=SITE, Key="large", Body=b"x" * (4 * MIB))
proved("with room again everything goes on, without a restart")

# A commit that is small in the repository and larger than the disk when it is checked out.
with open(delivery.work / "large.bin", "wb") as file:
    # No zeros: git leaves holes for them, which take no room.
    for _ in range(128):
        file.write(b"x" * MIB)
server.git("add", "large.bin", cwd=delivery.work)
server.git("commit", "-q", "-m", "Large", cwd=delivery.work)
server.git("push", "-q", "origin", "main", cwd=delivery.work)
build = delivery.codebuild.start_build(projectName="alone", sourceVersion="main")["build"]["id"]
large = eventually("the build ends", ended)
contexts = [c["message"] for p in large["phases"] for c in p.get("contexts", [])]
assert large["buildStatus"] == "FAILED" and any("The disk of the server is full" in c for c in contexts), large
eventually("what it fetched is removed", lambda: free() > 32 * MIB)
delivery.s3.put_object(Bucket=SITE, Key="after", Body=b"x" * MIB)
proved("a build whose sources do not fit on the disk is ended and gives back what it took")
server.stop()
