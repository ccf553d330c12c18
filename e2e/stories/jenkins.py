"""`headworks worker --jenkins`: actions become builds of a server that speaks Jenkins's API, over `kill -9` of the worker; a
stopped execution stops its build. There is no Jenkins here: this one is what the handbook documents of it."""

import base64
import http.server
import json
import os
import re
import signal
import subprocess
import threading
import urllib.parse

from delivery import ARTIFACTS, Delivery, action
from stage import REGION, Server, binary, eventually, proved

USER, TOKEN = "headworks", "jenkins-token-0123456789"
ALLOWED = "Basic " + base64.b64encode(f"{USER}:{TOKEN}".encode()).decode()


class Jenkins:
    """Jobs, a queue and builds. `jobs` has the parameters that each job declares; `ends` what its builds end as."""

    def __init__(self):
        self.lock = threading.RLock()
        self.jobs, self.ends = {}, {}
        self.items, self.builds, self.counts, self.requests = {}, {}, {}, []
        # The queue holds what it gets, and answers get lost.
        self.hold, self.lose = False, 0

    def begin(self, number):
        """An item leaves the queue."""
        item = self.items[number]
        self.counts[item["job"]] = count = self.counts.get(item["job"], 0) + 1
        end = self.ends.get(item["job"], "SUCCESS")
        self.builds[item["job"], count] = {"parameters": item["parameters"], "end": end,
                                           "result": None if end == "HANG" else end}
        item["number"] = count

    def ask(self, job, parameters):
        """A build is asked for."""
        number = 100 + len(self.items)
        self.items[number] = {"job": job, "parameters": {k: v for k, v in parameters.items() if k in self.jobs[job]},
                              "number": None, "cancelled": False}
        if not self.hold:
            self.begin(number)
        return number


def actions(parameters):
    """As the API shows parameters."""
    return [{}, {"parameters": [{"name": k, "value": v} for k, v in parameters.items()]}]


jenkins = Jenkins()


class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self, status, body=None, **headers):
        data = json.dumps(body).encode() if body is not None else b""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def handle_one(self, method):
        with jenkins.lock:
            length = int(self.headers.get("Content-Length") or 0)
            form = dict(urllib.parse.parse_qsl(self.rfile.read(length).decode(), keep_blank_values=True))
            path, _, query = self.path.partition("?")
            jenkins.requests.append((method, self.path))
            if self.headers.get("Authorization") != ALLOWED:
                return self.answer(401)
            if path == "/crumbIssuer/api/json":
                return self.answer(200, {"crumb": "c-1", "crumbRequestField": "Jenkins-Crumb"},
                                   Set_Cookie="JSESSIONID.1=s-1; Path=/; HttpOnly")
            if method == "POST" and (self.headers.get("Jenkins-Crumb"), self.headers.get("Cookie")) != ("c-1", "JSESSIONID.1=s-1"):
                return self.answer(403)
            return self.route(method, path, query, form)

    def route(self, method, path, query, form):
        if found := re.fullmatch(r"/queue/item/(\d+)/api/json", path):
            item = jenkins.items.get(int(found[1]))
            if item is None:
                return self.answer(404)
            executable = {"executable": {"number": item["number"]}} if item["number"] else {}
            return self.answer(200, {"cancelled": item["cancelled"], **executable})
        if path == "/queue/api/json":
            waiting = {n: i for n, i in jenkins.items.items() if not i["number"] and not i["cancelled"]}
            return self.answer(200, {"items": [{"id": n, "actions": actions(i["parameters"])} for n, i in waiting.items()]})
        if method == "POST" and path == "/queue/cancelItem":
            jenkins.items[int(urllib.parse.parse_qs(query)["id"][0])]["cancelled"] = True
            return self.answer(302, Location="/queue/")
        found = re.fullmatch(r"((?:/job/[^/]+)+)(/\d+)?(/api/json|/stop|/build|/buildWithParameters)", path)
        job = "/".join(urllib.parse.unquote(part) for part in found[1].split("/job/")[1:]) if found else None
        if job not in jenkins.jobs:
            return self.answer(404)
        number, what = int(found[2][1:]) if found[2] else None, found[3]
        if number and what == "/api/json":
            build = jenkins.builds[job, number]
            return self.answer(200, {"building": build["result"] is None, "result": build["result"]})
        if number and what == "/stop" and method == "POST":
            jenkins.builds[job, number]["result"] = "ABORTED"
            return self.answer(302, Location=found[1])
        if what == "/api/json" and "buildable" in query:
            declared = [{"name": name} for name in jenkins.jobs[job]]
            return self.answer(200, {"buildable": True, "property": [{}, {"parameterDefinitions": declared}]})
        if what == "/api/json":
            return self.answer(200, {"builds": [{"number": n, "actions": actions(b["parameters"])}
                                                for (j, n), b in jenkins.builds.items() if j == job]})
        # Jenkins refuses parameters at a job without, and the other way round.
        assert (what == "/buildWithParameters") == bool(jenkins.jobs[job]), path
        place = jenkins.ask(job, form)
        if jenkins.lose:
            jenkins.lose -= 1
            self.close_connection = True
            return None
        return self.answer(201, Location=f"http://jenkins.internal/queue/item/{place}/")

    def do_GET(self):
        self.handle_one("GET")

    def do_POST(self):
        self.handle_one("POST")

    def log_message(self, *_):
        pass


listener = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=listener.serve_forever, daemon=True).start()
URL = f"http://127.0.0.1:{listener.server_port}"
MARK = "HEADWORKS_JOB_ID"

server = Server().start()
delivery = Delivery(server).prepare()
pipelines = delivery.codepipeline


def pipeline(name, configuration, outputs=()):
    """A pipeline with one action of Jenkins's, and its first execution."""
    declared = action("Run", "Build", "Jenkins", configuration, ["Fetched"], outputs)
    declared["actionTypeId"]["owner"] = "Custom"
    pipelines.create_pipeline(pipeline={
        "name": name, "roleArn": delivery.role, "artifactStore": {"type": "S3", "location": ARTIFACTS},
        "stages": [delivery.declaration()["stages"][0], {"name": "Work", "actions": [declared]}]})
    return eventually("the first execution", lambda: delivery.executions(name))[0]["pipelineExecutionId"]


def latest(name):
    """The latest run of the action."""
    return pipelines.get_pipeline_state(name=name)["stageStates"][1]["actionStates"][0].get("latestExecution", {})


def failed(execution, name):
    """The message of the action's failure."""
    eventually("the execution fails", lambda: delivery.status(execution, name) == "Failed")
    return latest(name)["errorDetails"]["message"]


def worker(*flags, token=TOKEN):
    """Starts a worker; it ends with the story."""
    log = open(server.folder / "worker.log", "ab")
    command = [str(binary()), "worker", "--data", str(server.data), "--region", REGION, "--category", "Build",
               "--provider", "Jenkins", "--jenkins", URL, "--jenkins-user", USER, "--work", str(server.folder / "work"), "--jobs", "4", *flags]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env={
        **os.environ, "HOME": str(server.home), "HEADWORKS_JENKINS_TOKEN": token})
    server_ends.append(process)
    return process


server_ends = []


def said():
    """What the workers have printed."""
    return (server.folder / "worker.log").read_text(errors="replace")


# --- a build of each kind ---------------------------------------------------------------------------------------------------
jenkins.jobs = {"plain": [], "team/my app": ["Target", MARK, "HEADWORKS_PIPELINE", "HEADWORKS_INPUT_FETCHED"], "shaky": [MARK],
                "slow": [MARK], "unmarked": ["Target"]}
jenkins.ends = {"shaky": "UNSTABLE", "slow": "HANG"}
process = worker("--register", "--property", "Target")
eventually("the worker has registered its type", lambda: "working for Build/Jenkins/1" in said())
good = pipeline("good", {"ProjectName": "team/my app", "Target": "a&b=c #1"})
delivery.wait_for(good, "Succeeded", pipeline="good")
[build] = [b["parameters"] for (job, _), b in list(jenkins.builds.items()) if job == "team/my app"]
assert build["Target"] == "a&b=c #1" and build["HEADWORKS_PIPELINE"] == "good", build
assert build["HEADWORKS_INPUT_FETCHED"].startswith(f"s3://{ARTIFACTS}/"), build
run = latest("good")
assert run["externalExecutionId"] == "1", run
assert run["externalExecutionUrl"] == f"{URL}/job/team/my app/1/" or "1" in run["externalExecutionUrl"], run
[shown] = [r for r in pipelines.list_action_executions(pipelineName="good")["actionExecutionDetails"] if r["actionName"] == "Run"]
assert shown["output"]["outputVariables"] == {"BuildNumber": "1", "BuildUrl": f"{URL}/job/team/job/my%20app/1/"}, shown
delivery.wait_for(pipeline("plain", {"ProjectName": "plain"}), "Succeeded", pipeline="plain")
proved("an action becomes a build in a folder, with its keys as parameters, and succeeds as that does")

message = failed(pipeline("shaky", {"ProjectName": "shaky"}), "shaky")
assert message == f"Build 1 of the Jenkins job 'shaky' ended UNSTABLE: {URL}/job/shaky/1/", message
assert "no job 'gone'" in failed(pipeline("gone", {"ProjectName": "gone"}), "gone")
assert "is not the name of a Jenkins job" in failed(pipeline("out", {"ProjectName": "../../manage"}), "out")
assert "declares no parameter 'Target'" in failed(pipeline("wide", {"ProjectName": "plain", "Target": "x"}), "wide")
proved("what is not SUCCESS fails the action and says where to look; so does what Jenkins would pass over")

# --- once, whatever happens ----------------------------------------------------------------------------------------------------
jenkins.lose = 1
lost = pipeline("lost", {"ProjectName": "team/my app", "Target": "lost"})
delivery.wait_for(lost, "Succeeded", pipeline="lost")
assert sum(b["parameters"].get("Target") == "lost" for b in list(jenkins.builds.values())) == 1, jenkins.builds
jenkins.lose = 1
message = failed(pipeline("unmarked", {"ProjectName": "unmarked", "Target": "x"}), "unmarked")
assert "not known whether" in message and MARK in message, message
proved("when Jenkins's answer is lost, the build is found by its parameter, and without one nothing begins twice")

jenkins.hold = True
queued = pipeline("queued", {"ProjectName": "team/my app", "Target": "queued"})
eventually("it waits in the queue", lambda: any(i["parameters"].get("Target") == "queued" for i in list(jenkins.items.values())))
hanging = pipeline("hanging", {"ProjectName": "slow"})
eventually("the other waits too", lambda: any(i["job"] == "slow" for i in list(jenkins.items.values())))
process.send_signal(signal.SIGKILL)
process.wait()
with jenkins.lock:
    jenkins.hold = False
    for number, item in jenkins.items.items():
        if not item["number"]:
            jenkins.begin(number)
server.kill()
server.restart()
process = worker()
delivery.wait_for(queued, "Succeeded", pipeline="queued")
assert sum(b["parameters"].get("Target") == "queued" for b in list(jenkins.builds.values())) == 1, jenkins.builds
proved("a worker that was killed finds its builds again, and none begins twice")

pipelines.stop_pipeline_execution(pipelineName="hanging", pipelineExecutionId=hanging, abandon=True)
eventually("the build is stopped", lambda: jenkins.builds["slow", 1]["result"] == "ABORTED")
proved("an execution that is stopped stops its build")

jenkins.hold = True
again = pipelines.start_pipeline_execution(name="hanging")["pipelineExecutionId"]
eventually("it waits in the queue", lambda: sum(i["job"] == "slow" for i in list(jenkins.items.values())) == 2)
pipelines.stop_pipeline_execution(pipelineName="hanging", pipelineExecutionId=again, abandon=True)
eventually("it is out of the queue", lambda: all(i["cancelled"] or i["number"] for i in list(jenkins.items.values())))
jenkins.hold = False
assert TOKEN not in said() and all(TOKEN not in path for _, path in jenkins.requests)
process.send_signal(signal.SIGTERM)
assert process.wait(timeout=60) == 0, said()
leftover = [p for p in (server.folder / "work").iterdir() if p.name != "lock"]
assert leftover == [], leftover
proved("one that still waits leaves the queue; SIGTERM ends the worker without a trace, and the token is nowhere")

process = worker(token="wrong")
assert "may not do this in Jenkins" in failed(pipelines.start_pipeline_execution(name="good")["pipelineExecutionId"], "good")
process.kill()
process.wait()
proved("a token that Jenkins does not take fails the action at once")
