"""Builds run in containers: image, private registry, AWS's names, log, artifacts, a killed server, a stop, no image."""

import base64
import http.server
import io
import json
import os
import re
import shlex
import subprocess
import sysconfig
import tarfile
import threading
import time
import zipfile
from pathlib import Path

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
      - echo memory $(cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null)
      - echo processors $(cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu.max 2>/dev/null)
      - cat message.txt && pwd && test "$PWD" = "$CODEBUILD_SRC_DIR"
      - address=${AWS_ENDPOINT_URL#http://}
      - (printf 'GET /healthz HTTP/1.0\\r\\n\\r\\n'; sleep 1) | busybox nc ${address%:*} ${address#*:} | grep -q '200 OK' && echo the server can be reached
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
    told = subprocess.run([*PODMAN, "ps", "--all", "--filter", jobs, "--format", "{{.Names}}"], capture_output=True, text=True)
    if told.returncode != 0:
        raise OSError(told.stderr)  # one was removed while it looked
    return told.stdout.split()


build = wait_for(start())
text = log_of(build)
assert build["buildStatus"] == "SUCCEEDED", (build["phases"], text)
for line in ("in a container", "hello from the source", "the server can be reached"):
    assert f"\n{line}\n" in text, text
assert build["exportedEnvironmentVariables"] == [{"name": "ANSWER", "value": "42"}], build
content = s3.get_object(Bucket="sources", Key="out/app.zip")["Body"].read()
assert zipfile.ZipFile(io.BytesIO(content)).read("dist/result.txt") == b"built 42\n"
proved("a build runs in its image, sees its source and the server, and its artifacts are stored")
assert f"\nmemory {4 << 30}\n" in text and "\nprocessors 200000" in text, text
proved("BUILD_GENERAL1_SMALL gives the container 4 GiB of memory and two processors")

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

# A registry of our own, with one image: Python with what it needs, and nothing else.
LOGIN = "puller:pa55-word-of-the-registry"


def python_image() -> Path:
    """`podman push dir:` of an image with the machine's Python."""
    python = Path(f"/usr/bin/python{sysconfig.get_python_version()}")
    library = Path(f"/usr/lib/{python.name}")
    if not python.exists() or not library.exists():
        skip(f"there is no {python}")
    objects = [python, *library.glob("lib-dynload/*.so")]
    told = subprocess.run(["ldd", *map(str, objects)], capture_output=True, text=True, check=True).stdout
    needed = {Path(word) for line in told.splitlines() for word in line.split() if re.fullmatch(r"/\S*\.so[.\d]*", word)}
    needed |= {Path(path) for path in ("/bin/busybox", "/etc/nsswitch.conf") if Path(path).exists()}
    for folder in {path.parent for path in needed if path.name.startswith("libc.so")}:
        needed |= {*folder.glob("libnss_*.so.2"), *folder.glob("libresolv.so.2")}
    packed = server.folder / "python.tar"
    wanted = lambda member: None if re.search(r"/(test|__pycache__|idlelib|ensurepip|dist-packages|config-)", member.name) else member
    with tarfile.open(packed, "w") as tar:
        for path in [python, *needed]:
            # A loader's name is where programs look for it, whatever it leads to.
            member = tar.gettarinfo(str(path.resolve()), str(path).lstrip("/"))
            with open(path.resolve(), "rb") as content:
                tar.addfile(member, content)
        tar.add(library, str(library).lstrip("/"), filter=wanted)
        for name in ("sh", "cat", "grep", "id"):
            link = tarfile.TarInfo(f"usr/local/bin/{name}" if name != "sh" else "bin/sh")
            link.type, link.linkname = tarfile.SYMTYPE, "/bin/busybox"
            tar.addfile(link)
    name, folder = f"localhost/headworks-test/python-{os.getpid()}:1", server.folder / "pushed"
    server.at_end([*PODMAN, "rmi", "--force", name])
    subprocess.run([*PODMAN, "import", "--quiet", str(packed), name], check=True, capture_output=True)
    subprocess.run([*PODMAN, "push", "--quiet", "--format", "v2s2", name, f"dir:{folder}"], check=True, capture_output=True)
    return folder


class Registry(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.headers.get("Authorization") != "Basic " + base64.b64encode(LOGIN.encode()).decode():
            return self.answer(401, "application/json", b"{}")
        name = self.path.rsplit("/", 1)[-1]
        if self.path == "/v2/":
            return self.answer(200, "application/json", b"{}")
        if "/manifests/" in self.path:
            kind = "application/vnd.docker.distribution.manifest.v2+json"
            return self.answer(200, kind, (pushed / "manifest.json").read_bytes())
        self.answer(200, "application/octet-stream", (pushed / name.removeprefix("sha256:")).read_bytes())

    do_HEAD = do_GET

    def answer(self, status: int, kind: str, body: bytes):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("WWW-Authenticate", 'Basic realm="story"')
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *_):
        pass


pushed = python_image()
registry = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Registry)
threading.Thread(target=registry.serve_forever, daemon=True).start()
PRIVATE = f"127.0.0.1:{registry.server_address[1]}/team/python:1"
server.at_end([*PODMAN, "rmi", "--force", PRIVATE])
user, password = LOGIN.split(":")
secrets = server.client("secretsmanager")
secrets.create_secret(Name="registry", SecretString=json.dumps({"username": user, "password": password}))
private = {"imageOverride": PRIVATE, "imagePullCredentialsTypeOverride": "SERVICE_ROLE",
           "artifactsOverride": {"type": "NO_ARTIFACTS"},
           "registryCredentialOverride": {"credential": "registry", "credentialProvider": "SECRETS_MANAGER"}}
HTTPS = """\
version: 0.2
phases:
  build:
    commands:
      - unset AWS_ENDPOINT_URL
      - |
        python3 - <<'END'
        import os, socket, urllib.error, urllib.request
        host = "sts.us-east-1.amazonaws.com"
        print("address", socket.gethostbyname(host), "bundle", os.environ["SSL_CERT_FILE"])
        try:
            urllib.request.urlopen(f"https://{host}/?Action=GetCallerIdentity&Version=2011-06-15")
        except urllib.error.HTTPError as e:
            print("answer", e.code, e.read().decode().replace(chr(10), " "))
        END
""".replace("python3 -", f"python{sysconfig.get_python_version()} -")

build = wait_for(start(buildspecOverride=HTTPS, **private))
told = phase(build, "PROVISIONING")["contexts"][0]["message"]
assert build["buildStatus"] == "FAILED" and "secretsmanager:GetSecretValue" in told and "registryCredential registry" in told, told
allow = {"Version": "2012-10-17", "Statement": [
    {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"}]}
server.client("iam").put_role_policy(RoleName="build", PolicyName="registry", PolicyDocument=json.dumps(allow))
build = wait_for(start(buildspecOverride=HTTPS, **private))
text = log_of(build)
assert build["buildStatus"] == "SUCCEEDED", (build["phases"], text)
assert f"Pulled image {PRIVATE}" in text and password not in text + json.dumps(build, default=str), text
proved("an image of a private registry is pulled with the project's secret, which the role must be allowed to read")

if "lead to 127.77." in server.log.read_text(errors="replace"):
    assert "\naddress 127.77." in text and " bundle /run/headworks/ca-bundle.pem\n" in text, text
    assert "\nanswer 403 " in text and "MissingAuthenticationToken" in text, text
    proved("in a container AWS's names lead to the server, and plain Python trusts its certificate")
    build = wait_for(start(buildspecOverride=HTTPS.replace("unset AWS_ENDPOINT_URL", "grep -c amazonaws /etc/hosts || true")
                           .split("      - |")[0],
                           environmentVariablesOverride=[{"name": "HEADWORKS_FRONT", "value": "off"}], **private))
    assert "\n0\n" in log_of(build), log_of(build)
    proved("a project can do without")

build = wait_for(start(imageOverride=PRIVATE, artifactsOverride={"type": "NO_ARTIFACTS"}))
told = phase(build, "PROVISIONING")["contexts"][0]["message"]
assert build["buildStatus"] == "FAILED" and "Unable to pull the container image" in told, told
proved("that the engine has the image by now does not give it to a build without credentials")

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

mark = f"97{os.getpid():07}"
FOREVER = f"version: 0.2\nphases:\n  build:\n    commands:\n      - (sleep {mark} &); echo up; sleep {mark}\n"
id = start(buildspecOverride=FOREVER, artifactsOverride={"type": "NO_ARTIFACTS"})
eventually("the build's first words", lambda: "\nup\n" in log_of(build_of(id)))
codebuild.stop_build(id=id)
build = wait_for(id)
assert build["buildStatus"] == "STOPPED", build
eventually("the last process to be gone", lambda: not processes_with(f"sleep {mark}"))
proved("a stopped build leaves no process")

id = start(buildspecOverride=FOREVER, artifactsOverride={"type": "NO_ARTIFACTS"})
eventually("the build's first words", lambda: "\nup\n" in log_of(build_of(id)))
# Not that of the build before, which may still be on its way out.
own = f"label=headworks.job={id.split(':')[1]}"
[container] = subprocess.run([*PODMAN, "ps", "--filter", own, "--format", "{{.Names}}"],
                             check=True, capture_output=True, text=True).stdout.split()
subprocess.run([*PODMAN, "kill", container], check=True, capture_output=True)
build = wait_for(id)
context = phase(build, "BUILD")["contexts"][0]["message"]
assert build["buildStatus"] == "FAULT" and re.search("ended from outside: exit status 137", context), build
proved("a container that is killed ends its build with the reason")

eventually("the last container to be gone", lambda: not containers())
proved("no container is left")
server.stop()
