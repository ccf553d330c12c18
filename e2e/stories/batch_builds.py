"""A batch of each kind runs with boto3 unmodified: order, variables, failures, retries, stops, artifacts, `kill -9`."""

import io
import time
import zipfile

from delivery import ARTIFACTS, SITE, Delivery, action
from stage import Server, eventually, proved

GRAPH = """\
version: 0.2
batch:
  fast-fail: false
  build-graph:
    - identifier: compile
    - identifier: lint
      buildspec: lint.yml
      ignore-failure: true
    - identifier: package
      depend-on: [compile, lint]
      env:
        compute-type: BUILD_GENERAL1_MEDIUM
        variables: {FLAVOUR: sweet}
phases:
  build:
    commands:
      - echo "$CODEBUILD_BATCH_BUILD_IDENTIFIER tastes $FLAVOUR of $CODEBUILD_RESOLVED_SOURCE_VERSION" | tee out.txt
artifacts:
  files: out.txt
"""
LINT = "version: 0.2\nphases: {build: {commands: ['echo lint fails', 'exit 4']}}\n"

server = Server().start()
delivery = Delivery(server).prepare({"buildspec.yml": GRAPH, "lint.yml": LINT})
codebuild, s3 = delivery.codebuild, delivery.s3
commit = server.git("rev-parse", "HEAD", cwd=delivery.work).stdout.strip()


def project(name: str, **changes):
    delivery.create_project(**{
        "name": name,
        "source": {"type": "CODECOMMIT", "location": delivery.clone_url},
        "sourceVersion": "main",
        "artifacts": {"type": "NO_ARTIFACTS"},
        "buildBatchConfig": {"serviceRole": delivery.role},
        **changes,
    })


def batch(id: str) -> dict:
    return codebuild.batch_get_build_batches(ids=[id])["buildBatches"][0]


def finished(id: str) -> dict:
    return eventually(f"the end of {id}", lambda: (lambda b: b if b["complete"] else None)(batch(id)), seconds=120)


def run(name: str, **overrides) -> dict:
    return finished(codebuild.start_build_batch(projectName=name, **overrides)["buildBatch"]["id"])


def groups(batch: dict) -> dict:
    return {g["identifier"]: g for g in batch["buildGroups"]}


def builds(batch: dict) -> dict:
    """The current builds, by identifier."""
    current = {i: g["currentBuildSummary"]["arn"] for i, g in groups(batch).items() if "currentBuildSummary" in g}
    found = codebuild.batch_get_builds(ids=list(current.values()))["builds"] if current else []
    by_arn = {b["arn"]: b for b in found}
    # A build that was asked for is named before it is made.
    return {identifier: by_arn[arn] for identifier, arn in current.items() if arn in by_arn}


def log(build: dict) -> str:
    events = server.client("logs").get_log_events(
        logGroupName=build["logs"]["groupName"], logStreamName=build["logs"]["streamName"], startFromHead=True)
    return "".join(event["message"] for event in events["events"])


# --- a graph ------------------------------------------------------------------------------------------------------
project("graph", artifacts={"type": "S3", "location": ARTIFACTS, "packaging": "ZIP", "path": "graph"})
done = run("graph")
assert done["buildBatchStatus"] == "SUCCEEDED", done
phases = [p["phaseType"] for p in done["phases"]]
assert phases == ["SUBMITTED", "DOWNLOAD_BATCHSPEC", "IN_PROGRESS", "COMBINE_ARTIFACTS", "SUCCEEDED"], phases
assert done["resolvedSourceVersion"] == commit and done["buildBatchNumber"] == 1
ran = builds(done)
assert {i: b["buildStatus"] for i, b in ran.items()} == \
    {"compile": "SUCCEEDED", "lint": "FAILED", "package": "SUCCEEDED"}
assert ran["package"]["startTime"] >= max(ran["compile"]["endTime"], ran["lint"]["endTime"])
assert groups(done)["package"]["dependsOn"] == ["compile", "lint"]
assert groups(done)["lint"]["ignoreFailure"] is True
assert f"package tastes sweet of {commit}" in log(ran["package"]), log(ran["package"])
assert ran["package"]["environment"]["computeType"] == "BUILD_GENERAL1_MEDIUM"
assert all(b["buildBatchArn"] == done["arn"] for b in ran.values())
keys = [o["Key"] for o in s3.list_objects_v2(Bucket=ARTIFACTS, Prefix="graph/")["Contents"]]
assert keys == ["graph/compile/graph", "graph/package/graph"], keys
proved("a graph runs in order, lets an ignored failure pass, and all its builds see the same commit")

# --- lists, matrices, fan-outs ------------------------------------------------------------------------------------
SPEC = "version: 0.2\nbatch: {batch}\nphases: {{build: {{commands: ['{command}']}}}}\n"


def inline(batch: str, command: str) -> str:
    return SPEC.format(batch=batch, command=command)


done = run("graph", buildspecOverride=inline(
    "{build-matrix: {dynamic: {env: {variables: {A: [1, 2], B: [x, y]}}}}}", "echo got $A-$B"))
assert done["buildBatchStatus"] == "SUCCEEDED" and done["buildBatchNumber"] == 2, done
texts = sorted(next(line for line in log(b).splitlines() if line.startswith("got ")) for b in builds(done).values())
assert texts == ["got 1-x", "got 1-y", "got 2-x", "got 2-y"], texts
proved("a matrix is the product of its values")

done = run("graph", buildspecOverride=inline(
    "{build-fanout: {parallelism: 3}}", "echo shard $CODEBUILD_CURRENT_SHARD of $CODEBUILD_TOTAL_SHARDS"))
assert done["buildBatchStatus"] == "SUCCEEDED", done
texts = sorted(next(line for line in log(b).splitlines() if line.startswith("shard ")) for b in builds(done).values())
assert texts == ["shard 0 of 3", "shard 1 of 3", "shard 2 of 3"], texts
TESTS = """touch one_test two_test three_test; codebuild-tests-run --test-command 'echo tests:' --files-search "codebuild-glob-search '*_test'\""""
done = run("graph", buildspecOverride=inline("{build-fanout: {parallelism: 3}}", TESTS.replace("'", "''")))
assert done["buildBatchStatus"] == "SUCCEEDED", done
texts = sorted(next(line for line in log(b).splitlines() if line.startswith("tests: ")).strip() for b in builds(done).values())
assert texts == ["tests: one_test", "tests: three_test", "tests: two_test"], texts
proved("a fan-out gives each build its shard, and codebuild-tests-run each shard its tests")

# --- failures -----------------------------------------------------------------------------------------------------
LIST = inline("{fast-fail: true, build-list: [{identifier: quick}, {identifier: slow}]}",
              'if [ $CODEBUILD_BATCH_BUILD_IDENTIFIER = slow ]; then sleep 600; else sleep 3; exit 7; fi')
began = time.monotonic()
done = run("graph", buildspecOverride=LIST)
assert time.monotonic() - began < 300, "fast-fail must stop the slow build"
assert done["buildBatchStatus"] == "FAILED" and done["currentPhase"] == "FAILED", done
assert {i: b["buildStatus"] for i, b in builds(done).items()} == {"quick": "FAILED", "slow": "STOPPED"}
context = next(p for p in done["phases"] if p["phaseType"] == "IN_PROGRESS")["contexts"][0]
assert "quick" in context["message"], context
proved("with fast-fail the first failure ends the batch")

cycle = inline("{build-graph: [{identifier: a, depend-on: [b]}, {identifier: b, depend-on: [a]}]}", "true")
done = run("graph", buildspecOverride=cycle)
phase = next(p for p in done["phases"] if p["phaseType"] == "DOWNLOAD_BATCHSPEC")
assert phase["phaseStatus"] == "FAILED" and done["buildGroups"] == [], done
assert "a" in phase["contexts"][0]["message"] and "b" in phase["contexts"][0]["message"], phase
config = {"restrictions": {"maximumBuildsAllowed": 2}}
done = run("graph", buildspecOverride=inline("{build-fanout: {parallelism: 3}}", "true"),
           buildBatchConfigOverride=config)
assert done["buildBatchStatus"] == "FAILED" and "maximumBuildsAllowed" in str(done["phases"]), done
proved("cycles and too many builds are refused with their reason")

# --- retry and stop -----------------------------------------------------------------------------------------------
delivery.commit_and_push({"flaky.yml": """\
version: 0.2
batch:
  build-graph:
    - identifier: good
    - identifier: flaky
    - identifier: after
      depend-on: [flaky]
phases:
  build:
    commands:
      - if [ $CODEBUILD_BATCH_BUILD_IDENTIFIER = flaky ]; then test $CODEBUILD_BUILD_NUMBER -gt $MENDED_AFTER; fi
"""}, "A batch that fails once")
so_far = len(codebuild.list_builds_for_project(projectName="graph")["ids"])
done = run("graph", buildspecOverride="flaky.yml", environmentVariablesOverride=[
    {"name": "MENDED_AFTER", "value": str(so_far + 2), "type": "PLAINTEXT"}])
assert {i: g.get("currentBuildSummary", {}).get("buildStatus") for i, g in groups(done).items()} == \
    {"good": "SUCCEEDED", "flaky": "FAILED", "after": None}, done["buildGroups"]
old = groups(done)
codebuild.retry_build_batch(id=done["id"], retryType="RETRY_FAILED_BUILDS")
done = finished(done["id"])
assert done["buildBatchStatus"] == "SUCCEEDED", (done, log(builds(done)["flaky"]))
new = groups(done)
assert new["good"]["currentBuildSummary"] == old["good"]["currentBuildSummary"], "what succeeded stays"
assert [b["arn"] for b in new["flaky"]["priorBuildSummaryList"]] == [old["flaky"]["currentBuildSummary"]["arn"]]
proved("a retry runs again what failed and what waited for it, and keeps the rest")

started = codebuild.start_build_batch(
    projectName="graph", buildspecOverride=inline("{build-fanout: {parallelism: 2}}", "sleep 600"))["buildBatch"]["id"]
eventually("two running builds", lambda: len(builds(batch(started))) == 2 and all(
    b["currentPhase"] == "BUILD" for b in builds(batch(started)).values()))
codebuild.stop_build_batch(id=started)
done = finished(started)
assert done["buildBatchStatus"] == "STOPPED" and done["currentPhase"] == "STOPPED", done
assert {b["buildStatus"] for b in builds(done).values()} == {"STOPPED"}
answer = eventually("a deletion", lambda: (lambda a: a if a["statusCode"] == "BATCH_DELETED" else None)(
    codebuild.delete_build_batch(id=started)))
assert codebuild.batch_get_build_batches(ids=[started])["buildBatchesNotFound"] == [started], answer
failed = codebuild.list_build_batches_for_project(projectName="graph", filter={"status": "FAILED"})["ids"]
assert len(failed) == 3 and set(failed) < set(codebuild.list_build_batches()["ids"]), failed
proved("a batch can be stopped, listed by status and deleted with its builds")

# --- artifacts in one place, and a pipeline ------------------------------------------------------------------------
combined = inline("{build-list: [{identifier: one}, {identifier: two}]}",
                  "echo I am $CODEBUILD_BATCH_BUILD_IDENTIFIER > me.txt") + "artifacts: {files: [me.txt]}\n"
done = run("graph", buildspecOverride=combined, buildBatchConfigOverride={"combineArtifacts": True},
           artifactsOverride={"type": "S3", "location": ARTIFACTS, "packaging": "ZIP", "name": "all.zip"})
assert done["buildBatchStatus"] == "SUCCEEDED", done
assert done["artifacts"]["location"] == f"arn:aws:s3:::{ARTIFACTS}/all.zip", done["artifacts"]
packed = zipfile.ZipFile(io.BytesIO(s3.get_object(Bucket=ARTIFACTS, Key="all.zip")["Body"].read()))
assert sorted(packed.namelist()) == ["one/me.txt", "two/me.txt"], packed.namelist()
assert packed.read("two/me.txt") == b"I am two\n"
proved("combined artifacts lie in one archive")

delivery.create_project("piped", buildBatchConfig={"serviceRole": delivery.role})
delivery.commit_and_push({"buildspec.yml": combined}, "A batch for the pipeline")
declaration = delivery.declaration("batched", project="piped")
declaration["stages"][1]["actions"] = [action(
    "Compile", "Build", "CodeBuild", {"ProjectName": "piped", "BatchEnabled": "true"}, ["Fetched"], ["one", "two"])]
declaration["stages"][2]["actions"] = [action(
    "Publish", "Deploy", "S3", {"BucketName": SITE, "Extract": "true"}, ["two"])]
delivery.codepipeline.create_pipeline(pipeline=declaration)
execution = eventually("an execution", lambda: delivery.executions("batched"))[0]["pipelineExecutionId"]
delivery.wait_for(execution, "Succeeded", pipeline="batched")
assert delivery.published("me.txt") == "I am two\n"
proved("a pipeline's action runs a batch, and each build's artifact is an output of its own")

# --- kill -9 ------------------------------------------------------------------------------------------------------
slow = inline("{build-graph: [{identifier: a}, {identifier: b, depend-on: [a]}, {identifier: c, depend-on: [b]}]}",
              "sleep 1; echo done")
started = codebuild.start_build_batch(projectName="graph", buildspecOverride=slow)["buildBatch"]["id"]
for _ in range(3):
    time.sleep(0.7)
    server.kill()
    server.restart()
done = finished(started)
assert done["buildBatchStatus"] == "SUCCEEDED", done
assert all(log(b).count("\ndone") == 1 for b in builds(done).values()), [log(b) for b in builds(done).values()]
of_batch = [b for b in codebuild.list_builds_for_project(projectName="graph")["ids"]]
made = [b for b in codebuild.batch_get_builds(ids=of_batch[:100])["builds"] if b.get("buildBatchArn") == done["arn"]]
assert len(made) == 3, made
proved("killing the server neither loses nor repeats a build of a batch")
server.stop()
