//! No bytes may bring a decoder down, and what we write we read.

use std::time::Duration;

use http::request::Parts;
use proptest::prelude::*;
use serde_json::{Value, json};
use wire::{Call, EndpointHosts, Protocol, decode, decode_unchecked, encode, models, refuse, route};

fn call(service: &str, operation: &str, protocol: Protocol) -> Call {
    let service = models().service(service).unwrap();
    Call::new(service, service.operation(operation).unwrap(), protocol)
}

fn post(headers: &[(&str, &str)]) -> Parts {
    request("POST", "/", headers)
}

fn request(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
    let mut builder = http::Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(()).unwrap().into_parts().0
}

fn calls() -> Vec<Call> {
    vec![
        call("codepipeline", "CreatePipeline", Protocol::AwsJson11),
        call("codepipeline", "CreatePipeline", Protocol::RpcV2Cbor),
        call("cloudformation", "CreateChangeSet", Protocol::Query),
        call("s3", "PutBucketLifecycleConfiguration", Protocol::RestXml),
        call("s3", "DeleteObjects", Protocol::RestXml),
        call("imagebuilder", "CreateImageRecipe", Protocol::RestJson),
    ]
}

proptest! {
    #[test]
    fn random_bytes_never_bring_a_decoder_down(bytes: Vec<u8>, gzip: bool) {
        let headers: &[(&str, &str)] = if gzip { &[("content-encoding", "gzip")] } else { &[] };
        for call in calls() {
            let _ = decode(&call, &post(headers), &bytes);
        }
    }

    #[test]
    fn near_misses_never_bring_a_decoder_down(text in "[<>/&;:{}\\[\\]\"=.,a-zA-Z0-9%+\\x00-\\x20-]{0,200}") {
        for call in calls() {
            let _ = decode(&call, &post(&[]), text.as_bytes());
        }
    }

    #[test]
    fn random_requests_never_bring_routing_down(path in "(/[a-z%+.?=&~A-F0-9é-]{0,12}){0,5}", target in ".{0,40}", host in ".{0,30}") {
        let Ok(uri) = path.parse::<http::Uri>() else { return Ok(()) };
        for method in ["GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS"] {
            let mut parts = request(method, "/", &[]);
            parts.uri = uri.clone();
            if let Ok(host) = http::HeaderValue::from_str(&host) {
                parts.headers.insert("host", host);
            }
            if let Ok(target) = http::HeaderValue::from_str(&target)
                && target.len() > 20
            {
                parts.headers.insert("x-amz-target", target);
            }
            match route(&parts, &EndpointHosts::new(["127.0.0.1"]), None) {
                Ok(call) => { let _ = decode(&call, &parts, b""); }
                Err(e) => { refuse(&parts, &e, "id"); }
            }
        }
    }
}

#[test]
fn depth_bombs_are_refused() {
    let deep = 200_000;
    let json = call("codepipeline", "CreatePipeline", Protocol::AwsJson11);
    assert_eq!(decode(&json, &post(&[]), &vec![b'['; deep]).unwrap_err().code, "SerializationException");
    let cbor = call("codepipeline", "CreatePipeline", Protocol::RpcV2Cbor);
    assert_eq!(decode(&cbor, &post(&[]), &vec![0x81; deep]).unwrap_err().code, "SerializationException");
    let xml = call("s3", "DeleteObjects", Protocol::RestXml);
    assert_eq!(decode(&xml, &post(&[]), "<a>".repeat(deep).as_bytes()).unwrap_err().code, "MalformedXML");
    let bomb = br#"<!DOCTYPE a [<!ENTITY b "bbbb">]><Delete><Object><Key>&b;</Key></Object></Delete>"#;
    assert_eq!(decode(&xml, &post(&[]), bomb).unwrap_err().code, "MalformedXML");
    let query = call("cloudformation", "CreateChangeSet", Protocol::Query);
    let body = format!("Action=CreateChangeSet&{}=1", "a.".repeat(deep));
    assert_eq!(decode(&query, &post(&[]), body.as_bytes()).unwrap_err().code, "MalformedInput");
}

#[test]
fn a_compressed_body_that_grows_too_large_is_refused() {
    use std::io::Write as _;
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for _ in 0..80 {
        gz.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    let call = call("cloudwatch", "PutMetricData", Protocol::AwsJson10);
    let error = decode(&call, &post(&[("content-encoding", "gzip")]), &gz.finish().unwrap()).unwrap_err();
    assert_eq!(error.status, Some(413));
}

#[test]
fn constraints_are_refused_in_aws_words() {
    let json = |service: &str, operation: &str, input: Value| {
        decode(&call(service, operation, Protocol::AwsJson11), &post(&[]), input.to_string().as_bytes()).unwrap_err()
    };
    let error = json("codepipeline", "GetPipeline", json!({"name": "no spaces"}));
    assert_eq!(error.code, "ValidationException");
    assert_eq!(
        error.message,
        "1 validation error detected: Value 'no spaces' at 'name' failed to satisfy constraint: Member must satisfy \
         regular expression pattern: [A-Za-z0-9.@\\-_]+"
    );
    let error = json("codepipeline", "PutApprovalResult", json!({"pipelineName": "p", "stageName": "s", "token": "t"}));
    assert!(error.message.starts_with("3 validation errors detected: Value null at 'actionName' failed"), "{error}");
    let error = json("codebuild", "StartBuild", json!({"projectName": ""}));
    assert_eq!(error.code, "InvalidInputException");
    assert_eq!(
        error.message,
        "1 validation error detected: Value '' at 'projectName' failed to satisfy constraint: Member must have length \
         greater than or equal to 1"
    );
    let error = json("codecommit", "GetRepository", json!({}));
    assert_eq!((error.code, &*error.message), ("RepositoryNameRequiredException", "A repository name is required."));
    assert_eq!(
        json("codecommit", "GetRepository", json!({"repositoryName": "ä"})).code,
        "InvalidRepositoryNameException"
    );
    let error = json("codebuild", "BatchGetProjects", json!({"names": "one"}));
    assert_eq!((error.code, &*error.message), ("SerializationException", "Unexpected field type"));
    let error = json("codebuild", "StartBuild", json!({"projectName": 1}));
    assert_eq!(error.message, "NUMBER_VALUE can not be converted to a String");
    let error = json("ecr", "CreateRepository", json!({"repositoryName": "UPPER"}));
    assert_eq!(error.code, "InvalidParameterException");
    assert!(error.message.starts_with("Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must"));

    let iam = call("iam", "GetRole", Protocol::Query);
    let error = decode(&iam, &post(&[]), b"Action=GetRole&Version=2010-05-08").unwrap_err();
    assert_eq!(error.code, "ValidationError");
    assert!(error.message.starts_with("1 validation error detected: Value null at 'roleName' failed"), "{error}");
}

#[test]
fn unknown_services_and_operations_are_named() {
    let hosts = EndpointHosts::new(["127.0.0.1"]);
    let scope = |service: &str| {
        format!(
            "AWS4-HMAC-SHA256 Credential=AK/20240101/eu-west-1/{service}/aws4_request, SignedHeaders=host, Signature=0"
        )
    };
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let target =
        post(&[("x-amz-target", "CodeBuild_20161006.Frobnicate"), ("content-type", "application/x-amz-json-1.1")]);
    let error = route(&target, &hosts, None).unwrap_err();
    assert_eq!((error.code, error.status), ("UnknownOperationException", Some(404)));
    assert!(error.message.contains("Frobnicate") && error.message.contains("codebuild"), "{error}");
    let response = refuse(&target, &error, "the-id");
    assert_eq!(response.headers()["x-amzn-requestid"], "the-id");
    assert_eq!(response.headers()["content-type"], "application/x-amz-json-1.1");

    let error = route(&post(&form), &hosts, Some(b"Action=Frobnicate&Version=2011-06-15")).unwrap_err();
    assert_eq!(error.code, "InvalidAction");
    assert_eq!(error.message, "Could not find operation Frobnicate for version 2011-06-15");

    let ec2 = scope("ec2");
    let parts = post(&[form[0], ("authorization", &*ec2)]);
    let error = route(&parts, &hosts, Some(b"Action=DescribeInstances&Version=2016-11-15")).unwrap_err();
    assert_eq!(error.message, "Could not find the service for ec2.");
    let text = String::from_utf8(refuse(&parts, &error, "the-id").body().to_vec()).unwrap();
    assert!(text.starts_with("<ErrorResponse><Error><Type>Sender</Type><Code>InvalidAction</Code>"), "{text}");

    let cbor =
        request("POST", "/service/CodeBuild_20161006/operation/Frobnicate", &[("smithy-protocol", "rpc-v2-cbor")]);
    assert_eq!(route(&cbor, &hosts, None).unwrap_err().code, "UnknownOperationException");
    let lambda = scope("lambda");
    let rest = request("GET", "/2099-01-01/nothing", &[("authorization", &*lambda)]);
    assert_eq!(route(&rest, &hosts, None).unwrap_err().code, "UnknownOperationException");
    let s3 = request("PATCH", "/bucket", &[]);
    assert_eq!(route(&s3, &hosts, None).unwrap_err().code, "NotImplemented");
}

#[test]
fn s3_requests_are_told_apart() {
    let hosts = EndpointHosts::new(["127.0.0.1"]);
    for (method, uri, header, wanted) in [
        ("GET", "/", None, "ListBuckets"),
        ("GET", "/b", None, "ListObjects"),
        ("GET", "/b/?list-type=2&prefix=", None, "ListObjectsV2"),
        ("GET", "/b?location=", None, "GetBucketLocation"),
        ("GET", "/b?versions", None, "ListObjectVersions"),
        ("GET", "/b?uploads=", None, "ListMultipartUploads"),
        ("GET", "/b?analytics", None, "ListBucketAnalyticsConfigurations"),
        ("GET", "/b?analytics&id=1", None, "GetBucketAnalyticsConfiguration"),
        ("HEAD", "/b", None, "HeadBucket"),
        ("HEAD", "/b/k", None, "HeadObject"),
        ("GET", "/b/k?x-id=GetObject", None, "GetObject"),
        ("GET", "/b/k?uploadId=u", None, "ListParts"),
        ("GET", "/b/k?attributes", Some("x-amz-object-attributes"), "GetObjectAttributes"),
        ("PUT", "/b/k/", None, "PutObject"),
        ("PUT", "/b/k", Some("x-amz-copy-source"), "CopyObject"),
        ("PUT", "/b/k?partNumber=1&uploadId=u", None, "UploadPart"),
        ("PUT", "/b/k?partNumber=1&uploadId=u", Some("x-amz-copy-source"), "UploadPartCopy"),
        ("POST", "/b/k?uploads=", None, "CreateMultipartUpload"),
        ("POST", "/b/k?uploadId=u", None, "CompleteMultipartUpload"),
        ("DELETE", "/b/k?uploadId=u", None, "AbortMultipartUpload"),
        ("POST", "/b?delete=", None, "DeleteObjects"),
        ("POST", "/b/?delete", None, "DeleteObjects"),
        ("PUT", "/b?lifecycle", None, "PutBucketLifecycleConfiguration"),
    ] {
        let headers: Vec<(&str, &str)> = header.map(|h| (h, "x/y")).into_iter().collect();
        let call = route(&request(method, uri, &headers), &hosts, None).unwrap();
        assert_eq!(call.operation.name(), wanted, "{method} {uri}");
    }
    let call = route(&request("GET", "/b//a%2Fb%20c/", &[]), &hosts, None).unwrap();
    assert_eq!((call.label("Bucket"), call.label("Key")), (Some("b"), Some("/a/b c/")));
    let call = route(&request("GET", "/dir/k", &[("host", "b.localhost:4566")]), &hosts, None).unwrap();
    assert_eq!((call.label("Bucket"), call.label("Key")), (Some("b"), Some("dir/k")));
    assert_eq!(route(&request("GET", "/b/%ff", &[]), &hosts, None).unwrap_err().code, "InvalidURI");
    let signed = "AWS4-HMAC-SHA256 Credential=AK/20240101/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=0";
    let parts = request("GET", "/k", &[("host", "logs.localhost:4566"), ("authorization", signed)]);
    let call = route(&parts, &hosts, None).unwrap();
    assert_eq!((call.operation.name(), call.label("Bucket")), ("GetObject", Some("logs")));
}

#[test]
fn s3_answers_have_their_odd_forms() {
    let s3 = |operation: &str| call("s3", operation, Protocol::RestXml);
    let text = |response: http::Response<bytes::Bytes>| String::from_utf8(response.body().to_vec()).unwrap();
    let xmlns = "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"";
    let head = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
    let answer = text(encode(&s3("GetBucketLocation"), Ok(&json!({})), "id"));
    assert_eq!(answer, format!("{head}<LocationConstraint {xmlns}/>"));
    let output = json!({"Name": "b", "Contents": [{"Key": "a&b\r", "LastModified": "2024-01-01T00:00:00Z"}]});
    let answer = text(encode(&s3("ListObjectsV2"), Ok(&output), "id"));
    assert_eq!(
        answer,
        format!(
            "{head}<ListBucketResult {xmlns}><Contents><Key>a&amp;b&#13;</Key><LastModified>2024-01-01T00:00:00.000Z\
             </LastModified></Contents><Name>b</Name></ListBucketResult>"
        )
    );
    let output = json!({"ContentRange": "bytes 0-1/9", "ContentLength": 2, "Metadata": {"a": "b"}, "ETag": "\"e\""});
    let response = encode(&s3("GetObject"), Ok(&output), "id");
    assert_eq!(response.status(), 206);
    assert_eq!(response.headers()["x-amz-meta-a"], "b");
    assert_eq!(response.headers()["x-amz-request-id"], "id");
    let error =
        base::ApiError::new("NoSuchKey", "The specified key does not exist.").with_status(404).with_member("Key", "k");
    let response = encode(&s3("GetObject"), Err(&error), "id");
    assert_eq!(response.status(), 404);
    assert_eq!(
        text(response),
        format!(
            "{head}<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message><Key>k</Key>\
             <RequestId>id</RequestId><HostId>id</HostId></Error>"
        )
    );
    let hosts = EndpointHosts::new(["127.0.0.1"]);
    let head_call = route(&request("HEAD", "/b/k", &[]), &hosts, None).unwrap();
    let response = encode(&head_call, Err(&error), "id");
    assert_eq!((response.status().as_u16(), response.body().len()), (404, 0));
}

#[test]
fn a_chunked_upload_shows_its_content_not_its_framing() {
    let hosts = EndpointHosts::new(["127.0.0.1"]);
    let headers = [
        ("content-length", "99"),
        ("x-amz-decoded-content-length", "42"),
        ("content-encoding", "aws-chunked,gzip"),
        ("x-amz-meta-a", "1"),
    ];
    let parts = request("PUT", "/b/k", &headers);
    let call = route(&parts, &hosts, None).unwrap();
    let input = decode(&call, &parts, b"").unwrap();
    let wanted =
        json!({"Bucket": "b", "Key": "k", "ContentLength": 42, "ContentEncoding": "gzip", "Metadata": {"a": "1"}});
    assert_eq!(input, wanted);
    let hoisted = request("PUT", "/b/k?x-amz-acl=public-read&x-amz-meta-b=2", &[]);
    let input = decode_unchecked(&route(&hoisted, &hosts, None).unwrap(), &hoisted, b"").unwrap();
    assert_eq!(input, json!({"Bucket": "b", "Key": "k", "ACL": "public-read", "Metadata": {"b": "2"}}));
}

#[test]
fn a_query_error_carries_the_code_of_the_wire() {
    let iam = call("iam", "GetRole", Protocol::Query);
    for code in ["NoSuchEntityException", "NoSuchEntity"] {
        let response = encode(&iam, Err(&base::ApiError::new(code, "gone")), "the-id");
        assert_eq!(response.status(), 404);
        let text = String::from_utf8(response.body().to_vec()).unwrap();
        assert_eq!(
            text,
            "<ErrorResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><Error><Type>Sender</Type><Code>\
             NoSuchEntity</Code><Message>gone</Message></Error><RequestId>the-id</RequestId></ErrorResponse>"
        );
    }
    let sqs = call("sqs", "GetQueueUrl", Protocol::AwsJson10);
    let response = encode(&sqs, Err(&base::ApiError::new("QueueDoesNotExist", "gone")), "the-id");
    assert_eq!(response.headers()["x-amzn-query-error"], "AWS.SimpleQueueService.NonExistentQueue;Sender");
}

/// What this thread has worked: a busy machine does not count.
fn worked() -> Duration {
    Duration::try_from(rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime)).unwrap()
}

/// The whole way of the smallest request, but for the HMACs, many times over: a guard against quadratic accidents.
#[test]
fn the_hot_path_is_short() {
    let hosts = EndpointHosts::new(["127.0.0.1"]);
    let signed = "AWS4-HMAC-SHA256 Credential=AK/20240101/eu-west-1/sts/aws4_request, SignedHeaders=host, Signature=0";
    let headers = [("content-type", "application/x-www-form-urlencoded; charset=utf-8"), ("authorization", signed)];
    let parts = post(&headers);
    let body = b"Action=GetCallerIdentity&Version=2011-06-15";
    let output = json!({"UserId": "AIDA", "Account": "123456789012", "Arn": "arn:aws:iam::123456789012:root"});
    let before = worked();
    let rounds = 2000;
    for _ in 0..rounds {
        assert!(wire::wants_form(&parts));
        let call = route(&parts, &hosts, Some(body)).unwrap();
        decode(&call, &parts, body).unwrap();
        assert_eq!(encode(&call, Ok(&output), "id").status(), 200);
    }
    let each = (worked() - before) / rounds;
    println!("GetCallerIdentity without HMACs: {each:?} (not optimised)");
    assert!(each < Duration::from_millis(2), "{each:?}");
}
