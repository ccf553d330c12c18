"""Triggers of CodeCommit sources: pushes start what their branches, files and tags match, once, whatever is killed when."""

import json

from delivery import ARTIFACTS, Delivery, action
from stage import Server, eventually, proved

server = Server().start()
delivery = Delivery(server).prepare(files={"README.md": "hello\n", "src/app.txt": "1\n"})
pipelines = delivery.codepipeline


def git(*words: str) -> str:
    return server.git(*words, cwd=delivery.work).stdout.strip()


def create(name: str, filters: dict | None, **more):
    """A pipeline that waits at an approval; no trigger at all for None."""
    source = action("Fetch", "Source", "CodeCommit", {"RepositoryName": "delivery", "BranchName": "main"},
                    outputs=["Fetched"], namespace="Fetched")
    approve = action("Approve", "Approval", "Manual", {})
    pipeline = {
        "name": name, "roleArn": delivery.role, "artifactStore": {"type": "S3", "location": ARTIFACTS},
        "pipelineType": "V2", "stages": [{"name": "Source", "actions": [source]},
                                         {"name": "Approve", "actions": [approve]}],
    }
    if filters is not None:
        git_configuration = {"sourceActionName": "Fetch", **filters}
        pipeline["triggers"] = [{"providerType": "CodeCommit", "gitConfiguration": git_configuration}]
    pipelines.create_pipeline(pipeline=pipeline, **more)
    known[name] = {e["pipelineExecutionId"] for e in delivery.executions(name)}


known: dict[str, set] = {}
create("any", None)
create("default", {})
create("code", {"push": [{"branches": {"includes": ["main", "release/**"], "excludes": ["release/old/*"]},
                          "filePaths": {"includes": ["src/**"], "excludes": ["**/*.md"]}}]})
create("docs", {"push": [{"filePaths": {"includes": ["**/*.md"]}}]})
create("tags", {"push": [{"tags": {"includes": ["v*"], "excludes": ["v0.*"]}}]})

shown = server.aws("codepipeline", "get-pipeline", "--name", "code")["pipeline"]["triggers"]
assert shown[0]["providerType"] == "CodeCommit", shown
assert shown[0]["gitConfiguration"]["push"][0]["filePaths"]["excludes"] == ["**/*.md"], shown
for filters, why in [
    ({"push": [{"tags": {"includes": ["v*"]}, "branches": {"includes": ["main"]}}]}, "not for both"),
    ({"push": [{"branches": {"includes": ["[a"]}}]}, "a set that is not closed"),
    ({"pullRequest": [{"events": ["OPEN"]}]}, "pull requests of CodeCommit are not available"),
]:
    try:
        create("bad", filters)
        raise AssertionError(f"{filters} was taken")
    except pipelines.exceptions.InvalidStructureException as e:
        assert why in str(e), e
proved("triggers are kept as they were given, and what could never work is refused with the reason")


def started(expected: dict[str, dict], commit: str):
    """Of all pipelines exactly these start, each once, and each says by what."""
    def probe():
        new = {name: [e for e in delivery.executions(name) if e["pipelineExecutionId"] not in known[name]]
               for name in known}
        if any(len(new[name]) < 1 for name in expected):
            return None
        return new
    new = eventually(f"the start of {sorted(expected)} by {commit}", probe)
    for name, executions in new.items():
        assert len(executions) == (1 if name in expected else 0), (name, executions, commit)
        for execution in executions:
            known[name].add(execution["pipelineExecutionId"])
            if name == "any":
                continue
            assert execution["trigger"]["triggerType"] == "WebhookV2", execution
            detail = json.loads(execution["trigger"]["triggerDetail"])
            assert detail["repository"] == "delivery" and detail["commit"] == commit, detail
            assert expected[name].items() <= detail.items(), (detail, expected[name])


def summary(pipeline: str, text: str):
    """What the source gave on: the branch or tag, and the commit."""
    def probe():
        details = pipelines.list_action_executions(pipelineName=pipeline)["actionExecutionDetails"]
        variables = [d.get("output", {}).get("outputVariables", {}) for d in details if d["actionName"] == "Fetch"]
        return text in [f"{v.get('BranchName')} {v.get('CommitId')}" for v in variables]
    eventually(f"the source of {pipeline} gives {text}", probe)


def push(path: str, branch: str = "main") -> str:
    target = delivery.work / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(f"{branch} {path} {len(list(delivery.work.rglob('*')))}\n")
    git("add", "-A")
    git("commit", "-q", "-m", path)
    git("push", "-q", "origin", branch)
    return git("rev-parse", "HEAD")


main = {"branch": "main", "event": "push"}
one = push("src/app.txt")
started({"any": {}, "default": main, "code": main}, one)
summary("code", f"main {one}")
two = push("src/notes.md")
started({"any": {}, "default": main, "docs": main}, two)
three = push("Makefile")
started({"any": {}, "default": main}, three)
proved("a push starts the pipelines whose file filters it matches, excludes first, and no other")

git("checkout", "-q", "-b", "release/1/x", one)
git("push", "-q", "origin", "release/1/x")
started({"code": {"branch": "release/1/x"}, "docs": {"branch": "release/1/x"}}, one)
four = push("src/fix.txt", "release/1/x")
started({"code": {"branch": "release/1/x", "before": one}}, four)
summary("code", f"release/1/x {four}")
git("checkout", "-q", "-b", "release/old/1")
five = push("src/older.txt", "release/old/1")
started({"docs": {"branch": "release/old/1"}}, five)
git("checkout", "-q", "-b", "topic")
six = push("src/topic.txt", "topic")
started({"docs": {"branch": "topic"}}, six)
proved("branches are matched by glob, a new one with all of its files, and the source takes the branch that was pushed")

git("tag", "v0.9", two)
git("tag", "nightly", two)
git("push", "-q", "origin", "v0.9", "nightly")
git("tag", "-a", "-m", "the first", "v1.0", two)
git("push", "-q", "origin", "v1.0")
started({"tags": {"tag": "v1.0"}}, two)
summary("tags", f"refs/tags/v1.0 {two}")
proved("a tag that matches starts at its commit, an annotated one, too; others do not")

git("checkout", "-q", "main")
commits = []
for round in range(5):
    commits.append(push(f"src/round{round}.txt"))
    server.kill()
    server.restart()


def all_started() -> bool:
    details = [json.loads(e["trigger"]["triggerDetail"]) for e in delivery.executions("code")
               if e["trigger"]["triggerType"] == "WebhookV2"]
    return [d["commit"] for d in reversed(details) if d["commit"] in commits] == commits


eventually("each push has started, in order, exactly once", all_started)
proved("kill -9 between the push and the start loses no start, doubles none and keeps their order")
server.stop()
