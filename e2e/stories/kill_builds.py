"""kill -9 of server, shims, container engine and of all at once, while a hundred builds run: nothing is stuck, nothing
runs twice, no flushed line is lost, and what was lost says so.

Two installations: one runs builds in the host's sandbox, one in containers of an engine of its own. HEADWORKS_SEED
repeats the order of the moments. Builds note each phase in a ledger outside of the servers and print numbered lines;
their journals are kept by hard links, so that what a shim had flushed can be held against GetLogEvents.
"""

import collections
import http.server
import json
import os
import random
import re
import shlex
import signal
import sqlite3
import struct
import subprocess
import threading
import time
from pathlib import Path

from stage import Server, eventually, processes_with, proved

SEED = int(os.environ.get("HEADWORKS_SEED") or random.SystemRandom().randrange(2**32))
chance = random.Random(SEED)
print(f"  HEADWORKS_SEED={SEED} repeats this order of moments")

IMAGE = "localhost/headworks-test/busybox:1"
PHASES = ["install", "pre_build", "build", "post_build"]
BURST = 300  # lines at once, in the phase `build`
LOST = re.compile(
    "supervisor ended without an outcome|killed from outside|ended from outside|removed from outside|"
    "container engine|container ended|does not know the job|could not be ended")
ROLE = b"HEADWORKS_SHIM_ROLE="
# In the command lines of what builds run: no other process on this machine has it.
MARK = f"{os.getpid():07}77"


class Ledger(http.server.BaseHTTPRequestHandler):
    """Notes each request's path; answers when it is noted."""

    entries: list[str] = []
    lock = threading.Lock()

    def do_GET(self):
        with self.lock:
            self.entries.append(self.path)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"noted\n")

    def log_message(self, *_):
        pass


ledger = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Ledger)
threading.Thread(target=ledger.serve_forever, daemon=True).start()
LEDGER = ledger.server_address[1]


def note(kind: str, phase: str) -> str:
    """A command that notes a phase. It must not try again by itself: a second entry has to mean a second run."""
    if kind == "container":
        return f"wget -q -O - \"http://127.0.0.1:{LEDGER}/$CODEBUILD_BUILD_ID/{phase}\" >/dev/null"
    return (f"exec 3<>/dev/tcp/127.0.0.1/{LEDGER}; printf 'GET /%s/{phase} HTTP/1.0\\r\\n\\r\\n' "
            "\"$CODEBUILD_BUILD_ID\" >&3; grep -q noted <&3; exec 3>&-")


def buildspec(kind: str) -> str:
    """Four phases; each notes itself, prints numbered lines and takes its time."""
    lines = ("n=0; lines() { for k in $(seq $1); do n=$((n+1)); echo \"line $n\"; "
             f"if [ $((k % 6)) = 0 ] && [ $1 -lt {BURST} ]; then sleep 0.1{MARK}; fi; done; }}")
    commands = {phase: [note(kind, phase), "lines 24"] for phase in PHASES}
    commands["install"].insert(0, lines)
    commands["build"].append(f"lines {BURST}")
    spec = {"version": 0.2, "phases": {phase: {"commands": commands[phase]} for phase in PHASES}}
    if kind == "host":
        spec["env"] = {"shell": "bash"}
    return json.dumps(spec)


LINES = 24 * len(PHASES) + BURST


class Site:
    """An installation, its builds, and what happened to it."""

    def __init__(self, kind: str, builds: int, settings: dict):
        self.kind, self.wanted = kind, builds
        self.server = Server(settings={"HEADWORKS_EXECUTOR_KIND": kind, **settings})
        self.ids: list[str] = []
        self.hit: set[str] = set()  # uuids of builds of which something but the server was killed
        self.kept = self.server.folder / "journals"
        self.kept.mkdir()
        self.counts = collections.Counter()
        self.engine: subprocess.Popen | None = None
        self.failure: BaseException | None = None

    @property
    def jobs(self) -> Path:
        return self.server.data / "jobs"

    def prepare(self) -> "Site":
        self.server.start()
        role = self.server.role("build")
        self.client("codebuild").create_project(
            name="app", source={"type": "NO_SOURCE", "buildspec": buildspec(self.kind)},
            artifacts={"type": "NO_ARTIFACTS"}, serviceRole=role, concurrentBuildLimit=AT_ONCE[self.kind],
            environment={"type": "LINUX_CONTAINER", "image": IMAGE, "computeType": "BUILD_GENERAL1_SMALL"})
        threading.Thread(target=self.keep_journals, daemon=True).start()
        self.starter = threading.Thread(target=self.start_builds, daemon=True)
        return self

    def client(self, service: str):
        return self.server.client(service, connect_timeout=5, read_timeout=30)

    def start_builds(self):
        """Starts the builds, whoever is dead meanwhile; the token makes a repeated request the same one."""
        pace = random.Random(SEED + self.wanted)
        try:
            client = self.client("codebuild")
            for number in range(self.wanted):
                begun = time.monotonic()
                while True:
                    try:
                        started = client.start_build(projectName="app", idempotencyToken=f"build-{number}")
                        break
                    except Exception as error:
                        if time.monotonic() - begun > 60:
                            raise AssertionError(f"build {number} cannot be started") from error
                        time.sleep(0.05)
                self.ids.append(started["build"]["id"])
                time.sleep(pace.uniform(0, 2 * PACE[self.kind]))
        except BaseException as error:
            self.failure = error

    def keep_journals(self):
        """A link to a journal outlives the job's folder."""
        while True:
            try:
                for folder in os.scandir(self.jobs):
                    if not folder.name.startswith(".") and not (self.kept / folder.name).exists():
                        os.link(Path(folder.path) / "journal", self.kept / folder.name)
            except OSError:
                pass  # it came, or went, while we looked
            time.sleep(0.01)

    # --- what happens to it -----------------------------------------------------------------------------------------

    def kill_server(self):
        self.counts["server"] += 1
        self.server.kill()
        time.sleep(chance.choice([0, 0, 0.2, 1]))  # sometimes jobs end while there is no server
        self.server.restart()

    def kill_shim(self):
        """One supervisor, or the process between it and the commands."""
        found = self.processes()
        if not found:
            return
        pid, uuid, role = chance.choice(found)
        if strike(pid):
            self.hit.add(uuid)
            self.counts[role or "supervisor"] += 1

    def processes(self) -> list[tuple[int, str, str]]:
        """Processes of jobs: number, job, role."""
        found = []
        for pid in processes_with(f"{self.jobs}/"):
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                roles = [v for v in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0") if v.startswith(ROLE)]
            except OSError:
                continue
            folder = next((w.decode() for w in words if w.startswith(f"{self.jobs}/".encode())), "")
            role = roles[0].removeprefix(ROLE).decode() if roles else ""
            found.append((pid, folder.rsplit("/", 1)[-1], role))
        return found

    def start_engine(self):
        log = open(self.server.folder / "engine.log", "ab")
        self.engine = subprocess.Popen(
            [*PODMAN, "system", "service", "--time=0", f"unix://{SOCKET}"], cwd=self.server.folder,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def kill_engine(self):
        self.counts["engine"] += 1
        self.hit.update(uuid for _, uuid, _ in self.processes())
        self.end_engine()
        # Those that have begun since.
        self.hit.update(uuid for _, uuid, _ in self.processes())
        time.sleep(chance.choice([0, 0.3, 1]))
        self.start_engine()

    def end_engine(self):
        if self.engine:
            self.engine.kill()
            self.engine.wait()
            self.engine = None

    def containers(self) -> list[str]:
        told = subprocess.run(
            [*PODMAN, "ps", "--all", "--no-trunc", "--filter", f"label=headworks.jobs={self.jobs}", "--format", "{{.ID}}"],
            capture_output=True, text=True)
        if told.returncode != 0:
            raise OSError(told.stderr)  # one was removed while it looked
        return told.stdout.split()

    def lose_machine(self):
        """Everything of the installation is gone at once: server, shims, commands, engine, containers."""
        self.counts["machine"] += 1
        self.hit.update(id.split(":")[1] for id in self.ids)
        assert self.server.process
        self.server.process.send_signal(signal.SIGKILL)
        for pid, uuid, _ in self.processes():
            # Also of a build whose id the server had no time to tell.
            if strike(pid):
                self.hit.add(uuid)
        if self.kind == "container":
            self.end_engine()
            found = []
            # None is an answer, too.
            eventually("a list of containers", lambda: found.append(self.containers()) or found)
            for id in found[0]:
                for pid in below(processes_with(id)):
                    strike(pid)
        self.server.kill()
        # Who of the two is there first is chance on a real machine, too.
        engine_first = chance.random() < 0.5
        if self.kind == "container" and engine_first:
            self.start_engine()
        self.server.restart()
        if self.kind == "container" and not engine_first:
            time.sleep(chance.uniform(0, 1))
            self.start_engine()

    # --- what came of it --------------------------------------------------------------------------------------------

    def builds(self) -> list[dict]:
        client = self.client("codebuild")
        pages = client.get_paginator("list_builds_for_project").paginate(projectName="app")
        ids = [id for page in pages for id in page["ids"]]
        return [b for n in range(0, len(ids), 100) for b in client.batch_get_builds(ids=ids[n:n + 100])["builds"]]

    def log_of(self, build: dict) -> str:
        logs, text, token = self.client("logs"), [], {}
        while True:
            try:
                page = logs.get_log_events(
                    logGroupName=build["logs"]["groupName"], logStreamName=build["logs"]["streamName"],
                    startFromHead=True, **token)
            except (KeyError, logs.exceptions.ResourceNotFoundException):
                return ""  # it was lost before its first line
            if not page["events"]:
                return "".join(text)
            text.extend(event["message"] for event in page["events"])
            token = {"nextToken": page["nextForwardToken"]}

    def flushed(self, uuid: str) -> str:
        """What the journal of a job says was printed."""
        try:
            rest = (self.kept / uuid).read_bytes()
        except FileNotFoundError:
            return ""
        text = []
        while len(rest) >= 13:
            kind, length = struct.unpack_from("<BI", rest)
            if len(rest) < 13 + length:
                break
            if kind == 2:
                text.append(rest[13:13 + length])
            rest = rest[13 + length:]
        return b"".join(text).decode(errors="replace")

    def leftovers(self) -> list[str]:
        """All that is still there of builds that have ended."""
        found = [f"process {pid} {cmdline(pid)}" for pid in processes_with(f"{self.jobs}/")]
        found += [f"process {pid} {cmdline(pid)}" for pid in processes_with(MARK)]
        for part in ("jobs", "builds", "scratch"):
            folder = self.server.data / part
            found += [str(path) for path in folder.iterdir()] if folder.is_dir() else []
        mounts = Path("/proc/self/mountinfo").read_text().splitlines()
        found += [line for line in mounts if str(self.server.data) in line]
        uuids = {id.split(":")[1] for id in self.ids}
        for folder, names, _ in os.walk("/sys/fs/cgroup"):
            found += [f"{folder}/{name}" for name in names if any(uuid in name for uuid in uuids)]
        if self.kind == "container":
            found += [f"container {id}" for id in self.containers()]
        return found


    def account_of(self, leftovers: list[str]) -> str:
        """What is left over, and for each build that it names what is known of that build."""
        told = [f"left over ({self.kind}):", *leftovers]
        builds = {build["id"].split(":")[1]: build for build in self.builds()}
        log = self.server.log.read_text(errors="replace").splitlines()
        for uuid, build in builds.items():
            if not any(uuid in line for line in leftovers):
                continue
            phases = [(p["phaseType"], p.get("phaseStatus"), p.get("contexts")) for p in build["phases"]]
            told.append(f"--- {build['id']}: {build['buildStatus']}, {json.dumps(phases, default=str)}")
            for part in ("jobs", "builds"):
                folder = self.server.data / part / uuid
                told += [f"{path} {time.strftime('%T', time.localtime(path.lstat().st_mtime))}"
                         for path in sorted([folder, *folder.glob("*")]) if path.is_symlink() or path.exists()]
            shim_log = self.jobs / uuid / "shim.log"
            if shim_log.exists():
                told.append(f"shim.log: {shim_log.read_text(errors='replace')}")
            told += [f"the server's log: {line}" for line in log if uuid in line]
            with sqlite3.connect(f"file:{self.server.data / 'headworks.db'}?mode=ro", uri=True, timeout=30) as rows:
                query = "SELECT key, attempts, owner, visible, effect FROM outbox WHERE machine_id LIKE ?"
                told += [f"waits to be done: {row}" for row in rows.execute(query, (f"%{uuid}",))]
        told.append("--- the end of the server's log:")
        return "\n".join(told + log[-40:])


def strike(pid: int) -> bool:
    try:
        os.kill(pid, signal.SIGKILL)
        return True
    except ProcessLookupError:
        return False


def cmdline(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:200]
    except OSError:
        return "(gone)"


def below(pids: list[int]) -> list[int]:
    """These processes and all that descend from them."""
    children = collections.defaultdict(list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            children[int(stat.rsplit(")", 1)[1].split()[1])].append(int(entry.name))
    found, open_ = [], list(pids)
    while open_:
        pid = open_.pop()
        found.append(pid)
        open_.extend(children[pid])
    return found


def numbers(text: str) -> list[int]:
    """The numbered lines."""
    return [int(n) for n in re.findall(r"^line (\d+)$", text, re.MULTILINE)]


# Two cores have to do.
PACE = {"host": 0.5, "container": 2}
RATE = {"host": 4, "container": 1}
AT_ONCE = {"host": 10, "container": 4}
sites: list[Site] = []
if os.environ.get("HEADWORKS_TEST_CONTAINER_SOCKET") and os.environ.get("HEADWORKS_TEST_PODMAN"):
    # The engine that other tests use must not die: this one is ours, with the same images.
    PODMAN = shlex.split(os.environ["HEADWORKS_TEST_PODMAN"])
    site = Site("container", 20, {})
    SOCKET = site.server.folder / "engine.sock"
    site.server.settings["HEADWORKS_EXECUTOR_SOCKET"] = str(SOCKET)
    site.server.at_end([*PODMAN, "rm", "--force", "--filter", f"label=headworks.jobs={site.jobs}"])
    site.start_engine()
    eventually("the engine's socket", SOCKET.exists)
    sites.append(site)
else:
    print("SKIPPED: the part with containers: HEADWORKS_TEST_CONTAINER_SOCKET is not set (`cargo xtask test` sets it)")
sites.append(Site("host", 100 - sum(site.wanted for site in sites), {}))
try:
    for site in sites:
        site.prepare()
    for site in sites:
        site.starter.start()
    eventually("the first phase of a build", lambda: Ledger.entries)

    begun = time.monotonic()
    losses = {site.kind: [site.wanted // 3, site.wanted * 3 // 4] for site in sites}
    while any(site.starter.is_alive() for site in sites) or time.monotonic() - begun < 70:
        time.sleep(chance.random() * chance.choice([0.05, 0.5, 1.5]))
        # An engine takes seconds for a container here: killed every second it would never make one.
        site = chance.choices(sites, weights=[RATE[site.kind] for site in sites])[0]
        due = losses[site.kind]
        if due and len(site.ids) >= due[0]:
            due.pop(0)
            site.lose_machine()
            continue
        kinds = {"server": 4, "shim": 3, "engine": 4 if site.kind == "container" else 0}
        what = chance.choices(list(kinds), weights=list(kinds.values()))[0]
        {"server": site.kill_server, "shim": site.kill_shim, "engine": site.kill_engine}[what]()
    for site in sites:
        if site.failure:
            raise site.failure
        print(f"  {site.kind}: {site.wanted} builds, killed: {dict(site.counts)}", flush=True)
    print(f"  the kills took {time.monotonic() - begun:.0f} s", flush=True)

    for site in sites:
        last = {}

        def open_builds():
            last["open"] = [b for b in site.builds() if not b["buildComplete"]]
            return not last["open"]

        try:
            eventually(f"the end of all builds ({site.kind})", open_builds, seconds=150, every=0.5)
        except AssertionError as error:
            stuck = [(b["id"], b["currentPhase"], b["phases"][-2:]) for b in last["open"]]
            raise AssertionError(f"{error}; stuck: {json.dumps(stuck, default=str)}") from None
        assert len(site.builds()) == site.wanted == len(set(site.ids)), "a request that was repeated began another build"
    proved("every build has its end, and no request started two")

    entries = collections.Counter(Ledger.entries)
    assert set(entries.values()) == {1}, {entry: n for entry, n in entries.items() if n > 1}
    lost = complete = 0
    for site in sites:
        for build in site.builds():
            uuid = build["id"].split(":")[1]
            noted = [phase for phase in PHASES if entries[f"/{build['id']}/{phase}"]]
            if build["buildStatus"] == "SUCCEEDED":
                complete += 1
                assert noted == PHASES, (build["id"], noted)
                continue
            lost += 1
            assert uuid in site.hit, f"nothing of {build['id']} was killed but its server: {json.dumps(build, default=str)}"
            assert noted == PHASES[:len(noted)], (build["id"], noted)
            told = [c.get("message", "") for p in build["phases"] for c in p.get("contexts", [])]
            assert build["buildStatus"] in ("FAILED", "FAULT"), build
            assert any(LOST.search(text) for text in told), (build["id"], build["buildStatus"], told)
    print(f"  {complete} builds succeeded, {lost} were lost")
    assert complete >= 30, "too few builds succeeded: the story proves nothing"
    assert lost >= 5, "too few builds were lost: the story proves nothing"
    proved("no phase of any build ran twice; the builds that were lost say so, and only those of which a part was killed")

    for site in sites:
        for build in site.builds():
            seen, flushed = numbers(site.log_of(build)), numbers(site.flushed(build["id"].split(":")[1]))
            assert seen == list(range(1, len(seen) + 1)), (build["id"], "gaps or repetitions", seen)
            assert len(seen) >= len(flushed), (build["id"], "flushed but not in the log", len(seen), len(flushed))
            if build["buildStatus"] == "SUCCEEDED":
                assert len(seen) == LINES, (build["id"], len(seen))
    proved("every log is complete up to the last line that its shim had flushed, without gaps and repetitions")

    for site in sites:
        last_seen = []

        def clean():
            last_seen[:] = site.leftovers()
            return not last_seen

        try:
            eventually(f"the last leftover to go ({site.kind})", clean, seconds=90, every=0.5)
        except AssertionError:
            raise AssertionError(site.account_of(last_seen)) from None
    proved("no process, container, control group, mount or working copy is left")
    for site in sites:
        site.server.stop()
finally:
    for site in sites:
        site.end_engine()
