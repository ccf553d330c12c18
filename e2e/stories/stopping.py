"""StopBuild and StopPipelineExecution stop real processes, every descendant of them."""

import os

from delivery import Delivery
from stage import Server, eventually, proved, sleepers

# A duration that no other process on this machine sleeps for, and that says which story left one behind.
MARK = f"86401.{os.getpid():07}"

SLOW = f"""\
version: 0.2
phases:
  build:
    commands:
      - sleep {MARK}1 & setsid sleep {MARK}2 & sleep {MARK}3
artifacts:
  files: message.txt
"""


server = Server().start()
delivery = Delivery(server).prepare({"buildspec.yml": SLOW, "message.txt": "first\n"})
delivery.create_project("alone", source={"type": "CODECOMMIT", "location": delivery.clone_url},
                        artifacts={"type": "NO_ARTIFACTS"})
build = delivery.codebuild.start_build(projectName="alone", sourceVersion="main")["build"]
assert build["buildStatus"] == "IN_PROGRESS", build
eventually("three processes of the build", lambda: len(sleepers(MARK)) == 3)
server.aws("codebuild", "stop-build", "--id", build["id"])
eventually("no process of the build", lambda: not sleepers(MARK))


def stopped():
    now = delivery.codebuild.batch_get_builds(ids=[build["id"]])["builds"][0]
    return now if now["buildComplete"] else None


done = eventually("the build is complete", stopped)
assert done["buildStatus"] == "STOPPED", done
assert done["endTime"] >= done["startTime"], done
proved("StopBuild ends every process of the build, background and other sessions included")

delivery.codepipeline.create_pipeline(pipeline=delivery.declaration())
execution = eventually("an execution", delivery.executions)[0]["pipelineExecutionId"]
eventually("three processes of the build", lambda: len(sleepers(MARK)) == 3)
delivery.codepipeline.stop_pipeline_execution(
    pipelineName="delivery", pipelineExecutionId=execution, abandon=True, reason="Wrong branch")
delivery.wait_for(execution, "Stopped")
latest = delivery.action("Build", "Compile")["latestExecution"]
assert latest["status"] == "Abandoned", latest
eventually("no process of the build", lambda: not sleepers(MARK))
proved("StopPipelineExecution with abandon ends them, too")

started = delivery.codepipeline.start_pipeline_execution(name="delivery", clientRequestToken="a-token")
again = delivery.codepipeline.start_pipeline_execution(name="delivery", clientRequestToken="a-token")
assert started["pipelineExecutionId"] == again["pipelineExecutionId"]
execution = started["pipelineExecutionId"]
eventually("three processes of the build", lambda: len(sleepers(MARK)) == 3)
delivery.codepipeline.stop_pipeline_execution(
    pipelineName="delivery", pipelineExecutionId=execution, abandon=False, reason="After this action")
eventually("the execution is stopping", lambda: delivery.status(execution) == "Stopping")
assert len(sleepers(MARK)) == 3, "stop and wait must let the action in progress finish"
running = next(b for b in delivery.builds() if not b["buildComplete"])
delivery.codebuild.stop_build(id=running["id"])
# The stop was asked for before the action failed, so the execution ends Stopped, not Failed.
delivery.wait_for(execution, "Stopped")
eventually("no process of the build", lambda: not sleepers(MARK))
proved("stop and wait lets the action in progress end first, and no later stage starts")
assert "latestExecution" not in delivery.stage("Deploy")
server.stop()
