"""Notification rules: all operations by boto3 and the aws CLI; events become notices once, over `kill -9`, and what cannot be
sent is said where people look."""

import urllib.request

from delivery import Delivery, action
from stage import REGION, Server, eventually, proved

server = Server().start()
delivery = Delivery(server).prepare()
notifications, pipelines = server.client("codestar-notifications"), delivery.codepipeline
account = delivery.role.split(":")[4]
TOPIC = f"arn:aws:sns:{REGION}:{account}:told"
APPROVALS = f"arn:aws:sns:{REGION}:{account}:approvals"
SLACK = f"arn:aws:chatbot::{account}:chat-configuration/slack-channel/ours"


def refused(call, **arguments):
    """The code of the error that a call gives."""
    try:
        call(**arguments)
    except notifications.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
    raise AssertionError(f"{call} was not refused: {arguments}")


def unsent():
    """How many notices could not be sent, as the metrics say."""
    text = urllib.request.urlopen(f"{server.endpoint}/metrics").read().decode()
    [line] = [line for line in text.splitlines() if line.startswith('headworks_notices{result="unsent"}')]
    return int(float(line.split()[-1]))


pipeline = {"name": "told", "roleArn": delivery.role,
            "artifactStore": delivery.declaration()["artifactStore"],
            "stages": [delivery.declaration()["stages"][0], {"name": "Ask", "actions": [
                action("Ok", "Approval", "Manual", {"NotificationArn": APPROVALS, "CustomData": "Look at it"})]}]}
pipelines.create_pipeline(pipeline=pipeline)
arn = f"arn:aws:codepipeline:{REGION}:{account}:told"


def waiting():
    """The approval that waits."""
    state = pipelines.get_pipeline_state(name="told")["stageStates"][1]["actionStates"][0].get("latestExecution", {})
    return state if state.get("token") else {}


# What has happened before there is a rule is not told.
first = eventually("the first execution asks", waiting)
eventually("all of it is heard", lambda: all(e["published"] for e in server.events()))

# --- the operations -----------------------------------------------------------------------------------------------------
types = server.aws("codestar-notifications", "list-event-types", "--filters", "Name=SERVICE_NAME,Value=CodePipeline")
assert {"EventTypeId": "codepipeline-pipeline-manual-approval-needed", "ServiceName": "CodePipeline",
        "EventTypeName": "Manual approval: Needed", "ResourceType": "Pipeline"} in types["EventTypes"], types
made = server.aws("codestar-notifications", "create-notification-rule", "--name", "Told", "--resource", arn,
                  "--detail-type", "FULL", "--event-type-ids", "codepipeline-pipeline-manual-approval-needed",
                  "codepipeline-pipeline-pipeline-execution-started",
                  "--targets", f"TargetType=SNS,TargetAddress={TOPIC}", "--tags", "team=one",
                  "--client-request-token", "once")
rule = made["Arn"]
again = dict(Name="Told", Resource=arn, DetailType="FULL", ClientRequestToken="once", Tags={"team": "one"},
             EventTypeIds=["codepipeline-pipeline-manual-approval-needed", "codepipeline-pipeline-pipeline-execution-started"],
             Targets=[{"TargetType": "SNS", "TargetAddress": TOPIC}])
assert notifications.create_notification_rule(**again)["Arn"] == rule
assert refused(notifications.create_notification_rule, **{**again, "DetailType": "BASIC"}) == "ValidationException"
assert refused(notifications.create_notification_rule, **{**again, "ClientRequestToken": "twice"}) \
    == "ResourceAlreadyExistsException"
assert refused(notifications.create_notification_rule, **{
    **again, "Name": "Other", "ClientRequestToken": "3", "Resource": arn + "-gone"}) == "ConfigurationException"
assert refused(notifications.describe_notification_rule, Arn=rule[:-1]) == "ResourceNotFoundException"
notifications.subscribe(Arn=rule, Target={"TargetType": "AWSChatbotSlack", "TargetAddress": SLACK})
listed = server.aws("codestar-notifications", "list-notification-rules", "--filters",
                    f"Name=TARGET_ADDRESS,Value={SLACK}", f"Name=RESOURCE,Value={arn}")
assert [r["Arn"] for r in listed["NotificationRules"]] == [rule], listed
assert refused(notifications.delete_target, TargetAddress=SLACK) == "ValidationException"
notifications.unsubscribe(Arn=rule, TargetAddress=SLACK)
notifications.delete_target(TargetAddress=SLACK)
server.aws("codestar-notifications", "tag-resource", "--arn", rule, "--tags", "team=two,more=yes")
server.aws("codestar-notifications", "untag-resource", "--arn", rule, "--tag-keys", "more")
tags = server.aws("codestar-notifications", "list-tags-for-resource", "--arn", rule)["Tags"]
assert tags == {"team": "two"}, tags
notifications.update_notification_rule(Arn=rule, Name="Told of it")
shown = server.aws("codestar-notifications", "describe-notification-rule", "--arn", rule)
assert (shown["Name"], shown["Status"], shown["Resource"]) == ("Told of it", "ENABLED", arn), shown
assert [t["TargetStatus"] for t in shown["Targets"]] == ["PENDING"], shown
assert unsent() == 0
proved("rules, targets, tags and lists by the aws CLI and boto3, and what is refused")

# --- events become notices ------------------------------------------------------------------------------------------------


def metric(name):
    """What a line of the metrics says."""
    text = urllib.request.urlopen(f"{server.endpoint}/metrics").read().decode()
    [line] = [line for line in text.splitlines() if line.startswith(name + " ")]
    return int(float(line.split()[-1]))


def superseded():
    """How many executions gave way to a newer one."""
    listed = pipelines.list_pipeline_executions(pipelineName="told")["pipelineExecutionSummaries"]
    return sum(e["status"] == "Superseded" for e in listed)


def asked():
    """The events that the rule is to tell."""
    events = [e["detail"] for e in server.events()[before:] if e["detail"].get("pipeline") == "told"]
    return [d for d in events if d["state"] == "STARTED" and (
        "stage" not in d or d.get("type", {}).get("category") == "Approval")]


def is_quiet():
    """Whether everything is heard and done."""
    return all(e["published"] for e in server.events()) and metric("headworks_outbox_rows") == 0


before = len(server.events())
for _ in range(3):
    pipelines.start_pipeline_execution(name="told")
    server.kill()
    server.restart()
# Else an older one than the newest would go in after the first.
eventually("the newest waits for the first, and the others gave way", lambda: superseded() == 2)
pipelines.put_approval_result(pipelineName="told", stageName="Ask", actionName="Ok", token=first["token"],
                              result={"status": "Approved", "summary": "Go"})
server.kill()
server.restart()
eventually("the newest asks", lambda: waiting().get("token", first["token"]) != first["token"])
eventually("each event is told", lambda: len(asked()) == 4 and unsent() == 4 and is_quiet())
assert (len(asked()), unsent()) == (4, 4), (asked(), unsent())
[target] = notifications.list_targets(Filters=[{"Name": "TARGET_STATUS", "Value": "UNREACHABLE"}])["Targets"]
assert target == {"TargetAddress": TOPIC, "TargetType": "SNS", "TargetStatus": "UNREACHABLE"}, target
summary = eventually("the approval says that its notice was not sent", lambda: waiting().get("summary"))
assert summary == f"No notice was sent to {APPROVALS}: the operation sns:Publish is not available.", summary
log = server.log.read_text(errors="replace")
assert "a target of a notification rule is UNREACHABLE" in log and TOPIC not in log, "the log says so, without the address"
assert metric('headworks_approval_notices{result="unsent"}') == 2
proved("each event is told once over kill -9; without sns:Publish the target is UNREACHABLE, and the approval says so")

notifications.delete_target(TargetAddress=TOPIC, ForceUnsubscribeAll=True)
assert notifications.describe_notification_rule(Arn=rule)["Targets"] == []
assert notifications.delete_notification_rule(Arn=rule)["Arn"] == rule
assert notifications.delete_notification_rule(Arn=rule)["Arn"] == rule
assert notifications.list_notification_rules()["NotificationRules"] == []
proved("targets and rules are deleted, and deleting them again is no error")
