//! Serving objects: clone and fetch.

use std::ffi::OsStr;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::task::JoinHandle;
use tokio_util::io::ReaderStream;

use crate::process::{collect, git, spawn};
use crate::{BodyStream, Error, Repository, pkt};

/// The two services of smart HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    UploadPack,
    ReceivePack,
}

impl Service {
    /// As URLs and media types spell it.
    pub fn name(self) -> &'static str {
        match self {
            Service::UploadPack => "git-upload-pack",
            Service::ReceivePack => "git-receive-pack",
        }
    }

    /// The service with this name.
    pub fn parse(name: &str) -> Option<Self> {
        [Service::UploadPack, Service::ReceivePack].into_iter().find(|s| s.name() == name)
    }

    /// The beginning of an answer to `info/refs`, before the advertisement.
    pub(crate) fn announcement(self) -> Vec<u8> {
        let mut out = Vec::new();
        pkt::line(&mut out, format!("# service={}\n", self.name()).as_bytes());
        pkt::flush(&mut out);
        out
    }
}

const PIECE_BYTES: usize = 64 * 1024;

impl Repository {
    /// The answer to `info/refs?service=git-upload-pack`. `protocol` is the request's `Git-Protocol` header.
    pub fn advertise_upload_pack(&self, protocol: Option<&str>) -> Result<BodyStream, Error> {
        let (child, stdout) = self.upload_pack_process(protocol, "--http-backend-info-refs")?;
        let head = futures_util::stream::iter([Ok(Bytes::from(Service::UploadPack.announcement()))]);
        Ok(Box::pin(head.chain(Output { stdout, child, feed: None })))
    }

    /// The answer to `git-upload-pack` with this body. Dropping it ends the work.
    pub fn upload_pack(&self, protocol: Option<&str>, body: BodyStream) -> Result<BodyStream, Error> {
        let (mut child, stdout) = self.upload_pack_process(protocol, "--stateless-rpc")?;
        let feed = child.stdin.take().map(|stdin| tokio::spawn(feed(body, stdin)));
        Ok(Box::pin(Output { stdout, child, feed }))
    }

    fn upload_pack_process(
        &self,
        protocol: Option<&str>,
        mode: &str,
    ) -> Result<(Child, ReaderStream<ChildStdout>), Error> {
        if !self.dir().join("HEAD").exists() {
            return Err(self.gone());
        }
        let args = [OsStr::new("upload-pack"), OsStr::new("--strict"), OsStr::new(mode), self.dir().as_os_str()];
        let mut command = git(self.dir(), &args);
        if let Some(protocol) = protocol.filter(|p| valid_protocol(p)) {
            command.env("GIT_PROTOCOL", protocol);
        }
        let mut child = spawn(&mut command, "upload-pack")?;
        let stderr = child.stderr.take();
        let id = self.id().to_owned();
        tokio::spawn(async move {
            let message = collect(stderr).await;
            if !message.is_empty() {
                tracing::info!(repository.id = id, message, "git upload-pack complained");
            }
        });
        let stdout = child.stdout.take().ok_or(Error::Protocol("no pipe from git"))?;
        Ok((child, ReaderStream::with_capacity(stdout, PIECE_BYTES)))
    }
}

/// Git takes any text; we take only what could mean something to it.
fn valid_protocol(text: &str) -> bool {
    text.len() <= 256 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"=:._-".contains(&b))
}

async fn feed(mut body: BodyStream, mut stdin: ChildStdin) {
    while let Some(Ok(piece)) = body.next().await {
        if stdin.write_all(&piece).await.is_err() {
            return;
        }
    }
    // Closing tells git that the request ends.
    let _ = stdin.shutdown().await;
}

/// What git writes, with all that must end when nobody reads it any more.
struct Output {
    stdout: ReaderStream<ChildStdout>,
    #[expect(dead_code, reason = "dropping it kills git")]
    child: Child,
    feed: Option<JoinHandle<()>>,
}

impl Stream for Output {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.stdout.poll_next_unpin(cx)
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Some(feed) = &self.feed {
            feed.abort();
        }
    }
}
