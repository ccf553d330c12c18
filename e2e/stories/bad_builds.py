"""Builds that nobody wants: each ends in bounded time with its reason, nothing leaves its place, and the server goes on."""

import io
import json
import os
import re
import time
import zipfile
from pathlib import Path

from stage import REGION, Server, eventually, files_under, processes_with, proved

# In the command lines of what builds leave running: no other process on this machine has it.
MARK = f"88{os.getpid():07}"
# Of resident memory, whatever builds print or leave.
MEMORY_MIB = 500

server = Server().start()
codebuild, s3, logs = server.client("codebuild"), server.client("s3"), server.client("logs")
role = server.role("build", "s3:*")
s3.create_bucket(Bucket="kept", CreateBucketConfiguration={"LocationConstraint": REGION})
codebuild.create_project(
    name="app", source={"type": "NO_SOURCE", "buildspec": "version: 0.2\nphases: {build: {commands: ['true']}}"},
    artifacts={"type": "S3", "location": "kept", "path": "out", "packaging": "ZIP", "name": "app.zip"},
    environment={"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0", "computeType": "BUILD_GENERAL1_SMALL"},
    serviceRole=role, cache={"type": "S3", "location": "kept/caches"})


def start(spec: dict | str, **overrides) -> str:
    text = spec if isinstance(spec, str) else json.dumps({"version": 0.2, **spec})
    return codebuild.start_build(projectName="app", buildspecOverride=text, **overrides)["build"]["id"]


def build_of(id: str) -> dict:
    return codebuild.batch_get_builds(ids=[id])["builds"][0]


def run(spec: dict | str, seconds: float = 60, **overrides) -> dict:
    id = start(spec, **overrides)
    return eventually(f"the end of {id}", lambda: (b := build_of(id))["buildComplete"] and b, seconds=seconds)


def commands(*lines: str, **more) -> dict:
    return {"phases": {"build": {"commands": list(lines)}}, **more}


def events(build: dict, **more) -> list[str]:
    try:
        page = logs.get_log_events(logGroupName=build["logs"]["groupName"], logStreamName=build["logs"]["streamName"], **more)
    except logs.exceptions.ResourceNotFoundException:
        return []  # nothing was printed yet
    return [event["message"] for event in page["events"]]


def log_of(build: dict) -> str:
    return "".join(events(build, startFromHead=True))


def failure(build: dict) -> tuple[str, str]:
    """The phase that failed, and why."""
    for phase in build["phases"]:
        if phase.get("phaseStatus") not in (None, "SUCCEEDED"):
            return phase["phaseType"], " ".join(c.get("message", "") for c in phase.get("contexts", []))
    raise AssertionError(f"no phase failed: {build['phases']}")


def memory_mib() -> int:
    """The most that the server has ever had."""
    assert server.process
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) // 1024


NOTHING = {"artifactsOverride": {"type": "NO_ARTIFACTS"}, "cacheOverride": {"type": "NO_CACHE"}}

levels = "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 20))
for name, text in {
    "aliases": f"version: 0.2\na0: &a0 [x]\n{levels}phases: *a19\n",
    "depth": f"version: 0.2\nphases: {'[' * 10_000}\n",
    "depth of mappings": f"version: 0.2\nphases: {'{a: ' * 10_000}\n",
}.items():
    begun = time.monotonic()
    phase, why = failure(run(text, **NOTHING))
    assert phase == "DOWNLOAD_SOURCE" and "buildspec" in why.lower() and "Y00" in why, (name, phase, why[:500])
    assert time.monotonic() - begun < 60, name
proved("a bomb of aliases and ten thousand levels of YAML are refused at once, with a place")

for files in ("../../../../etc/passwd", "/etc/passwd", "x/../../../../../etc/pass*", "**/../../../../etc/passwd"):
    build = run(commands("mkdir -p x && echo hello >x/file", artifacts={"files": [files]}), cacheOverride={"type": "NO_CACHE"})
    phase, why = failure(build)
    assert (build["buildStatus"], phase) == ("FAILED", "UPLOAD_ARTIFACTS"), (files, build["buildStatus"], phase, why)
build = run(commands("echo hello >file", artifacts={"files": ["passwd"], "base-directory": "../../../../etc"}),
            cacheOverride={"type": "NO_CACHE"})
assert failure(build)[0] == "UPLOAD_ARTIFACTS", build["phases"]
assert "Contents" not in s3.list_objects_v2(Bucket="kept"), "something was stored"
proved("artifact patterns and base directories that reach outside store nothing and fail UPLOAD_ARTIFACTS")

SERVERS = server.data / "of-the-server"
SERVERS.write_text("root: what no build sees\n")
LINKS = (f"ln -s {SERVERS} absolute; ln -s ../../../../../../../../../..{SERVERS} climbing; mkdir -p in; ln -s {server.data} in/dir; "
         "ln -s in/dir/of-the-server through; echo hello >file")
for keep in ("yes", "no"):
    build = run(commands(LINKS, artifacts={"files": ["**/*", "in/dir/of-the-server"], "enable-symlinks": keep}),
                cacheOverride={"type": "NO_CACHE"})
    stored = [item["Key"] for item in s3.list_objects_v2(Bucket="kept").get("Contents", [])]
    for key in stored:
        body = s3.get_object(Bucket="kept", Key=key)["Body"].read()
        archive = zipfile.ZipFile(io.BytesIO(body))
        for name in archive.namelist():
            assert b"root:" not in archive.read(name), (keep, name)
        s3.delete_object(Bucket="kept", Key=key)
    assert stored and build["buildStatus"] == "SUCCEEDED", (keep, build["phases"])
    said = "Skipping invalid file path absolute: it is a link to" in log_of(build)
    assert said == (keep == "no"), log_of(build)
proved("links out of the tree take nothing into an artifact that the build could not see, and are named when they are left out")

CASE = "<testcase classname=\"a\" name=\"b\" time=\"0.1\"><system-out>" + "x" * 900 + "</system-out></testcase>"
begun = time.monotonic()
build = run(commands(
    f"(echo '<testsuite name=\"big\">'; yes '{CASE}' | head -n 215000; echo '</testsuite>') >big.xml",
    "ls -l big.xml; test $(stat -c %s big.xml) -gt 200000000",
    "head -c 200M /dev/zero | tr '\\0' '[' >deep.json", "head -c 200M /dev/zero >zeros.xml", "echo '{}' >other.xml",
    reports={"big": {"files": "big.xml"}, "deep": {"files": "deep.json", "file-format": "CUCUMBERJSON"},
             "zeros": {"files": "zeros.xml"}, "other": {"files": "other.xml", "file-format": "CLOVERXML"}},
), seconds=240, **NOTHING)
text = log_of(build)
reports = {r["name"].split("-", 1)[-1]: r for r in codebuild.batch_get_reports(reportArns=build["reportArns"])["reports"]}
big = next(r for r in reports.values() if "big" in r["reportGroupArn"])
assert big["testSummary"]["total"] == 215_000, big
cases = codebuild.describe_test_cases(reportArn=big["arn"], maxResults=10)["testCases"]
assert len(cases) == 10 and cases[0]["name"] == "b", cases
for name in ("deep.json", "zeros.xml", "other.xml"):
    assert name in text, (name, text[-3000:])
print(f"  800 MB of reports took {time.monotonic() - begun:.0f} s")
proved("a report of 200 MB is counted, those of the wrong format are named in the log, and the build does not fail for them")

evil = io.BytesIO()
with zipfile.ZipFile(evil, "w") as archive:
    archive.writestr("/tmp/" + MARK, "evil")
    archive.writestr("src/../../../" + MARK, "evil")
CACHED = commands("cat cache/file 2>/dev/null || echo nothing cached", "mkdir -p cache; echo kept >cache/file",
                  cache={"paths": ["cache/**/*"]})
nothing_kept = {"artifactsOverride": {"type": "NO_ARTIFACTS"}}
run(CACHED, **nothing_kept)
kept = [item["Key"] for item in s3.list_objects_v2(Bucket="kept", Prefix="caches").get("Contents", [])]
assert len(kept) == 1, kept
s3.put_object(Bucket="kept", Key=kept[0], Body=evil.getvalue())
build = run(CACHED, **nothing_kept)
text = log_of(build)
assert build["buildStatus"] == "SUCCEEDED", failure(build)
assert "The cache is not restored" in text and "absolute" in text and "\nnothing cached" in text, text
assert not Path("/tmp/" + MARK).exists() and MARK not in {path.name for path in files_under(server.folder)}, "something was written outside"
s3.put_object(Bucket="kept", Key=kept[0], Body=b"no archive at all")
assert "The cache is not restored" in log_of(run(CACHED, **nothing_kept))
proved("a cache with absolute names is not restored, the log says why, and the build goes on without it")

begun = time.monotonic()
build = run(commands("head -c 1073741824 /dev/zero | tr '\\0' x | fold -w 4095; echo", "echo the end"), seconds=300, **NOTHING)
assert build["buildStatus"] == "SUCCEEDED", failure(build)
tail = "".join(events(build, limit=50))
assert "\nthe end\n" in tail, tail[-1000:]
streams = logs.describe_log_streams(logGroupName=build["logs"]["groupName"], logStreamNamePrefix=build["logs"]["streamName"])
assert sum(len(line) for line in events(build, startFromHead=True, limit=100)) > 300_000
print(f"  1 GiB of output took {time.monotonic() - begun:.0f} s; the server has had at most {memory_mib()} MiB")
proved("a command that prints 1 GiB comes to its end, and all of it is in the log")

id = start(commands(f"sleep 1000{MARK} & bomb() {{ bomb | bomb & }}; bomb; sleep 1000{MARK}"), timeoutInMinutesOverride=5, **NOTHING)
eventually("the bomb's build to run", lambda: build_of(id)["currentPhase"] == "BUILD")
assert run(commands("echo beside"), seconds=180, **NOTHING)["buildStatus"] == "SUCCEEDED"
codebuild.stop_build(id=id)
eventually("the bomb to be gone", lambda: build_of(id)["buildComplete"] and not processes_with(MARK), seconds=120)
assert build_of(id)["buildStatus"] == "STOPPED", build_of(id)
proved("a command that forks for ever leaves room for other builds, and ends with its own")

id = start(commands(f"trap '' TERM INT HUP; echo stubborn; sleep 1001{MARK}; sleep 1002{MARK}"), **NOTHING)
eventually("the stubborn build's first word", lambda: "\nstubborn\n" in log_of(build_of(id)) if build_of(id)["currentPhase"] == "BUILD" else None)
codebuild.stop_build(id=id)
eventually("the stubborn build's end", lambda: build_of(id)["buildComplete"] and not processes_with(MARK))
proved("a command that ignores TERM is ended all the same")

build = run(commands(f"setsid nohup sleep 1003{MARK} & echo left it", "echo after"), **NOTHING)
assert build["buildStatus"] == "SUCCEEDED" and "\nafter\n" in log_of(build), build["phases"]
eventually("the daemon to be gone", lambda: not processes_with(MARK))
proved("a daemon that holds the pipe neither holds the build nor outlives it")

assert memory_mib() < MEMORY_MIB, f"the server has had {memory_mib()} MiB"
assert run(commands("true"), **NOTHING)["buildStatus"] == "SUCCEEDED"
errors = [line for line in server.log.read_text(errors="replace").splitlines() if " ERROR " in line]
assert not errors, errors[:5]
print(f"  the server has had at most {memory_mib()} MiB")
proved("after all of it the server builds, its memory was bounded, and its log holds no error")
server.stop()
