"""kill -9, ten times, with twenty executions in flight: nothing is lost and nothing runs twice.

The order of the moments is random; HEADWORKS_SEED repeats one. Builds prove what they did to a ledger outside of the
server: each command sends one line over a loopback connection, and the ledger appends it to a file.
"""

import collections
import os
import random
import socketserver
import threading
import time

from delivery import Delivery
from stage import Server, eventually, proved

EXECUTIONS = 20
KILLS = 10
COMMANDS = ["one", "two", "three"]
SEED = int(os.environ.get("HEADWORKS_SEED") or random.SystemRandom().randrange(2**32))
chance = random.Random(SEED)
print(f"  HEADWORKS_SEED={SEED} repeats this order of moments")

server = Server()
ledger_file = server.folder / "ledger.txt"


class Entry(socketserver.StreamRequestHandler):
    def handle(self):
        line = self.rfile.readline()
        with lock, open(ledger_file, "ab") as file:
            file.write(line)
        self.wfile.write(b"noted\n")


lock = threading.Lock()
ledger = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Entry)
ledger.daemon_threads = True
threading.Thread(target=ledger.serve_forever, daemon=True).start()
LEDGER_PORT = ledger.server_address[1]

# Each command notes itself and takes its time, so that kills fall into commands and between them.
NOTE = (f"exec 3<>/dev/tcp/127.0.0.1/{LEDGER_PORT}; echo \"$CODEBUILD_BUILD_ID %s\" >&3; read -r answer <&3; "
        "exec 3>&-; [ \"$answer\" = noted ]; sleep 1")
BUILDSPEC = "version: 0.2\nenv:\n  shell: bash\nphases:\n  build:\n    commands:\n" + "".join(
    f"      - '{NOTE % name}'\n" for name in COMMANDS
) + "artifacts:\n  files: message.txt\n"

server.start()
delivery = Delivery(server).prepare({"buildspec.yml": BUILDSPEC, "message.txt": "first\n"})
names = [f"line-{i:02}" for i in range(EXECUTIONS)]
for name in names:
    delivery.codepipeline.create_pipeline(pipeline=delivery.declaration(name))
# Creating a pipeline starts it: twenty executions are in flight now.
for name in names:
    eventually(f"{name} has its execution", lambda: delivery.executions(name))
eventually("a build has begun", lambda: ledger_file.exists())

running_at_kill = 0
for number in range(KILLS):
    # Some kills fall into the recovery from the one before, some into quiet work.
    time.sleep(chance.random() * chance.choice([0.03, 0.3, 1.5, 2.5]))
    running_at_kill += sum(1 for build in delivery.builds() if not build["buildComplete"])
    server.kill()
    if number % 3 == 0:
        time.sleep(chance.uniform(0, 1))  # sometimes jobs end while there is no server
    server.restart()
assert running_at_kill > 0, "no build was running at any kill: the story proves nothing"
print(f"  {KILLS} kills, {running_at_kill} times a build was running at one")

for name in names:
    execution = delivery.executions(name)[0]["pipelineExecutionId"]
    delivery.wait_for(execution, "Succeeded", seconds=180, pipeline=name)
    assert len(delivery.executions(name)) == 1, f"{name} ran more than once"
proved(f"all {EXECUTIONS} executions end Succeeded")

builds = delivery.builds()
assert len(builds) == EXECUTIONS, f"{len(builds)} builds for {EXECUTIONS} executions"
assert {build["buildStatus"] for build in builds} == {"SUCCEEDED"}
lines = collections.Counter(ledger_file.read_text().splitlines())
expected = collections.Counter(f"{build['id']} {name}" for build in builds for name in COMMANDS)
assert lines == expected, {"missing": expected - lines, "too many": lines - expected}
proved("every build command ran exactly once, those that ran during a kill included: their builds were re-attached")

logs = server.client("logs")
for build in builds:
    events = logs.get_log_events(
        logGroupName=build["logs"]["groupName"], logStreamName=build["logs"]["streamName"], startFromHead=True)["events"]
    text = [event["message"].rstrip("\n") for event in events]
    for name in COMMANDS:
        entered = [line for line in text if "Running command" in line and f" {name}" in line]
        assert len(entered) == 1, (build["id"], name, entered)
proved("no line of a log is lost or doubled")

eventually("every event is published", lambda: all(e["published"] is not None for e in server.events()))
events = server.events()
ids = [event["id"] for event in events]
assert len(ids) == len(set(ids))
story = collections.Counter()
for event in events:
    detail = event["detail"]
    if event["detail_type"].startswith("CodePipeline"):
        what = (detail["execution-id"], detail.get("stage"), detail.get("action"), detail["state"])
        story[(event["detail_type"], *what)] += 1
    elif event["detail_type"] == "CodeBuild Build State Change":
        story[(event["detail_type"], detail["build-id"], detail["build-status"])] += 1
    elif event["detail_type"] == "CodeBuild Build Phase Change":
        story[(event["detail_type"], detail["build-id"], detail["completed-phase"])] += 1
twice = {what: count for what, count in story.items() if count > 1}
assert not twice, f"published twice: {twice}"
kinds = collections.Counter((what[0], what[-1]) for what in story)
for kind, states, each in (
    ("CodePipeline Pipeline Execution State Change", ("STARTED", "SUCCEEDED"), 1),
    ("CodePipeline Stage Execution State Change", ("STARTED", "SUCCEEDED"), 3),
    ("CodePipeline Action Execution State Change", ("STARTED", "SUCCEEDED"), 3),
    ("CodeBuild Build State Change", ("IN_PROGRESS", "SUCCEEDED"), 1),
):
    for state in states:
        assert kinds[(kind, state)] == each * EXECUTIONS, (kind, state, kinds[(kind, state)])
proved("no event is lost, and none is published twice under different ids")
server.stop()
