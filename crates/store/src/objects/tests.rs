use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use base::{ApiError, RandomIds};
use futures_util::TryStreamExt;

use super::*;

fn open(root: &Path) -> Objects {
    Objects::open(root, Arc::new(RandomIds)).unwrap()
}

fn files(root: &Path) -> usize {
    let count = |p: std::path::PathBuf| std::fs::read_dir(p).map(|d| d.count()).unwrap_or_default();
    let shards = std::fs::read_dir(root.join("blobs")).unwrap();
    shards.map(|s| count(s.unwrap().path())).sum::<usize>() + count(root.join("incoming"))
}

async fn store(objects: &Objects, data: &[u8]) -> BlobId {
    let mut writer = objects.writer();
    writer.write(data).await.unwrap();
    writer.finish().await.unwrap().blob().unwrap().clone()
}

async fn read(objects: &Objects, blob: &BlobId, offset: u64, len: u64) -> Vec<u8> {
    let pieces: Vec<bytes::Bytes> =
        objects.open_blob(blob).await.unwrap().stream(offset, len).try_collect().await.unwrap();
    pieces.concat()
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|i| (i % 251) as u8).collect()
}

#[tokio::test]
async fn content_comes_back_whole_and_in_ranges_however_it_was_cut() {
    let dir = tempfile::tempdir().unwrap();
    let objects = open(dir.path());
    for len in [0, 1, 4096, 262_143, 262_144, 262_145, 1_000_003] {
        let data = pattern(len);
        for cut in [1000, 65_536, 700_000] {
            let mut writer = objects.writer_with(&[ChecksumAlgorithm::Crc32]);
            for piece in data.chunks(cut) {
                writer.write(piece).await.unwrap();
            }
            let stored = writer.finish().await.unwrap();
            assert_eq!(stored.size(), len as u64);
            assert_eq!(
                stored.checksums.get(ChecksumAlgorithm::Crc32),
                Some(ChecksumAlgorithm::Crc32.digest(&data).as_slice())
            );
            let blob = stored.blob().unwrap();
            assert_eq!(read(&objects, blob, 0, len as u64).await, data);
            let (from, to) = (len / 3, len - len / 4);
            assert_eq!(read(&objects, blob, from as u64, (to - from) as u64).await, data[from..to]);
        }
    }
}

#[tokio::test]
async fn small_content_stays_inline_and_touches_no_disk() {
    let dir = tempfile::tempdir().unwrap();
    let objects = open(dir.path());
    for (len, inline) in [(0, true), (16 * 1024, true), (16 * 1024 + 1, false)] {
        let mut writer = objects.writer().inline_up_to(16 * 1024);
        writer.write(&pattern(len)).await.unwrap();
        let stored = writer.finish().await.unwrap();
        assert_eq!(matches!(stored.content, Content::Inline(_)), inline, "{len}");
    }
    assert_eq!(files(dir.path()), 1);
}

#[tokio::test]
async fn a_writer_that_is_dropped_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let objects = open(dir.path());
    let mut writer = objects.writer();
    writer.write(&pattern(2_000_000)).await.unwrap();
    drop(writer);
    // The writing thread may still hold the file: closing the store waits for nothing, so ask until it is gone.
    let limit = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while files(dir.path()) > 0 {
        assert!(std::time::Instant::now() < limit, "a half-written file is left");
        tokio::task::yield_now().await;
        tokio::task::spawn_blocking(|| ()).await.unwrap();
    }
}

#[tokio::test]
async fn an_open_blob_reads_to_its_end_after_it_was_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let objects = open(dir.path());
    let data = pattern(600_000);
    let blob = store(&objects, &data).await;
    let file = objects.open_blob(&blob).await.unwrap();
    objects.delete(vec![blob.clone(), blob.clone()]).await.unwrap();
    let pieces: Vec<bytes::Bytes> = file.stream(0, 600_000).try_collect().await.unwrap();
    assert_eq!(pieces.concat(), data);
    assert!(matches!(objects.open_blob(&blob).await, Err(ObjectError::Missing { .. })));
}

#[tokio::test]
async fn a_duplicate_outlives_its_original() {
    let dir = tempfile::tempdir().unwrap();
    let objects = open(dir.path());
    let blob = store(&objects, b"same").await;
    let copy = objects.duplicate(&blob).await.unwrap();
    objects.delete(vec![blob.clone()]).await.unwrap();
    assert_eq!(read(&objects, &copy, 0, 4).await, b"same");
    assert!(matches!(objects.duplicate(&blob).await, Err(ObjectError::Missing { .. })));
}

#[tokio::test]
async fn content_shorter_than_promised_is_an_error_and_not_a_short_answer() {
    let dir = tempfile::tempdir().unwrap();
    let objects = open(dir.path());
    let blob = store(&objects, b"12345").await;
    let stream = objects.open_blob(&blob).await.unwrap().stream(3, 5);
    let read: Result<Vec<_>, _> = stream.try_collect().await;
    assert_eq!(read.unwrap_err().kind(), std::io::ErrorKind::UnexpectedEof);
}

#[tokio::test]
async fn a_sweep_deletes_old_content_that_no_row_names_and_spares_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let (kept, lost) = {
        let objects = open(dir.path());
        (store(&objects, b"kept").await, store(&objects, b"lost").await)
    };
    std::fs::write(dir.path().join("incoming/half"), b"half").unwrap();
    // The clock of the file system ticks in milliseconds: wait until it has moved on, by looking at it.
    let seen = |n: &str| {
        let path = dir.path().join(n);
        std::fs::write(&path, b"").unwrap();
        disk::changed(&path).unwrap()
    };
    let first = seen("tick");
    while seen("tick") == first {}
    let objects = open(dir.path());
    let young = store(&objects, b"young").await;
    let named = kept.clone();
    let sweep = objects.sweep(|blobs| {
        let named: HashSet<BlobId> = blobs.into_iter().filter(|b| *b == named).collect();
        async { Ok::<_, Box<dyn std::error::Error>>(named) }
    });
    assert_eq!(sweep.await.unwrap(), 1);
    assert_eq!(read(&objects, &kept, 0, 4).await, b"kept");
    assert_eq!(read(&objects, &young, 0, 5).await, b"young");
    assert!(matches!(objects.open_blob(&lost).await, Err(ObjectError::Missing { .. })));
    assert_eq!(files(dir.path()), 2);
}

#[tokio::test]
async fn clearing_removes_everything_and_the_store_stays_usable() {
    let dir = tempfile::tempdir().unwrap();
    let objects = open(dir.path());
    let blob = store(&objects, b"gone").await;
    objects.clear().await.unwrap();
    assert!(matches!(objects.open_blob(&blob).await, Err(ObjectError::Missing { .. })));
    let blob = store(&objects, b"new").await;
    assert_eq!(read(&objects, &blob, 0, 3).await, b"new");
}

#[tokio::test]
async fn a_full_disk_is_a_clear_error_leaves_nothing_and_passes() {
    let dir = tempfile::tempdir().unwrap();
    let Some(_mounted) = Tiny::mount(dir.path()) else {
        return;
    };
    let root = dir.path().join("objects");
    let objects = open(&root);
    let small = store(&objects, &pattern(1000)).await;
    let mut writer = objects.writer();
    let mut outcome = Ok(());
    for _ in 0..64 {
        outcome = writer.write(&pattern(100_000)).await;
        if outcome.is_err() {
            break;
        }
    }
    let error = match outcome {
        Err(e) => e,
        Ok(()) => writer.finish().await.unwrap_err(),
    };
    assert!(matches!(error, ObjectError::DiskFull { .. }), "{error:?}");
    let error = ApiError::from(error);
    assert_eq!((error.code, error.status), ("InsufficientStorage", Some(507)));
    assert_eq!(files(&root), 1);
    assert_eq!(read(&objects, &small, 0, 1000).await, pattern(1000));
    store(&objects, &pattern(500_000)).await;
}

/// A file system of 2 MiB.
struct Tiny(std::path::PathBuf);

impl Tiny {
    fn mount(at: &Path) -> Option<Self> {
        use rustix::mount::{MountFlags, mount};
        match mount("tmpfs", at, "tmpfs", MountFlags::empty(), c"size=2m") {
            Ok(()) => Some(Tiny(at.to_owned())),
            Err(e) => {
                println!("skipped: a tiny file system cannot be mounted here ({e})");
                None
            }
        }
    }
}

impl Drop for Tiny {
    fn drop(&mut self) {
        let _ = rustix::mount::unmount(&self.0, rustix::mount::UnmountFlags::DETACH);
    }
}
