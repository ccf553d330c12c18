"""Drives real botocore through every operation; the test beside this file plays the server.

One JSON line per request goes to stdout, one JSON line per response comes from stdin. A line `{"fault": ...}` reports
what botocore parsed differently from what it should have, and `{"done": ...}` ends the run.
"""

import base64
import datetime
import json
import logging
import os
import sys
import warnings

import botocore
import botocore.session
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.model import ServiceModel

logging.disable(logging.CRITICAL)
warnings.simplefilter("ignore")
os.environ.update(AWS_EC2_METADATA_DISABLED="true", AWS_CONFIG_FILE="/nonexistent", AWS_SHARED_CREDENTIALS_FILE="/nonexistent")

FORCED = {}
ServiceModel.resolved_protocol = property(lambda self: FORCED.get("protocol") or self.metadata["protocol"])

UTC = datetime.timezone.utc
WHOLE = datetime.datetime(2024, 2, 29, 23, 59, 58, tzinfo=UTC)
# A quarter of a second is exact in every float.
FINE = WHOLE.replace(microsecond=250000)
TEXT = 'T\u00ebxt <&> "1" /+% \U0001f600'

# botocore itself rewrites these, computes them, or sends the request elsewhere because of them.
SKIPPED_INPUT = {
    "s3": {
        "SSECustomerKey", "SSECustomerKeyMD5", "CopySourceSSECustomerKey", "CopySourceSSECustomerKeyMD5", "ContentLength",
        "ContentMD5", "ChecksumCRC32", "ChecksumCRC32C", "ChecksumCRC64NVME", "ChecksumSHA1", "ChecksumSHA256",
        "ChecksumSHA512", "ChecksumMD5", "ChecksumXXHASH64", "ChecksumXXHASH3", "ChecksumXXHASH128",
        "ChecksumAlgorithm", "ChecksumMode", "MpuObjectSize", "Expires",
    },
    "events": {"EndpointId"},
    # Travels in the header that signatures use.
    "codeartifact": {"assetSHA256"},
}

STREAMED = b"streamed content, long enough for more than one piece"

# Old operations that no server can tell from their successors, and one of S3 Object Lambda, whose host has a prefix that
# looks like a bucket.
TWINS = {
    "s3": {
        "GetBucketLifecycle", "PutBucketLifecycle", "GetBucketNotification", "PutBucketNotification",
        "ListDirectoryBuckets", "WriteGetObjectResponse",
    },
}


class Generator:
    """Values for every member, to a depth; unions get one member."""

    def __init__(self, service, protocol, full):
        self.service, self.protocol, self.full = service, protocol, full
        self.skipped = SKIPPED_INPUT.get(service, set())

    def input(self, shape):
        return self.value(shape, [], None, True) if shape else {}

    def output(self, shape):
        return self.value(shape, [], None, False) if shape else {}

    def value(self, shape, above, place, request):
        kind = shape.type_name
        if kind == "structure":
            return self.structure(shape, above, request)
        if kind == "list":
            n = 1 if place == "header" and shape.member.type_name == "timestamp" else 2
            return [self.value(shape.member, above + [shape.name], place, request) for _ in range(n)]
        if kind == "map":
            keys = ["k1", "k2"]
            if shape.key.enum:
                keys = list(dict.fromkeys(shape.key.enum))[:2]
            elif place is None:
                keys[1] = "k2.\u00eb<"
            return {k: self.value(shape.value, above + [shape.name], place, request) for k in keys}
        return self.scalar(shape, kind, place)

    def scalar(self, shape, kind, place):
        if kind == "string":
            if shape.enum:
                return shape.enum[-1]
            return "Head-1" if place in ("header", "headers", "statusCode") else TEXT
        if kind in ("integer", "long"):
            return 206 if place == "statusCode" else (-7 if kind == "integer" else 1 << 40)
        if kind in ("float", "double"):
            return -1.5
        if kind == "boolean":
            return True
        if kind == "blob":
            return b"\x00bl\xffob"
        if kind == "timestamp":
            fmt = shape.serialization.get("timestampFormat")
            return WHOLE if place == "header" or fmt == "rfc822" else FINE
        raise ValueError(kind)

    def structure(self, shape, above, request):
        if getattr(shape, "is_document_type", False):
            return {"a": [1, "b"]}
        out = {}
        required = set(shape.required_members)
        for name, member in shape.members.items():
            if member.serialization.get("eventstream") or (request and name in self.skipped):
                continue
            container = member.type_name in ("structure", "list", "map")
            if above.count(member.name) > 0 and container and name not in required:
                continue
            if not self.full and name not in required and "idempotencyToken" not in member.metadata:
                if not (shape.is_tagged_union and not out):
                    continue
            if len(above) > 12:
                continue
            out[name] = self.member(shape, name, member, above, request)
            if shape.is_tagged_union:
                break
        return out

    def member(self, shape, name, member, above, request):
        place = member.serialization.get("location")
        if self.service == "s3" and request:
            fixed = {"Bucket": "my-bucket", "CopySource": "from/key", "RenameSource": "key", "EncodingType": "url", "Key": "dir//K\u00eby +1/"}
            if name in fixed and len(above) == 0:
                return fixed[name]
        if self.service == "s3" and name == "RequestRoute":
            return "route"
        if self.service == "s3" and name == "ContentLength" and len(above) == 0:
            return len(STREAMED)
        if request and member.serialization.get("hostLabel"):
            return "label"
        if place == "uri" and member.type_name == "string" and not member.enum:
            return "lab\u00ebl/+ %"
        if place == "headers":
            return {"k1": "Head-1", "k2": "Head 2"}
        payload = shape.serialization.get("payload") == name
        if payload and member.type_name in ("blob", "string"):
            return STREAMED if member.type_name == "blob" else TEXT
        return self.value(member, above + [shape.name], place, request)


def canonical(value):
    if isinstance(value, dict):
        return {k: canonical(v) for k, v in value.items() if v is not None}
    if isinstance(value, (list, tuple)):
        return [canonical(v) for v in value]
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    if isinstance(value, datetime.datetime):
        value = value.astimezone(UTC)
        text = value.strftime("%Y-%m-%dT%H:%M:%S")
        if value.microsecond:
            text += (".%06d" % value.microsecond).rstrip("0")
        return text + "Z"
    if hasattr(value, "read"):
        return canonical(value.read())
    return value


def say(line):
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def streams(member):
    return "streaming" in member.serialization or "streaming" in member.metadata or member.metadata.get("streaming")


class Raw:
    def __init__(self, body):
        self.body = body

    def stream(self, **_):
        if self.body:
            yield self.body

    def read(self, *_, **__):
        body, self.body = self.body, b""
        return body


class Run:
    def __init__(self, session, service, protocol, endpoint):
        self.service, self.protocol = service, protocol
        FORCED["protocol"] = protocol
        config = Config(
            parameter_validation=False, retries={"max_attempts": 0}, region_name="eu-west-1", user_agent_extra="oracle",
            request_min_compression_size_bytes=10,
        )
        self.client = session.create_client(
            service, config=config, endpoint_url=endpoint, aws_access_key_id="AKIDEXAMPLE",
            aws_secret_access_key="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", aws_session_token="token/+=",
        )
        self.client.meta.events.register("before-send", self.send)
        self.counts = {"requests": 0, "errors": 0}
        self.seen_errors = set()

    def send(self, request, **_):
        body = request.body
        if hasattr(body, "read"):
            body = body.read()
        if isinstance(body, str):
            body = body.encode()
        line = dict(self.line)
        headers = []
        for k, v in request.headers.items():
            headers.append([k, v.decode() if isinstance(v, bytes) else str(v)])
        line.update(method=request.method, url=request.url, headers=headers, body=base64.b64encode(body or b"").decode())
        say(line)
        answer = json.loads(sys.stdin.readline())
        raw = base64.b64decode(answer["body"])
        return AWSResponse(request.url, answer["status"], {k: v for k, v in answer["headers"]}, Raw(raw))

    def call(self, operation, params):
        return self.client._make_api_call(operation, params)

    def operation(self, name):
        model = self.client.meta.service_model.operation_model(name)
        if model.has_event_stream_output or model.has_event_stream_input:
            say({"skipped": f"{self.service}.{name}: event streams"})
            return
        if name in TWINS.get(self.service, ()):
            say({"skipped": f"{self.service}.{name}: another operation has the same form"})
            return
        for full in (True, False):
            make = Generator(self.service, self.protocol, full)
            params, output = make.input(model.input_shape), make.output(model.output_shape)
            expected = dict(params)
            payload = model.input_shape.serialization.get("payload") if model.input_shape else None
            streamed = None
            if payload and streams(model.input_shape.members[payload]):
                streamed = canonical(expected.pop(payload, b""))
            body = None
            out_payload = model.output_shape.serialization.get("payload") if model.output_shape else None
            if out_payload and streams(model.output_shape.members[out_payload]):
                body = output.pop(out_payload, b"")
            self.line = {
                "service": self.service, "operation": name, "protocol": self.protocol, "expected": canonical(expected),
                "streamed": streamed, "output": canonical(output), "attach": canonical(body),
            }
            try:
                parsed = self.call(name, params)
            except Exception as e:  # the report is the point
                say({"fault": f"{self.service}.{name} {self.protocol}: {type(e).__name__}: {e}"})
                continue
            self.counts["requests"] += 1
            parsed.pop("ResponseMetadata", None)
            if body is not None:
                output[out_payload] = body
            self.compare(name, output, parsed)
        for error in model.error_shapes:
            self.error(name, error)

    def compare(self, name, wanted, parsed):
        wanted, parsed = canonical(wanted), canonical(parsed)
        shape = self.client.meta.service_model.operation_model(name.split("/")[0]).output_shape
        for member, target in (shape.members if shape else {}).items():
            # The status is always there, and so is a payload, be it empty.
            if member not in wanted and target.serialization.get("location") == "statusCode":
                parsed.pop(member, None)
        payload = shape.serialization.get("payload") if shape else None
        if payload not in wanted and parsed.get(payload) in ({}, ""):
            parsed.pop(payload)
        if self.service == "s3":
            # botocore gives both forms of a header that it cannot always parse.
            for value in (wanted, parsed):
                value.pop("ExpiresString", None)
                value.pop("Expires", None)
                # Always there, be it empty.
                if not value.get("Metadata"):
                    value.pop("Metadata", None)
        if wanted != parsed:
            say({"fault": f"{self.service}.{name} {self.protocol}: wanted {wanted}\n  parsed {parsed}"})

    def error(self, name, shape):
        if shape.name in self.seen_errors:
            return
        self.seen_errors.add(shape.name)
        make = Generator(self.service, self.protocol, True)
        members = {k: v for k, v in make.output(shape).items() if k.lower() != "message"}
        model = self.client.meta.service_model.operation_model(name)
        self.line = {
            "service": self.service, "operation": name, "protocol": self.protocol, "error": shape.name,
            "members": canonical(members),
        }
        try:
            self.call(name, Generator(self.service, self.protocol, False).input(model.input_shape))
            say({"fault": f"{self.service}.{name} {self.protocol}: {shape.name} was no error"})
        except ClientError as e:
            self.counts["errors"] += 1
            head = model.http.get("method") == "HEAD"
            code = e.response["Error"].get("Code")
            message = e.response["Error"].get("Message")
            # Former query services keep their old code; the new name stands beside it.
            codes = {code, e.response["Error"].get("QueryErrorCode")}
            if not head and not codes & {shape.name, shape.error_code}:
                say({"fault": f"{self.service}.{name} {self.protocol}: {shape.name} came as {code}"})
            if not head and message != "A m\u00ebssage <&>":
                say({"fault": f"{self.service}.{name} {self.protocol}: {shape.name} says {message!r}"})
            if not head and self.service != "s3":
                parsed = {k: v for k, v in e.response.items() if k not in ("Error", "ResponseMetadata") and k.lower() != "message"}
                self.compare(f"{name}/{shape.name}", members, parsed)
            if not e.response["ResponseMetadata"].get("RequestId"):
                say({"fault": f"{self.service}.{name} {self.protocol}: {shape.name} has no request id"})
        except Exception as e:  # the report is the point
            say({"fault": f"{self.service}.{name} {self.protocol}: {shape.name}: {type(e).__name__}: {e}"})


def main():
    session = botocore.session.Session()
    total = {}
    for service, protocols in json.loads(sys.argv[1]).items():
        for i, protocol in enumerate(protocols):
            endpoints = ["http://127.0.0.1:4566", None] if i == 0 else ["http://localhost:4566"]
            for endpoint in endpoints:
                run = Run(session, service, protocol, endpoint)
                names = run.client.meta.service_model.operation_names
                for name in names:
                    run.operation(name)
                for k, v in run.counts.items():
                    total[k] = total.get(k, 0) + v
    say({"done": total, "botocore": botocore.__version__})


main()
