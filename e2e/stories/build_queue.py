"""Limits: builds wait in QUEUED for a slot of their project or fleet, are admitted fairly, and failed ones are retried."""

import time

from delivery import Delivery
from stage import Gate, Server, eventually, proved

SLEEP = "version: 0.2\nphases: {build: {commands: ['sleep %s']}}\n"
FAIL = "version: 0.2\nphases: {build: {commands: ['exit 3']}}\n"

server = Server().start()
delivery = Delivery(server).prepare()
codebuild = delivery.codebuild


def project(name: str, **changes):
    delivery.create_project(**{
        "name": name,
        "source": {"type": "NO_SOURCE", "buildspec": SLEEP % 1},
        "artifacts": {"type": "NO_ARTIFACTS"},
        **changes,
    })


def build(id: str) -> dict:
    return codebuild.batch_get_builds(ids=[id])["builds"][0]


def start(name: str, **overrides) -> str:
    return codebuild.start_build(projectName=name, **overrides)["build"]["id"]


def finished(id: str) -> dict:
    return eventually(f"the end of {id}", lambda: (lambda b: b if b["buildComplete"] else None)(build(id)), seconds=90)


project("one", concurrentBuildLimit=1)
assert codebuild.batch_get_projects(names=["one"])["projects"][0]["concurrentBuildLimit"] == 1
gate = Gate()
held = f"version: 0.2\nenv: {{shell: bash}}\nphases: {{build: {{commands: ['{gate.command}']}}}}\n"
ids = [start("one", buildspecOverride=held), start("one"), start("one")]
eventually("the first one runs", lambda: build(ids[0])["currentPhase"] == "BUILD")
assert [build(i)["currentPhase"] for i in ids[1:]] == ["QUEUED", "QUEUED"]
server.kill()
server.restart()
gate.open()
ended = [finished(i) for i in ids]
assert all(b["buildStatus"] == "SUCCEEDED" for b in ended), ended
for before, after in zip(ended, ended[1:]):
    provisioning = next(p for p in after["phases"] if p["phaseType"] == "PROVISIONING")
    assert provisioning["startTime"] >= before["endTime"].replace(microsecond=0), (before, after)
proved("a project's limit makes builds wait in their order, across a kill")

long = start("one", buildspecOverride=SLEEP % 600)
waiting = start("one")
codebuild.stop_build(id=waiting)
stopped = finished(waiting)
assert stopped["buildStatus"] == "STOPPED" and stopped["phases"][1]["phaseType"] == "QUEUED", stopped
freed = start("one")
assert build(freed)["currentPhase"] == "QUEUED"
codebuild.update_project(name="one", concurrentBuildLimit=-1)
assert finished(freed)["buildStatus"] == "SUCCEEDED"
codebuild.stop_build(id=long)
proved("a build that waits can be stopped, and lifting the limit lets the others run")

fleet = codebuild.create_fleet(
    name="small", baseCapacity=1, environmentType="LINUX_CONTAINER", computeType="BUILD_GENERAL1_SMALL")["fleet"]
assert fleet["status"]["statusCode"] == "ACTIVE" and fleet["overflowBehavior"] == "QUEUE", fleet
assert codebuild.list_fleets()["fleets"] == [fleet["arn"]]
environment = {
    "type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0", "computeType": "BUILD_GENERAL1_SMALL",
    "fleet": {"fleetArn": fleet["arn"]},
}
project("on-fleet", environment=environment)
first, second = start("on-fleet", buildspecOverride=SLEEP % 600), start("on-fleet")
eventually("the fleet is full", lambda: build(first)["currentPhase"] == "BUILD")
assert build(second)["currentPhase"] == "QUEUED"
changed = codebuild.update_fleet(arn=fleet["arn"], baseCapacity=2)["fleet"]
assert changed["baseCapacity"] == 2
assert finished(second)["buildStatus"] == "SUCCEEDED"
codebuild.stop_build(id=first)
finished(first)
codebuild.delete_fleet(arn=fleet["arn"])
assert codebuild.batch_get_fleets(names=["small"])["fleetsNotFound"] == ["small"]
try:
    start("on-fleet")
    raise AssertionError("a build on a fleet that is gone was accepted")
except codebuild.exceptions.InvalidInputException as e:
    assert fleet["arn"] in str(e), e
proved("a fleet holds as many builds as its capacity, and grows")

project("flaky", autoRetryLimit=2, source={"type": "NO_SOURCE", "buildspec": FAIL})
seen, at = [], start("flaky")
for _ in range(3):
    b = finished(at)
    seen.append(b["autoRetryConfig"]["autoRetryNumber"])
    assert b["buildStatus"] == "FAILED" and b["autoRetryConfig"]["autoRetryLimit"] == 2, b
    if "nextAutoRetry" not in b["autoRetryConfig"]:
        break
    follower = b["autoRetryConfig"]["nextAutoRetry"]
    found = eventually("the retry", lambda: codebuild.batch_get_builds(ids=[follower])["builds"])[0]
    assert found["autoRetryConfig"]["previousAutoRetry"] == b["arn"], found
    at = found["id"]
assert seen == [0, 1, 2], seen
time.sleep(0.5)
assert len(codebuild.list_builds_for_project(projectName="flaky")["ids"]) == 3
done = codebuild.batch_delete_builds(ids=[at, "flaky:none"])
assert len(done["buildsDeleted"]) == 1 and done["buildsNotDeleted"][0]["id"] == "flaky:none", done
proved("a build that fails is retried by itself, as often as its project says")
server.stop()
