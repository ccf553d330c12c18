//! Objects of any size, to files and from files.

use std::path::Path;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::cli::CliError;
use crate::client::{Client, taken};

/// What is sent at once; a larger object goes in parts.
const PART_BYTES: usize = 16 * 1024 * 1024;

/// Writes an object into a file, piece by piece.
pub(super) async fn get(client: &Client, bucket: &str, key: &str, into: &Path) -> Result<(), CliError> {
    let answer = client.object(request(client, Method::GET, bucket, key, ""), Bytes::new()).await?;
    if !answer.status().is_success() {
        let (status, body) = taken(answer).await?;
        return Err(refused("GET", bucket, key, status, &body));
    }
    let mut file = File::create(into).await.map_err(CliError::environment)?;
    let mut body = answer.into_body();
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame.map_err(CliError::environment)?.into_data() {
            file.write_all(&data).await.map_err(CliError::environment)?;
        }
    }
    file.flush().await.map_err(CliError::environment)
}

/// Stores a file as an object.
pub(super) async fn put(client: &Client, bucket: &str, key: &str, file: &Path) -> Result<(), CliError> {
    let mut file = File::open(file).await.map_err(CliError::environment)?;
    let first = piece(&mut file).await?;
    if first.len() < PART_BYTES {
        return send(client, Method::PUT, (bucket, key, ""), first).await.map(|_| ());
    }
    let begun = send(client, Method::POST, (bucket, key, "?uploads="), Bytes::new()).await?;
    let id =
        between(&begun.1, "<UploadId>", "</UploadId>").ok_or_else(|| CliError::internal("an upload without an id"))?;
    let done = parts(client, (bucket, key, &id), first, &mut file).await;
    let query = format!("?uploadId={}", wire::uri::encode(&id));
    match done {
        Ok(list) => send(client, Method::POST, (bucket, key, &query), Bytes::from(list)).await.map(|_| ()),
        Err(e) => {
            let _ = send(client, Method::DELETE, (bucket, key, &query), Bytes::new()).await;
            Err(e)
        }
    }
}

async fn parts(
    client: &Client,
    (bucket, key, id): (&str, &str, &str),
    first: Bytes,
    file: &mut File,
) -> Result<String, CliError> {
    let mut list = String::from("<CompleteMultipartUpload>");
    let (mut part, mut number) = (first, 1);
    while !part.is_empty() {
        let query = format!("?partNumber={number}&uploadId={}", wire::uri::encode(id));
        let (etag, _) = send(client, Method::PUT, (bucket, key, &query), part).await?;
        list.push_str(&format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"));
        part = piece(file).await?;
        number += 1;
    }
    list.push_str("</CompleteMultipartUpload>");
    Ok(list)
}

async fn piece(file: &mut File) -> Result<Bytes, CliError> {
    let mut piece = Vec::new();
    file.take(PART_BYTES as u64).read_to_end(&mut piece).await.map_err(CliError::environment)?;
    Ok(Bytes::from(piece))
}

/// Sends a request; gives the answer's ETag and body.
async fn send(
    client: &Client,
    method: Method,
    (bucket, key, query): (&str, &str, &str),
    body: Bytes,
) -> Result<(String, String), CliError> {
    let name = method.to_string();
    let answer = client.object(request(client, method, bucket, key, query), body).await?;
    let etag = answer.headers().get("etag").and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let (status, body) = taken(answer).await?;
    if status.is_success() {
        return Ok((etag, String::from_utf8_lossy(&body).into_owned()));
    }
    Err(refused(&name, bucket, key, status, &body))
}

fn request(client: &Client, method: Method, bucket: &str, key: &str, query: &str) -> http::request::Builder {
    let uri = format!("{}/{}/{}{query}", client.endpoint(), wire::uri::encode(bucket), wire::uri::encode_path(key));
    Request::builder().method(method).uri(uri)
}

fn refused(method: &str, bucket: &str, key: &str, status: StatusCode, body: &[u8]) -> CliError {
    let body = String::from_utf8_lossy(body);
    let why = between(&body, "<Message>", "</Message>").unwrap_or_else(|| body.into_owned());
    CliError::user(format!("{method} s3://{bucket}/{key} answered {status}: {why}"))
}

fn between(text: &str, before: &str, after: &str) -> Option<String> {
    let (_, rest) = text.split_once(before)?;
    Some(rest.split_once(after)?.0.to_owned())
}
