"""What every story stands on: a real server with its own data, and real clients pointed at it.

A story is a script that asserts. It prints what it proves with `proved(...)`, ends with exit code 0, and cleans up
after itself: the server and every job below it are gone when the script is.
"""

import atexit
import json
import os
import re
import shlex
import shutil
import signal
import socketserver
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ROOT = Path(__file__).resolve().parents[2]
REGION = "eu-central-1"


def binary() -> Path:
    """The server under test. `cargo xtask test` names it; a developer's own build is the fallback."""
    path = Path(os.environ.get("HEADWORKS_BIN") or ROOT / "target/debug/headworks")
    if not path.exists():
        skip(f"{path} is not built (cargo build --workspace --bins)")
    return path


def skip(reason: str):
    """Ends the story. The runner counts it as skipped and shows the reason."""
    print(f"SKIPPED: {reason}")
    sys.exit(0)


def proved(sentence: str):
    """Tells the reader what has just been shown to hold."""
    print(f"  proved: {sentence}", flush=True)


def eventually(what: str, probe, seconds: float = 60, every: float = 0.05):
    """Calls `probe` until it returns something true and returns that; real clients poll, so stories do, too."""
    deadline = time.monotonic() + seconds
    last = None
    while True:
        try:
            result = probe()
            if result:
                return result
            last = result
        except (ConnectionError, OSError) as error:
            last = error
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}; last seen: {last!r}")
        time.sleep(every)


def insist(call, *, seconds: float = 60, **arguments):
    """Calls until there is an answer of the server, which may be dead meanwhile; a refusal is one."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            return call(**arguments)
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] < 500:
                raise
            trouble = error
        except Exception as error:  # botocore has many words for a connection that broke
            trouble = error
        if time.monotonic() > deadline:
            raise AssertionError(f"no answer within {seconds} s: {arguments}") from trouble
        time.sleep(0.05)


def own_database():
    """Makes a PostgreSQL database for this story, which goes with it. Before the first server, so that it goes last."""
    server = os.environ.get("HEADWORKS_TEST_POSTGRES")
    if not server:
        skip("HEADWORKS_TEST_POSTGRES names no PostgreSQL (cargo xtask test starts one)")
    if not shutil.which("psql"):
        skip("there is no psql to make a database with (apt-get install postgresql-client)")

    def psql(statement: str):
        done = subprocess.run(["psql", server, "-qc", statement], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    name = f"story_{os.getpid()}"
    psql(f"CREATE DATABASE {name}")
    atexit.register(psql, f"DROP DATABASE {name} WITH (FORCE)")
    os.environ["HEADWORKS_DATABASE"] = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))


class Server:
    """`headworks up` on a free port of the loopback address, with its own data folder."""

    def __init__(self, *flags: str, settings: dict | None = None):
        self.folder = Path(tempfile.mkdtemp(prefix="headworks-story-"))
        self.data = self.folder / "data"
        self.home = self.folder / "home"
        self.home.mkdir()
        self.flags = list(flags)
        # The same on every machine, whether it has a container engine or not.
        self.settings = {"RUST_BACKTRACE": "1", "HEADWORKS_EXECUTOR_KIND": "host", **(settings or {})}
        self.port = 0
        self.process: subprocess.Popen | None = None
        self.endpoint = ""
        self.log = self.folder / "server.log"
        self.last: list[list[str]] = []
        atexit.register(self.clean_up)

    # --- life -----------------------------------------------------------------------------------------------------

    def start(self) -> "Server":
        """Starts the server and waits for its ready line. After the first start the port stays the same."""
        command = [str(binary()), "up", "--data", str(self.data), "--listen", f"127.0.0.1:{self.port}", *self.flags]
        log = open(self.log, "ab")
        environment = {**os.environ, "HOME": str(self.home), **self.settings}
        self.process = subprocess.Popen(
            command, cwd=self.folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log
        )
        found: list[str] = []
        seen = threading.Event()

        def drain(stream):
            for line in iter(stream.readline, b""):
                log.write(line)
                log.flush()
                ready = re.search(rb"ready at (http://\S+)", line)
                if ready:
                    found.append(ready.group(1).decode())
                    seen.set()
            seen.set()

        threading.Thread(target=drain, args=(self.process.stdout,), daemon=True).start()
        if not seen.wait(60) or not found:
            raise AssertionError(f"the server did not become ready; its log:\n{self.log.read_text(errors='replace')}")
        self.endpoint = found[0].rstrip("/")
        self.port = int(self.endpoint.rsplit(":", 1)[1])
        return self

    def kill(self):
        """kill -9: the server gets no chance to do anything."""
        assert self.process, "the server was not started"
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process = None

    def restart(self):
        """Starts again on the same data and port."""
        return self.start()

    def stop(self):
        """SIGTERM: a graceful stop, which must end well."""
        assert self.process, "the server was not started"
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=60)
        self.process = None
        assert code == 0, f"the server ended with {code} after SIGTERM"

    def at_end(self, command: list[str]):
        """Runs the command when the server and its jobs are gone, before the folder goes."""
        self.last.append(command)

    def clean_up(self):
        """Ends what this story started, jobs included, and removes the folder."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None
        # Jobs outlive the server by design: find theirs by the data folder in their command line.
        for pid in processes_with(str(self.data)):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        for command in self.last:
            subprocess.run(command, check=False)
        if os.environ.get("HEADWORKS_KEEP"):
            print(f"kept: {self.folder}", file=sys.stderr)
        else:
            shutil.rmtree(self.folder, ignore_errors=True)

    # --- clients --------------------------------------------------------------------------------------------------

    def environment(self) -> dict:
        """What `headworks env` tells clients, on top of an environment that knows no other AWS."""
        text = subprocess.run(
            [str(binary()), "env", "--data", str(self.data)],
            check=True, capture_output=True, text=True, cwd=self.folder, env={**os.environ, **self.settings},
        ).stdout
        exports = {}
        for line in text.splitlines():
            words = shlex.split(line)
            if words[:1] == ["export"]:
                exports.update(word.split("=", 1) for word in words[1:])
        assert exports.get("AWS_ENDPOINT_URL") == self.endpoint, exports
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "GIT_"))}
        return {
            **clean,
            **exports,
            "HOME": str(self.home),
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PAGER": "",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_AUTHOR_NAME": "Alice", "GIT_AUTHOR_EMAIL": "alice@example.com",
            "GIT_COMMITTER_NAME": "Alice", "GIT_COMMITTER_EMAIL": "alice@example.com",
        }

    def role(self, name: str, *actions: str) -> str:
        """A role that builds and pipelines run as, and that may do these actions on everything; its ARN."""
        iam = self.client("iam")
        trust = {"Version": "2012-10-17", "Statement": [{
            "Effect": "Allow", "Action": "sts:AssumeRole",
            "Principal": {"Service": ["codebuild.amazonaws.com", "codepipeline.amazonaws.com"]}}]}
        arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
        if actions:
            policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}
            iam.put_role_policy(RoleName=name, PolicyName="allowed", PolicyDocument=json.dumps(policy))
        return arn

    def client(self, service: str, endpoint: str | None = None, **config):
        """A boto3 client, unmodified but for its endpoint and credentials."""
        environment = self.environment()
        return boto3.client(
            service,
            endpoint_url=endpoint or self.endpoint,
            region_name=REGION,
            aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
            config=Config(retries={"mode": "standard", "max_attempts": 5}, **config),
        )

    def aws(self, *words: str, **run) -> dict | str:
        """The `aws` command; its JSON output, parsed."""
        done = subprocess.run(
            ["aws", *words, "--output", "json"], env=self.environment(), capture_output=True, text=True, **run
        )
        assert done.returncode == 0, f"aws {' '.join(words)} ended with {done.returncode}: {done.stderr}"
        try:
            return json.loads(done.stdout) if done.stdout.strip() else {}
        except json.JSONDecodeError:
            return done.stdout

    def aws_2(self, *words: str) -> list[str]:
        """The command line of version 2 of `aws`, which PyPI does not have; the story is skipped without it."""
        for path in ("/usr/bin/aws", "/usr/local/bin/aws"):
            if Path(path).exists():
                told = subprocess.run([path, "--version"], capture_output=True, text=True, env=self.environment()).stdout
                if told.startswith("aws-cli/2."):
                    # Debian 12's 2.9 does not know AWS_ENDPOINT_URL yet.
                    return [path, "--endpoint-url", self.endpoint, *words]
        skip("there is no version 2 of the aws command (Debian 12: apt-get install awscli)")

    def git(self, *words: str, cwd: Path, may_fail: bool = False, settings: dict | None = None):
        """git with AWS's credential helper, set up as AWS's documentation says (its host check knows only AWS)."""
        options = [
            "-c", "credential.helper=",
            "-c", "credential.helper=!aws codecommit credential-helper --ignore-host-check $@",
            "-c", "credential.UseHttpPath=true",
        ]
        return self.plain_git(*options, *words, cwd=cwd, may_fail=may_fail, settings=settings)

    def plain_git(self, *words: str, cwd: Path, may_fail: bool = False, settings: dict | None = None):
        """git without credentials of its own."""
        done = subprocess.run(
            ["git", *words], cwd=cwd, env={**self.environment(), **(settings or {})}, capture_output=True, text=True
        )
        if not may_fail:
            assert done.returncode == 0, f"git {' '.join(words)} ended with {done.returncode}: {done.stderr}"
        return done

    def events(self) -> list[dict]:
        """Every event that the server has ever committed, oldest first, from its database."""
        query = "SELECT seq, id, source, detail_type, body, published FROM event ORDER BY seq"
        if database := os.environ.get("HEADWORKS_DATABASE"):
            array = "SELECT json_agg(json_build_array(seq, id, source, detail_type, body, published))"
            told = subprocess.run(
                ["psql", database, "-qAtc", f"{array} FROM ({query}) e"], check=True, capture_output=True, text=True
            ).stdout
            rows = json.loads(told) or []
        else:
            with sqlite3.connect(f"file:{self.data / 'headworks.db'}?mode=ro", uri=True, timeout=30) as connection:
                rows = connection.execute(query).fetchall()
        names = ("seq", "id", "source", "detail_type", "body", "published")
        events = [dict(zip(names, row)) for row in rows]
        for event in events:
            event["detail"] = json.loads(event["body"])["detail"]
        return events


class Gate:
    """Holds commands of builds until the story opens it, however long anything takes meanwhile."""

    def __init__(self):
        self.opened = opened = threading.Event()

        class Waiting(socketserver.StreamRequestHandler):
            def handle(self):
                opened.wait()
                self.wfile.write(b"go\n")

        server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Waiting)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.port = server.server_address[1]
        # For bash.
        self.command = f"exec 3<>/dev/tcp/127.0.0.1/{self.port}; read -r word <&3; exec 3>&-; test \"$word\" = go"

    def open(self):
        """Lets everybody through, also those who come later."""
        self.opened.set()


def files_under(folder: Path):
    """Every file below, by its path, while servers make and remove folders: what goes meanwhile is no error."""
    return (Path(above) / name for above, _, names in os.walk(folder) for name in names)


def content_of(path: Path) -> bytes:
    """What is in a file; nothing when it is gone meanwhile, or is none that can be read."""
    try:
        return path.read_bytes() if path.is_file() else b""
    except FileNotFoundError:
        return b""


def sleepers(text: str) -> list[int]:
    """Processes `sleep` with `text` among their words; not the shells that were told to start them."""
    found = []
    for pid in processes_with(text):
        try:
            if Path(f"/proc/{pid}/comm").read_text().strip() == "sleep":
                found.append(pid)
        except OSError:
            continue  # it is gone
    return found


def processes_with(text: str) -> list[int]:
    """Processes on this machine whose command line contains `text`, without this one."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if text in words:
                found.append(int(entry.name))
    return found
