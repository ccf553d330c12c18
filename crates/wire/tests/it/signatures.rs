//! Signatures of published vectors, of botocore, and of our own.

use std::time::Duration;

use base::{Secret, Timestamp};
use bytes::Bytes;
use http::request::Parts;
use wire::sigv4::{self, Credentials, Fault, Payload, PayloadHash, Target};
use wire::{Protocol, sigv4::BodyReader};

use crate::python::python;

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const DOCS_SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

fn parts(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
    let mut builder = http::Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(()).unwrap().into_parts().0
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn check(parts: &Parts, body: Option<&[u8]>, secret: &str, now: Timestamp) -> Result<sigv4::Verified, Fault> {
    let signature = sigv4::parse(parts)?.ok_or(Fault::Missing)?;
    sigv4::verify(&signature, parts, body, secret, now)
}

fn suite_header(signature: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
         SignedHeaders=host;x-amz-date, Signature={signature}"
    )
}

#[test]
fn the_published_test_suite_verifies() {
    let now = at("2015-08-30T12:36:00Z");
    for (method, uri, signature) in [
        ("GET", "/", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("GET", "/./", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("GET", "/example1/example2/../..", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
        ("GET", "/?Param2=value2&Param1=value1", "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"),
        ("POST", "/", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    ] {
        let authorization = suite_header(signature);
        let headers =
            [("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z"), ("authorization", &*authorization)];
        let parts = parts(method, uri, &headers);
        assert_eq!(check(&parts, Some(b""), SECRET, now).err(), None, "{method} {uri}");
        assert!(matches!(check(&parts, Some(b"x"), SECRET, now), Err(Fault::Mismatch { .. })), "{method} {uri}");
    }
}

#[test]
fn a_signature_for_one_service_is_refused_by_another() {
    let authorization = suite_header("00");
    let headers = [("host", "x"), ("x-amz-date", "20150830T123600Z"), ("authorization", &*authorization)];
    // What a presigned URL of S3 can be turned into: nothing obliges a client to sign this header.
    let parts = parts("PUT", "/bucket/service/CodeBuild_20161006/operation/StartBuild", &headers);
    let mut signature = sigv4::parse(&parts).unwrap().unwrap();
    assert_eq!(sigv4::check_service(&signature, "service"), Ok(()));
    for (signed, wanted, good) in
        [("s3", "s3", true), ("s3express", "s3", true), ("s3", "codebuild", false), ("codebuild", "s3", false)]
    {
        signature.scope.service = signed.to_owned();
        assert_eq!(sigv4::check_service(&signature, wanted).is_ok(), good, "{signed} for {wanted}");
    }
    let fault = sigv4::check_service(&signature, "iam").unwrap_err();
    assert_eq!(fault.error(Protocol::Query).message, "Credential should be scoped to correct service: 'iam'.");
}

#[test]
fn the_documented_presigned_url_verifies_for_its_day() {
    let uri = "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=\
               AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&\
               X-Amz-Expires=86400&X-Amz-SignedHeaders=host&X-Amz-Signature=\
               aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
    let parts = parts("GET", uri, &[]);
    let day = Duration::from_secs(86_400);
    let made = at("2013-05-24T00:00:00Z");
    assert!(check(&parts, None, DOCS_SECRET, made + day).is_ok());
    let late = check(&parts, None, DOCS_SECRET, made + day + Duration::from_secs(1));
    assert!(matches!(late, Err(Fault::PresignExpired { .. })));
    assert!(matches!(check(&parts, None, DOCS_SECRET, made - day), Err(Fault::Skewed { .. })));
    assert!(matches!(check(&parts, None, "wrong", made), Err(Fault::Mismatch { .. })));
}

/// The documentation's upload of 66560 times `a` in chunks of 64 KiB.
fn chunked() -> (Parts, Vec<u8>) {
    let parts = parts(
        "PUT",
        "/examplebucket/chunkObject.txt",
        &[
            ("host", "s3.amazonaws.com"),
            ("x-amz-date", "20130524T000000Z"),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
            ("content-encoding", "aws-chunked"),
            ("x-amz-decoded-content-length", "66560"),
            ("content-length", "66824"),
            (
                "authorization",
                "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders=\
                 content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;\
                 x-amz-storage-class,Signature=4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
            ),
        ],
    );
    let mut body = Vec::new();
    for (size, signature) in [
        (65536, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648"),
        (1024, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497"),
        (0, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"),
    ] {
        body.extend(format!("{size:x};chunk-signature={signature}\r\n").bytes());
        body.extend(std::iter::repeat_n(b'a', size));
        body.extend(b"\r\n");
    }
    (parts, body)
}

fn read(mut reader: BodyReader, body: &[u8], piece: usize) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::new();
    for piece in body.chunks(piece) {
        reader.push(Bytes::copy_from_slice(piece), |data| out.extend_from_slice(&data))?;
    }
    reader.finish().map(|_| out)
}

#[test]
fn the_documented_chunks_verify_however_they_arrive() {
    let (parts, body) = chunked();
    assert_eq!(body.len(), 66824);
    let verified = check(&parts, None, DOCS_SECRET, at("2013-05-24T00:00:00Z")).map_err(|e| e.to_string()).unwrap();
    for piece in [1, 3, 1000, 65_536, 100_000] {
        let content = read(verified.body_reader(&parts), &body, piece).unwrap();
        assert_eq!(content, vec![b'a'; 66_560]);
    }
    assert_eq!(read(BodyReader::unverified(&parts), &body, 999).unwrap().len(), 66_560);
}

#[test]
fn a_changed_chunk_is_refused() {
    let (parts, body) = chunked();
    let verified = check(&parts, None, DOCS_SECRET, at("2013-05-24T00:00:00Z")).map_err(|e| e.to_string()).unwrap();
    let broken = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut body = body.clone();
        change(&mut body);
        read(verified.body_reader(&parts), &body, 777).unwrap_err()
    };
    assert_eq!(broken(&|b| b[50_000] = b'b'), Fault::ChunkSignature);
    assert_eq!(broken(&|b| b.truncate(66_000)), Fault::Incomplete);
    assert_eq!(broken(&|b| b.truncate(65_536 + 89)), Fault::Incomplete);
    assert_eq!(broken(&|b| b.extend(b"0\r\n")), Fault::BadFraming("there is data after its end"));
    assert!(matches!(broken(&|b| b[0] = b'z'), Fault::BadFraming(_)));
    assert!(matches!(broken(&|b| b.splice(0..0, vec![b'1'; 20_000]).for_each(drop)), Fault::BadFraming(_)));
}

#[test]
fn a_body_that_nobody_signed_is_refused() {
    let now = at("2024-02-29T23:59:59Z");
    let secret = Secret::new(SECRET.to_owned());
    let credentials = Credentials { access_key: "AKIDEXAMPLE".to_owned(), secret, session_token: None };
    let mut signed = parts("PUT", "http://127.0.0.1/b/k", &[]);
    let target = Target { region: "eu-west-1", service: "lambda" };
    sigv4::sign(&mut signed, Payload::Bytes(b""), &credentials, target, now).unwrap();
    let verified = check(&signed, None, SECRET, now).map_err(|e| e.to_string()).unwrap();
    assert_eq!(read(verified.body_reader(&signed), b"", 1).unwrap(), b"");
    assert!(matches!(read(verified.body_reader(&signed), b"smuggled", 1), Err(Fault::ContentHash { .. })));
}

#[test]
fn a_trailer_with_a_wrong_checksum_is_refused() {
    let parts = parts(
        "PUT",
        "/b/k",
        &[
            ("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
            ("x-amz-trailer", "x-amz-checksum-crc32"),
            ("x-amz-decoded-content-length", "5"),
        ],
    );
    let body = |crc: &str| format!("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:{crc}\r\n\r\n").into_bytes();
    assert_eq!(read(BodyReader::unverified(&parts), &body("NhCmhg=="), 2).unwrap(), b"hello");
    assert_eq!(read(BodyReader::unverified(&parts), &body("AAAAAA=="), 2), Err(Fault::Checksum("CRC32")));
    assert_eq!(read(BodyReader::unverified(&parts), b"5\r\nhello\r\n0\r\n\r\n", 2), Err(Fault::Checksum("CRC32")));
    assert_eq!(read(BodyReader::unverified(&parts), b"4\r\nhell\r\n0\r\n\r\n", 2), Err(Fault::Incomplete));
}

#[test]
fn a_request_far_from_now_is_refused() {
    let authorization = suite_header("5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
    let headers =
        [("host", "example.amazonaws.com"), ("x-amz-date", "20150830T123600Z"), ("authorization", &*authorization)];
    let parts = parts("GET", "/", &headers);
    let made = at("2015-08-30T12:36:00Z");
    let quarter = Duration::from_secs(900);
    for now in [made + quarter, made - quarter] {
        assert!(check(&parts, Some(b""), SECRET, now).is_ok());
    }
    let fault = check(&parts, Some(b""), SECRET, made + quarter + Duration::from_secs(1)).err().unwrap();
    assert_eq!(
        fault.error(Protocol::AwsJson11).message,
        "Signature expired: 20150830T123600Z is now earlier than 20150830T123601Z (20150830T125101Z - 15 min.)"
    );
    assert_eq!(fault.error(Protocol::AwsJson11).code, "InvalidSignatureException");
    assert_eq!(fault.error(Protocol::Query).code, "SignatureDoesNotMatch");
    assert_eq!(fault.error(Protocol::RestXml).code, "RequestTimeTooSkewed");
    assert!(check(&parts, Some(b""), SECRET, made - quarter - Duration::from_secs(1)).is_err());
}

#[test]
fn a_header_that_is_not_signed_is_refused() {
    let authorization = suite_header("5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
    let headers = [
        ("host", "example.amazonaws.com"),
        ("x-amz-date", "20150830T123600Z"),
        ("x-amz-acl", "public-read"),
        ("authorization", &*authorization),
    ];
    let fault = check(&parts("GET", "/", &headers), Some(b""), SECRET, at("2015-08-30T12:36:00Z")).err();
    assert_eq!(fault, Some(Fault::UnsignedHeaders("x-amz-acl".to_owned())));
}

#[test]
fn a_malformed_signature_says_what_is_wrong() {
    let read = |authorization: &str| {
        sigv4::parse(&parts(
            "GET",
            "/",
            &[("host", "h"), ("x-amz-date", "20150830T123600Z"), ("authorization", authorization)],
        ))
    };
    for bad in [
        "Basic dXNlcjpwYXNz",
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=A/b/c, SignedHeaders=host, Signature=00",
        "AWS4-HMAC-SHA256 Credential=A/20150830/r/s/aws4_request, Signature=00",
        "AWS4-HMAC-SHA256 Credential=A/20150830/r/s/aws4_request, SignedHeaders=host",
    ] {
        let fault = read(bad).err().unwrap();
        assert!(matches!(fault, Fault::Malformed(_)), "{bad}");
        assert_eq!(fault.error(Protocol::Query).code, "IncompleteSignature");
        assert_eq!(fault.error(Protocol::RestXml).code, "AuthorizationHeaderMalformed");
    }
    assert_eq!(sigv4::parse(&parts("GET", "/?a=b", &[])), Ok(None));
}

#[test]
fn what_we_sign_verifies() {
    let now = at("2024-02-29T23:59:59Z");
    let token = Some(Secret::new("tok/en+=".to_owned()));
    let credentials = Credentials {
        access_key: "AKIDEXAMPLE".to_owned(),
        secret: Secret::new(SECRET.to_owned()),
        session_token: token,
    };
    assert!(!format!("{credentials:?}").contains("tok/en"));
    for (service, path) in [("s3", "/b/k%20e/y//%C3%AB+?x=1&uploads"), ("codebuild", "/a%20b//c/?q=%2F&z=")] {
        let target = Target { region: "eu-west-1", service };
        let mut signed = parts("PUT", &format!("http://127.0.0.1:4566{path}"), &[("content-type", "text/plain")]);
        sigv4::sign(&mut signed, Payload::Bytes(b"body"), &credentials, target, now).unwrap();
        assert_eq!(check(&signed, Some(b"body"), SECRET, now).err(), None, "{service}");
        assert!(check(&signed, Some(b"other"), SECRET, now).is_err());

        let mut presigned = parts("GET", &format!("http://127.0.0.1:4566{path}"), &[]);
        sigv4::presign(&mut presigned, &credentials, target, now, 60).unwrap();
        let signature = sigv4::parse(&presigned).unwrap().unwrap();
        assert_eq!(signature.session_token.as_deref(), Some("tok/en+="));
        let sixty = Duration::from_secs(60);
        assert_eq!(check(&presigned, None, SECRET, now + sixty).err(), None, "{service}");
        assert!(check(&presigned, None, SECRET, now + sixty + sixty).is_err());
    }
}

#[test]
fn presigned_urls_of_botocore_verify() {
    let Some(mut command) = python("presigned_urls_of_botocore_verify") else { return };
    let script = r#"
import botocore.session, botocore.config
for token in (None, "to/ken+="):
    for service, operation, params in [
        ("s3", "get_object", {"Bucket": "b-1", "Key": "dir/K\u00eby +~1/", "VersionId": "v/1", "ResponseContentType": "text/x"}),
        ("s3", "put_object", {"Bucket": "b-1", "Key": "k", "ContentType": "text/plain"}),
        ("sts", "get_caller_identity", {}),
        ("lambda", "get_function", {"FunctionName": "a:b c"}),
    ]:
        for endpoint in (None, "http://127.0.0.1:4566"):
            config = botocore.config.Config(signature_version="v4" if service != "s3" else "s3v4")
            client = botocore.session.Session().create_client(service, region_name="eu-west-1", endpoint_url=endpoint,
                aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
                aws_session_token=token, config=config)
            url = client.generate_presigned_url(operation, Params=params, ExpiresIn=300)
            print(operation, url)
"#;
    let out = command.args(["-c", script]).output().unwrap();
    let text = String::from_utf8(out.stdout).unwrap();
    assert_eq!(text.lines().count(), 16, "{}", String::from_utf8_lossy(&out.stderr));
    for line in text.lines() {
        let (operation, url) = line.split_once(' ').unwrap();
        let headers = if operation == "put_object" { vec![("content-type", "text/plain")] } else { Vec::new() };
        let method = if operation == "put_object" { "PUT" } else { "GET" };
        // A presigned STS call is a POST for botocore, which names its parameters in the query string.
        let method = if operation == "get_caller_identity" { "POST" } else { method };
        let parts = parts(method, url, &headers);
        let signature = sigv4::parse(&parts).unwrap().unwrap();
        let s3 = signature.scope.service == "s3";
        assert_eq!(signature.payload == PayloadHash::Unsigned, s3);
        let verified = sigv4::verify(&signature, &parts, Some(b""), SECRET, signature.time);
        assert_eq!(verified.err(), None, "{line}");
        let call = wire::route(&parts, &wire::EndpointHosts::new(["127.0.0.1"]), None).unwrap();
        let name: String = operation.split('_').map(|w| w[..1].to_uppercase() + &w[1..]).collect();
        assert_eq!(call.operation.name(), name);
    }
}
