"""Webhooks of pipelines: right, wrong and missing signatures, replays, addresses, filters, tags; secrets stay hidden."""

import hashlib
import hmac
import json
import subprocess
import urllib.error
import urllib.request
import uuid

from delivery import ARTIFACTS, Delivery, action
from stage import Server, proved

SECRET = "hook-0123456789-secret"

server = Server().start()
delivery = Delivery(server).prepare()
pipelines = delivery.codepipeline
source = action("Fetch", "Source", "CodeCommit",
                {"RepositoryName": "delivery", "BranchName": "main", "PollForSourceChanges": "false"},
                outputs=["Fetched"])
pipelines.create_pipeline(pipeline={
    "name": "hooked", "roleArn": delivery.role, "artifactStore": {"type": "S3", "location": ARTIFACTS},
    "stages": [{"name": "Source", "actions": [source]},
               {"name": "Approve", "actions": [action("Approve", "Approval", "Manual", {})]}],
})
filters = [{"jsonPath": "$.ref", "matchEquals": "refs/heads/{BranchName}"}]


def put(name: str, authentication: str, configuration: dict, filters=filters, **more) -> dict:
    definition = {"name": name, "targetPipeline": "hooked", "targetAction": "Fetch", "filters": filters,
                  "authentication": authentication, "authenticationConfiguration": configuration, **more}
    return pipelines.put_webhook(webhook=definition)["webhook"]


def post(url: str, body, secret=None, legacy=None, id=None, headers=None) -> tuple[int, str]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": "application/json", **(headers or {})}
    if secret:
        headers["X-Hub-Signature-256"] = "sha256=" + hmac.new(secret.encode(), data, hashlib.sha256).hexdigest()
    if legacy:
        headers["X-Hub-Signature"] = "sha1=" + hmac.new(legacy.encode(), data, hashlib.sha1).hexdigest()
    if id:
        headers["X-GitHub-Delivery"] = id
    request = urllib.request.Request(url, data=data, method="POST", headers=headers)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()


def count() -> int:
    return len(delivery.executions("hooked"))


signed = put("signed", "GITHUB_HMAC", {"SecretToken": SECRET})
assert signed["url"].startswith(server.endpoint + "/webhooks?t="), signed
assert signed["definition"]["authenticationConfiguration"] == {"SecretToken": "****"}, signed
before = count()
push = {"ref": "refs/heads/main", "n": 1}
for wrong in [post(signed["url"], push), post(signed["url"], push, secret="other"), post(signed["url"], push, legacy="other"),
              post(signed["url"], push, secret="other", legacy=SECRET),
              post(signed["url"], push, headers={"X-Hub-Signature-256": "sha256=zz"})]:
    assert wrong == (403, "the signature is missing or wrong\n"), wrong
assert count() == before
id = str(uuid.uuid4())
status, text = post(signed["url"], push, secret=SECRET, id=id)
assert status == 200 and text.startswith("started "), (status, text)
execution = text.split()[1]
trigger = next(e for e in delivery.executions("hooked") if e["pipelineExecutionId"] == execution)["trigger"]
assert trigger == {"triggerType": "Webhook", "triggerDetail": signed["arn"]}, trigger
proved("a signed delivery starts the pipeline, and says by which webhook; unsigned and wrongly signed ones do not")

assert post(signed["url"], push, secret=SECRET, id=id)[0] == 409
assert post(signed["url"], push, secret=SECRET, id=str(uuid.uuid4()))[0] == 409
assert post(signed["url"], {"ref": "refs/heads/main", "n": 2}, secret=SECRET, id=id)[0] == 409
server.kill()
server.restart()
signed = pipelines.list_webhooks()["webhooks"][0]
assert post(signed["url"], push, secret=SECRET, id=id)[0] == 409
assert count() == before + 1
status, text = post(signed["url"], {"ref": "refs/heads/main", "n": 3}, legacy=SECRET)
assert status == 200 and text.startswith("started "), (status, text)
proved("a replay starts nothing, neither by id nor by body, not after kill -9 either; SHA-1 signatures are read, too")

for body, why in [({"ref": "refs/heads/dev"}, "has not 'refs/heads/{BranchName}' at $.ref"), ({"x": 1}, "nothing at $.ref")]:
    status, text = post(signed["url"], body, secret=SECRET)
    assert status == 200 and why in text, (status, text)
assert post(signed["url"], b"{", secret=SECRET)[0] == 400
assert post(server.endpoint + "/webhooks?t=0123", push)[0] == 404
assert count() == before + 2
proved("the filters compare the body with the action's configuration")

open_to_all = put("open", "UNAUTHENTICATED", {}, filters=[{"jsonPath": "$.go"}])
assert post(open_to_all["url"], {"go": True})[1].startswith("started ")
assert post(open_to_all["url"], {"go": True})[1].startswith("started "), "without an id a body may come twice"
local = put("local", "IP", {"AllowedIPRange": "127.0.0.0/8"})
assert post(local["url"], push)[1].startswith("started ")
far = put("far", "IP", {"AllowedIPRange": "192.0.2.0/24"})
assert post(far["url"], push, headers={"X-Forwarded-For": "192.0.2.1"})[0] == 403
proved("addresses are those of the connection, whatever a header says")

kept = put("signed", "GITHUB_HMAC", {"SecretToken": "****"})
assert kept["url"] == signed["url"]
assert post(kept["url"], {"ref": "refs/heads/main", "n": 4}, secret=SECRET)[1].startswith("started ")
put("signed", "GITHUB_HMAC", {"SecretToken": "another-secret-1"})
assert post(kept["url"], {"ref": "refs/heads/main", "n": 5}, secret=SECRET)[0] == 403
listed = server.aws("codepipeline", "list-webhooks")["webhooks"]
assert [w["definition"]["name"] for w in listed] == ["far", "local", "open", "signed"], listed
assert listed[3]["definition"]["authenticationConfiguration"] == {"SecretToken": "****"}, listed[3]
assert listed[3]["lastTriggered"], listed[3]
found = subprocess.run(["grep", "-rlF", "-e", SECRET, "-e", "another-secret-1", str(server.data), str(server.log)],
                       capture_output=True, text=True)
assert found.stdout == "", found.stdout
proved("the secret is kept with ****, replaced by a new one, and nowhere in the clear")

pipelines.tag_resource(resourceArn=signed["arn"], tags=[{"key": "team", "value": "a"}])
assert pipelines.list_tags_for_resource(resourceArn=signed["arn"])["tags"] == [{"key": "team", "value": "a"}]
pipelines.untag_resource(resourceArn=signed["arn"], tagKeys=["team"])
assert pipelines.list_tags_for_resource(resourceArn=signed["arn"])["tags"] == []


def refused(error: str, why: str, call):
    try:
        call()
    except pipelines.exceptions.ClientError as e:
        assert e.response["Error"]["Code"] == error and why in str(e), e
        return
    raise AssertionError(f"{error} was expected")


refused("InvalidWebhookFilterPatternException", "more than one value",
        lambda: put("bad", "UNAUTHENTICATED", {}, filters=[{"jsonPath": "$..ref"}]))
refused("InvalidWebhookFilterPatternException", "has no 'Nothing'",
        lambda: put("bad", "UNAUTHENTICATED", {}, filters=[{"jsonPath": "$.ref", "matchEquals": "{Nothing}"}]))
refused("InvalidWebhookAuthenticationParametersException", "SecretToken",
        lambda: put("bad", "GITHUB_HMAC", {"AllowedIPRange": "127.0.0.1/32"}))
refused("InvalidWebhookAuthenticationParametersException", "CIDR",
        lambda: put("bad", "IP", {"AllowedIPRange": "127.0.0.1/64"}))
refused("PipelineNotFoundException", "nobody", lambda: put("bad", "UNAUTHENTICATED", {}, targetPipeline="nobody"))
refused("ValidationException", "source action", lambda: put("bad", "UNAUTHENTICATED", {}, targetAction="Approve"))
refused("ValidationException", "registers no webhooks",
        lambda: pipelines.register_webhook_with_third_party(webhookName="signed"))
refused("WebhookNotFoundException", "nobody",
        lambda: pipelines.deregister_webhook_with_third_party(webhookName="nobody"))
pipelines.deregister_webhook_with_third_party(webhookName="signed")
proved("what cannot work is refused with the reason")

pipelines.delete_webhook(name="signed")
pipelines.delete_webhook(name="signed")
assert post(signed["url"], push, secret=SECRET)[0] == 404
pipelines.delete_pipeline(name="hooked")
status, text = post(open_to_all["url"], {"go": True})
assert status == 200 and "was deleted" in text, (status, text)
error = next(w for w in pipelines.list_webhooks()["webhooks"] if w["definition"]["name"] == "open")
assert error["errorCode"] == "PipelineNotFound", error
proved("a deleted webhook is gone, and one whose pipeline is gone says so")
server.stop()
