"""`headworks run PIPELINE`: a pipeline, or a template with one, runs against the working copy without a server."""

import atexit
import json
import os
import pty
import shutil
import subprocess
import tempfile
from pathlib import Path

from stage import binary, eventually, proved

top = Path(tempfile.mkdtemp(prefix="headworks-story-"))
atexit.register(shutil.rmtree, top, ignore_errors=True)
work = top / "work"
work.mkdir()
environment = {**os.environ, "TMPDIR": str(top)}

BUILDSPEC = """\
version: 0.2
env:
  exported-variables: [NUMBER]
phases:
  build:
    commands:
      - NUMBER=42
      - mkdir out && cp page.html out/index.html && echo "$GREETING from $CODEBUILD_INITIATOR"
artifacts:
  base-directory: out
  files: ['**/*']
"""

TEMPLATE = """\
Parameters:
  Stage: {Type: String, Default: test}
Resources:
  Site: {Type: AWS::S3::Bucket}
  Compile:
    Type: AWS::CodeBuild::Project
    Properties:
      Source: {Type: CODEPIPELINE, BuildSpec: ci/build.yml}
      Environment:
        EnvironmentVariables: [{Name: GREETING, Value: !Sub 'hello ${Stage}'}]
  Pipe:
    Type: AWS::CodePipeline::Pipeline
    Properties:
      RoleArn: !GetAtt Role.Arn
      PipelineType: V2
      ArtifactStore: {Type: S3, Location: !Ref Artifacts}
      Stages:
      - Name: Source
        Actions:
        - Name: Code
          Namespace: Code
          ActionTypeId: {Category: Source, Owner: AWS, Provider: CodeCommit, Version: 1}
          Configuration: {RepositoryName: !Ref Repository, BranchName: main}
          OutputArtifacts: [{Name: Code}]
      - Name: Build
        Actions:
        - Name: Compile
          Namespace: Built
          ActionTypeId: {Category: Build, Owner: AWS, Provider: CodeBuild, Version: 1}
          Configuration: {ProjectName: !Ref Compile}
          InputArtifacts: [{Name: Code}]
          OutputArtifacts: [{Name: App}]
      - Name: Deploy
        Actions:
        - Name: Ask
          ActionTypeId: {Category: Approval, Owner: AWS, Provider: Manual, Version: 1}
          Configuration: {CustomData: "Is #{Built.NUMBER} right?"}
        - Name: Put
          RunOrder: 2
          ActionTypeId: {Category: Deploy, Owner: AWS, Provider: S3, Version: 1}
          Configuration: {BucketName: !Ref Site, ObjectKey: "v#{Built.NUMBER}", Extract: 'true'}
          InputArtifacts: [{Name: App}]
"""

for path, text in {"ci/build.yml": BUILDSPEC, "page.html": "the page\n", ".gitignore": "secret\n", "secret": "s\n",
                   "pipeline.yml": TEMPLATE}.items():
    (work / path).parent.mkdir(exist_ok=True)
    (work / path).write_text(text)
subprocess.run(["git", "init", "-q"], cwd=work, check=True)


def run(*words, code=0):
    """Runs the command in the working copy."""
    done = subprocess.run([binary(), "run", *words], cwd=work, env=environment, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=120, check=False)
    assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
    return done.stdout, done.stderr


def data_folders():
    """What the command keeps while it runs."""
    return [p.name for p in top.iterdir() if p.name.startswith("headworks-run-")]


def nothing_is_left(index=False):
    """The data folder of the command is gone, and the user's repository is as it was."""
    assert data_folders() == [], data_folders()
    assert (work / ".git" / "index").exists() == index


out, err = run("pipeline.yml", "--approve", "--artifacts", str(top / "artifacts"))
assert "hello test from codepipeline/Pipe" in out, out
assert "Deploy/Put is not done; --deploy does it" in err and "Deploy/Ask: Succeeded" in err, err
assert (top / "artifacts/App/index.html").read_text() == "the page\n"
nothing_is_left()
proved("a pipeline runs against the working copy with its template's project; deployments are left out and named")

(work / "page.html").write_text("another page\n")
out, err = run("pipeline.yml", "--approve", f"--deploy={top / 'deployed'}", "--env", "GREETING=good day")
assert "good day from codepipeline/Pipe" in out, out
assert (top / "deployed/site/v42/index.html").read_text() == "another page\n", err
assert not list(top.glob("deployed/**/secret"))
nothing_is_left()
proved("with --deploy what goes to S3 is in a folder; a variable of the build before names it")

# --- approvals ------------------------------------------------------------------------------------------------------------

_, err = run("pipeline.yml", code=2)
assert "Deploy/Ask waits for an approval, and nobody can be asked" in err and "--approve" in err, err


def at_terminal(answer):
    """Answers the question at a terminal; the exit code and what was shown."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([binary(), "run", "pipeline.yml"], cwd=work, env=environment, stdin=theirs,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, bufsize=1)
    os.close(theirs)
    shown = ""
    while "[y/N]" not in shown:
        shown += process.stdout.read(1)
    os.write(ours, answer)
    shown += process.communicate(timeout=60)[0]
    os.close(ours)
    return process.returncode, shown


code, shown = at_terminal(b"y\n")
assert code == 0 and "approve Deploy/Ask (Is 42 right?)?" in shown, shown
code, shown = at_terminal(b"n\n")
assert code == 1 and "Deploy/Ask: Failed" in shown, shown
nothing_is_left()
proved("approvals are asked for at the terminal, with what the pipeline says of them")

# --- what fails -----------------------------------------------------------------------------------------------------------

(work / "ci/build.yml").write_text(BUILDSPEC.replace("NUMBER=42", "exit 7"))
out, err = run("pipeline.yml", "--approve", code=1)
assert "Build/Compile: Failed" in err and "exit 7" in out + err, (out, err)
(work / "bad.yml").write_text(TEMPLATE.replace("InputArtifacts: [{Name: App}]", "InputArtifacts: [{Name: Nope}]"))
_, err = run("bad.yml", f"--deploy={top / 'never'}", code=2)
assert "the pipeline of bad.yml has mistakes" in err and "Nope" in err, err
out, _ = run("pipeline.yml", "--approve", "--output", "json", code=1)
end = json.loads(out.splitlines()[-1])
assert end["type"] == "pipeline" and end["status"] == "Failed" and end["statusSummary"], end
_, err = run("pipeline.yml", "--phase", "build", code=2)
assert "--phase is for one build, not for a pipeline" in err, err
_, err = run("--approve", code=2)
assert "the flags of pipelines need a file with a pipeline" in err, err
_, err = run("pipeline.yml", "--variable", "a=b", code=2)
assert "the pipeline has no variable a" in err, err
proved("a failing build fails the run; mistakes are named before anything is started")

# --- what is hostile, and what is left out -------------------------------------------------------------------------------

(work / "ci/build.yml").write_text(BUILDSPEC)
victim = top / "victim"
victim.mkdir()
(work / "deployed").mkdir()
(work / "deployed/site").symlink_to(victim)
_, err = run("pipeline.yml", "--approve", "--deploy", code=4)
assert "deployed/site is a link" in err and list(victim.iterdir()) == [], err
(work / "deployed/site").unlink()
(work / "after.yml").write_text(TEMPLATE.replace("        - Name: Put\n", "        - Name: Put\n          Namespace: Put\n") + """\
      - Name: Test
        Actions:
        - Name: Look
          ActionTypeId: {Category: Test, Owner: AWS, Provider: CodeBuild, Version: 1}
          Configuration: {ProjectName: !Ref Compile, EnvironmentVariables: '[{"name": "A", "value": "#{Put.URL}"}]'}
          InputArtifacts: [{Name: App}]
""")
out, err = run("after.yml", "--approve")
assert "Test/Look is not done; it needs what a deployment makes" in err, err
connected = TEMPLATE.replace("Owner: AWS, Provider: CodeCommit, Version: 1", "Owner: ThirdParty, Provider: GitHub, Version: 1")
connected = connected.replace("{RepositoryName: !Ref Repository, BranchName: main}",
                              "{Owner: o, Repo: r, Branch: main, OAuthToken: '{{resolve:secretsmanager:token}}'}")
(work / "github.yml").write_text(connected)
out, _ = run("github.yml", "--approve", "--output", "json")
events = [json.loads(line) for line in out.splitlines()]
stages = [(e["stage"], e["status"]) for e in events if e["type"] == "stage"]
assert stages[:3] == [("Source", "InProgress"), ("Source", "Succeeded"), (stages[2][0], "InProgress")], stages
assert len(stages) % 2 == 0 and events[-1]["type"] == "pipeline", events
(work / ".gitattributes").write_text("page.html export-ignore\n")
(work / "kept.log").write_text("tracked\n")
(work / ".gitignore").write_text("secret\n*.log\n")
subprocess.run(["git", "add", "-f", "kept.log"], cwd=work, check=True)
listing = BUILDSPEC.replace("NUMBER=42", "NUMBER=42; ls; test ! -e secret; test -e kept.log")
(work / "ci/build.yml").write_text(listing)
(work / "object.yml").write_text(TEMPLATE.replace("Provider: CodeCommit", "Provider: S3").replace(
    "{RepositoryName: !Ref Repository, BranchName: main}", "{S3Bucket: b, S3ObjectKey: k}"))
for file in ("pipeline.yml", "object.yml"):
    run(file, "--approve")
for words, why in ((("pipeline.yml", "--project", "nothing=x"), "no build project nothing"),
                   (("pipeline.yml", "--action-source", "nothing=x"), "no source action nothing"),
                   (("pipeline.yml", "--pipeline", "Nope"), "no such pipeline")):
    _, err = run(*words, code=2)
    assert why in err, err
nothing_is_left(index=True)
proved("links are not followed, what needs a deployment is left out, and sources are the files that the repository has")

# --- the API's JSON, an interrupt -----------------------------------------------------------------------------------------

(work / "buildspec.yml").write_text(BUILDSPEC.replace("NUMBER=42", "sleep 300"))
kind = {"owner": "AWS", "version": "1"}
(work / "pipeline.json").write_text(json.dumps({"pipeline": {
    "name": "api", "roleArn": "arn:aws:iam::123456789012:role/r", "artifactStore": {"type": "S3", "location": "bucket"},
    "stages": [
        {"name": "Source", "actions": [{"name": "Code", "actionTypeId": {**kind, "category": "Source", "provider": "S3"},
            "configuration": {"S3Bucket": "b", "S3ObjectKey": "k"}, "outputArtifacts": [{"name": "Code"}]}]},
        {"name": "Build", "actions": [{"name": "Compile", "actionTypeId": {
            **kind, "category": "Build", "provider": "CodeBuild"}, "configuration": {"ProjectName": "compile"},
            "inputArtifacts": [{"name": "Code"}]}]},
    ]}}))
process = subprocess.Popen([binary(), "run", "pipeline.json"], cwd=work, env=environment, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE, text=True)
for line in process.stderr:
    if "Build/Compile: Started" in line:
        break
process.send_signal(2)
out, err = process.communicate(timeout=60)
assert process.returncode == 1 and "stopping the execution" in err and "Stopped" in err, (process.returncode, err)
eventually("nothing is left", lambda: not data_folders())
nothing_is_left(index=True)
proved("a declaration as the API has it runs with a zip of the folder; an interrupt stops it, and nothing is left")
