"""A second push supersedes an execution that waits before a closed transition."""

from delivery import Delivery
from stage import Server, eventually, proved

server = Server().start()
delivery = Delivery(server).prepare()
delivery.codepipeline.create_pipeline(pipeline=delivery.declaration())
initial = eventually("the execution that creation starts", delivery.executions)[0]["pipelineExecutionId"]
delivery.wait_for(initial, "Succeeded")

delivery.codepipeline.disable_stage_transition(
    pipelineName="delivery", stageName="Deploy", transitionType="Inbound", reason="The release is frozen")
transition = delivery.stage("Deploy")["inboundTransitionState"]
assert transition["enabled"] is False and transition["disabledReason"] == "The release is frozen", transition

older = delivery.execution_for(delivery.commit_and_push({"message.txt": "older\n"}, "An older change"))
eventually("the older execution waits before Deploy", lambda: delivery.stage("Deploy").get(
    "inboundExecution", {}).get("pipelineExecutionId") == older)
assert delivery.status(older) == "InProgress"
assert delivery.published() == "first\n"
proved("a closed transition holds an execution back")

newer = delivery.execution_for(delivery.commit_and_push({"message.txt": "newer\n"}, "A newer change"))
delivery.wait_for(older, "Superseded")
assert delivery.status(newer) == "InProgress"
eventually("the newer execution waits before Deploy", lambda: delivery.stage("Deploy").get(
    "inboundExecution", {}).get("pipelineExecutionId") == newer)
proved("the newer execution supersedes the one that waited")

delivery.codepipeline.enable_stage_transition(
    pipelineName="delivery", stageName="Deploy", transitionType="Inbound")
delivery.wait_for(newer, "Succeeded")
assert delivery.published() == "newer\n"
assert delivery.status(older) == "Superseded"
proved("once the transition is open, the newer one is deployed and the older one never")

states = [event["detail"]["state"] for event in server.events()
          if event["detail_type"] == "CodePipeline Pipeline Execution State Change"
          and event["detail"]["execution-id"] == older]
assert states == ["STARTED", "SUPERSEDED"], states
proved("the events say so, too")
server.stop()
