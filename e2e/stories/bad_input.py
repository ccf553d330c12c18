"""Bad input gets AWS's error, or a diagnostic with line and column, and leaves everything else running."""

import http.client
import io
import json
import socket
import threading
import time
import urllib.error
import urllib.request
import zipfile

from botocore.exceptions import ClientError

from delivery import ARTIFACTS, BUILDSPEC, SITE, Delivery, action
from stage import Server, eventually, files_under, proved

server = Server().start()
delivery = Delivery(server).prepare()


def post(body: bytes, **headers):
    """Status and body of a request that no client would send."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(server.endpoint + "/", data=body, headers=names, method="POST")
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def refused(code: str, call, **arguments) -> str:
    """The message of an error with this code."""
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return error.response["Error"]["Message"]
    raise AssertionError(f"{code} expected")


class Drip(threading.Thread):
    """Sends the form of a request byte by byte, under a key that nobody knows; keeps what it is told."""

    def __init__(self):
        super().__init__(daemon=True)
        self.told, self.seconds = b"", 0.0

    def run(self):
        begun = time.monotonic()
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 100000\r\n"
                               b"Content-Type: application/x-www-form-urlencoded\r\n\r\n")
            connection.settimeout(0.5)
            while True:
                try:
                    connection.sendall(b"x")
                except OSError:
                    pass  # it is closed: what was said before can still be read
                try:
                    self.told = connection.recv(65536)
                    break
                except TimeoutError:
                    continue
                except OSError:
                    break
        self.seconds = time.monotonic() - begun


drip = Drip()
drip.start()

# --- requests ---------------------------------------------------------------------------------------------------------

json_type = "application/x-amz-json-1.1"
status, text = post(b"{}", X_Amz_Target="CodePipeline_20150709.ListPipelines", Content_Type=json_type)
assert status in (400, 403) and json.loads(text)["__type"].endswith("MissingAuthenticationTokenException"), (status, text)
status, text = post(b"{}", X_Amz_Target="CodePipeline_20150709.ListPipelines", Content_Type=json_type,
                    Authorization="AWS4-HMAC-SHA256 Credential=x")
assert status in (400, 403) and "IncompleteSignatureException" in json.loads(text)["__type"], (status, text)
status, text = post(b"Action=GetCallerIdentity&Version=2011-06-15", Content_Type="application/x-www-form-urlencoded")
assert status == 403 and "<Code>MissingAuthenticationToken</Code>" in text, (status, text)
for path in ("/site", f"/{SITE}/index.html"):
    try:
        urllib.request.urlopen(server.endpoint + path)
        raise AssertionError("an unsigned request must be refused")
    except urllib.error.HTTPError as error:
        assert error.code == 403 and b"<Code>AccessDenied</Code>" in error.read(), path
raw = http.client.HTTPConnection("127.0.0.1", server.port)
raw.request("POST", "/service/CodeBuild_20161006/operation/ListBuilds", body=b"\xff\xff\xff",
            headers={"smithy-protocol": "rpc-v2-cbor", "Content-Type": "application/cbor"})
assert raw.getresponse().status in (400, 403)
stranger = server.client("sts")
stranger._request_signer._credentials.secret_key = "wrong"
assert "signature" in refused("SignatureDoesNotMatch", stranger.get_caller_identity)
proved("unsigned, half signed, wrongly signed and malformed requests get their service's own error")


def sign_and_post(body: bytes) -> tuple[int, str]:
    """A request with a good signature and this body."""
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
    keys = server.environment()
    request = AWSRequest("POST", server.endpoint + "/", data=body, headers={
        "X-Amz-Target": "CodePipeline_20150709.ListPipelines", "Content-Type": json_type})
    SigV4Auth(Credentials(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"]),
              "codepipeline", "eu-central-1").add_auth(request)
    return post(body, **{name.replace("-", "_"): value for name, value in request.headers.items()})


assert sign_and_post(b"{}")[0] == 200
for body in (b"{", b"[]", b"\xff", b'{"maxResults": "many"}'):
    status, text = sign_and_post(body)
    assert status == 400 and "SerializationException" in json.loads(text)["__type"], (body, status, text)
proved("a body that is not what the operation takes is a SerializationException")

# --- pipelines --------------------------------------------------------------------------------------------------------

create = delivery.codepipeline.create_pipeline
missing = delivery.declaration("missing")
missing["stages"][1]["actions"][0]["inputArtifacts"] = [{"name": "Nowhere"}]
assert "Nowhere" in refused("InvalidActionDeclarationException", create, pipeline=missing)
backwards = delivery.declaration("backwards")
backwards["stages"][1]["actions"][0]["inputArtifacts"] = [{"name": "Built"}]
assert "Built" in refused("InvalidActionDeclarationException", create, pipeline=backwards)
twice = delivery.declaration("twice")
twice["stages"][2]["name"] = "Build"
assert "Build" in refused("InvalidStructureException", create, pipeline=twice)
unknown = delivery.declaration("unknown")
unknown["stages"][2]["actions"] = [action("Act", "Deploy", "ElasticBeanstalk", {}, ["Built"])]
assert "ElasticBeanstalk" in refused("InvalidActionDeclarationException", create, pipeline=unknown)
assert delivery.codepipeline.list_pipelines()["pipelines"] == []
proved("a pipeline whose artifacts come from nowhere, from later, or whose names repeat is refused by name")

# --- builds -----------------------------------------------------------------------------------------------------------


def build(**changes) -> dict:
    """A finished build of a project of its own."""
    name = f"build-{len(delivery.codebuild.list_projects()['projects'])}"
    version = changes.pop("version", None)
    delivery.create_project(name, **{"artifacts": {"type": "NO_ARTIFACTS"}, **changes})
    started = delivery.codebuild.start_build(
        projectName=name, **({"sourceVersion": version} if version else {}))["build"]["id"]

    def ended():
        now = delivery.codebuild.batch_get_builds(ids=[started])["builds"][0]
        return now if now["buildComplete"] else None
    return eventually("the build ends", ended)


def failure(finished: dict) -> tuple[str, str, str]:
    """Phase, status code and message of what failed first."""
    assert finished["buildStatus"] == "FAILED", finished["buildStatus"]
    phase = next(p for p in finished["phases"] if p.get("phaseStatus") == "FAILED")
    return phase["phaseType"], phase["contexts"][0]["statusCode"], phase["contexts"][0]["message"]


tab = "version: 0.2\nphases:\n  build:\n\tcommands:\n      - echo\n"
for buildspec, place, word in (
    (tab, ":4:1", "tab"),
    (BUILDSPEC.replace("  build:", "  builds:"), ":3:3", "builds"),
    (BUILDSPEC.replace("version: 0.2\n", ""), ":1:1", "version"),
    ("version: 0.2\nphases:\n  build: echo\n", ":3:", "commands"),
):
    phase, code, message = failure(build(source={"type": "NO_SOURCE", "buildspec": buildspec}))
    assert (phase, code) == ("DOWNLOAD_SOURCE", "YAML_FILE_ERROR"), (phase, code, message)
    assert f"buildspec.yml{place}" in message and word in message, message
proved("a buildspec's mistake is told with line and column in the build's phase")

phase, code, message = failure(build(source={"type": "CODECOMMIT", "location": delivery.clone_url}, version="no-such-branch"))
assert phase == "DOWNLOAD_SOURCE" and "no-such-branch" in message, (phase, code, message)
gone = build(source={"type": "CODECOMMIT", "location": delivery.clone_url.replace("delivery", "nowhere")})
assert "nowhere" in failure(gone)[2], failure(gone)
phase, code, message = failure(build(source={"type": "S3", "location": f"{ARTIFACTS}/nothing.zip", "buildspec": BUILDSPEC}))
assert phase == "DOWNLOAD_SOURCE" and "NoSuchKey" in message, (phase, code, message)
proved("a source revision, repository or object that does not exist fails DOWNLOAD_SOURCE and is named")

nothing = "version: 0.2\nphases:\n  build:\n    commands: [echo done]\nartifacts:\n  files: ['no/such/*.jar']\n"
finished = build(source={"type": "NO_SOURCE", "buildspec": nothing},
                 artifacts={"type": "S3", "location": SITE, "name": "out.zip", "packaging": "ZIP"})
phase, code, message = failure(finished)
assert phase == "UPLOAD_ARTIFACTS" and "no matching artifact paths found" in message, (phase, code, message)
assert "Contents" not in delivery.s3.list_objects_v2(Bucket=SITE)
proved("an artifact pattern that matches nothing fails UPLOAD_ARTIFACTS, and nothing is stored")

packed = io.BytesIO()
with zipfile.ZipFile(packed, "w") as archive:
    archive.writestr("buildspec.yml", BUILDSPEC)
    archive.writestr("../../../escaped.txt", "out")
delivery.s3.put_object(Bucket=ARTIFACTS, Key="escaping.zip", Body=packed.getvalue())
phase, code, message = failure(build(source={"type": "S3", "location": f"{ARTIFACTS}/escaping.zip"}))
assert phase == "DOWNLOAD_SOURCE" and "escaped.txt" in message, (phase, code, message)
assert "escaped.txt" not in {path.name for path in files_under(server.folder)}
proved("a zip that escapes its folder is refused, and nothing is written outside")

# --- a pipeline whose source is gone ----------------------------------------------------------------------------------

lost = delivery.declaration("lost")
lost["stages"][0]["actions"][0]["configuration"]["BranchName"] = "no-such-branch"
create(pipeline=lost)
execution = eventually("an execution", lambda: delivery.executions("lost"))[0]["pipelineExecutionId"]
delivery.wait_for(execution, "Failed", pipeline="lost")
state = delivery.codepipeline.get_pipeline_state(name="lost")["stageStates"][0]["actionStates"][0]["latestExecution"]
assert "no-such-branch" in state["errorDetails"]["message"], state
override = {"actionName": "Fetch", "revisionType": "COMMIT_ID", "revisionValue": "0123456789" * 4}
execution = delivery.codepipeline.start_pipeline_execution(name="lost", sourceRevisions=[override])["pipelineExecutionId"]
delivery.wait_for(execution, "Failed", pipeline="lost")
proved("a branch or commit that does not exist fails the source action, which says so")

delivery.codecommit.delete_repository(repositoryName="delivery")
pushed = server.git("push", "origin", "main:other", cwd=delivery.work, may_fail=True)
assert pushed.returncode != 0 and "not found" in pushed.stderr, pushed.stderr
proved("a push to a deleted repository is refused")

drip.join(120)
assert b"RequestTimeout" in drip.told and 9 < drip.seconds < 60, (drip.told, drip.seconds)
proved("a stranger whose form comes byte by byte is not waited for")

finished = build(source={"type": "NO_SOURCE", "buildspec": BUILDSPEC.replace("cp message.txt", "touch")})
assert finished["buildStatus"] == "SUCCEEDED", finished
assert urllib.request.urlopen(server.endpoint + "/readyz").status == 200
log = server.log.read_text(errors="replace")
assert "panicked" not in log and "ERROR" not in log, log
proved("after all of it the server is ready and builds, and its log holds no error of its own")
server.stop()
