"""`headworks run` needs no server and gives what the server gives: phases, artifacts, reports; and it cleans up."""

import io
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import zipfile
from pathlib import Path

from stage import REGION, ROOT, Server, binary, eventually, proved, sleepers

top = Path(tempfile.mkdtemp(prefix="headworks-story-run-"))
home, temporary = top / "home", top / "tmp"
home.mkdir()
temporary.mkdir()


def environment(**more):
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "HEADWORKS_"))}
    return {**clean, "HOME": str(home), "TMPDIR": str(temporary), "HEADWORKS_EXECUTOR_KIND": "host", **more}


def run(*words, cwd, code=0, **more):
    done = subprocess.run([binary(), "run", *words], cwd=cwd, env=environment(**more), capture_output=True, text=True,
                          timeout=120, stdin=subprocess.DEVNULL)
    assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def events(done):
    return [json.loads(line) for line in done.stdout.splitlines()]


def source(name, **files):
    folder = top / name
    folder.mkdir()
    for path, text in files.items():
        (folder / path.replace("__", ".")).write_text(text)
    return folder


def files_in(folder):
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def nothing_left():
    return not list(temporary.glob("headworks-run-*"))


def spec(*build, more=""):
    return "version: 0.2\nphases:\n  build:\n    commands:\n" + "".join(f"      - {c}\n" for c in build) + more


# --- the examples, here and on the server ------------------------------------------------------------------------

server = Server().start()
codebuild, s3 = server.client("codebuild"), server.client("s3")
role = server.role("build", "s3:*")
s3.create_bucket(Bucket="story", CreateBucketConfiguration={"LocationConstraint": REGION})


def on_the_server(name, folder, secondary, sets):
    """The same build by StartBuild: phases, artifacts by identifier, reports."""
    def upload(folder, key):
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for path in sorted(folder.rglob("*")):
                archive.write(path, path.relative_to(folder))
        s3.put_object(Bucket="story", Key=key, Body=packed.getvalue())
        return {"type": "S3", "location": f"story/{key}"}

    target = {"type": "S3", "location": "story", "path": f"{name}/out", "packaging": "ZIP"}
    codebuild.create_project(
        name=name, source=upload(folder, f"{name}/source.zip"),
        secondarySources=[{**upload(dir, f"{name}/{id}.zip"), "sourceIdentifier": id} for id, dir in secondary.items()],
        artifacts={**target, "name": "primary.zip"},
        secondaryArtifacts=[{**target, "name": f"{id}.zip", "artifactIdentifier": id} for id in sets],
        environment={"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0", "computeType": "BUILD_GENERAL1_SMALL"},
        serviceRole=role)
    id = codebuild.start_build(projectName=name)["build"]["id"]

    def over():
        shown = codebuild.batch_get_builds(ids=[id])["builds"][0]
        return shown if shown["buildComplete"] else None

    build = eventually(f"the end of {id}", over)
    artifacts = {}
    for which in ["primary", *sets]:
        body = s3.get_object(Bucket="story", Key=f"{name}/out/{which}.zip")["Body"].read()
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            artifacts[which] = {entry: archive.read(entry) for entry in archive.namelist()}
    arns = build.get("reportArns", [])
    reports = codebuild.batch_get_reports(reportArns=arns)["reports"] if arns else []
    return build, artifacts, {report["name"]: report for report in reports}


def summary(report):
    summary = report.get("testSummary") or report.get("codeCoverageSummary")
    return report["status"], {name: value for name, value in summary.items()}


EXAMPLES = [
    ("words", {}, [], 1),
    ("library", {"texts": ROOT / "examples/words"}, ["sources", "report"], 1),
    ("site", {}, [], 0),
]
for name, secondary, sets, reported in EXAMPLES:
    folder, out = top / name, top / f"{name}-out"
    # A copy: the example's own folder is in a repository, whose commit the build would print.
    shutil.copytree(ROOT / "examples" / name, folder)
    before = files_in(folder)
    flags = [f"--secondary-source={id}={dir}" for id, dir in secondary.items()]
    local = events(run("--output", "json", "--artifacts", str(out), *flags, cwd=folder))[-1]
    build, artifacts, reports = on_the_server(name, folder, secondary, sets)
    assert local["type"] == "build" and local["build"]["buildStatus"] == build["buildStatus"] == "SUCCEEDED", build
    phases = [[(p["phaseType"], p.get("phaseStatus")) for p in b["phases"]] for b in (local["build"], build)]
    assert phases[0] == phases[1], phases
    exported = [b.get("exportedEnvironmentVariables", []) for b in (local["build"], build)]
    assert exported[0] == exported[1], exported
    delivered = {id: files_in(out / id) for id in sets}
    delivered["primary"] = {path: text for path, text in files_in(out).items() if path.split("/")[0] not in sets}
    assert delivered == artifacts, (delivered, artifacts)
    assert {r["name"]: summary(r) for r in local["reports"]} == {n: summary(r) for n, r in reports.items()}
    assert len(reports) == reported, reports
    assert files_in(folder) == before, "the working copy was written to"
    proved(f"example {name}: the same phases, artifacts and reports as by StartBuild, and the working copy is untouched")

# --- text, exit codes, flags ------------------------------------------------------------------------------------

done = run(cwd=ROOT / "examples/words")
assert "report words: 4 tests, 4 succeeded" in done.stderr and "SUCCEEDED in" in done.stderr, done.stderr
assert "ok      words are counted" in done.stdout and "BUILD             SUCCEEDED" in done.stderr, done.stderr
assert "BUILD             SUCCEEDED" not in done.stdout and nothing_left()
proved("log lines are on stdout, phases and reports on stderr, and nothing is left on disk")

app = source("my app", buildspec__yml=spec("echo one $A $B", "cat *.txt", "false"), text__txt="text\n", vars__env="A=1\n# no\nB='2'\n")
done = run("-e", "vars.env", "--env", "B=3", cwd=app, code=1)
assert "one 1 3" in done.stdout and "COMMAND_EXECUTION_ERROR" in done.stderr and "FAILED in" in done.stderr, done.stderr
done = run("-b", str(source("other", build__yml=spec("echo from elsewhere; ls")) / "build.yml"), "-s", str(app), cwd=top)
assert "from elsewhere" in done.stdout and "text.txt" in done.stdout
assert "no buildspec" in run(cwd=home, code=2).stderr
assert "--env NOBODY" in run("--env", "NOBODY", cwd=app, code=2).stderr
run("--no-such-flag", cwd=app, code=2)
bad = run("--output", "json", cwd=source("bad", buildspec__yml="version: 0.2\nphases:\n  builds:\n    commands: [x]\n"), code=1)
assert "buildspec.yml:3:3" in bad.stdout, bad.stdout
proved("the exit code is the build's, 2 for the command line; what is wrong is named")

secret = source("secret", key="hunter2\n", buildspec__yml="""version: 0.2
env:
  parameter-store: {TOKEN: /app/token}
  secrets-manager: {KEY: "app:password"}
phases:
  build:
    commands:
      - test "$TOKEN" = parameter-value
      - test "$KEY" = hunter2
      - echo "the key is $KEY"
""")
done = run("--secret", "/app/token=env:TOKEN_HERE", "--secret", "app=@key.json", cwd=secret, code=2)
(secret / "key.json").write_text('{"password": "hunter2"}')
done = run("--secret", "/app/token=env:TOKEN_HERE", "--secret", "app=@key.json", cwd=secret, TOKEN_HERE="parameter-value")
assert "the key is ***" in done.stdout and "hunter2" not in done.stdout + done.stderr, done.stdout
missing = run("--secret", "/app/token=env:TOKEN_HERE", cwd=secret, code=2, TOKEN_HERE="x")
assert "the secret app" in missing.stderr and "--secret app=@FILE" in missing.stderr, missing.stderr
proved("parameters and secrets come from files and the environment, and are masked")

linked = source("linked", plain="plain\n", buildspec__yml=spec(
    "mkdir -p /opt/elsewhere/deep /tmp/out venv/bin lib real",
    "echo jar > /opt/elsewhere/deep/app.jar; echo layer > /tmp/out/layer; ln -s /tmp/out/layer /tmp/out/again",
    "ln -s /opt/elsewhere bazel-bin; ln -s /opt/elsewhere/deep/app.jar venv/bin/python; ln -s nowhere dangling",
    "echo real > real/file; ln -s ../real lib/folder; ln -s /etc all-of-etc; ln -s ../../plain venv/bin/plain",
    more="""artifacts:
  files: ['**/*', bazel-bin/deep/*.jar, /tmp/out/layer]
  exclude-paths: [buildspec.yml]
  secondary-artifacts:
    layers: {files: ['**/*'], base-directory: /tmp/out}
    kept: {files: ['**/*'], base-directory: venv, enable-symlinks: yes}
"""))
done = run("--artifacts", str(top / "linked-out"), cwd=linked)
made = files_in(top / "linked-out")
assert made == {"plain": b"plain\n", "real/file": b"real\n", "lib/folder/file": b"real\n", "venv/bin/python": b"jar\n",
                "venv/bin/plain": b"plain\n", "bazel-bin/deep/app.jar": b"jar\n", "layers/layer": b"layer\n",
                "layers/again": b"layer\n", "kept/bin/plain": b"plain\n"}, made
kept = {str(p.relative_to(top / "linked-out/kept")): os.readlink(p) for p in (top / "linked-out/kept").rglob("*") if p.is_symlink()}
assert kept == {"bin/python": "/opt/elsewhere/deep/app.jar", "bin/plain": "../../plain"}, kept
for skipped in ("/tmp/out/layer: it is absolute", "dangling: it is a link to nowhere", "all-of-etc: it is a link to /etc"):
    assert f"Skipping invalid file path {skipped}" in done.stdout, done.stdout
proved("artifacts have what links lead to, as the build sees it; what is left out is said")

reached = source("reached", buildspec__yml=spec(
    "mkdir -p /opt/far real lib; echo far > /opt/far/y; ln -s /opt/far bazel; ln -s /opt/far/y real/y; ln -s ../real lib/folder",
    "echo '<testsuite><testcase name=\"far\"/></testsuite>' > /opt/far/r.xml; ln -s /opt/far/r.xml report.xml; echo at > /at-the-root",
    more="""reports:
  words: {files: [report.xml], file-format: JUNITXML}
artifacts:
  files: ['$CODEBUILD_SRC_DIR/bazel/y', 'lib/**/*', '@LINKS@@CALLS@']
  secondary-artifacts:
    based: {files: ['*'], base-directory: lib/folder}
    root: {files: [at-the-root], base-directory: /}
"""))
done = run("--artifacts", str(top / "reached-out"), cwd=reached)
made = files_in(top / "reached-out")
assert made == {"bazel/y": b"far\n", "lib/folder/y": b"far\n", "based/y": b"far\n", "root/at-the-root": b"at\n"}, (made, done.stdout)
assert "report words: 1 tests, 1 succeeded" in done.stderr and "Skipping" not in done.stdout, done.stdout + done.stderr
proved("what lies outside is had by whatever way it is reached: absolute paths, links behind links, reports")

in_place = source("in place", kept__txt="kept\n", buildspec__yml=spec("cat kept.txt", "echo made > made.txt", "rm kept.txt; pwd",
                                                                   more="artifacts: {files: [made.txt]}\n"))
other = source("other place", a__txt="a\n")
done = run("-m", "-s", str(in_place), "-s", f"Other:{other}", "--artifacts", str(top / "in-place-out"),
           "--env", "X=1", cwd=top)
assert str(in_place) in done.stdout.splitlines() and files_in(top / "in-place-out") == {"made.txt": b"made\n"}, done.stdout
assert sorted(files_in(in_place)) == ["buildspec.yml", "made.txt"], files_in(in_place)
assert files_in(other) == {"a.txt": b"a\n"} and nothing_left()
assert "is for one build" in run("-m", "--batch", cwd=in_place, code=2).stderr
proved("-m builds in the source folder itself, which keeps what the build has made and lacks what it removed")

# --- the user's own AWS ---------------------------------------------------------------------------------------------

secrets_of, ssm = server.client("secretsmanager"), server.client("ssm")
ssm.put_parameter(Name="/app/token", Value="first", Type="SecureString")
ssm.put_parameter(Name="/app/token", Value="second-value", Type="SecureString", Overwrite=True)
arn = secrets_of.create_secret(Name="app", SecretString='{"password": "hunter2-own"}')["ARN"]
own = source("own", buildspec__yml=f"""version: 0.2
env:
  parameter-store: {{TOKEN: /app/token, OLD: "/app/token:1"}}
  secrets-manager: {{KEY: "{arn}:password"}}
phases:
  build:
    commands:
      - test "$TOKEN,$OLD,$KEY" = second-value,first,hunter2-own
      - echo "the key is $KEY"
      - echo "at $AWS_ENDPOINT_URL"
""")
keys = {name: server.environment()[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
where = {"AWS_REGION": REGION, "AWS_ENDPOINT_URL": server.endpoint}
keyed = source("keyed", buildspec__yml=spec("env", "test ${#AWS_SESSION_TOKEN} -eq 15"))
for words in ([], ["--output", "json"]):
    done = run("-c", *words, cwd=keyed, **keys, **where, AWS_SESSION_TOKEN="a-token-of-mine")
    assert "AWS_SECRET_ACCESS_KEY" in done.stdout, done.stdout
    assert keys["AWS_SECRET_ACCESS_KEY"] not in done.stdout + done.stderr and "a-token-of-mine" not in done.stdout + done.stderr
done = run("-c", cwd=own, **keys, **where)
assert "the key is ***" in done.stdout and "hunter2" not in done.stdout, done.stdout
assert f"at {server.endpoint}" in done.stdout.splitlines(), done.stdout
(home / ".aws").mkdir()
(home / ".aws/credentials").write_text(
    f"[mine]\naws_access_key_id={keys['AWS_ACCESS_KEY_ID']}\naws_secret_access_key={keys['AWS_SECRET_ACCESS_KEY']}\n")
secure = {**where, "AWS_ENDPOINT_URL": server.endpoint.replace("http:", "https:"), "AWS_CA_BUNDLE": str(server.data / "tls/ca.pem")}
done = run("-p", "mine", cwd=own, **secure)
assert "the key is ***" in done.stdout, done.stdout
untrusted = run("-p", "mine", cwd=own, code=4, **{**secure, "AWS_CA_BUNDLE": "/etc/ssl/certs/ca-certificates.crt"})
assert "cannot reach https://" in untrusted.stderr, untrusted.stderr
assert "a profile nobody" in run("-p", "nobody", cwd=own, code=2, **where).stderr
wrong = run("-c", cwd=own, code=2, **where, AWS_ACCESS_KEY_ID="AKIAWRONG", AWS_SECRET_ACCESS_KEY="x")
assert "the variable KEY is the secret arn:aws:" in wrong.stderr, wrong.stderr
ssm.delete_parameter(Name="/app/token")
gone = run("-c", cwd=own, code=2, **keys, **where)
assert "ParameterNotFound" in gone.stderr and "--secret" in gone.stderr, gone.stderr
shutil.rmtree(home / ".aws")
assert "-c or -p PROFILE" in run(cwd=secret, code=2).stderr
proved("-c and -p read parameters and secrets from the user's AWS, over TLS too, and say what is wrong with it")

phased = source("phased", buildspec__yml="""version: 0.2
phases:
  install: {commands: [echo in install]}
  build: {commands: [echo in build]}
  post_build: {commands: [echo in post_build]}
artifacts: {files: [nothing]}
""")
done = run("--phase", "build", "--output", "json", cwd=phased)
kinds = [e["phaseType"] for e in events(done) if e["type"] == "phase"]
assert "BUILD" in kinds and "POST_BUILD" not in kinds and "UPLOAD_ARTIFACTS" not in kinds, kinds
assert "in post_build" not in done.stdout
proved("--phase ends the build after a phase")

visited = source("visited", buildspec__yml=spec("export WHERE=here", "cd sub", "false", "echo not reached",
                                                more="  post_build:\n    commands:\n      - cat ../left\n"), sub="x")
(visited / "sub").unlink()
(visited / "sub").mkdir()
done = subprocess.run([binary(), "run", "--shell"], cwd=visited, env=environment(), capture_output=True, text=True, timeout=60,
                      input='echo "seen $WHERE in $(basename "$PWD")"; ls /home; echo left > ../left; exit\n')
assert done.returncode == 1 and "seen here in sub" in done.stdout, (done.returncode, done.stdout, done.stderr)
assert "left" in done.stdout.splitlines() and "not reached" not in done.stdout.splitlines(), done.stdout
assert nothing_left()
proved("--shell opens a shell where the build failed, and the build goes on with what it left")

repository = source("repository", buildspec__yml=spec("git log --format=%s -1", "git status --porcelain", "echo x > written"))
for words in (["init", "-q", "-b", "main"], ["add", "."], ["commit", "-q", "-m", "a commit"]):
    subprocess.run(["git", "-c", "user.name=A", "-c", "user.email=a@b", *words], cwd=repository, check=True)
done = run(cwd=repository)
assert "a commit" in done.stdout and not (repository / "written").exists(), done.stdout
proved("the copy has .git, and what the build writes stays in the copy")

# --- batches ------------------------------------------------------------------------------------------------------

batch = source("batch", buildspec__yml="""version: 0.2
batch:
  fast-fail: false
  build-graph:
    - identifier: one
    - identifier: two
      depend-on: [one]
      env: {variables: {WHO: second}}
    - identifier: flaky
      ignore-failure: true
      env: {variables: {WHO: flaky}}
env:
  variables: {WHO: first}
phases:
  build:
    commands:
      - echo "here is $WHO"
      - echo $WHO > made.txt
      - test $WHO != flaky
artifacts:
  files: [made.txt]
""")
done = run("--batch", "--artifacts", str(top / "batch-out"), cwd=batch)
lines = done.stdout.splitlines()
assert "one | here is first" in lines and "two | here is second" in lines, done.stdout
assert lines.index("one | here is first") < lines.index("two | here is second")
for part in ("two", "SUCCEEDED", "FAILED (ignored)", "COMMAND_EXECUTION_ERROR"):
    assert part in done.stderr, done.stderr
made = {path: text for path, text in files_in(top / "batch-out").items()}
assert made["one/made.txt"] == b"first\n" and made["two/made.txt"] == b"second\n", made
last = events(run("--batch", "--output", "json", cwd=batch))[-1]
assert last["type"] == "batch" and last["status"] == "SUCCEEDED", last
assert {g["identifier"]: g["status"] for g in last["groups"]} == {"one": "SUCCEEDED", "two": "SUCCEEDED", "flaky": "FAILED"}
assert "no batch section" in run("--batch", cwd=app, code=2).stderr
proved("a batch runs as a graph, each build's lines and artifacts under its name, and ends as it does on the server")

# --- ends that are no ends ---------------------------------------------------------------------------------------

mark = f"86402.{os.getpid():07}"
sleepy = source("sleepy", buildspec__yml=spec(f"sleep {mark} & sleep {mark}"))


def begin(**more):
    process = subprocess.Popen([binary(), "run"], cwd=sleepy, env=environment(**more), stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    eventually("the build's processes", lambda: len(sleepers(mark)) == 2)
    return process


process = begin()
process.send_signal(signal.SIGINT)
out, err = process.communicate(timeout=60)
assert process.returncode == 1 and "STOPPED in" in err, (process.returncode, err)
assert not sleepers(mark) and nothing_left()
proved("Ctrl-C stops the build, every process of it, and nothing is left")

process = begin()
process.kill()
process.communicate()
eventually("no process of the build", lambda: not sleepers(mark))
left = list(temporary.glob("headworks-run-*"))
assert len(left) == 1, left
os.utime(left[0], (1_000_000_000, 1_000_000_000))
run(cwd=ROOT / "examples/words")
eventually("the folder of the killed command is gone", nothing_left)
proved("kill -9 ends the build's processes at once; the next run removes what is left on disk")

# --- changes -----------------------------------------------------------------------------------------------------

watched = source("watched", buildspec__yml=spec("cat text.txt"), text__txt="first\n")
process = subprocess.Popen([binary(), "run", "--watch"], cwd=watched, env=environment(), stdin=subprocess.DEVNULL,
                           stdout=open(top / "watched.out", "w"), stderr=open(top / "watched.err", "w"))
waits = lambda: (top / "watched.err").read_text().count("waiting for a change")
eventually("the first run's end", lambda: waits() == 1)
# In one step: of an emptied file and a written one, it may see both.
(top / "next").write_text("second\n")
os.replace(top / "next", watched / "text.txt")
eventually("the second run's end", lambda: waits() == 2)
told = (top / "watched.out").read_text().splitlines()
assert told.count("first") == 1 and told.count("second") == 1, told
process.send_signal(signal.SIGINT)
assert process.wait(60) == 0
proved("--watch runs again when a file changes")

times = []
quick = source("quick", buildspec__yml=spec("true"))
for _ in range(5):
    begun = time.monotonic()
    run(cwd=quick)
    times.append(time.monotonic() - begun)
print(f"  a trivial build takes {min(times) * 1000:.0f} ms at best, {sorted(times)[2] * 1000:.0f} ms in the middle")
shutil.rmtree(top, ignore_errors=True)
