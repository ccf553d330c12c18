"""git over HTTP in the ways in which CodeCommit's users use it."""

import http.client
import itertools
import json
import os

from stage import REGION, Server, eventually, proved

server = Server().start()
codecommit = server.client("codecommit")
url = codecommit.create_repository(repositoryName="library")["repositoryMetadata"]["cloneUrlHttp"]
work = server.folder / "work"
work.mkdir()
server.plain_git("init", "-q", "-b", "main", cwd=work)
for number in range(30):
    (work / f"file-{number}.txt").write_text(f"{number}\n" * 200)
    server.plain_git("add", "-A", cwd=work)
    server.plain_git("commit", "-q", "-m", f"Commit {number}", cwd=work)
server.git("push", "-q", url, "main", cwd=work)
head = server.plain_git("rev-parse", "HEAD", cwd=work).stdout.strip()
for version in ("0", "2"):
    clone = server.folder / f"clone-{version}"
    server.git("-c", f"protocol.version={version}", "clone", "-q", url, str(clone), cwd=server.folder)
    assert server.plain_git("rev-parse", "HEAD", cwd=clone).stdout.strip() == head
shallow = server.folder / "shallow"
server.git("clone", "-q", "--depth", "3", url, str(shallow), cwd=server.folder)
assert server.plain_git("rev-list", "--count", "HEAD", cwd=shallow).stdout.strip() == "3"
server.git("fetch", "-q", "--unshallow", cwd=shallow)
assert server.plain_git("rev-list", "--count", "HEAD", cwd=shallow).stdout.strip() == "30"
proved("protocols 0 and 2, shallow clones and deepening work with AWS's credential helper")

(work / "large.bin").write_bytes(bytes(range(256)) * 4 * 5000)
(work / "noise.bin").write_bytes(os.urandom(3 << 20))
server.plain_git("add", "-A", cwd=work)
server.plain_git("commit", "-q", "-m", "A large file", cwd=work)
server.git("-c", "http.postBuffer=65536", "push", "-q", url, "main", cwd=work)
proved("a push larger than the post buffer arrives in chunks")

refused = server.plain_git("ls-remote", url, cwd=work, may_fail=True)
assert refused.returncode != 0
wrong = server.git("ls-remote", url, cwd=work, may_fail=True, settings={"AWS_SECRET_ACCESS_KEY": "wrong" * 8})
assert wrong.returncode != 0, wrong.stdout
missing = server.git("ls-remote", url.replace("library", "nowhere"), cwd=work, may_fail=True)
assert missing.returncode != 0
proved("no credentials, a wrong secret and an unknown repository are refused")

# git-remote-codecommit always speaks HTTPS; the one port does, with a certificate of the installation's authority.
environment = server.environment()
remote = {
    "CODE_COMMIT_ENDPOINT": f"127.0.0.1:{server.port}",
    "GIT_SSL_CAINFO": environment["HEADWORKS_CA_BUNDLE"],
}
clone = server.folder / "clone-grc"
server.plain_git("clone", "-q", f"codecommit::{REGION}://library", str(clone), cwd=server.folder, settings=remote)
(clone / "from-grc.txt").write_text("pushed with git-remote-codecommit\n")
server.plain_git("add", "-A", cwd=clone)
server.plain_git("commit", "-q", "-m", "By another way", cwd=clone)
server.plain_git("push", "-q", "origin", "HEAD:main", cwd=clone, settings=remote)
file = codecommit.get_file(repositoryName="library", filePath="from-grc.txt")
assert file["fileContent"] == b"pushed with git-remote-codecommit\n"
proved("git-remote-codecommit clones and pushes")

# The same trust for this one server, so that git keeps its own list for all others.
only = f"http.https://127.0.0.1:{server.port}.sslCAInfo"
server.plain_git("config", "--global", only, environment["HEADWORKS_CA_BUNDLE"], cwd=work)
remote.pop("GIT_SSL_CAINFO")
server.plain_git("ls-remote", f"codecommit::{REGION}://library", cwd=work, settings=remote)
server.plain_git("config", "--global", "--unset", only, cwd=work)
unknown = server.plain_git("ls-remote", f"codecommit::{REGION}://library", cwd=work, settings=remote, may_fail=True)
assert unknown.returncode != 0 and "certificate" in unknown.stderr, unknown
proved("the certificate authority can be trusted for this server alone")

iam = server.client("iam")
iam.create_user(UserName="alice")
credential = iam.create_service_specific_credential(
    UserName="alice", ServiceName="codecommit.amazonaws.com")["ServiceSpecificCredential"]
with_password = url.replace(
    "http://", f"http://{credential['ServiceUserName']}:{credential['ServicePassword'].replace('/', '%2F').replace('+', '%2B').replace('=', '%3D')}@")
assert head in server.plain_git("log", "--format=%H", "-40", cwd=work).stdout
listing = server.plain_git("ls-remote", with_password, cwd=work).stdout
assert "refs/heads/main" in listing
iam.update_service_specific_credential(
    UserName="alice", ServiceSpecificCredentialId=credential["ServiceSpecificCredentialId"], Status="Inactive")
assert server.plain_git("ls-remote", with_password, cwd=work, may_fail=True).returncode != 0
proved("service-specific git credentials work until they are made inactive")

application = server.folder / "application"
application.mkdir()
server.plain_git("init", "-q", "-b", "main", cwd=application)
(application / ".gitmodules").write_text('[submodule "books"]\n\tpath = lib/books\n\turl = ../library\n')
server.plain_git("add", "-A", cwd=application)
server.plain_git("update-index", "--add", "--cacheinfo", f"160000,{head},lib/books", cwd=application)
server.plain_git("commit", "-q", "-m", "With a library", cwd=application)
home = codecommit.create_repository(repositoryName="application")["repositoryMetadata"]["cloneUrlHttp"]
server.git("push", "-q", home, "main", cwd=application)
role = server.role("books", "codecommit:GitPull")
codebuild = server.client("codebuild")
source = {"type": "CODECOMMIT", "location": home, "gitCloneDepth": 1, "buildspec":
          "version: 0.2\nphases: {build: {commands: ['cat lib/books/file-7.txt', 'git submodule status']}}"}
codebuild.create_project(
    name="books", source=source, artifacts={"type": "NO_ARTIFACTS"},
    serviceRole=role,
    environment={"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0", "computeType": "BUILD_GENERAL1_SMALL"})


def built(**overrides) -> tuple[dict, str]:
    """A build of the project when it has ended, and its log."""
    build = codebuild.start_build(projectName="books", sourceVersion="main", **overrides)["build"]["id"]
    ended = lambda: [b for b in codebuild.batch_get_builds(ids=[build])["builds"] if b["buildComplete"]]
    record = eventually("the build ends", ended)[0]
    if not any(phase["phaseType"] == "BUILD" for phase in record["phases"]):
        return record, ""
    events = server.client("logs").get_log_events(
        logGroupName="/aws/codebuild/books", logStreamName=build.split(":")[1], startFromHead=True)["events"]
    return record, "".join(event["message"] for event in events)


record, log = built(gitSubmodulesConfigOverride={"fetchSubmodules": True})
assert record["buildStatus"] == "SUCCEEDED" and f"{head} lib/books" in log, (record["phases"], log)
record, log = built()
assert record["buildStatus"] == "FAILED" and "file-7.txt" in log, log
codecommit.update_repository_name(oldName="library", newName="elsewhere")
record, log = built(gitSubmodulesConfigOverride={"fetchSubmodules": True})
assert record["buildStatus"] == "FAILED", record
phase = {p["phaseType"]: p for p in record["phases"]}["DOWNLOAD_SOURCE"]
assert "repository library not found for the submodule lib/books of primary source" in phase["contexts"][0]["message"], phase
codecommit.update_repository_name(oldName="elsewhere", newName="library")
proved("a build has the submodules of its source when it asks for them, and says which one is missing")
policy = {"Statement": {"Effect": "Deny", "Action": "codecommit:GitPull", "Resource": "arn:aws:codecommit:*:*:library"}}
iam.put_role_policy(RoleName="books", PolicyName="denied", PolicyDocument=json.dumps(policy))
record, log = built(gitSubmodulesConfigOverride={"fetchSubmodules": True})
assert record["buildStatus"] == "FAILED", record
phase = {p["phaseType"]: p for p in record["phases"]}["DOWNLOAD_SOURCE"]
assert "authorization failed for the submodule lib/books of primary source" in phase["contexts"][0]["message"], phase
proved("a submodule that the build's role may not read is not fetched")

codecommit.delete_repository(repositoryName="application")
codecommit.delete_repository(repositoryName="library")
assert server.git("push", url, "main", cwd=work, may_fail=True).returncode != 0
assert codecommit.list_repositories()["repositories"] == []
proved("a push to a deleted repository is refused, and the server stays up")

# What is refused before it is all sent: the client must see why, not a connection that was reset under it.
doomed = codecommit.create_repository(repositoryName="doomed")["repositoryMetadata"]["cloneUrlHttp"]
heavy = server.folder / "heavy"
heavy.mkdir()
server.plain_git("init", "-q", "-b", "main", cwd=heavy)
server.plain_git("config", "core.compression", "0", cwd=heavy)
(heavy / "noise.bin").write_bytes(os.urandom(200 << 20))
server.plain_git("add", "-A", cwd=heavy)
server.plain_git("commit", "-q", "-m", "Heavy", cwd=heavy)
hook = heavy / ".git" / "hooks" / "pre-push"
hook.write_text(f"#!/bin/sh\nexec aws codecommit delete-repository --repository-name doomed --endpoint-url {server.endpoint}\n")
hook.chmod(0o755)
push = server.git("-c", "http.postBuffer=300000000", "push", doomed, "main", cwd=heavy, may_fail=True)
assert push.returncode != 0 and "404" in push.stderr, push.stderr
proved("a push of 200 MB to a repository that is deleted meanwhile is refused as such")
server.stop()

test = Server("--test-mode").start()
test.client("codecommit").create_repository(repositoryName="library")
line = f"{'0' * 40} {'1' * 40} refs/heads/main\0 report-status"
head = f"{len(line) + 4:04x}{line}0000".encode()
connection = http.client.HTTPConnection("127.0.0.1", test.port)
piece = b"this is no pack." * 65536
connection.request("POST", "/v1/repos/library/git-receive-pack", body=itertools.chain([head], itertools.repeat(piece, 200)),
                   headers={"Content-Type": "application/x-git-receive-pack-request", "Content-Length": str(len(head) + 200 * len(piece))})
answer = connection.getresponse()
report = answer.read()
assert answer.status == 200 and b"ng refs/heads/main unpacker error" in report, (answer.status, report)
proved("a client that sends 200 MB to their end before it listens is told why they were refused")
test.stop()
