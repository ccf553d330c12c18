"""A build's reports, coverage, cache, artifacts, S3 log and badge, all with plain boto3; the figures are counted by hand."""

import gzip
import io
import json
import stat
import urllib.request
import zipfile

from stage import REGION, Server, eventually, proved

BUILDSPEC = r"""
version: 0.2
phases:
  pre_build:
    commands:
      - mkdir -p out cache /root/.m2/repository
      - echo "cached before $(cat cache/count 2>/dev/null) and $(cat /root/.m2/repository/count 2>/dev/null)."
  build:
    commands:
      - |
        cat > out/cart.xml <<END
        <testsuite name="cart">
          <testcase classname="shop.Cart" name="adds" time="0.5"/>
          <testcase classname="shop.Cart" name="refuses" time="0.25"><failure message="expected 3">at Cart.java:31</failure></testcase>
          <testcase classname="shop.Pay" name="pays" time="1.25"/>
          $EXTRA
        </testsuite>
        END
        cat > out/jacoco.xml <<END
        <report name="shop"><package name="shop"><sourcefile name="Cart.java">
          <line nr="3" mi="0" ci="3" mb="0" cb="0"/><line nr="5" mi="2" ci="4" mb="1" cb="3"/><line nr="6" mi="2" ci="0" mb="0" cb="0"/>
        </sourcefile><sourcefile name="Pay.java"><line nr="1" mi="1" ci="0" mb="0" cb="0"/></sourcefile></package></report>
        END
      - echo "$CODEBUILD_BUILD_NUMBER" > cache/count
      - echo "$CODEBUILD_BUILD_NUMBER" > /root/.m2/repository/count
      - ln -s cart.xml out/latest.xml
      - $LAST
reports:
  unit:
    files: ['cart.xml']
    base-directory: out
  coverage:
    files: out/jacoco.xml
    file-format: JacocoXml
artifacts:
  files: ['out/**/*']
  enable-symlinks: yes
cache:
  paths:
    - 'cache/**/*'
    - '/root/.m2/**/*'
"""

server = Server().start()
codebuild, s3 = server.client("codebuild"), server.client("s3")
role = server.role("build", "s3:*", "ssm:GetParameters", "secretsmanager:GetSecretValue", "codecommit:GitPull")
s3.create_bucket(Bucket="results", CreateBucketConfiguration={"LocationConstraint": REGION})


def project(name, buildspec=BUILDSPEC, **change):
    given = {
        "name": name,
        "source": {"type": "NO_SOURCE", "buildspec": buildspec},
        "artifacts": {"type": "S3", "location": "results", "path": "artifacts", "packaging": "ZIP", "name": f"{name}.zip"},
        "environment": {"type": "LINUX_CONTAINER", "image": "aws/codebuild/standard:7.0",
                        "computeType": "BUILD_GENERAL1_SMALL"},
        "serviceRole": role,
    }
    return codebuild.create_project(**{**given, **change})["project"]


def build(name, extra="", last="true"):
    variables = [{"name": "EXTRA", "value": extra, "type": "PLAINTEXT"}, {"name": "LAST", "value": last, "type": "PLAINTEXT"}]
    started = codebuild.start_build(projectName=name, environmentVariablesOverride=variables)["build"]["id"]

    def over():
        shown = codebuild.batch_get_builds(ids=[started])["builds"][0]
        return shown if shown["buildComplete"] else None

    return eventually(f"the end of {started}", over)


def log(shown):
    events = server.client("logs").get_log_events(
        logGroupName=shown["logs"]["groupName"], logStreamName=shown["logs"]["streamName"], startFromHead=True)
    return "".join(event["message"] for event in events["events"])


def reports(shown):
    found = codebuild.batch_get_reports(reportArns=shown["reportArns"])["reports"]
    return {report["name"].removeprefix(shown["projectName"] + "-"): report for report in found}


# All at once: reports, coverage, a cache, a parameter, a secret, a source beside the primary one, and artifacts.
SHOP = BUILDSPEC.replace("phases:", """env:
  parameter-store: {LEVEL: /shop/level}
  secrets-manager: {TOKEN: 'shop:token'}
phases:""", 1).replace("      - $LAST", """      - echo "at $LEVEL with $TOKEN, $(cat "$CODEBUILD_SRC_DIR_words/word.txt")."
      - $LAST""")
server.client("ssm").put_parameter(Name="/shop/level", Value="level-two", Type="String")
server.client("secretsmanager").create_secret(Name="shop", SecretString='{"token": "tulip-token"}')
words = server.client("codecommit").create_repository(repositoryName="words")["repositoryMetadata"]["cloneUrlHttp"]
version = server.client("codecommit").put_file(
    repositoryName="words", branchName="main", filePath="word.txt", fileContent=b"a word\n")["commitId"]
shop = project(
    "shop", SHOP,
    secondarySources=[{"type": "CODECOMMIT", "location": words, "sourceIdentifier": "words"}],
    secondarySourceVersions=[{"sourceIdentifier": "words", "sourceVersion": "main"}],
    badgeEnabled=True,
    cache={"type": "S3", "location": "results/caches"},
    logsConfig={"s3Logs": {"status": "ENABLED", "location": "results/logs"}},
)
first = build("shop")
assert first["buildStatus"] == "SUCCEEDED", (first["phases"], log(first))
assert "at *** with ***, a word." in log(first) and "tulip" not in log(first), log(first)
assert [v["sourceVersion"] for v in first["secondarySourceVersions"]] in (["main"], [version]), first
proved("a build has its parameter, its secret, masked in the log, and its second source at the version of the project")
assert len(first["reportArns"]) == 2, first["reportArns"]
unit, coverage = reports(first)["unit"], reports(first)["coverage"]
assert (unit["status"], unit["type"], unit["truncated"]) == ("FAILED", "TEST", False), unit
assert unit["testSummary"]["statusCounts"] == {"SUCCEEDED": 2, "FAILED": 1, "ERROR": 0, "SKIPPED": 0, "UNKNOWN": 0}
assert unit["testSummary"]["total"] == 3 and unit["testSummary"]["durationInNanoSeconds"] == 2_000_000_000
assert unit["executionId"] == first["arn"] and (unit["expired"] - unit["created"]).days == 30
proved("a failed test makes a report FAILED and not the build, and its sums are right")

cases = codebuild.describe_test_cases(reportArn=unit["arn"])["testCases"]
assert [(c["prefix"], c["name"], c["status"]) for c in cases] == [
    ("shop.Cart", "adds", "SUCCEEDED"), ("shop.Cart", "refuses", "FAILED"), ("shop.Pay", "pays", "SUCCEEDED")], cases
assert cases[1]["message"] == "expected 3\nat Cart.java:31" and cases[1]["testRawDataPath"] == "cart.xml", cases[1]
found = codebuild.describe_test_cases(reportArn=unit["arn"], filter={"status": "SUCCEEDED", "keyword": "Pay"})["testCases"]
assert [c["name"] for c in found] == ["pays"], found
proved("DescribeTestCases shows and filters the cases")

assert coverage["codeCoverageSummary"] == {
    "lineCoveragePercentage": 50.0, "linesCovered": 2, "linesMissed": 2,
    "branchCoveragePercentage": 75.0, "branchesCovered": 3, "branchesMissed": 1}, coverage
files = codebuild.describe_code_coverages(reportArn=coverage["arn"], sortBy="LINE_COVERAGE_PERCENTAGE")["codeCoverages"]
assert [f["filePath"] for f in files] == ["shop/Pay.java", "shop/Cart.java"], files
assert files[1]["linesCovered"] == 2 and round(files[1]["lineCoveragePercentage"], 2) == 66.67, files
proved("DescribeCodeCoverages has lines, branches and percentages per file")

second = build("shop", extra="<testcase name='new' time='2'/>")
assert "cached before 1 and 1." in log(second), log(second)
assert "cached before  and ." in log(first), log(first)
proved("a second build finds the cache of the first, also what lay outside of the source folder")

group = reports(second)["unit"]["reportGroupArn"]
assert codebuild.batch_get_report_groups(reportGroupArns=[group])["reportGroups"][0]["name"] == "shop-unit"


def trend(field):
    shown = codebuild.get_report_group_trend(reportGroupArn=group, trendField=field)
    return [float(d["data"]) for d in shown["rawData"]], {k: float(v) for k, v in shown["stats"].items()}


assert trend("TOTAL") == ([4.0, 3.0], {"average": 3.5, "max": 4.0, "min": 3.0}), trend("TOTAL")
assert trend("DURATION")[1] == {"average": 3e9, "max": 4e9, "min": 2e9}, trend("DURATION")
rate = trend("PASS_RATE")[0]
assert rate[0] == 75.0 and round(rate[1], 2) == 66.67, rate
newest = codebuild.list_reports_for_report_group(reportGroupArn=group)["reports"]
assert newest == [reports(second)["unit"]["arn"], unit["arn"]], newest
proved("GetReportGroupTrend follows the group through both builds")

codebuild.invalidate_project_cache(projectName="shop")
third = build("shop", last="false")
assert "cached before  and ." in log(third), log(third)
assert third["buildStatus"] == "FAILED" and len(third["reportArns"]) == 2
assert "cached before  and ." in log(build("shop"))
proved("an invalidated cache is not read, a failed build writes none, and reports are read of failed builds, too")

body = s3.get_object(Bucket="results", Key="artifacts/shop.zip")
packed = zipfile.ZipFile(io.BytesIO(body["Body"].read()))
names = {i.filename: i for i in packed.infolist()}
assert set(names) == {"out/cart.xml", "out/jacoco.xml", "out/latest.xml"}, names
assert stat.S_ISLNK(names["out/latest.xml"].external_attr >> 16), "enable-symlinks keeps links"
assert body["Metadata"]["codebuild-buildarn"].startswith("arn:aws:codebuild:"), body["Metadata"]
proved("artifacts keep their links when the buildspec asks for it")

uuid = first["id"].split(":")[1]
written = eventually("the log in S3", lambda: [
    o["Key"] for o in s3.list_objects_v2(Bucket="results", Prefix="logs/").get("Contents", []) if uuid in o["Key"]])
text = gzip.decompress(s3.get_object(Bucket="results", Key=written[0])["Body"].read()).decode()
assert written == [f"logs/{uuid}.gz"] and "cached before  and ." in text and "Entering phase BUILD" in text, text
assert first["logs"]["s3LogsArn"] == f"arn:aws:s3:::results/logs/{uuid}.gz", first["logs"]
proved("the log is in S3, too")

badge = codebuild.batch_get_projects(names=["shop"])["projects"][0]["badge"]
assert badge["badgeEnabled"] and badge["badgeRequestUrl"].startswith(server.endpoint), badge
answer = urllib.request.urlopen(badge["badgeRequestUrl"])
assert answer.headers["content-type"].startswith("image/svg+xml") and b"passing" in answer.read()
build("shop", last="false")
assert b"failing" in urllib.request.urlopen(badge["badgeRequestUrl"]).read()
proved("the badge tells how the last build ended")

exported = codebuild.create_report_group(name="raw", type="TEST", exportConfig={
    "exportConfigType": "S3", "s3Destination": {"bucket": "results", "path": "raw", "packaging": "NONE"}})["reportGroup"]
wrong = BUILDSPEC.replace("  unit:", f"  {exported['arn']}:").replace("JacocoXml", "CloverXml")
project("odd", wrong)
odd = build("odd")
assert odd["buildStatus"] == "SUCCEEDED", (odd["phases"], log(odd))
assert sorted(r["status"] for r in reports(odd).values()) == ["FAILED", "INCOMPLETE"], reports(odd)
assert "this is no CLOVERXML: the root element is <report>; write file-format: JACOCOXML" in log(odd), log(odd)
raw = [o["Key"] for o in s3.list_objects_v2(Bucket="results", Prefix="raw/")["Contents"]]
assert len(raw) == 1 and raw[0].endswith("/cart.xml"), raw
proved("files go to S3 as they are, and a file of another format makes its report INCOMPLETE, with the reason in the log")

project("none", BUILDSPEC.replace("['cart.xml']", "['nothing.xml']"))
none = build("none")
phase = next(p for p in none["phases"] if p["phaseType"] == "UPLOAD_ARTIFACTS")
assert none["buildStatus"] == "FAILED" and phase["contexts"][0]["message"] == (
    "Error in UPLOAD_ARTIFACTS phase: [unit: [report files not found in build]]"), phase
proved("report files that are not there fail UPLOAD_ARTIFACTS in AWS's words")

project("local", cache={"type": "LOCAL", "modes": ["LOCAL_CUSTOM_CACHE", "LOCAL_DOCKER_LAYER_CACHE"]})
build("local")
again = build("local")
assert "cached before 1 and 1." in log(again), log(again)
assert "LOCAL_DOCKER_LAYER_CACHE has no effect" in log(again)
proved("LOCAL_CUSTOM_CACHE is kept on the server")

BIG = r"""
version: 0.2
phases:
  build:
    commands:
      - |
        {
          echo '<testsuite name="big">'
          yes "<testcase classname='c' name='n' time='0.001'><system-out>................................</system-out></testcase>" | head -n 200000
          echo '</testsuite>'
        } > big.xml
reports:
  big:
    files: big.xml
"""
project("big", BIG, artifacts={"type": "NO_ARTIFACTS"})


def is_cut_off():
    """Kills the server while it reads a report. A report may be done before anybody has looked: then the next build's turn has come."""
    build = codebuild.start_build(projectName="big")["build"]["id"]
    made = lambda: codebuild.list_reports(filter={"status": "GENERATING"})["reports"]
    over = lambda: codebuild.batch_get_builds(ids=[build])["builds"][0]["buildComplete"]
    found = []
    eventually("a report that is being made", lambda: found.extend(made()) or found or over(), every=0.01)
    server.kill()
    server.restart()
    left = codebuild.batch_get_reports(reportArns=found)["reports"][0]["status"] if found else None
    return (build, found) if left == "GENERATING" else None


started, generating = eventually("a report that is cut off", is_cut_off, seconds=180)
big = eventually("the end of the big build", lambda: [
    b for b in codebuild.batch_get_builds(ids=[started])["builds"] if b["buildComplete"]], seconds=300)[0]
assert big["buildStatus"] == "SUCCEEDED" and big["reportArns"] == generating, big
report = codebuild.batch_get_reports(reportArns=generating)["reports"][0]
assert (report["status"], report["truncated"], report["testSummary"]["total"]) == ("SUCCEEDED", True, 200_000), report
assert report["testSummary"]["durationInNanoSeconds"] == 200_000_000_000, report
pages = codebuild.get_paginator("describe_test_cases").paginate(reportArn=report["arn"])
assert sum(len(page["testCases"]) for page in pages) == 500
status = open(f"/proc/{server.process.pid}/status").read()
peak = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) // 1024
assert peak < 400, f"the server took {peak} MiB"
proved(f"a report of 20 MB survives kill -9 of the server, is counted once, and keeps 500 cases ({peak} MiB at most)")

codebuild.delete_report(arn=unit["arn"])
assert codebuild.batch_get_reports(reportArns=[unit["arn"]])["reportsNotFound"] == [unit["arn"]]
codebuild.delete_report_group(arn=group, deleteReports=True)
assert group not in codebuild.list_report_groups()["reportGroups"]
proved("reports and groups can be removed")
server.stop()
