"""A failing build fails its stage, and GetPipelineState says why; the next push mends it."""

from delivery import BUILDSPEC, Delivery
from stage import Server, eventually, proved

FAILING = """\
version: 0.2
phases:
  build:
    commands:
      - echo about to fail
      - sh -c 'exit 3'
      - echo never reached
  post_build:
    commands:
      - echo post_build still runs, succeeding is $CODEBUILD_BUILD_SUCCEEDING
artifacts:
  files: message.txt
"""

server = Server().start()
delivery = Delivery(server).prepare({"buildspec.yml": FAILING, "message.txt": "first\n"})
delivery.codepipeline.create_pipeline(pipeline=delivery.declaration())
execution = eventually("an execution", delivery.executions)[0]["pipelineExecutionId"]
delivery.wait_for(execution, "Failed")

assert delivery.stage("Build")["latestExecution"]["status"] == "Failed"
latest = delivery.action("Build", "Compile")["latestExecution"]
assert latest["status"] == "Failed", latest
error = latest["errorDetails"]
assert error["code"] == "JobFailed", error
for part in ("Phase: BUILD", "COMMAND_EXECUTION_ERROR", "exit 3", "exit status 3"):
    assert part in error["message"], error
assert "latestExecution" not in delivery.stage("Deploy"), "the next stage must not start"
proved("the stage fails, with phase, command and exit status as the reason")

build = delivery.builds()[0]
phases = {p["phaseType"]: p for p in build["phases"]}
assert build["buildStatus"] == "FAILED"
assert phases["BUILD"]["phaseStatus"] == "FAILED"
assert phases["BUILD"]["contexts"][0]["statusCode"] == "COMMAND_EXECUTION_ERROR", phases["BUILD"]
assert phases["POST_BUILD"]["phaseStatus"] == "SUCCEEDED"
logs = server.client("logs").get_log_events(
    logGroupName=build["logs"]["groupName"], logStreamName=build["logs"]["streamName"], startFromHead=True)
text = "".join(event["message"] for event in logs["events"])
assert "about to fail" in text and "succeeding is 0" in text, text
assert "\nnever reached" not in text, text
proved("POST_BUILD runs although BUILD failed, and knows it")

unknown = BUILDSPEC.replace("  build:", "  builds:")
execution = delivery.execution_for(delivery.commit_and_push({"buildspec.yml": unknown}, "A typing mistake"))
delivery.wait_for(execution, "Failed")
build = max(delivery.builds(), key=lambda b: b["buildNumber"])
context = next(p["contexts"][0] for p in build["phases"] if p.get("phaseStatus") == "FAILED")
assert context["statusCode"] == "YAML_FILE_ERROR", context
assert "builds" in context["message"] and "buildspec.yml:3:3" in context["message"], context
proved("an unknown phase is refused with its line and column")

execution = delivery.execution_for(delivery.commit_and_push({"buildspec.yml": BUILDSPEC}, "Mended"))
delivery.wait_for(execution, "Succeeded")
assert delivery.published() == "first\n"
proved("the next push goes through")
server.stop()
