"""What a buildspec asks for beside its commands acts: git's helper, retries, users, runtimes, fresh shells."""

import json
import os
import sys
from pathlib import Path

from stage import REGION, Server, eventually, proved

TOOLS = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
server = Server(settings={"PATH": TOOLS}).start()
codebuild = server.client("codebuild")
role = server.role("builder", "codecommit:GitPull", "s3:*")
codebuild.create_project(
    name="spec",
    source={"type": "NO_SOURCE", "buildspec": "version: 0.2\nphases: {build: {commands: 'true'}}\n"},
    artifacts={"type": "NO_ARTIFACTS"},
    environment={
        "type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0", "computeType": "BUILD_GENERAL1_SMALL",
    },
    serviceRole=role,
)


def build(buildspec: str) -> tuple[dict, dict, str]:
    """Runs a buildspec to its end: the build, its phases by name, its log."""
    ident = codebuild.start_build(projectName="spec", buildspecOverride=buildspec)["build"]["id"]
    done = eventually(
        f"the end of {ident}",
        lambda: next((b for b in codebuild.batch_get_builds(ids=[ident])["builds"] if b["buildComplete"]), None),
    )
    logs = server.client("logs").get_log_events(
        logGroupName=done["logs"]["groupName"], logStreamName=done["logs"]["streamName"], startFromHead=True)
    text = "".join(event["message"] for event in logs["events"])
    return done, {phase["phaseType"]: phase for phase in done["phases"]}, text


# --- git ------------------------------------------------------------------------------------------------------------
url = server.client("codecommit").create_repository(repositoryName="library")["repositoryMetadata"]["cloneUrlHttp"]
work = server.folder / "library"
work.mkdir()
(work / "lib.txt").write_text("from the library\n")
server.plain_git("init", "-q", "-b", "main", cwd=work)
for words in (["add", "-A"], ["commit", "-q", "-m", "A library"], ["push", "-q", url, "main"]):
    server.git(*words, cwd=work)
done, phases, text = build(f"""\
version: 0.2
env:
  git-credential-helper: yes
phases:
  build:
    commands:
      - git clone -q https://git-codecommit.{REGION}.amazonaws.com/v1/repos/library
      - cat library/lib.txt
""")
assert done["buildStatus"] == "SUCCEEDED", text
assert "from the library\n" in text, text
proved("a CodeCommit repository is cloned inside a build by its AWS address, with AWS's credential helper")

# --- on-failure -----------------------------------------------------------------------------------------------------
FLAKY = "n=$(cat n 2>/dev/null || echo 0); n=$((n+1)); echo $n >n; echo connection timed out $n; [ $n -ge 3 ]"
done, phases, text = build(f"""\
version: 0.2
phases:
  build:
    on-failure: RETRY-2-.*connection timed out.*
    commands:
      - '{FLAKY}'
  post_build:
    commands:
      - echo succeeding is $CODEBUILD_BUILD_SUCCEEDING
""")
assert done["buildStatus"] == "SUCCEEDED" and phases["BUILD"]["phaseStatus"] == "SUCCEEDED", text
assert "connection timed out 3" in text and "succeeding is 1" in text, text
done, phases, text = build(f"""\
version: 0.2
phases:
  build:
    on-failure: RETRY-1
    commands:
      - '{FLAKY}'
""")
assert done["buildStatus"] == "FAILED" and phases["BUILD"]["phaseStatus"] == "FAILED", text
assert "connection timed out 2" in text and "connection timed out 3" not in text, text
proved("a phase is tried again as often as RETRY says, and only then its failure counts")

# --- run-as ---------------------------------------------------------------------------------------------------------
if os.geteuid() == 0:
    done, phases, text = build("""\
version: 0.2
run-as: nobody
phases:
  install:
    run-as: root
    commands:
      - echo install as $(id -un); export GIVEN=on
  build:
    commands:
      - echo build as $(id -un), given $GIVEN
""")
    assert done["buildStatus"] == "SUCCEEDED", text
    assert "install as root" in text and "build as nobody, given on" in text, text
    proved("commands run as the user of their phase, or of the whole file")
else:
    done, phases, text = build("version: 0.2\nrun-as: nobody\nphases: {build: {commands: id}}\n")
    assert done["buildStatus"] == "FAILED" and "does not run as root" in json.dumps(done["phases"], default=str), done
    proved("run-as is refused by a server that cannot do it")

# --- runtime-versions -----------------------------------------------------------------------------------------------
done, phases, text = build("""\
version: 0.2
phases:
  install:
    runtime-versions: {python: 3.x}
    commands: python --version
""")
assert done["buildStatus"] == "SUCCEEDED" and "Selecting 'python' runtime version '3." in text, text
MISSING = "version: 0.2\nphases: {install: {runtime-versions: {python: 3.1}, commands: echo never}}\n"
done, phases, text = build(MISSING)
assert done["buildStatus"] == "FAILED" and phases["INSTALL"]["phaseStatus"] == "FAILED", done
context = phases["INSTALL"]["contexts"][0]
assert context["statusCode"] == "YAML_FILE_ERROR", context
assert "Unknown runtime version named '3.1' of python" in context["message"], context
assert "following versions: " in context["message"] and "\nnever" not in text, context
proved("a runtime that is there comes first in PATH, and one that is not fails INSTALL and names those that are")

# --- version 0.1 ----------------------------------------------------------------------------------------------------
done, phases, text = build("""\
version: 0.1
environment_variables:
  plaintext:
    GREETING: hello
phases:
  build:
    commands:
      - mkdir sub; cd sub; LOST=1; export LOST
      - echo $GREETING ${LOST-lost} $(basename $PWD)
""")
assert done["buildStatus"] == "SUCCEEDED" and "hello lost src" in text, text
assert "Running command mkdir sub; cd sub" in text, text
proved("version 0.1 gives each command a shell of its own")

server.stop()
server.settings["HEADWORKS_BUILDS_LENIENT_RUNTIMES"] = "true"
server.start()
codebuild = server.client("codebuild")
done, phases, text = build(MISSING.replace("3.1,", "3.1, golang: 99.9,"))
assert done["buildStatus"] == "SUCCEEDED" and "Unknown runtime version named '3.1'" in text, text
proved("an operator can let such builds go on")
server.stop()
