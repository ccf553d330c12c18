"""`aws s3` and boto3 against S3: copy, sync, list, remove, presign, ranges, conditions, multipart, versions."""

import os
import socket
import urllib.error
import urllib.request

import boto3
from botocore.exceptions import ClientError

from stage import Server, proved

server = Server().start()
s3 = server.client("s3")
aws = server.aws
folder = server.folder / "tree"
(folder / "deep" / "er").mkdir(parents=True)
for name in ("a.txt", "b ö+&.txt", "deep/c.txt", "deep/er/d.bin"):
    (folder / name).write_bytes(name.encode() * 100)

aws("s3", "mb", "s3://box")
aws("s3", "sync", str(folder), "s3://box/tree")
keys = [item["Key"] for item in s3.list_objects_v2(Bucket="box")["Contents"]]
assert keys == ["tree/a.txt", "tree/b ö+&.txt", "tree/deep/c.txt", "tree/deep/er/d.bin"], keys
back = server.folder / "back"
aws("s3", "sync", "s3://box/tree", str(back))
for path in folder.rglob("*"):
    if path.is_file():
        assert (back / path.relative_to(folder)).read_bytes() == path.read_bytes(), path
assert aws("s3", "sync", str(folder), "s3://box/tree") == {}, "a second sync has nothing to do"
listing = aws("s3", "ls", "s3://box/tree/")
assert "PRE deep/" in listing and "a.txt" in listing, listing
aws("s3", "rm", "--recursive", "s3://box/tree/deep")
assert s3.list_objects_v2(Bucket="box")["KeyCount"] == 2
proved("aws s3 sync, ls and rm")

large = server.folder / "large.bin"
large.write_bytes(os.urandom(20 << 20))
aws("s3", "cp", str(large), "s3://box/large.bin")
head = s3.head_object(Bucket="box", Key="large.bin")
assert head["ContentLength"] == 20 << 20 and head["ETag"].rstrip('"').endswith("-3"), head
aws("s3", "cp", "s3://box/large.bin", str(server.folder / "copy.bin"))
assert (server.folder / "copy.bin").read_bytes() == large.read_bytes()
part = s3.get_object(Bucket="box", Key="large.bin", Range="bytes=8388600-8388619")
assert part["Body"].read() == large.read_bytes()[8388600:8388620] and part["ContentRange"].endswith(f"/{20 << 20}")
proved("aws s3 cp in parts, and a range across two parts")

url = str(aws("s3", "presign", "s3://box/tree/a.txt", "--expires-in", "60")).strip()
assert urllib.request.urlopen(url).read() == b"a.txt" * 100
for broken in (url.replace("a.txt", "b.txt"), url[:-1] + ("0" if url[-1] != "0" else "1")):
    try:
        urllib.request.urlopen(broken)
        raise AssertionError("a changed presigned URL must be refused")
    except urllib.error.HTTPError as error:
        assert error.code == 403 and b"<Code>SignatureDoesNotMatch</Code>" in error.read()
upload = s3.generate_presigned_url("put_object", Params={"Bucket": "box", "Key": "put"}, ExpiresIn=60)
request = urllib.request.Request(upload, data=b"by url", method="PUT")
assert urllib.request.urlopen(request).status == 200
assert s3.get_object(Bucket="box", Key="put")["Body"].read() == b"by url"
proved("presigned URLs give what they say and nothing else")
# In us-east-1 boto3 and version 1 of aws presign in the older form.
keys = server.environment()
old = boto3.client("s3", endpoint_url=server.endpoint, region_name="us-east-1",
                   aws_access_key_id=keys["AWS_ACCESS_KEY_ID"], aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"])
object_of = {"Key": "tree/a.txt", "ResponseContentType": "text/x y"}
for operation, parameters in (("get_object", object_of), ("list_objects_v2", {})):
    url = old.generate_presigned_url(operation, Params={"Bucket": "box", **parameters})
    assert "AWSAccessKeyId=" in url and urllib.request.urlopen(url).status == 200, url
    try:
        urllib.request.urlopen(url.replace("/box", "/bax"))
        raise AssertionError("a changed presigned URL must be refused")
    except urllib.error.HTTPError as error:
        assert error.code == 403, error.code
proved("so do presigned URLs of the older form")


def refused(code, call, **arguments):
    try:
        call(**arguments)
    except ClientError as error:
        assert error.response["Error"]["Code"] == code, error
        return
    raise AssertionError(f"{code} expected")


etag = s3.head_object(Bucket="box", Key="put")["ETag"]
refused("304", s3.get_object, Bucket="box", Key="put", IfNoneMatch=etag)
refused("PreconditionFailed", s3.get_object, Bucket="box", Key="put", IfMatch='"other"')
refused("PreconditionFailed", s3.put_object, Bucket="box", Key="put", Body=b"x", IfNoneMatch="*")
refused("NoSuchKey", s3.get_object, Bucket="box", Key="nothing")
refused("NoSuchBucket", s3.list_objects_v2, Bucket="no-such-box")
refused("BucketNotEmpty", s3.delete_bucket, Bucket="box")
refused("InvalidRange", s3.get_object, Bucket="box", Key="put", Range="bytes=100-")
proved("conditions and refusals carry AWS's codes")

s3.put_bucket_versioning(Bucket="box", VersioningConfiguration={"Status": "Enabled"})
first = s3.put_object(Bucket="box", Key="doc", Body=b"1")["VersionId"]
second = s3.put_object(Bucket="box", Key="doc", Body=b"2")["VersionId"]
assert s3.get_object(Bucket="box", Key="doc", VersionId=first)["Body"].read() == b"1"
marker = s3.delete_object(Bucket="box", Key="doc")
assert marker["DeleteMarker"] is True
refused("NoSuchKey", s3.get_object, Bucket="box", Key="doc")
s3.delete_object(Bucket="box", Key="doc", VersionId=marker["VersionId"])
assert s3.get_object(Bucket="box", Key="doc")["VersionId"] == second
proved("versions and delete markers")

# Virtual-host style needs a host name. *.localhost is this machine (RFC 6761); not every C library's resolver knows it.
resolve = socket.getaddrinfo
socket.getaddrinfo = lambda host, *rest, **more: resolve(
    "127.0.0.1" if str(host).endswith(".localhost") else host, *rest, **more)
by_name = server.client("s3", s3={"addressing_style": "virtual"}, endpoint=f"http://localhost:{server.port}")
assert by_name.get_object(Bucket="box", Key="put")["Body"].read() == b"by url"
proved("path style and virtual-host style")

page = s3.list_objects_v2(Bucket="box", MaxKeys=1, Delimiter="/")
seen = 0
while True:
    seen += page["KeyCount"]
    assert page["KeyCount"] <= 1
    if not page["IsTruncated"]:
        break
    page = s3.list_objects_v2(Bucket="box", MaxKeys=1, Delimiter="/", ContinuationToken=page["NextContinuationToken"])
assert seen == 4, seen  # doc, large.bin, put, tree/
proved("paging with a delimiter sees everything once")
server.stop()
