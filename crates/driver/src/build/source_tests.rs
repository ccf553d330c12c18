//! Sources that are repositories elsewhere, and what a build says when they cannot be had.

use serde_json::json;
use store::testing::each_engine;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::tests::{machines, world};

/// A server that gives every request the same answer; its address.
async fn server(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") && socket.read_buf(&mut request).await.is_ok_and(|n| n > 0) {}
            // Whoever does not want the rest has hung up.
            let _ = socket.write_all(answer.as_bytes()).await;
        }
    });
    format!("http://{address}/a/b.git")
}

#[tokio::test]
async fn a_repository_that_wants_a_login_or_is_not_there_fails_the_build_in_codebuilds_words() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        for (name, status, expected) in [
            (
                "closed",
                "HTTP/1.1 401 No\r\nwww-authenticate: Basic realm=\"git\"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
                "authentication required for primary source and source version main",
            ),
            (
                "missing",
                "HTTP/1.1 404 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
                "repository not found for primary source and source version main",
            ),
        ] {
            let source = json!({ "type": "GITHUB", "location": server(status).await });
            let id = world.start("", json!({ "name": name, "source": source, "sourceVersion": "main" })).await;
            world.drive().await;
            let phases = world.phases(&id).await;
            let wanted = format!("DOWNLOAD_SOURCE FAILED CLIENT_ERROR: \"{expected}\"");
            assert!(phases.contains(&wanted), "{phases:?}");
        }
    })
    .await;
}
