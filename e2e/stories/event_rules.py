"""Event rules start pipelines: by pushes, custom events and a schedule, once each, whatever is killed when."""

import json
import time

from botocore.exceptions import ClientError
from delivery import ARTIFACTS, Delivery, action
from stage import Server, eventually, proved

server = Server().start()
delivery = Delivery(server).prepare(files={"README.md": "hello\n"})
pipelines, events = delivery.codepipeline, server.client("events")
ROLE = server.role("starter", "codepipeline:StartPipelineExecution")
known: dict[str, set] = {}
arns: dict[str, str] = {}


def create(name: str, repository: str = "delivery", **more):
    """A pipeline that waits at an approval. Its source polls, as is the default."""
    source = action("Fetch", "Source", "CodeCommit", {"RepositoryName": repository, "BranchName": "main"},
                    outputs=["Fetched"], namespace="Fetched")
    pipelines.create_pipeline(pipeline={
        "name": name, "roleArn": delivery.role, "artifactStore": {"type": "S3", "location": ARTIFACTS},
        "pipelineType": "V2", "executionMode": "PARALLEL", **more,
        "stages": [{"name": "Source", "actions": [source]},
                   {"name": "Approve", "actions": [action("Approve", "Approval", "Manual", {})]}],
    })
    arns[name] = pipelines.get_pipeline(name=name)["metadata"]["pipelineArn"]
    known[name] = {e["pipelineExecutionId"] for e in delivery.executions(name)}


def rule(name: str, pipeline: str, target: dict | None = None, **more) -> str:
    arn = events.put_rule(Name=name, **more)["RuleArn"]
    told = events.put_targets(Rule=name, Targets=[{"Id": "go", "Arn": arns[pipeline], "RoleArn": ROLE, **(target or {})}])
    assert told["FailedEntryCount"] == 0, told
    return arn


def fresh(name: str) -> list[dict]:
    return [e for e in delivery.executions(name) if e["pipelineExecutionId"] not in known[name]]


def started(name: str, count: int = 1, seconds: float = 60) -> list[dict]:
    """So many executions start, and no more once all events are delivered."""
    eventually(f"{count} starts of {name}", lambda: len(fresh(name)) >= count, seconds)
    eventually("all events are delivered", lambda: all(e["published"] for e in server.events()))
    new = fresh(name)
    assert len(new) == count, new
    known[name] |= {e["pipelineExecutionId"] for e in new}
    return new


def quiet(*names: str):
    """Everything that was told is delivered, and none of these has started."""
    eventually("all events are delivered", lambda: all(e["published"] for e in server.events()))
    for name in names:
        assert not fresh(name), (name, fresh(name))


def push(text: str, branch: str = "main") -> str:
    (delivery.work / "README.md").write_text(text)
    server.git("commit", "-q", "-am", text, cwd=delivery.work)
    server.git("push", "-q", "origin", f"HEAD:{branch}", cwd=delivery.work)
    return server.git("rev-parse", "HEAD", cwd=delivery.work).stdout.strip()


delivery.codecommit.create_repository(repositoryName="elsewhere")
create("polled")
create("custom", "elsewhere", variables=[{"name": "Version", "defaultValue": "0"}])
create("timed", "elsewhere")

of_main = {"source": ["aws.codecommit"], "detail-type": ["CodeCommit Repository State Change"],
           "detail": {"event": ["referenceCreated", "referenceUpdated"], "referenceName": ["main"]}}
pushed = rule("pushed", "polled", EventPattern=json.dumps(of_main))
rule("never", "polled", EventPattern=json.dumps({**of_main, "detail": {"referenceName": [{"prefix": "release/"}]}}))
shown = server.aws("events", "describe-rule", "--name", "pushed")
assert shown["Arn"] == pushed and json.loads(shown["EventPattern"]) == of_main, shown
assert server.aws("events", "list-rule-names-by-target", "--target-arn", arns["polled"])["RuleNames"] == ["never", "pushed"]
for call, code in [
    (lambda: events.put_rule(Name="bad", EventPattern='{"source": "x"}'), "InvalidEventPatternException"),
    (lambda: events.put_rule(Name="bad", ScheduleExpression="rate(1 minutes)"), "ValidationException"),
    (lambda: events.describe_rule(Name="bad"), "ResourceNotFoundException"),
    (lambda: events.delete_rule(Name="pushed"), "ValidationException"),
    (lambda: events.put_targets(Rule="pushed", Targets=[{"Id": "x", "Arn": arns["polled"]}]), "ValidationException"),
    (lambda: events.put_targets(Rule="pushed", Targets=[
        {"Id": "x", "Arn": arns["polled"], "RoleArn": ROLE + "-that-is-not-there"}]), "ValidationException"),
]:
    try:
        call()
        raise AssertionError(f"{code} was not answered")
    except ClientError as e:
        assert e.response["Error"]["Code"] == code, e
told = events.put_targets(Rule="never", Targets=[{"Id": "q", "Arn": "arn:aws:sqs:eu-central-1:123456789012:q"}])
assert told["FailedEntries"][0]["TargetId"] == "q" and "no target of this kind" in told["FailedEntries"][0]["ErrorMessage"]
proved("rules and targets are kept as given, and what cannot work is refused with AWS's codes or by name")

commit = push("one")
(one,) = started("polled")
assert one["trigger"] == {"triggerType": "CloudWatchEvent", "triggerDetail": pushed}, one
eventually("the source takes the commit", lambda: any(
    r.get("revisionId") == commit for e in delivery.executions("polled")
    if e["pipelineExecutionId"] == one["pipelineExecutionId"] for r in e.get("sourceRevisions", [])))
push("two", "topic")
quiet("polled", "custom", "timed")
proved("a push that a rule and the polled source tell of starts one execution, in the rule's name; another branch starts none")

template = '{"variables": [{"name": "Version", "value": "<version>"}]}'
transformer = {"InputTransformer": {"InputPathsMap": {"version": "$.detail.version"}, "InputTemplate": template}}
pattern = {"source": ["my.app"], "detail": {"state": [{"anything-but": "draft"}], "version": [{"numeric": [">=", 7]}]}}
rule("ready", "custom", transformer, EventPattern=json.dumps(pattern))


def tell(*details: dict, source: str = "my.app") -> dict:
    return events.put_events(Entries=[
        {"Source": source, "DetailType": "Ready", "Detail": json.dumps(detail)} for detail in details])


tell({"state": "draft", "version": 9}, {"state": "final", "version": 6})
quiet("custom")
assert tell({"state": "final", "version": 8})["FailedEntryCount"] == 0
(ready,) = started("custom")
execution = pipelines.get_pipeline_execution(pipelineName="custom", pipelineExecutionId=ready["pipelineExecutionId"])
assert execution["pipelineExecution"]["variables"] == [{"name": "Version", "resolvedValue": "8"}], execution
refused = tell({}, source="aws.codecommit")
assert refused["Entries"][0]["ErrorCode"] == "NotAuthorizedForSourceException", refused
proved("a custom event that matches starts its pipeline with the variables that the rule makes of it; services' events cannot be forged")

for round in range(5):
    tell(*[{"state": "final", "version": 10 + n} for n in range(4)])
    commit = push(f"round {round}")
    server.kill()
    server.restart()
started("custom", 20)
started("polled", 5)
proved("kill -9 between events and starts loses none and doubles none, five times")

begun = time.monotonic()
every = rule("minute", "timed", ScheduleExpression="rate(1 minute)")
server.kill()
server.restart()
(timed,) = started("timed", 1, 100)
assert time.monotonic() - begun > 50, "before its time"
assert timed["trigger"] == {"triggerType": "CloudWatchEvent", "triggerDetail": every}, timed
scheduled = [e for e in server.events() if e["detail_type"] == "Scheduled Event"]
assert [json.loads(e["body"])["resources"] for e in scheduled] == [[every]], scheduled
events.disable_rule(Name="minute")
events.remove_targets(Rule="minute", Ids=["go"])
events.delete_rule(Name="minute")
quiet("polled", "custom", "timed")
proved("a schedule starts its pipeline at its time, through a kill -9, and is gone with its rule")

pipelines.delete_pipeline(name="custom")
tell({"state": "final", "version": 11})
quiet("polled", "timed")
eventually("the log says so", lambda: "there is no pipeline custom" in server.log.read_text(errors="replace"))
proved("a pipeline that is gone is told in the log and holds up nothing")
server.stop()
