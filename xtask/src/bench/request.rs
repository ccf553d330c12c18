//! The bytes of AWS requests. The signatures are the right shape but not valid: test mode (and moto) accept any.

use serde_json::Value;

const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
const REGION: &str = "us-east-1";
/// A valid form is enough; nobody checks how old it is.
const DATE: &str = "20260101";

/// A service that speaks awsJson 1.1, with the prefix of its `X-Amz-Target`.
#[derive(Clone, Copy)]
pub struct JsonService {
    scope: &'static str,
    target: &'static str,
}

pub const CODEBUILD: JsonService = JsonService { scope: "codebuild", target: "CodeBuild_20161006" };
pub const CODECOMMIT: JsonService = JsonService { scope: "codecommit", target: "CodeCommit_20150413" };
pub const CODEPIPELINE: JsonService = JsonService { scope: "codepipeline", target: "CodePipeline_20150709" };
pub const LOGS: JsonService = JsonService { scope: "logs", target: "Logs_20140328" };

/// An awsJson request.
pub fn json(service: JsonService, operation: &str, input: &Value) -> Vec<u8> {
    let body = input.to_string().into_bytes();
    let headers =
        format!("X-Amz-Target: {}.{operation}\r\nContent-Type: application/x-amz-json-1.1\r\n", service.target);
    assemble("POST", "/", service.scope, &headers, &body)
}

/// A request in the query protocol.
pub fn query(service: &str, form: &str) -> Vec<u8> {
    let headers = "Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\n";
    assemble("POST", "/", service, headers, form.as_bytes())
}

/// An S3 request in path style.
pub fn s3(method: &str, path: &str, body: &[u8]) -> Vec<u8> {
    assemble(method, path, "s3", "x-amz-content-sha256: UNSIGNED-PAYLOAD\r\n", body)
}

/// A request without anything of AWS.
pub fn plain(method: &str, path: &str, content_type: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn assemble(method: &str, path: &str, scope: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let signature = "0".repeat(64);
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {}\r\n{headers}X-Amz-Date: {DATE}T000000Z\r\n\
         Authorization: AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/{DATE}/{REGION}/{scope}/aws4_request, \
         SignedHeaders=host;x-amz-date, Signature={signature}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}
