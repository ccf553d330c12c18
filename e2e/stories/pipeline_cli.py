"""`headworks pipeline`: executions are started, watched, approved, retried, rolled back, stopped, listed and drawn."""

import json
import subprocess

from delivery import BUILDSPEC, Delivery
from stage import Server, binary, eventually, proved

server = Server().start()
delivery = Delivery(server).prepare()


def pipeline(*words, code=0):
    """Runs the command as a user with keys would; its output."""
    done = subprocess.run([binary(), "pipeline", *words], env=server.environment(), capture_output=True, text=True,
                          timeout=120, check=False)
    assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
    return done.stdout if code == 0 else done.stdout + done.stderr


declaration = delivery.declaration(approval=True)
declaration["pipelineType"] = "V2"
declaration["variables"] = [{"name": "who", "defaultValue": "nobody"}]
assert "has no executions" not in pipeline("history", "delivery", code=2)
delivery.codepipeline.create_pipeline(pipeline=declaration)
first = eventually("the execution that creation starts", delivery.executions)[0]["pipelineExecutionId"]
delivery.approve(first)
delivery.wait_for(first, "Succeeded")

# --- start, watch, approve ------------------------------------------------------------------------------------------------

said = server.folder / "watch.err"
watching = subprocess.Popen(
    [binary(), "pipeline", "start", "delivery", "--variable", "who=me", "--watch", "--logs"], env=server.environment(),
    stdout=subprocess.PIPE, stderr=open(said, "w"), text=True)
second = watching.stdout.readline().strip()
delivery.approval_token(second)
assert pipeline("approve", "delivery", "--summary", "fine") == "Deploy/Approve: Approved\n"
# Not `communicate`: it does not know of lines that came together with the first.
out = watching.stdout.read()
assert watching.wait(60) == 0, (out, said.read_text())
lines = out.splitlines()
assert lines[-1] == "Succeeded", out
assert any(line.startswith("Source/Fetch: Succeeded in ") and "The first commit" in line for line in lines), out
assert any("mkdir -p out" in line for line in lines if line.startswith("    | ")), out
assert any(line.startswith("Deploy/Approve: Succeeded") for line in lines), out
variables = delivery.codepipeline.get_pipeline_execution(
    pipelineName="delivery", pipelineExecutionId=second)["pipelineExecution"]["variables"]
assert variables == [{"name": "who", "resolvedValue": "me"}], variables
assert "no approval waits" in pipeline("approve", "delivery", code=2)
proved("an execution is started with a variable, watched with its build's log, and approved")

third = json.loads(pipeline("start", "delivery", "--output", "json"))["pipelineExecutionId"]
delivery.approval_token(third)
assert pipeline("approve", "delivery", "Deploy/Approve", "--reject") == "Deploy/Approve: Rejected\n"
assert pipeline("watch", "delivery", third, code=1).splitlines()[-1].startswith("Failed")
events = [json.loads(line) for line in pipeline("watch", "delivery", second, "--logs", "--output", "json").splitlines()]
assert events[-1]["type"] == "pipeline" and events[-1]["status"] == "Succeeded", events[-1]
assert {"type": "action", "action": "Source/Fetch", "status": "Succeeded", "detail": "The first commit"} in events, events
assert any(e["type"] == "log" and "mkdir -p out" in e["message"] and e["timestamp"] > 0 for e in events), events
proved("an approval is rejected, the exit code of watch says that the execution failed, and programs read events")

# --- steer ----------------------------------------------------------------------------------------------------------------

assert pipeline("retry", "delivery") == third + "\n"
delivery.approve(third)
delivery.wait_for(third, "Succeeded")
back = pipeline("rollback", "delivery", "Deploy").strip()
delivery.approve(back)
delivery.wait_for(back, "Succeeded")
execution = delivery.codepipeline.get_pipeline_execution(
    pipelineName="delivery", pipelineExecutionId=back)["pipelineExecution"]
assert execution["rollbackMetadata"]["rollbackTargetPipelineExecutionId"] == second, execution
proved("a failed stage is retried, and a stage goes back to the last execution but one")

fourth = pipeline("start", "delivery").strip()
delivery.approval_token(fourth)
assert pipeline("stop", "delivery", "--abandon", "--reason", "enough") == fourth + "\n"
delivery.wait_for(fourth, "Stopped")
assert "Stopped" in pipeline("watch", "delivery", code=1)
proved("an execution is stopped")

# --- look -----------------------------------------------------------------------------------------------------------------

rows = pipeline("history", "delivery").splitlines()
assert len(rows) == 6 and rows[0].split()[:2] == ["EXECUTION", "STATUS"], rows
assert fourth in rows[1] and "Stopped" in rows[1] and "StartPipelineExecution" in rows[1], rows
assert [json.loads(line)["pipelineExecutionId"] for line in pipeline(
    "history", "delivery", "-n", "2", "--output", "json").splitlines()] == [fourth, back]
drawing = pipeline("graph", "delivery")
assert "Build\n  1. Compile (CodeBuild): Succeeded\n  |\nDeploy\n  1. Approve (Manual): Abandoned" in drawing, drawing
assert '"Source/Fetch" -> "Build/Compile";' in pipeline("graph", "delivery", "--format", "dot")
assert pipeline("graph", "delivery", "--format", "mermaid").startswith("flowchart LR\n")
failing = BUILDSPEC.replace("mkdir -p out", "printf '\\033[2J'; exit 3")
delivery.commit_and_push({"buildspec.yml": failing}, "\x1b[31mA build that fails")
said = eventually("the failing execution", lambda: next(
    (e for e in delivery.executions() if e["trigger"]["triggerType"] not in ("StartPipelineExecution", "CreatePipeline")
     and e["status"] == "Failed"), None))
said = pipeline("watch", "delivery", said["pipelineExecutionId"], "--logs", code=1)
assert "\x1b" not in said and "A build that fails" in said and "Build/Compile: Failed" in said, said
proved("executions are listed and drawn, and nothing that somebody else wrote steers the terminal")

assert "has no stage Nowhere" in pipeline("retry", "delivery", "Nowhere", code=2)
assert "PipelineNotFoundException" in pipeline("graph", "nothing", code=2)
assert "is not NAME=VALUE" in pipeline("start", "delivery", "--variable", "x", code=2)
assert "several approvals" not in pipeline("approve", "delivery", "A/B", code=2)
proved("what cannot be done is refused with a reason")

# --- mode PARALLEL --------------------------------------------------------------------------------------------------------

delivery.commit_and_push({"buildspec.yml": BUILDSPEC}, "A build that works")
declaration["name"] = "side-by-side"
declaration["executionMode"] = "PARALLEL"
delivery.codepipeline.create_pipeline(pipeline=declaration)
one = eventually("an execution", lambda: delivery.executions("side-by-side"))[0]["pipelineExecutionId"]
two = pipeline("start", "side-by-side").strip()


def graph():
    return pipeline("graph", "side-by-side")


def approval_waits(execution):
    """Waits until the execution has come to its approval."""
    def probe():
        done = delivery.codepipeline.list_action_executions(
            pipelineName="side-by-side", filter={"pipelineExecutionId": execution})["actionExecutionDetails"]
        return any(a["actionName"] == "Approve" and a["status"] == "InProgress" for a in done)
    eventually("the approval waits", probe)


for execution in (two, one):
    approval_waits(execution)
assert "Deploy\n  1. Approve (Manual): InProgress\n  2. Publish (S3): -" in graph(), graph()
said = pipeline("approve", "side-by-side", code=2)
assert "several approvals wait" in said and f"Deploy/Approve of --execution {one}" in said, said
assert pipeline("approve", "side-by-side", "--execution", two, "--reject") == "Deploy/Approve: Rejected\n"
delivery.wait_for(two, "Failed", pipeline="side-by-side")
assert pipeline("approve", "side-by-side") == "Deploy/Approve: Approved\n"
delivery.wait_for(one, "Succeeded", pipeline="side-by-side")
proved("of executions side by side, each has its approval; the only one that waits needs no name")

assert "Approve (Manual): Failed" in graph(), graph()
said = pipeline("retry", "side-by-side", "--execution", one, code=2)
assert f"the execution {one} has not failed" in said, said
assert "no execution has failed or was stopped in stage Build" in pipeline("retry", "side-by-side", "Build", code=2)
for words in ((), ("Deploy",), ("Deploy", "--execution", two), ("--execution", two)):
    assert pipeline("retry", "side-by-side", *words) == two + "\n", words
    approval_waits(two)
    assert "Approve (Manual): InProgress" in graph(), graph()
    assert pipeline("approve", "side-by-side", "--reject") == "Deploy/Approve: Rejected\n"
    delivery.wait_for(two, "Failed", pipeline="side-by-side")
three = pipeline("start", "side-by-side").strip()
approval_waits(three)
assert "has not failed and was not stopped in a stage" in pipeline("retry", "side-by-side", code=2)
assert pipeline("retry", "side-by-side", "Deploy") == two + "\n"
proved("what failed side by side is retried, the newest, the last one in a stage, or the one that is named")
server.stop()
