"""`aws logs tail --follow` shows lines while a build runs."""

import atexit
import subprocess

from delivery import Delivery
from stage import Server, eventually, proved

TICKING = """\
version: 0.2
phases:
  build:
    commands:
      - echo before the ticks
      - i=0; while [ $i -lt 3000 ]; do echo tick $i; i=$((i+1)); sleep 0.2; done
"""

server = Server().start()
delivery = Delivery(server).prepare()
delivery.create_project("talkative", source={"type": "NO_SOURCE", "buildspec": TICKING},
                        artifacts={"type": "NO_ARTIFACTS"})
build = delivery.codebuild.start_build(projectName="talkative")["build"]


def running():
    now = delivery.codebuild.batch_get_builds(ids=[build["id"]])["builds"][0]
    return now if now.get("logs", {}).get("streamName") else None


logs = eventually("the build has a log stream", running)["logs"]
assert logs["groupName"] == "/aws/codebuild/talkative", logs
there = server.client("logs")
eventually("the first lines", lambda: any(
    g["logGroupName"] == logs["groupName"] for g in there.describe_log_groups()["logGroups"]))
tail = subprocess.Popen(
    server.aws_2("logs", "tail", "--follow", "--since", "5m", "--format", "short", logs["groupName"]),
    env=server.environment(), stdout=subprocess.PIPE, text=True)
atexit.register(tail.kill)
seen = []
for line in tail.stdout:
    seen.append(line)
    if "tick 20" in line:
        break
tail.terminate()
assert any("before the ticks" in line for line in seen), seen
now = delivery.codebuild.batch_get_builds(ids=[build["id"]])["builds"][0]
assert now["buildStatus"] == "IN_PROGRESS", now["buildStatus"]
ticks = [int(line.split("tick ")[1]) for line in seen if "tick " in line and "$i" not in line]
assert ticks == list(range(21)), ticks
proved("aws logs tail --follow shows each line once, in order, while the build runs")

delivery.codebuild.stop_build(id=build["id"])
server.stop()
