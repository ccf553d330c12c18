"""Sources elsewhere with a token, and webhooks: signatures, replays, filters, approvals of pull requests."""

import base64
import functools
import hashlib
import hmac
import http.server
import json
import subprocess
import threading
import urllib.error
import urllib.request
import uuid

from delivery import Delivery
from stage import Server, eventually, proved

TOKEN = "tok-0123456789-secret"
BUILDSPEC = """\
version: 0.2
phases:
  build:
    commands:
      - echo "described $(git describe --tags), $(git rev-list --count HEAD) commits, of $(git remote get-url origin)"
      - echo "event $CODEBUILD_WEBHOOK_EVENT trigger $CODEBUILD_WEBHOOK_TRIGGER head $CODEBUILD_WEBHOOK_HEAD_REF"
      - if grep -rq tok-0123 .git || env | grep -q tok-0123; then echo "the token leaked"; exit 9; fi
"""

server = Server().start()
delivery = Delivery(server).prepare()
codebuild = delivery.codebuild

# --- a git server that wants a token ------------------------------------------------------------------------------
work, bare = server.folder / "elsewhere", server.folder / "public" / "app.git"
work.mkdir()


def git(*words: str, cwd=work) -> str:
    return server.plain_git(*words, cwd=cwd).stdout.strip()


def commit(text: str) -> str:
    (work / "buildspec.yml").write_text(BUILDSPEC)
    (work / "file.txt").write_text(text)
    git("add", "-A")
    git("commit", "-q", "-m", text)
    return git("rev-parse", "HEAD")


git("init", "-q", "-b", "main")
first = commit("one")
git("tag", "v1")
second = commit("two")
git("checkout", "-q", "-b", "topic")
proposed = commit("three")
git("checkout", "-q", "main")
git("clone", "-q", "--bare", str(work), str(bare), cwd=server.folder)
git("update-ref", "refs/pull/7/head", proposed, cwd=bare)
git("update-server-info", cwd=bare)
allowed = "Basic " + base64.b64encode(f"x-access-token:{TOKEN}".encode()).decode()


class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if self.headers.get("Authorization") != allowed:
            self.send_response(401)
            self.send_header("WWW-Authenticate", "Basic")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        super().do_GET()

    def log_message(self, *_):
        pass


public = http.server.ThreadingHTTPServer(
    ("127.0.0.1", 0), functools.partial(Handler, directory=str(server.folder / "public")))
threading.Thread(target=public.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{public.server_port}/app.git"

delivery.create_project(
    "elsewhere", source={"type": "GITHUB_ENTERPRISE", "location": url}, artifacts={"type": "NO_ARTIFACTS"})


def finished(id: str) -> dict:
    def probe():
        build = codebuild.batch_get_builds(ids=[id])["builds"][0]
        return build if build["buildComplete"] else None
    return eventually(f"the end of {id}", probe, seconds=90)


def log(build: dict) -> str:
    events = server.client("logs").get_log_events(
        logGroupName=build["logs"]["groupName"], logStreamName=build["logs"]["streamName"], startFromHead=True)
    return "".join(event["message"] for event in events["events"])


def run(**overrides) -> dict:
    return finished(codebuild.start_build(projectName="elsewhere", **overrides)["build"]["id"])


def why(build: dict) -> str:
    return str([p.get("contexts") for p in build["phases"] if p.get("phaseStatus") == "FAILED"])


refused = run()
assert refused["buildStatus"] == "FAILED" and "authentication required for primary source" in why(refused), why(refused)
imported = codebuild.import_source_credentials(
    token=TOKEN, serverType="GITHUB_ENTERPRISE", authType="PERSONAL_ACCESS_TOKEN")["arn"]
shown = codebuild.list_source_credentials()["sourceCredentialsInfos"]
assert [(c["arn"], c["serverType"]) for c in shown] == [(imported, "GITHUB_ENTERPRISE")], shown
built = run()
assert built["buildStatus"] == "SUCCEEDED", (why(built), log(built))
assert f"described v1-1-g{second[:7]}, 2 commits, of {url}" in log(built), log(built)
assert built["resolvedSourceVersion"] == second, built["resolvedSourceVersion"]
for version, expected in [("v1", first), ("topic", proposed), (first, first), ("pr/7", proposed)]:
    assert run(sourceVersion=version)["resolvedSourceVersion"] == expected, version
absent = run(sourceVersion="nowhere")
assert "reference not found" in why(absent) and "nowhere" in why(absent), why(absent)
found = subprocess.run(["grep", "-rlF", TOKEN, str(server.data), str(server.log)], capture_output=True, text=True)
assert found.stdout == "", found.stdout
proved("a repository elsewhere is built by branch, tag, commit and pull request, and its token is nowhere in the clear")

# --- webhooks -----------------------------------------------------------------------------------------------------
groups = [[
    {"type": "EVENT", "pattern": "PUSH, PULL_REQUEST_CREATED, PULL_REQUEST_UPDATED"},
    {"type": "ACTOR_ACCOUNT_ID", "pattern": "42"},
    {"type": "FILE_PATH", "pattern": "^docs/", "excludeMatchedPattern": True},
], [{"type": "EVENT", "pattern": "PULL_REQUEST_CREATED, PULL_REQUEST_UPDATED"}]]
hook = codebuild.create_webhook(projectName="elsewhere", filterGroups=groups)["webhook"]
assert hook["payloadUrl"].startswith(server.endpoint + "/webhooks?t=") and hook["secret"], hook
assert "not anchored" in hook["statusMessage"] and "^(?:42)$" in hook["statusMessage"], hook
again = codebuild.batch_get_projects(names=["elsewhere"])["projects"][0]["webhook"]
assert again["payloadUrl"] == hook["payloadUrl"] and "secret" not in again, again
secret = hook["secret"]


def deliver(event: str, body: dict, secret=None, id=None, to=None, signature=None) -> tuple[int, str]:
    data = json.dumps(body).encode()
    signed = hmac.new((secret or hook["secret"]).encode(), data, hashlib.sha256).hexdigest()
    request = urllib.request.Request(to or hook["payloadUrl"], data=data, method="POST", headers={
        "X-GitHub-Event": event, "X-GitHub-Delivery": id or str(uuid.uuid4()), "User-Agent": "GitHub-Hookshot/abc",
        "X-Hub-Signature-256": signature or f"sha256={signed}", "Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()


def push(after: str, **changes) -> dict:
    return {"ref": "refs/heads/main", "before": first, "after": after, "sender": {"id": 42},
            "repository": {"name": "app"}, "head_commit": {"message": "two"},
            "commits": [{"added": [], "modified": ["file.txt"], "removed": []}], **changes}


body = push(second)
assert deliver("push", body, secret="wrong")[0] == 403
assert deliver("push", body, signature="sha256=00")[0] == 403
status, said = deliver("push", body, id="delivery-1")
assert status == 200 and said.startswith("started elsewhere:"), said
built = finished(said.split()[1])
assert built["buildStatus"] == "SUCCEEDED" and built["initiator"] == "GitHub-Hookshot/abc", built
assert "event PUSH trigger branch/main head refs/heads/main" in log(built), log(built)
assert deliver("push", body, id="delivery-1")[0] == 409
assert deliver("push", body, id="another-id")[0] == 409, "the body was taken before"
assert deliver("push", push(second, before=second), id="delivery-1")[0] == 409, "the id was taken before"
proved("a signed push starts its build once; forgeries and replays are refused")

for change, reason in [
    ({"sender": {"id": 7}}, "ACTOR_ACCOUNT_ID does not match"),
    ({"commits": [{"modified": ["docs/a.md"]}]}, "FILE_PATH is excluded"),
    ({"after": "0" * 40}, "was deleted"),
]:
    status, said = deliver("push", {**push(second), **change})
    assert status == 200 and reason in said, said
assert deliver("push", body, to=hook["payloadUrl"].replace("t=", "t=0"))[0] == 404
unread = deliver("push", {"ref": 1})
assert unread[0] == 400, unread
proved("filters decide, and say why nothing is started")


def pull_request(action: str, head: str) -> dict:
    return {"action": action, "number": 7, "sender": {"id": 666}, "repository": {"name": "app"}, "pull_request": {
        "title": "x", "head": {"ref": "topic", "sha": head, "repo": {"full_name": "eve/app"}},
        "base": {"ref": "main", "repo": {"full_name": "acme/app"}}}}


def comment(text: str, association: str) -> dict:
    return {"action": "created", "issue": {"number": 7, "pull_request": {}}, "sender": {"id": 42},
            "comment": {"body": text, "author_association": association, "id": str(uuid.uuid4())}}


assert "waits for an approving comment" in deliver("pull_request", pull_request("opened", first))[1]
assert "waits for an approving comment" in deliver("pull_request", pull_request("synchronize", proposed))[1]
assert "another commit" in deliver("issue_comment", comment(f"/codebuild_run({first})", "MEMBER"))[1]
assert "may not approve" in deliver("issue_comment", comment(f"/codebuild_run({proposed})", "NONE"))[1]
status, said = deliver("issue_comment", comment(f"/codebuild_run({proposed})", "MEMBER"))
assert said.startswith("started"), said
assert finished(said.split()[1])["resolvedSourceVersion"] == proposed
proved("a stranger's pull request is built after a comment that names its newest commit")

rotated = codebuild.update_webhook(projectName="elsewhere", rotateSecret=True, filterGroups=groups[1:])["webhook"]
assert rotated["secret"] != secret and "statusMessage" not in rotated, rotated
assert deliver("push", push(second, before=proposed), secret=secret)[0] == 403
assert "does not match" in deliver("push", push(second, before=proposed), secret=rotated["secret"])[1]
codebuild.delete_webhook(projectName="elsewhere")
assert deliver("push", push(second, before=proposed), secret=rotated["secret"])[0] == 404
codebuild.delete_source_credentials(arn=imported)
assert codebuild.list_source_credentials()["sourceCredentialsInfos"] == []
proved("a rotated secret replaces the old one, and a deleted webhook answers no more")
server.stop()
