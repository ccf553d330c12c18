"""Builds get parameters and secrets; neither the log nor the database nor a file of the server ever has them."""

import base64
import hashlib
import json
import urllib.parse

from stage import Server, content_of, eventually, files_under, proved

PASSWORD = 'p@ss/"w0rd" <42>'
TOKEN = "t0ken-of-the-old-version"
LEVEL = "level-from-the-store"

BUILDSPEC = """\
version: 0.2
env:
  shell: bash
  variables: {LEVEL: from-the-file}
  parameter-store:
    LEVEL: /app/level
    TOKEN: /app/token:old
  secrets-manager:
    PASSWORD: app/db:password
    PREVIOUS: app/db:password:AWSPREVIOUS
    BY_ARN: THE_ARN:port
  exported-variables: [TOKEN]
phases:
  build:
    commands:
      - test "$LEVEL $(printf %s "$TOKEN" | sha256sum | cut -d' ' -f1)" = "level-from-the-store TOKEN_HASH" && echo parameters are right
      - test "$PASSWORD" = "$EXPECTED_PASSWORD" && test "$PREVIOUS/$BY_ARN/$OVERRIDE" = "first/5432/level-from-the-store" && echo secrets are right
      - echo "plain [$PASSWORD] [$TOKEN] [$LEVEL]"
      - printf 'base64 [%s]\\n' "$(printf %s "$TOKEN" | base64)" "$(printf 'user:%s' "$TOKEN" | base64)"
      - python3 -c 'import os,json,urllib.parse as u; p=os.environ["PASSWORD"]; print("forms", [u.quote(p), u.quote_plus(p), u.quote(p, safe="")]); print("json", json.dumps({"p":p}))'
      - for c in $(printf %s "$TOKEN" | sed 's/./& /g'); do printf %s "$c"; sleep 0.01; done; echo
"""

server = Server().start()
ssm, secrets, codebuild = (server.client(name) for name in ("ssm", "secretsmanager", "codebuild"))
iam = server.client("iam")
role = server.role("build", "*")

server.aws("ssm", "put-parameter", "--name", "/app/level", "--type", "String", "--value", LEVEL)
ssm.put_parameter(Name="/app/token", Type="SecureString", Value=TOKEN)
ssm.label_parameter_version(Name="/app/token", Labels=["old"])
ssm.put_parameter(Name="/app/token", Type="SecureString", Value="newer", Overwrite=True)
arn = server.aws("secretsmanager", "create-secret", "--name", "app/db",
                 "--secret-string", json.dumps({"password": "first", "port": 5432}))["ARN"]
secrets.put_secret_value(SecretId=arn, SecretString=json.dumps({"password": PASSWORD, "port": 5432}))
got = server.aws("ssm", "get-parameters-by-path", "--path", "/app", "--with-decryption")["Parameters"]
assert [p["Value"] for p in got] == [LEVEL, "newer"], got
proved("the aws command and boto3 keep and fetch parameters and secrets")


def build(name: str, buildspec: str, variables=()) -> dict:
    codebuild.create_project(
        name=name, source={"type": "NO_SOURCE", "buildspec": buildspec}, artifacts={"type": "NO_ARTIFACTS"},
        environment={"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0",
                     "computeType": "BUILD_GENERAL1_SMALL",
                     "environmentVariables": list(variables)},
        serviceRole=role)
    started = codebuild.start_build(projectName=name)["build"]["id"]
    return eventually(f"the end of {name}", lambda: next(
        (b for b in codebuild.batch_get_builds(ids=[started])["builds"] if b["buildComplete"]), None))


def log_of(build: dict) -> str:
    where = build["logs"]
    events = server.client("logs").get_log_events(
        logGroupName=where["groupName"], logStreamName=where["streamName"], startFromHead=True)["events"]
    return "".join(event["message"] for event in events)


partial = arn[:-7]
ended = build("secretive", BUILDSPEC.replace("THE_ARN", partial).replace("TOKEN_HASH", hashlib.sha256(TOKEN.encode()).hexdigest()), [
    {"name": "OVERRIDE", "value": "/app/level", "type": "PARAMETER_STORE"},
    {"name": "EXPECTED_PASSWORD", "value": "app/db:password", "type": "SECRETS_MANAGER"},
])
log = log_of(ended)
assert ended["buildStatus"] == "SUCCEEDED", log
assert "\nparameters are right\n" in log and "\nsecrets are right\n" in log, log
proved("a build has them by name, label, stage, key and partial ARN, from its buildspec and from its project")

assert "plain [***] [***] [***]\n" in log, log
encoded = [base64.b64encode(TOKEN.encode()).decode(), urllib.parse.quote(PASSWORD), urllib.parse.quote_plus(PASSWORD),
           json.dumps(PASSWORD)[1:-1]]
for form in [PASSWORD, TOKEN, LEVEL, *encoded]:
    assert form not in log, (form, log)
inside = base64.b64encode(f"user:{TOKEN}".encode()).decode()
assert inside[10:-6] not in log, (inside, log)
assert ended["exportedEnvironmentVariables"] == [{"name": "TOKEN", "value": "***"}], ended
proved("the log shows them in no form, also not when they come out byte by byte")

kept = b"".join(content_of(path) for path in files_under(server.data))
for value in (PASSWORD, TOKEN, "newer"):
    assert value.encode() not in kept and json.dumps(value)[1:-1].encode() not in kept, value
assert server.data.joinpath("installation-key").stat().st_mode & 0o777 == 0o600
proved("no file of the server has a SecureString or a secret in the clear")

missing = build("missing", "version: 0.2\nenv: {secrets-manager: {X: nowhere}}\nphases: {build: {commands: [echo ran]}}\n")
failed = next(p for p in missing["phases"] if p.get("phaseStatus") == "FAILED")
assert failed["phaseType"] == "DOWNLOAD_SOURCE", failed
assert failed["contexts"][0] == {
    "statusCode": "Secrets Manager Error",
    "message": "ResourceNotFoundException: Secrets Manager can't find the specified secret."}, failed
assert "\nran\n" not in log_of(missing)
none = build("none", "version: 0.2\nenv: {parameter-store: {X: /no}}\nphases: {build: {commands: [echo ran]}}\n")
failed = next(p for p in none["phases"] if p.get("phaseStatus") == "FAILED")
assert failed["contexts"][0] == {
    "statusCode": "Decrypted Variables Error", "message": "parameter does not exist: /no"}, failed
proved("what is not there fails DOWNLOAD_SOURCE in the words of CodeBuild")
server.stop()
