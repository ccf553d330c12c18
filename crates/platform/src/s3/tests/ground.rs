//! What the tests stand on: contexts, short forms of inputs and of calls.

pub(super) use std::future::Future;
pub(super) use std::sync::Arc;

pub(super) use base::{AccountId, ApiError, RandomIds, Region, Scope};
pub(super) use bytes::Bytes;
pub(super) use store::Machines;
pub(super) use store::objects::Objects;
pub(super) use store::testing::{TestStore, each_engine};

pub(super) use super::super::*;
pub(super) use crate::{ByteStream, Caller, Cx, Disk, Principal, SealingKey, Site};

/// A context with the bucket `b-1` in us-east-1.
pub(super) async fn cx(test: &TestStore) -> Cx {
    let cx = bare(test, "111122223333", "us-east-1");
    create_bucket::create_bucket(&cx, bucket("b-1")).await.unwrap();
    cx
}

pub(super) fn bare(test: &TestStore, account: &str, region: &str) -> Cx {
    let scope = Scope { account: AccountId::parse(account).unwrap(), region: Region::parse(region).unwrap() };
    let arn = format!("arn:aws:iam::{account}:root");
    Cx {
        store: test.store.clone(),
        objects: Objects::open(test.dir.path().join("objects"), Arc::new(RandomIds)).unwrap(),
        clock: test.clock.clone(),
        ids: Arc::new(RandomIds),
        credentials: Arc::default(),
        caller: Caller {
            principal: Principal { arn, user_id: account.to_owned(), access_key: None, rights: None },
            scope,
            request_id: "R".to_owned(),
            source_ip: "127.0.0.1".to_owned(),
        },
        site: Arc::new(Site {
            endpoint: "http://127.0.0.1:4566".to_owned(),
            loopback: Some("http://127.0.0.1:4566".to_owned()),
            front: None,
            data_dir: test.dir.path().to_owned(),
            disk: Arc::new(Disk::unwatched()),
            key: Arc::new(SealingKey::new(&[7; 32])),
            local_sources: Vec::new(),
            builds_in_place: false,
            max_builds: None,
            max_executions: Some(50),
            test_mode: false,
            lenient_runtimes: false,
        }),
    }
}

/// Runs a test with a context on each engine.
pub(super) async fn each<F, Fut>(test: F)
where
    F: Fn(Cx, TestStore) -> Fut,
    Fut: Future<Output = ()>,
{
    each_engine(Machines::new(), |store| async {
        let cx = cx(&store).await;
        // A test that does not look at its store would drop the folder under it.
        let _folder = store.dir.clone();
        test(cx, store).await;
    })
    .await;
}

pub(super) fn bucket(name: &str) -> create_bucket::Input {
    create_bucket::Input { bucket: name.to_owned(), ..Default::default() }
}

pub(super) fn on(name: &str) -> BucketInput {
    BucketInput { bucket: name.to_owned(), expected_bucket_owner: None }
}

pub(super) fn stream(content: impl Into<Bytes>) -> ByteStream {
    ByteStream::from(content.into())
}

pub(super) fn put_input(key: &str) -> put_object::Input {
    put_object::Input { bucket: "b-1".to_owned(), key: key.to_owned(), ..Default::default() }
}

pub(super) async fn put(cx: &Cx, key: &str, content: impl Into<Bytes>) -> put_object::Output {
    put_object::put_object(cx, put_input(key), stream(content)).await.unwrap()
}

pub(super) fn at(key: &str) -> get_object::Input {
    get_object::Input { bucket: "b-1".to_owned(), key: key.to_owned(), ..Default::default() }
}

pub(super) async fn read(cx: &Cx, input: get_object::Input) -> Result<(get_object::Output, Vec<u8>), ApiError> {
    let (output, body) = get_object::get_object(cx, input).await?;
    Ok((output, body.collect(usize::MAX).await.unwrap()))
}

pub(super) async fn content(cx: &Cx, key: &str) -> Vec<u8> {
    read(cx, at(key)).await.unwrap().1
}

pub(super) fn code<T>(result: Result<T, ApiError>) -> &'static str {
    result.err().map_or("no error", |e| e.code)
}

pub(super) async fn versioning(cx: &Cx, status: &str) {
    let input = put_bucket_versioning::Input {
        bucket: "b-1".to_owned(),
        versioning_configuration: put_bucket_versioning::Configuration {
            status: Some(status.to_owned()),
            mfa_delete: None,
        },
        expected_bucket_owner: None,
    };
    put_bucket_versioning::put_bucket_versioning(cx, input).await.unwrap();
}

pub(super) fn delete_input(key: &str, version: Option<&str>) -> delete_object::Input {
    delete_object::Input {
        bucket: "b-1".to_owned(),
        key: key.to_owned(),
        version_id: version.map(str::to_owned),
        ..Default::default()
    }
}

pub(super) async fn delete(cx: &Cx, key: &str, version: Option<&str>) -> delete_object::Output {
    delete_object::delete_object(cx, delete_input(key, version)).await.unwrap()
}

/// How many blobs lie on disk, once deletions that were begun have ended.
pub(super) async fn blobs(cx: &Cx, expected: usize) -> usize {
    let count = || {
        let shards = std::fs::read_dir(cx.site.data_dir.join("objects/blobs")).unwrap();
        shards.map(|s| std::fs::read_dir(s.unwrap().path()).unwrap().count()).sum::<usize>()
    };
    let limit = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while count() != expected && std::time::Instant::now() < limit {
        tokio::task::spawn_blocking(|| ()).await.unwrap();
    }
    count()
}

/// Content that does not fit into a row.
pub(super) fn large(seed: u8) -> Vec<u8> {
    (0..300_000_u32).map(|i| (i % 251) as u8 ^ seed).collect()
}
