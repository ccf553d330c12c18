"""A build's log: `aws logs`, paging both ways, and finding a line while the build still runs."""

from delivery import Delivery
from stage import Server, eventually, proved

TICKING = """\
version: 0.2
phases:
  build:
    commands:
      - echo before the ticks
      - i=0; while [ $i -lt 10 ]; do echo tick $i; i=$((i+1)); done
      - sleep 300
"""

server = Server().start()
delivery = Delivery(server).prepare()
delivery.create_project("talkative", source={"type": "NO_SOURCE", "buildspec": TICKING},
                        artifacts={"type": "NO_ARTIFACTS"})
build = delivery.codebuild.start_build(projectName="talkative")["build"]
client = server.client("logs")
group = "/aws/codebuild/talkative"


def last_tick():
    groups = client.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    return groups and client.filter_log_events(logGroupName=group, filterPattern='"tick 9"')["events"]


eventually("the last tick is logged while the build runs", last_tick)
now = delivery.codebuild.batch_get_builds(ids=[build["id"]])["builds"][0]
assert now["buildStatus"] == "IN_PROGRESS", now["buildStatus"]
logs = now["logs"]
assert logs["groupName"] == group, logs
proved("lines of a running build are in CloudWatch Logs")

stream = {"logGroupName": group, "logStreamName": logs["streamName"]}
first = client.get_log_events(**stream, limit=5, startFromHead=True)
assert len(first["events"]) == 5, first
again = client.get_log_events(**stream, limit=5, nextToken=first["nextForwardToken"])
back = client.get_log_events(**stream, limit=5, nextToken=again["nextBackwardToken"])
assert [e["message"] for e in back["events"]] == [e["message"] for e in first["events"]]
page, messages = first, []
while page["events"]:
    messages += [event["message"].strip() for event in page["events"]]
    page = client.get_log_events(**stream, limit=5, nextToken=page["nextForwardToken"])
assert [m for m in messages if m.startswith("tick ")] == [f"tick {i}" for i in range(10)], messages
end = client.get_log_events(**stream, limit=5, nextToken=page["nextForwardToken"])
assert end["nextForwardToken"] == page["nextForwardToken"], "the end of a stream answers with the token that it was given"
found = client.filter_log_events(logGroupName=group, filterPattern='"tick 7"')["events"]
assert [e["message"].strip() for e in found if e["message"].startswith("tick")] == ["tick 7"], found
told = server.aws("logs", "get-log-events", "--log-group-name", group, "--log-stream-name", logs["streamName"],
                  "--start-from-head")["events"]
assert [e["message"].strip() for e in told][:len(messages)] == messages, told
proved("GetLogEvents pages both ways and ends, and FilterLogEvents finds a line")

names = [g["logGroupName"] for g in server.aws("logs", "describe-log-groups")["logGroups"]]
assert names == [group], names
streams = server.aws("logs", "describe-log-streams", "--log-group-name", group, "--order-by", "LastEventTime",
                     "--descending")["logStreams"]
assert [s["logStreamName"] for s in streams] == [logs["streamName"]], streams
server.aws("logs", "put-retention-policy", "--log-group-name", group, "--retention-in-days", "7")
assert server.aws("logs", "describe-log-groups")["logGroups"][0]["retentionInDays"] == 7
proved("aws logs describes groups and streams, and keeps a retention")
delivery.codebuild.stop_build(id=build["id"])
server.stop()
