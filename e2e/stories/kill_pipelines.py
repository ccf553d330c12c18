"""kill -9, again and again, with fifty executions of pipelines in all three execution modes in flight, their approvals, retries
and rollbacks included; beside them jobs of a worker, children of other pipelines, and git pushes: nothing is lost, nothing is
doubled, queues keep their order.

HEADWORKS_SEED repeats the order of the moments. Builds prove that they ran to a ledger outside of the server.
"""

import collections
import os
import random
import socketserver
import threading
import time

from crew import Crew
from delivery import Delivery, SITE, action
from stage import Server, eventually, insist, proved

SEED = int(os.environ.get("HEADWORKS_SEED") or random.SystemRandom().randrange(2**32))
chance = random.Random(SEED)
print(f"  HEADWORKS_SEED={SEED} repeats this order of moments")

STARTS = {"SUPERSEDED": 12, "QUEUED": 14, "PARALLEL": 24}
KILLS = globals().get("KILLS", 10)  # kill_pipelines_postgres.py gives another number
ENDS = {"Succeeded", "Failed", "Stopped", "Superseded", "Cancelled"}
server = Server()
noted: list[str] = []
lock = threading.Lock()


class Entry(socketserver.StreamRequestHandler):
    def handle(self):
        line = self.rfile.readline().decode().strip()
        with lock:
            noted.append(line)
        self.wfile.write(b"noted\n")


ledger = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Entry)
ledger.daemon_threads = True
threading.Thread(target=ledger.serve_forever, daemon=True).start()
BUILDSPEC = f"""\
version: 0.2
env:
  shell: bash
phases:
  build:
    commands:
      - exec 3<>/dev/tcp/127.0.0.1/{ledger.server_address[1]}; echo "$CODEBUILD_BUILD_ID" >&3; read -r answer <&3
      - '[ "$answer" = noted ] && sleep 0.$((4 + RANDOM % 6)) && [ "$BROKEN" != yes ]'
artifacts:
  files: message.txt
"""

server.start()
delivery = Delivery(server).prepare({"buildspec.yml": BUILDSPEC, "message.txt": "first\n"})
pipelines = server.client("codepipeline", connect_timeout=5, read_timeout=20)


def declaration(mode: str) -> dict:
    declared = delivery.declaration(mode)
    source, build, deploy = declared["stages"]
    declared["pipelineType"] = "V2"
    declared["executionMode"] = mode
    declared["variables"] = [{"name": "site", "defaultValue": SITE}, {"name": "broken", "defaultValue": "no"}]
    build["actions"][0]["configuration"]["EnvironmentVariables"] = '[{"name":"BROKEN","value":"#{variables.broken}"}]'
    build["onFailure"] = {"result": "RETRY", "retryConfiguration": {"retryMode": "FAILED_ACTIONS"}}
    deploy["actions"][0]["configuration"]["BucketName"] = "#{variables.site}"
    if mode != "PARALLEL":
        deploy["onFailure"] = {"result": "ROLLBACK"}
    approve = {"name": "Approve", "actions": [action("Ok", "Approval", "Manual", {})]}
    declared["stages"] = [source, build, approve, deploy]
    return declared


for mode in STARTS:
    created = pipelines.create_pipeline(pipeline=declaration(mode))["pipeline"]
    assert created["executionMode"] == mode, created
crew = Crew(delivery, SEED)
everywhere = [*STARTS, *crew.pipelines]
eventually("the first executions", lambda: all(delivery.executions(name) for name in everywhere))

# --- people, who try again while the server is dead ---------------------------------------------------------------------

plan = [(mode, number) for mode, count in STARTS.items() for number in range(count)]
chance.shuffle(plan)
kinds: dict[str, str] = {}  # by execution
rejected: set[str] = set()
retried: collections.Counter = collections.Counter()
refused: collections.Counter = collections.Counter()
failure: list[BaseException] = []
done = threading.Event()


def start_all():
    """Starts fifty executions; the token makes a repeated request the same one."""
    pace = random.Random(SEED + 1)
    try:
        for mode, number in plan:
            kind = {0: "broken", 3: "rejected", 5: "nowhere"}.get(number % 8, "plain")
            values = {"broken": {"broken": "yes"}, "nowhere": {"site": "no-such-bucket-anywhere"}}.get(kind, {})
            variables = [{"name": name, "value": value} for name, value in values.items()]
            more = {"variables": variables} if variables else {}
            started = insist(pipelines.start_pipeline_execution, name=mode,
                             clientRequestToken=f"start-{mode}-{number}", **more)["pipelineExecutionId"]
            assert started not in kinds, "two starts, one execution"
            kinds[started] = kind
            time.sleep(pace.uniform(0, 0.25))
    except BaseException as error:
        failure.append(error)


def approvals(mode: str):
    """Open approvals: execution and token."""
    if mode == "PARALLEL":
        details = [d for page in pipelines.get_paginator("list_action_executions").paginate(pipelineName=mode)
                   for d in page["actionExecutionDetails"]]
        return [(d["pipelineExecutionId"], d["output"]["executionResult"]["externalExecutionId"])
                for d in details if d["actionName"] == "Ok" and d["status"] == "InProgress"]
    stage = next(s for s in pipelines.get_pipeline_state(name=mode)["stageStates"] if s["stageName"] == "Approve")
    run = stage["actionStates"][0].get("latestExecution", {})
    return [(stage["latestExecution"]["pipelineExecutionId"], run["token"])] if run.get("token") else []


def decide():
    """Approves, rejects once what is to be rejected, and tries again what has failed, once. People take their time."""
    mood = random.Random(SEED + 2)
    while not done.is_set():
        try:
            for mode in STARTS:
                for execution, token in approvals(mode):
                    if mode == "SUPERSEDED" and starter.is_alive() and mood.random() < 0.9:
                        continue  # somebody must come to wait behind it
                    no = kinds.get(execution) == "rejected" and execution not in rejected
                    verdict = {"summary": "story", "status": "Rejected" if no else "Approved"}
                    try:
                        pipelines.put_approval_result(pipelineName=mode, stageName="Approve", actionName="Ok",
                                                      token=token, result=verdict)
                    except pipelines.exceptions.ClientError as error:
                        refused[error.response["Error"]["Code"]] += 1
                    if no:
                        rejected.add(execution)
                for execution in delivery.executions(mode):
                    name = execution["pipelineExecutionId"]
                    stage = {"broken": "Build", "rejected": "Approve"}.get(kinds.get(name, ""))
                    if stage and execution["status"] == "Failed" and not retried[name]:
                        try:
                            pipelines.retry_stage_execution(pipelineName=mode, stageName=stage,
                                                            pipelineExecutionId=name, retryMode="FAILED_ACTIONS")
                            retried[name] += 1
                        except pipelines.exceptions.ClientError as error:
                            refused[error.response["Error"]["Code"]] += 1
                            retried[name] += error.response["ResponseMetadata"]["HTTPStatusCode"] < 500
        except Exception:  # the server is dead; people come again
            time.sleep(0.05)
        done.wait(0.1)


starter, person = threading.Thread(target=start_all, daemon=True), threading.Thread(target=decide, daemon=True)
starter.start()
person.start()
crew.begin()
in_flight: collections.Counter = collections.Counter()
for number in range(KILLS):
    time.sleep(chance.random() * chance.choice([0.05, 0.5, 1.5, 3]))
    for name in everywhere:
        in_flight[name] += sum(e["status"] == "InProgress" for e in delivery.executions(name))
    server.kill()
    if number % 3 == 0:
        time.sleep(chance.uniform(0, 0.7))  # sometimes builds end while there is no server
    server.restart()
    if number == 0:
        crew.hire()
starter.join(120)
assert not starter.is_alive() and not failure, failure
crew.join(120)
assert in_flight.total() > KILLS and all(in_flight[name] for name in everywhere), f"the kills prove nothing: {in_flight}"
print(f"  {KILLS} kills, {in_flight.total() / KILLS:.0f} executions in flight at each: {dict(in_flight)}")


def at_rest():
    """Everything has ended, and nobody is about to try anything again."""
    # Looked at first: what is tried again while the list is made is not at rest, although the list shows it as failed.
    tried = dict(retried)
    return all(
        e["status"] in ENDS and (kinds.get(e["pipelineExecutionId"]) not in ("broken", "rejected")
                                 or e["status"] != "Failed" or tried.get(e["pipelineExecutionId"]))
        for mode in everywhere for e in delivery.executions(mode))


eventually("all executions end", at_rest, 240, 0.5)
done.set()
person.join(60)
eventually("they have ended for good", at_rest, 60)
crew.rest()

# --- what is left ---------------------------------------------------------------------------------------------------------

listed = {mode: delivery.executions(mode) for mode in STARTS}
standard = {mode: [e for e in listed[mode] if e["executionType"] == "STANDARD"] for mode in STARTS}
for mode, count in STARTS.items():
    assert len(standard[mode]) == count + 1, (mode, len(standard[mode]))
assert len(kinds) == sum(STARTS.values()) == 50
assert set(kinds) < {e["pipelineExecutionId"] for mode in STARTS for e in standard[mode]}
proved("fifty starts are fifty executions, and each has ended")

order = {e["pipelineExecutionId"]: n for mode in STARTS for n, e in enumerate(reversed(listed[mode]))}
for mode in STARTS:
    for e in listed[mode]:
        if e["status"] == "Superseded":
            assert mode == "SUPERSEDED", e
            by = e["statusSummary"].removeprefix("Superseded by execution ")
            assert order[by] > order[e["pipelineExecutionId"]], e
        kind = kinds.get(e["pipelineExecutionId"], "plain")
        if e["executionType"] == "STANDARD" and e["status"] != "Superseded":
            failed = kind in ("broken", "nowhere") or (
                kind == "rejected" and mode != "PARALLEL" and e["status"] == "Failed")
            assert e["status"] == ("Failed" if failed else "Succeeded"), (mode, kind, e)
superseded = sum(e["status"] == "Superseded" for e in listed["SUPERSEDED"])
assert superseded, "nobody was superseded"
proved(f"each ended as it had to; {superseded} were superseded in the one mode that does so, and say by which")

eventually("every event is published", lambda: all(e["published"] is not None for e in server.events()))
events = server.events()
assert len({e["id"] for e in events}) == len(events)
inside: dict[tuple, str] = {}
entered: dict[str, list] = collections.defaultdict(list)
actions: dict[str, collections.Counter] = collections.defaultdict(collections.Counter)
compiled, rolled_back, resumed = set(), [], 0
for event in events:
    detail = event["detail"]
    state = detail.get("state")
    if event["detail_type"] == "CodePipeline Stage Execution State Change":
        place, who = (detail["pipeline"], detail["stage"]), detail["execution-id"]
        resumed += state == "RESUMED"
        if detail["pipeline"] == "PARALLEL" or detail["pipeline"] in crew.parallel:
            continue
        if state in ("STARTED", "RESUMED"):
            assert place not in inside, f"{who} is in {place} beside {inside[place]}"
            inside[place] = who
            if state == "STARTED" and detail["pipeline"] == "QUEUED":
                entered[detail["stage"]].append(who)
        elif state in ("SUCCEEDED", "FAILED"):
            assert inside.pop(place) == who, (place, who)
    elif event["detail_type"] == "CodePipeline Action Execution State Change":
        actions[detail["action-execution-id"]][state] += 1
        if detail["action"] == "Compile" and state == "STARTED":
            compiled.add(detail["action-execution-id"])
    elif event["detail_type"] == "CodePipeline Pipeline Execution State Change" and state == "STARTED":
        trigger = detail["execution-trigger"]
        if trigger["trigger-type"] == "AutomatedRollback":
            rolled_back.append(trigger["trigger-detail"])
assert not inside, inside
proved("a stage of modes SUPERSEDED and QUEUED never held two executions")

types = {e["pipelineExecutionId"]: e["executionType"] for e in listed["QUEUED"]}
for stage, who in entered.items():
    turn = [order[e] for e in who if types[e] == "STANDARD"]
    assert turn == sorted(turn), (stage, turn)
proved(f"the queue kept its order in all {len(entered)} stages")

for execution, states in actions.items():
    assert states["STARTED"] == 1 and sum(states.values()) == 2, (execution, states)
builds = delivery.builds()
assert len(builds) == len(compiled), (len(builds), len(compiled))
ran = collections.Counter(noted)
assert ran == collections.Counter(build["id"] for build in builds), ran
proved(f"{len(actions)} actions each began once and ended once; {len(builds)} builds each ran once")

nowhere = [e["pipelineExecutionId"] for mode in ("SUPERSEDED", "QUEUED") for e in listed[mode]
           if kinds.get(e["pipelineExecutionId"]) == "nowhere" and e["status"] == "Failed"]
for execution in nowhere:
    summary = next(e.get("statusSummary", "") for mode in STARTS for e in listed[mode]
                   if e["pipelineExecutionId"] == execution)
    begun = sum(execution in detail for detail in rolled_back)
    assert begun == 1 or (begun == 0 and "was not rolled back" in summary), (execution, begun, summary)
assert len(rolled_back) == len(set(rolled_back)) and resumed > 0
print(f"  {len(rolled_back)} rollbacks by themselves, {resumed} stages resumed, refused meanwhile: {dict(refused)}")
proved("whatever failed was retried once by itself, and rolled back once, or says why not")
crew.check()
server.stop()
