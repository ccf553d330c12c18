"""What a story about kills has beside its own executions: jobs for a worker, children that are waited for, and git pushes.

Pipeline `worked` has an action of a custom type; `parent` and `pushed` start it and wait for it; `pushed` is started by pushes.
"""

import collections
import json
import random
import subprocess
import threading
import time

from botocore.exceptions import ClientError

from delivery import ARTIFACTS, Delivery, action
from stage import insist, proved

KIND = {"category": "Build", "owner": "Custom", "provider": "Bench", "version": "1"}
HOW = ("well", "stumble", "well", "fail")  # what becomes of a job; one that stumbles succeeds when it is tried again


class Crew:
    """Creates its pipelines; `begin` sets starter and pusher going, `hire` the worker; `check` looks at what is left."""

    pipelines = ("worked", "parent", "pushed")
    parallel = ("worked", "parent")  # `pushed` has mode QUEUED

    def __init__(self, delivery: Delivery, seed: int, starts: int = 6, pushes: int = 8):
        self.delivery, self.seed, self.starts, self.pushes = delivery, seed, starts, pushes
        self.client = delivery.server.client("codepipeline", connect_timeout=5, read_timeout=20)
        self.environment = delivery.server.environment()
        self.how: dict[str, str] = {}  # by execution, of those that this crew has started
        self.acknowledged: dict[str, str] = {}  # jobs, and the execution that each is for
        self.said: dict[str, bool] = {}  # the result of each job
        self.matching: list[str] = []  # commits whose push has to start an execution
        self.again: collections.Counter = collections.Counter()
        self.failure: list[BaseException] = []
        self.done = threading.Event()
        self.client.create_custom_action_type(
            category="Build", provider="Bench", version="1",
            configurationProperties=[{"name": "How", "required": True, "key": False, "secret": False}],
            inputArtifactDetails={"minimumCount": 1, "maximumCount": 1},
            outputArtifactDetails={"minimumCount": 0, "maximumCount": 0})
        self.work = delivery.server.folder / "pushes"
        self.work.mkdir()
        url = delivery.codecommit.create_repository(repositoryName="pushes")["repositoryMetadata"]["cloneUrlHttp"]
        self.git("init", "-q", "-b", "main")
        self.git("remote", "add", "origin", url)
        self.commit("README.md")
        assert self.push(), "the first push"
        for name in self.pipelines:
            self.client.create_pipeline(pipeline=self.declaration(name))

    def declaration(self, name: str) -> dict:
        source = action("Fetch", "Source", "CodeCommit", {
            "RepositoryName": "pushes" if name == "pushed" else self.delivery.name, "BranchName": "main",
            "PollForSourceChanges": "false"}, outputs=["Fetched"])
        if name == "worked":
            run = action("Make", "Build", "Bench", {"How": "#{variables.how}"}, ["Fetched"])
            run["actionTypeId"] = KIND
            stage = {"name": "Work", "actions": [run]}
        else:
            variables = [{"name": "by", "value": "#{codepipeline.PipelineExecutionId}"},
                         {"name": "how", "value": "#{variables.how}"}]
            stage = {"name": "Work", "onFailure": {"result": "RETRY", "retryConfiguration": {"retryMode": "FAILED_ACTIONS"}},
                     "actions": [action("Start", "Invoke", "CodePipeline", {
                         "PipelineName": "worked", "Variables": json.dumps(variables), "HeadworksWait": "true"})]}
        declared = {
            "name": name, "roleArn": self.delivery.role, "pipelineType": "V2",
            "artifactStore": {"type": "S3", "location": ARTIFACTS},
            "executionMode": "PARALLEL" if name in self.parallel else "QUEUED",
            "variables": [{"name": "by", "defaultValue": "nobody"}, {"name": "how", "defaultValue": "well"}],
            "stages": [{"name": "Source", "actions": [source]}, stage],
        }
        if name == "pushed":
            push = {"branches": {"includes": ["main"]}, "filePaths": {"includes": ["src/**"], "excludes": ["**/*.md"]}}
            declared["triggers"] = [{"providerType": "CodeCommit", "gitConfiguration": {
                "sourceActionName": "Fetch", "push": [push]}}]
        return declared

    # --- at work, while the server is killed ----------------------------------------------------------------------

    def begin(self):
        """Starter and pusher, each a thread. Until there is a worker, an execution of each pipeline is in flight."""
        self.coming = [self.thread(self.start), self.thread(self.pushing)]

    def hire(self):
        """The worker comes."""
        self.worker = self.thread(self.working)

    def thread(self, task) -> threading.Thread:
        thread = threading.Thread(target=self.guard, args=(task,), daemon=True)
        thread.start()
        return thread

    def guard(self, task):
        try:
            task()
        except BaseException as error:
            self.failure.append(error)

    def join(self, seconds: float):
        """Waits until all starts and pushes are made."""
        for thread in self.coming:
            thread.join(seconds)
            assert not thread.is_alive() and not self.failure, self.failure

    def rest(self):
        """Nothing comes any more: the worker goes."""
        self.done.set()
        self.worker.join(60)
        assert not self.worker.is_alive() and not self.failure, self.failure

    def start(self):
        pace = random.Random(self.seed + 11)
        for number in range(self.starts):
            for name in ("worked", "parent"):
                how = HOW[number % len(HOW)]
                begun = insist(self.client.start_pipeline_execution, name=name, clientRequestToken=f"crew-{name}-{number}",
                               variables=[{"name": "how", "value": how}])["pipelineExecutionId"]
                assert begun not in self.how, "two starts, one execution"
                self.how[begun] = how
                time.sleep(pace.uniform(0, 0.6))

    def git(self, *words: str, may_fail: bool = False):
        """git in the clone, with AWS's credential helper; its environment is from before the kills."""
        helper = "credential.helper=!aws codecommit credential-helper --ignore-host-check $@"
        done = subprocess.run(
            ["git", "-c", "credential.helper=", "-c", helper, "-c", "credential.UseHttpPath=true", *words],
            cwd=self.work, env=self.environment, capture_output=True, text=True)
        assert may_fail or done.returncode == 0, (words, done.stderr)
        return done

    def commit(self, path: str) -> str:
        target = self.work / path
        target.parent.mkdir(exist_ok=True)
        target.write_text(f"{path}\n")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", path)
        return self.git("rev-parse", "HEAD").stdout.strip()

    def push(self) -> bool:
        return self.git("push", "-q", "origin", "main", may_fail=True).returncode == 0

    def pushing(self):
        """Pushes commit after commit, each until the server has taken it."""
        for number in range(self.pushes):
            path = ("src/{}.txt", "src/{}.txt", "src/{}.md", "other/{}.txt")[number % 4].format(number)
            commit = self.commit(path)
            if path.startswith("src/") and path.endswith(".txt"):
                self.matching.append(commit)
            deadline = time.monotonic() + 60
            while not self.push():
                assert time.monotonic() < deadline, f"no push of {path} within 60 s"
                self.again["push"] += 1
                time.sleep(0.2)

    def working(self):
        """Takes jobs, holds each for a while, and reports it; some results it gives once more, turned around."""
        mood = random.Random(self.seed + 12)
        held: list[tuple[float, str, bool]] = []
        tried: set[str] = set()
        while not self.done.is_set():
            try:
                jobs = self.client.poll_for_jobs(actionTypeId=KIND, maxBatchSize=5)["jobs"]
            except Exception:  # the server is dead, or says that it stops
                jobs = []
            for job in jobs:
                assert job["id"] not in self.acknowledged, f"job {job['id']} was handed out after its acknowledgement"
                insist(self.client.acknowledge_job, jobId=job["id"], nonce=job["nonce"])
                execution = job["data"]["pipelineContext"]["pipelineExecutionId"]
                how = job["data"]["actionConfiguration"]["configuration"]["How"]
                good = how == "well" or (how == "stumble" and execution in tried)
                tried.add(execution)
                self.acknowledged[job["id"]] = execution
                held.append((time.monotonic() + mood.uniform(0.1, 1.2), job["id"], good))
            for entry in [e for e in held if e[0] <= time.monotonic()]:
                held.remove(entry)
                self.report(entry[1], entry[2])
                if mood.random() < 0.4:
                    assert not self.report(entry[1], not entry[2]), f"job {entry[1]} took two results"
                self.said[entry[1]] = entry[2]
            self.done.wait(0.2)

    def report(self, job: str, good: bool) -> bool:
        """Whether the server takes this result now; it also refuses one that it took before its answer was lost."""
        try:
            if good:
                insist(self.client.put_job_success_result, jobId=job, executionDetails={"externalExecutionId": f"good {job}"})
            else:
                insist(self.client.put_job_failure_result, jobId=job, failureDetails={
                    "type": "JobFailed", "message": "as it was asked to", "externalExecutionId": f"bad {job}"})
            return True
        except ClientError as error:
            assert error.response["Error"]["Code"] == "InvalidJobStateException", error
            self.again["result"] += 1
            return False

    # --- what is left ---------------------------------------------------------------------------------------------

    def details(self, name: str, step: str) -> list[dict]:
        """Every run of an action."""
        pages = self.client.get_paginator("list_action_executions").paginate(pipelineName=name)
        return [d for page in pages for d in page["actionExecutionDetails"] if d["actionName"] == step]

    def check(self):
        """Everything has ended: nothing is lost, nothing is doubled."""
        listed = {name: {e["pipelineExecutionId"]: e for e in self.delivery.executions(name)} for name in self.pipelines}
        made = self.details("worked", "Make")
        ends = collections.Counter(d["output"]["executionResult"]["externalExecutionId"] for d in made)
        assert ends == collections.Counter(f"{'good' if good else 'bad'} {job}" for job, good in self.said.items()), (
            ends, self.said)
        for run in made:
            kind, job = run["output"]["executionResult"]["externalExecutionId"].split()
            assert self.acknowledged[job] == run["pipelineExecutionId"], run
            assert run["status"] == ("Succeeded" if kind == "good" else "Failed"), run
        assert set(self.said) == set(self.acknowledged)
        proved(f"{len(made)} jobs of a worker were each done once, and ended as the worker had said first")

        children: dict[str, list[str]] = collections.defaultdict(list)
        for child in listed["worked"]:
            variables = insist(self.client.get_pipeline_execution, pipelineName="worked",
                               pipelineExecutionId=child)["pipelineExecution"]["variables"]
            by = {v["name"]: v["resolvedValue"] for v in variables}["by"]
            children[by].append(child)
        alone = children.pop("nobody")
        assert len(alone) == self.starts + 1, alone
        jobs = collections.Counter(self.acknowledged.values())
        for execution in alone:
            how = self.how.get(execution, "well")
            status = listed["worked"][execution]["status"]
            assert (status, jobs[execution]) == ("Succeeded" if how == "well" else "Failed", 1), (how, status, jobs[execution])
        parents = listed["parent"] | listed["pushed"]
        assert len(listed["parent"]) == self.starts + 1, len(listed["parent"])
        assert set(children) == set(parents), (children, set(parents))
        began = collections.defaultdict(set)
        for name in ("parent", "pushed"):
            for run in self.details(name, "Start"):
                began[run["pipelineExecutionId"]].add(run["output"]["executionResult"]["externalExecutionId"])
        for parent, own in children.items():
            how = self.how.get(parent, "well")
            assert len(own) == 1 and began[parent] == set(own), (parent, own, began[parent])
            ended = {parents[parent]["status"], listed["worked"][own[0]]["status"]}
            assert ended == {"Failed" if how == "fail" else "Succeeded"}, (how, parent, ended)
            assert jobs[own[0]] == (1 if how == "well" else 2), (how, own, jobs[own[0]])
        proved(f"{len(children)} executions each began one child, tried it again when it had failed, and ended as it did")

        started = [json.loads(e["trigger"]["triggerDetail"])["commit"] for e in reversed(listed["pushed"].values())
                   if e["trigger"]["triggerType"] == "WebhookV2"]
        assert len(listed["pushed"]) == len(started) + 1, listed["pushed"]
        assert started == self.matching, (started, self.matching)
        for execution in listed["pushed"].values():
            if execution["trigger"]["triggerType"] == "WebhookV2":
                commit = json.loads(execution["trigger"]["triggerDetail"])["commit"]
                assert [r["revisionId"] for r in execution["sourceRevisions"]] == [commit], execution
        print(f"  made again or too late: {dict(self.again)}")
        proved(f"of {self.pushes} pushes the {len(started)} that match started one execution each, in their order")
