"""A small delivery on a server: repository, project, pipeline, buckets. The stories differ in the parts they change."""

import json
from pathlib import Path

from stage import Server, eventually

ARTIFACTS = "delivery-artifacts"
SITE = "delivery-site"

# What a pipeline's role needs for the actions of the stories, and a project's for its artifacts and clones.
RIGHTS = (
    "s3:*", "codecommit:GetBranch", "codecommit:GetCommit", "codecommit:UploadArchive", "codecommit:GetUploadArchiveStatus",
    "codecommit:GitPull", "codebuild:StartBuild", "codebuild:StartBuildBatch", "codepipeline:StartPipelineExecution",
)

BUILDSPEC = """\
version: 0.2
phases:
  build:
    commands:
      - mkdir -p out
      - cp message.txt out/index.html
artifacts:
  base-directory: out
  files:
    - '**/*'
"""


def action(name, category, provider, configuration, inputs=(), outputs=(), **more):
    """An action's declaration."""
    return {
        "name": name,
        "actionTypeId": {"category": category, "owner": "AWS", "provider": provider, "version": "1"},
        "configuration": configuration,
        "inputArtifacts": [{"name": name} for name in inputs],
        "outputArtifacts": [{"name": name} for name in outputs],
        **more,
    }


class Delivery:
    """Creates the pieces with boto3 and remembers their names. `role` is what services run as."""

    def __init__(self, server: Server, name: str = "delivery"):
        self.server = server
        self.name = name
        self.s3 = server.client("s3")
        self.iam = server.client("iam")
        self.codecommit = server.client("codecommit")
        self.codebuild = server.client("codebuild")
        self.codepipeline = server.client("codepipeline")
        self.role = ""
        self.work = server.folder / f"{name}-work"

    def prepare(self, files: dict[str, str] | None = None, project: dict | None = None) -> "Delivery":
        """Role, buckets, repository with a first commit, and the project."""
        self.role = self.server.role(f"{self.name}-role", *RIGHTS)
        for bucket in (ARTIFACTS, SITE):
            self.s3.create_bucket(
                Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": self.s3.meta.region_name}
            )
        repository = self.codecommit.create_repository(repositoryName=self.name)["repositoryMetadata"]
        self.clone_url = repository["cloneUrlHttp"]
        self.work.mkdir()
        self.server.plain_git("init", "-q", "-b", "main", cwd=self.work)
        self.server.plain_git("remote", "add", "origin", self.clone_url, cwd=self.work)
        self.commit_and_push(files or {"buildspec.yml": BUILDSPEC, "message.txt": "first\n"}, "The first commit")
        self.create_project(self.name, **(project or {}))
        return self

    def create_project(self, name: str, **changes):
        """A project that takes its source from, and gives its artifact to, a pipeline."""
        self.codebuild.create_project(**{
            "name": name,
            "source": {"type": "CODEPIPELINE"},
            "artifacts": {"type": "CODEPIPELINE"},
            "environment": {
                "type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0", "computeType": "BUILD_GENERAL1_SMALL",
            },
            "serviceRole": self.role,
            **changes,
        })

    def commit_and_push(self, files: dict[str, str], message: str) -> str:
        """Commits and pushes with AWS's credential helper; the commit's id."""
        for path, text in files.items():
            target = self.work / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        self.server.git("add", "-A", cwd=self.work)
        self.server.git("commit", "-q", "-m", message, cwd=self.work)
        self.server.git("push", "-q", "origin", "main", cwd=self.work)
        return self.server.git("rev-parse", "HEAD", cwd=self.work).stdout.strip()

    def declaration(self, name: str | None = None, approval: bool = False, project: str | None = None) -> dict:
        """Source, Build, and a Deploy stage that may begin with an approval."""
        deploy = [action("Publish", "Deploy", "S3", {"BucketName": SITE, "Extract": "true"}, ["Built"], runOrder=2)]
        if approval:
            deploy.insert(0, action("Approve", "Approval", "Manual", {"CustomData": "Shall it go out?"}, runOrder=1))
        return {
            "name": name or self.name,
            "roleArn": self.role,
            "artifactStore": {"type": "S3", "location": ARTIFACTS},
            "stages": [
                {"name": "Source", "actions": [action(
                    "Fetch", "Source", "CodeCommit",
                    {"RepositoryName": self.name, "BranchName": "main", "PollForSourceChanges": "false"},
                    outputs=["Fetched"], namespace="Fetched",
                )]},
                {"name": "Build", "actions": [action(
                    "Compile", "Build", "CodeBuild", {"ProjectName": project or self.name}, ["Fetched"], ["Built"],
                )]},
                {"name": "Deploy", "actions": deploy},
            ],
        }

    # --- looking --------------------------------------------------------------------------------------------------

    def executions(self, pipeline: str | None = None) -> list[dict]:
        """All executions, newest first."""
        pages = self.codepipeline.get_paginator("list_pipeline_executions").paginate(pipelineName=pipeline or self.name)
        return [execution for page in pages for execution in page["pipelineExecutionSummaries"]]

    def execution_for(self, commit: str) -> str:
        """The execution that a push of `commit` started."""
        def probe():
            for execution in self.executions():
                if any(r.get("revisionId") == commit for r in execution.get("sourceRevisions", [])):
                    return execution["pipelineExecutionId"]
        return eventually(f"an execution for commit {commit}", probe)

    def status(self, execution: str, pipeline: str | None = None) -> str:
        """An execution's status."""
        return self.codepipeline.get_pipeline_execution(
            pipelineName=pipeline or self.name, pipelineExecutionId=execution
        )["pipelineExecution"]["status"]

    def wait_for(self, execution: str, status: str, seconds: float = 60, pipeline: str | None = None):
        """Waits until the execution has the status; fails at once when it ended otherwise."""
        ends = {"Succeeded", "Failed", "Stopped", "Superseded", "Cancelled"}

        def probe():
            now = self.status(execution, pipeline)
            if now != status and now in ends:
                state = self.codepipeline.get_pipeline_state(name=pipeline or self.name)["stageStates"]
                raise AssertionError(f"execution {execution} ended {now}, not {status}: {json.dumps(state, default=str)}")
            return now == status
        eventually(f"execution {execution} is {status}", probe, seconds)

    def stage(self, name: str) -> dict:
        """A stage of GetPipelineState."""
        states = self.codepipeline.get_pipeline_state(name=self.name)["stageStates"]
        return next(state for state in states if state["stageName"] == name)

    def action(self, stage: str, name: str) -> dict:
        """An action of GetPipelineState."""
        return next(a for a in self.stage(stage)["actionStates"] if a["actionName"] == name)

    def approval_token(self, execution: str) -> str:
        """Waits until the approval of this execution is asked for."""
        def probe():
            if self.stage("Deploy").get("latestExecution", {}).get("pipelineExecutionId") != execution:
                return None
            latest = self.action("Deploy", "Approve").get("latestExecution", {})
            return latest.get("token") if latest.get("status") == "InProgress" else None
        return eventually(f"execution {execution} asks for approval", probe)

    def approve(self, execution: str, summary: str = "Looks good"):
        """Says yes."""
        self.codepipeline.put_approval_result(
            pipelineName=self.name, stageName="Deploy", actionName="Approve",
            result={"summary": summary, "status": "Approved"}, token=self.approval_token(execution),
        )

    def published(self, key: str = "index.html") -> str:
        """What the site serves."""
        return self.s3.get_object(Bucket=SITE, Key=key)["Body"].read().decode()

    def builds(self, project: str | None = None) -> list[dict]:
        """Every build of a project."""
        pages = self.codebuild.get_paginator("list_builds_for_project").paginate(projectName=project or self.name)
        ids = [build for page in pages for build in page["ids"]]
        chunks = [ids[i:i + 100] for i in range(0, len(ids), 100)]
        return [build for chunk in chunks for build in self.codebuild.batch_get_builds(ids=chunk)["builds"]]
