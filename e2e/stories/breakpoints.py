"""codebuild-breakpoint holds a build, `headworks attach` opens a shell in it under a terminal, codebuild-resume lets it go on."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import boto3
from botocore.exceptions import ClientError
from delivery import Delivery
from stage import REGION, Server, binary, eventually, processes_with, proved

MARK = f"86422.{os.getpid():07}"

BUILDSPEC = """\
version: 0.2
env: {shell: bash, variables: {FLAVOUR: from-the-buildspec}}
phases:
  pre_build:
    commands:
      - mkdir -p sub && cd sub
      - export MADE=earlier
      - codebuild-breakpoint
      - cat left
  build:
    commands:
      - echo after
"""

server = Server().start()
delivery = Delivery(server).prepare({"buildspec.yml": BUILDSPEC, "hello.txt": "hello\n"})
codebuild, iam, logs = (server.client(name) for name in ("codebuild", "iam", "logs"))
iam.attach_role_policy(RoleName="delivery-role", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
delivery.create_project("held", source={"type": "CODECOMMIT", "location": delivery.clone_url},
                        artifacts={"type": "NO_ARTIFACTS"}, sourceVersion="main")


class Attached:
    """`headworks attach` on a terminal of its own."""

    def __init__(self, id, rows=33, columns=101, environment=None):
        master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.before = termios.tcgetattr(slave)
        self.slave = slave
        self.master = master
        self.process = subprocess.Popen(
            [binary(), "attach", id, "--data", str(server.data)], stdin=slave, stdout=slave, stderr=slave,
            start_new_session=True, env={**(environment or server.environment()), "TERM": "xterm"})
        self.seen = ""

    def look(self, seconds=0.05):
        while select.select([self.master], [], [], seconds)[0]:
            try:
                self.seen += os.read(self.master, 65536).decode(errors="replace")
            except OSError:
                break

    def expect(self, pattern, seconds=60):
        deadline = time.monotonic() + seconds
        while not re.search(pattern, self.seen):
            assert time.monotonic() < deadline, f"{pattern!r} did not come: {self.seen!r}"
            self.look()
        found = re.search(pattern, self.seen)
        self.seen = self.seen[found.end():]
        return found

    def type(self, text):
        os.write(self.master, text.encode())

    def run(self, command, pattern):
        # The terminal shows what is typed as well: the shell is asked to put two halves together.
        self.type(f"echo 'be''gin'; {command}; echo 'e''nd'\r")
        self.expect("begin")
        found = self.expect(pattern)
        self.expect("end")
        return found

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.killpg(self.process.pid, signal.SIGWINCH)

    def ended(self):
        def look():
            self.look(0)
            return self.process.poll() is not None
        eventually("the end of attach", look)
        # What it said last may have come behind the last look.
        self.look(0)
        assert termios.tcgetattr(self.slave)[:4] == self.before[:4], "the terminal is given back"
        return self.process.returncode


def build(id):
    return codebuild.batch_get_builds(ids=[id])["builds"][0]


def log(id):
    where = build(id)["logs"]
    try:
        events = logs.get_log_events(logGroupName=where["groupName"], logStreamName=where["streamName"])["events"]
    except ClientError:
        return ""
    return "".join(event["message"] for event in events)


def held(id):
    eventually("a build at its breakpoint", lambda: "codebuild-breakpoint: the build waits here" in log(id))


def over(id):
    return eventually("the end of the build", lambda: (now := build(id))["buildComplete"] and now)


def attach_fails(id, *words, environment=None):
    told = subprocess.run([binary(), "attach", id, "--data", str(server.data)], capture_output=True, text=True,
                          env=environment or server.environment(), timeout=60)
    assert told.returncode != 0 and all(word in told.stderr for word in words), told
    return told.stderr


# --- a breakpoint ---------------------------------------------------------------------------------------------------

id = codebuild.start_build(projectName="held", debugSessionEnabled=True)["build"]["id"]
held(id)
session = build(id)["debugSession"]
assert session == {"sessionEnabled": True, "sessionTarget": id}, session
proved("a build waits at codebuild-breakpoint, and BatchGetBuilds says whom to attach to")

shell = Attached(session["sessionTarget"])
shell.run('echo "<$FLAVOUR $MADE $(basename $PWD) $CODEBUILD_BUILD_ID>"', f"<from-the-buildspec earlier sub {id}>")
shell.run("cat ../hello.txt", "hello")
shell.run("stty size", "33 101")
shell.resize(40, 132)
eventually("the new size", lambda: shell.run("stty size", r"(\d+ \d+)").group(1) == "40 132", every=0.2)
shell.run("test -t 0 && test -t 1 && : </dev/tty && echo a terminal", "a terminal")
shell.run("aws sts get-caller-identity --query Arn", "AWSCodeBuild-")
proved("the shell has a terminal of the right size, the build's variables, folder, files and role")

shell.type(f"sleep {MARK}\r")
eventually("a process in the foreground", lambda: processes_with(f"sleep {MARK}"))
shell.type("\x03")
eventually("no process in the foreground", lambda: not processes_with(f"sleep {MARK}"))
shell.run("echo still here", "still here")
shell.run(f"sleep {MARK} & jobs; kill %1", "Running")
proved("Ctrl-C and job control reach what runs in the shell, and nothing else")

capabilities = shell.run("grep CapEff /proc/self/status", r"CapEff:\s+([0-9a-f]+)").group(1)
inside = shell.run("grep CapEff /proc/1/status", r"CapEff:\s+([0-9a-f]+)").group(1)
assert capabilities == inside, (capabilities, inside)
shell.run(f"ls {server.data}/headworks.db {server.data}/jobs", "(No such file|cannot access)")
count = int(shell.run("echo processes: $(ls /proc | grep -c '^[0-9]')", r"processes: (\d+)").group(1))
assert count < 20, count
proved("the shell is held to what holds the build: its processes, its privileges, its view")

other = Attached(id)
other.run("echo second", "second")
other.type("exit 7\r")
assert other.ended() == 7
proved("two shells may be open at once, and the exit code is the shell's")

shell.type("echo left >left; codebuild-resume; exit\r")
assert shell.ended() == 0
done = over(id)
assert done["buildStatus"] == "SUCCEEDED", done
text = log(id)
assert "\nleft\n" in text and "\nafter\n" in text, text
assert build(id)["debugSession"] == {"sessionEnabled": True}, build(id)["debugSession"]
proved("codebuild-resume lets the build go on with what the shell left")

# --- without a debug session ----------------------------------------------------------------------------------------

plain = codebuild.start_build(projectName="held", buildspecOverride="""\
version: 0.2
phases: {build: {commands: [codebuild-breakpoint, echo went on]}}
""")["build"]["id"]
done = over(plain)
assert done["buildStatus"] == "SUCCEEDED" and "debugSession" not in done and "went on" in log(plain), done
attach_fails(plain, "takes no visitors", "debugSessionEnabled")
attach_fails(id, "is over")
attach_fails("held:00000000-0000-4000-8000-000000000000", "no build and no sandbox")
proved("without debugSessionEnabled the breakpoint is ignored; who may not be entered says why")

# --- users, the end of the build, clients that die --------------------------------------------------------------------

again = codebuild.start_build(projectName="held", debugSessionEnabled=True, buildspecOverride="""\
version: 0.2
run-as: nobody
phases: {build: {commands: ["id -un", codebuild-breakpoint]}}
""")["build"]["id"]
held(again)
shell = Attached(again)
shell.run("id -un", "nobody")
gone = Attached(again)
gone.run("echo here", "here")
gone.type(f"sleep {MARK}\r")
eventually("a process of the shell", lambda: processes_with(f"sleep {MARK}"))
gone.process.kill()
gone.process.wait()
eventually("no process of a shell whose user is gone", lambda: not processes_with(f"sleep {MARK}"))
shell.run("echo unharmed", "unharmed")
codebuild.stop_build(id=again)
assert shell.ended() != 0
assert "is over, and the shell with it" in shell.seen, shell.seen
assert over(again)["buildStatus"] == "STOPPED"
proved("the shell is the build's user's; it ends with the build, and with whoever sits at it")

# --- a sandbox, and who may -----------------------------------------------------------------------------------------

policy = {"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Action": "codebuild:StartSandboxConnection", "Resource": "arn:aws:codebuild:*:*:project/other"}]}
trust = iam.get_role(RoleName="delivery-role")["Role"]["AssumeRolePolicyDocument"]
narrow = iam.create_role(RoleName="narrow", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
iam.put_role_policy(RoleName="narrow", PolicyName="p", PolicyDocument=json.dumps(policy))
delivery.create_project("narrow", source={"type": "NO_SOURCE", "buildspec": "version: 0.2"}, serviceRole=narrow,
                        artifacts={"type": "NO_ARTIFACTS"})
box = codebuild.start_sandbox(projectName="narrow")["sandbox"]["id"]
eventually("a sandbox that runs", lambda: codebuild.batch_get_sandboxes(ids=[box])["sandboxes"][0]["status"] == "RUNNING")
shell = Attached(box)
fetch = 'curl -sH "Authorization: $AWS_CONTAINER_AUTHORIZATION_TOKEN" $AWS_CONTAINER_CREDENTIALS_FULL_URI'
own = json.loads(shell.run(f"{fetch} | tr -d '\\n'; echo", r"(\{[^{}]*\})").group(1).replace("\r", "").replace("\n", ""))
shell.type("echo from the shell >note; exit\r")
assert shell.ended() == 0
ran = codebuild.start_command_execution(sandboxId=box, command="cat note")["commandExecution"]["id"]
eventually("a command", lambda: codebuild.batch_get_command_executions(
    sandboxId=box, commandExecutionIds=[ran])["commandExecutions"][0].get("standardOutputContent") == "from the shell\n")
proved("a shell in a sandbox is where its commands run")

attach_fails(box, "AccessDenied", environment={
    **server.environment(), "AWS_ACCESS_KEY_ID": own["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": own["SecretAccessKey"],
    "AWS_SESSION_TOKEN": own["Token"]})
attach_fails(box, "ignature", environment={**server.environment(), "AWS_SECRET_ACCESS_KEY": "wrong"})
piped = subprocess.run([binary(), "attach", box, "--data", str(server.data)], input="cat note; exit 5\n", text=True,
                       capture_output=True, env=server.environment(), timeout=60)
assert piped.returncode == 5 and "from the shell" in piped.stdout, piped
proved("only who is allowed comes in; commands can be piped")

shell = Attached(box)
shell.run("echo here", "here")
server.kill()
assert shell.ended() != 0
server.restart()
shell = Attached(box)
shell.run("cat note", "from the shell")
codebuild.stop_sandbox(id=box)
assert shell.ended() != 0
proved("a server that is killed takes its shells along, not the sandbox")
server.stop()
