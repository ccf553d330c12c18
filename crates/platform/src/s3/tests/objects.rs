use super::ground::*;
use crate::Trailers;
use std::collections::BTreeMap;
use store::objects::ChecksumAlgorithm;

#[tokio::test]
async fn an_object_comes_back_with_its_headers_small_or_large() {
    each(|cx, _store| async move {
        for (key, data) in [("small", b"hello".to_vec()), ("large", large(1)), ("empty", Vec::new())] {
            let mut input = put_input(key);
            input.headers.content_type = Some("text/plain".to_owned());
            input.headers.cache_control = Some("no-store".to_owned());
            input.headers.metadata = BTreeMap::from([("Colour".to_owned(), "blue".to_owned())]);
            input.tagging = Some("a=1&b=2".to_owned());
            let output = put_object::put_object(&cx, input, stream(data.clone())).await.unwrap();
            assert_eq!(output.version_id, None);
            let (head, body) = read(&cx, at(key)).await.unwrap();
            assert_eq!(body, data, "{key}");
            assert_eq!(head.e_tag, output.e_tag);
            assert_eq!(head.content_length, data.len() as u64);
            assert_eq!(head.headers.content_type.as_deref(), Some("text/plain"));
            assert_eq!(head.headers.metadata.get("colour").map(String::as_str), Some("blue"));
            assert_eq!(head.tag_count, Some(2));
            let json = serde_json::to_value(head_object::head_object(&cx, at(key)).await.unwrap()).unwrap();
            assert_eq!(json["ETag"], output.e_tag);
            assert_eq!(json["Metadata"]["colour"], "blue");
            assert_eq!(json["LastModified"], "2024-01-01T00:00:00Z");
        }
        assert_eq!(read(&cx, at("empty")).await.unwrap().0.e_tag, "\"d41d8cd98f00b204e9800998ecf8427e\"");
        assert_eq!(code(read(&cx, at("none")).await), "NoSuchKey");
    })
    .await;
}

#[tokio::test]
async fn ranges_are_cut_from_inline_and_stored_content() {
    each(|cx, _store| async move {
        for data in [b"0123456789".to_vec(), large(2)] {
            put(&cx, "k", data.clone()).await;
            let size = data.len();
            for (header, from, to) in [
                ("bytes=2-5", 2, 6),
                ("bytes=7-", 7, size),
                ("bytes=-4", size - 4, size),
                ("bytes=0-99999999", 0, size),
            ] {
                let input = get_object::Input { range: Some(header.to_owned()), ..at("k") };
                let (head, body) = read(&cx, input).await.unwrap();
                assert_eq!(body, data[from..to], "{header}");
                assert_eq!(head.content_range, Some(format!("bytes {from}-{}/{size}", to - 1)));
            }
            let whole = get_object::Input { range: Some("bytes=0-1,4-5".to_owned()), ..at("k") };
            let (head, body) = read(&cx, whole).await.unwrap();
            assert_eq!((head.content_range, body), (None, data));
            let outside = get_object::Input { range: Some("bytes=99999999-".to_owned()), ..at("k") };
            let error = read(&cx, outside).await.unwrap_err();
            assert_eq!((error.code, error.status), ("InvalidRange", Some(416)));
        }
        let first = get_object::Input { part_number: Some(1), ..at("k") };
        assert_eq!(read(&cx, first).await.unwrap().1.len(), 300_000);
        let second = get_object::Input { part_number: Some(2), ..at("k") };
        assert_eq!(code(read(&cx, second).await), "InvalidPartNumber");
    })
    .await;
}

#[tokio::test]
async fn answers_can_be_told_which_headers_to_carry() {
    each(|cx, _store| async move {
        put(&cx, "k", "x").await;
        let input = get_object::Input {
            response_content_type: Some("text/html".to_owned()),
            response_content_disposition: Some("attachment".to_owned()),
            ..at("k")
        };
        let head = read(&cx, input).await.unwrap().0;
        assert_eq!(head.headers.content_type.as_deref(), Some("text/html"));
        assert_eq!(head.headers.content_disposition.as_deref(), Some("attachment"));
        assert_eq!(read(&cx, at("k")).await.unwrap().0.headers.content_type.as_deref(), Some("binary/octet-stream"));
    })
    .await;
}

#[tokio::test]
async fn keys_are_names_and_never_paths() {
    each(|cx, _store| async move {
        let long = "ä".repeat(512);
        for key in ["../../etc/passwd", "a//b", "/", ".", "a\u{1}b", "日本語/🦀", "a b+c%20", &long] {
            put(&cx, key, key.to_owned()).await;
            assert_eq!(content(&cx, key).await, key.as_bytes(), "{key}");
        }
        let too_long = put_object::put_object(&cx, put_input(&"x".repeat(1025)), stream("x")).await;
        assert_eq!(code(too_long), "KeyTooLongError");
    })
    .await;
}

#[tokio::test]
async fn a_wrong_digest_stores_nothing() {
    each(|cx, _store| async move {
        let crc = checksum::encode(&ChecksumAlgorithm::Crc32.digest(b"other"));
        let mut input = put_input("k");
        input.checksums.crc32 = Some(crc);
        let error = put_object::put_object(&cx, input, stream(large(0))).await.unwrap_err();
        assert_eq!(error.message, "The CRC32 you specified did not match the calculated checksum.");
        let mut input = put_input("k");
        input.content_md5 = Some("1B2M2Y8AsgTpgAmY7PhCfg==".to_owned());
        let error = put_object::put_object(&cx, input, stream(large(0))).await.unwrap_err();
        assert_eq!(error.message, "The Content-MD5 you specified did not match what we received.");
        let mut input = put_input("k");
        input.content_md5 = Some("nonsense".to_owned());
        assert_eq!(code(put_object::put_object(&cx, input, stream("x")).await), "InvalidDigest");
        assert_eq!(code(read(&cx, at("k")).await), "NoSuchKey");
        assert_eq!(blobs(&cx, 0).await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_checksum_in_a_trailer_is_verified_kept_and_given_back() {
    each(|cx, _store| async move {
        let body = |sum: &[u8]| {
            let trailers = Trailers::announced(vec!["x-amz-checksum-crc64nvme".to_owned()]);
            trailers.receive(vec![("x-amz-checksum-crc64nvme".to_owned(), checksum::encode(sum))]);
            stream("hello").with_trailers(trailers)
        };
        let right = ChecksumAlgorithm::Crc64Nvme.digest(b"hello");
        let output = put_object::put_object(&cx, put_input("k"), body(&right)).await.unwrap();
        assert_eq!(output.checksums.crc64nvme, Some(checksum::encode(&right)));
        assert_eq!(output.checksum_type.as_deref(), Some("FULL_OBJECT"));
        let wrong = put_object::put_object(&cx, put_input("k"), body(&[0; 8])).await;
        assert_eq!(code(wrong), "BadDigest");
        let silent = read(&cx, at("k")).await.unwrap().0;
        assert_eq!(silent.checksums, ChecksumMembers::default());
        let input = get_object::Input { checksum_mode: Some("ENABLED".to_owned()), ..at("k") };
        assert_eq!(read(&cx, input).await.unwrap().0.checksums.crc64nvme, Some(checksum::encode(&right)));
    })
    .await;
}

#[tokio::test]
async fn a_body_that_ends_early_or_breaks_stores_nothing() {
    each(|cx, _store| async move {
        let short = ByteStream::new(futures_util::stream::iter([Ok(Bytes::from(large(0)))]), Some(300_001));
        assert_eq!(code(put_object::put_object(&cx, put_input("k"), short).await), "IncompleteBody");
        let reason = ApiError::new("SignatureDoesNotMatch", "the chunk").with_status(403);
        let pieces = [Ok(Bytes::from(large(0))), Err(std::io::Error::other(reason))];
        let broken = ByteStream::new(futures_util::stream::iter(pieces), None);
        assert_eq!(code(put_object::put_object(&cx, put_input("k"), broken).await), "SignatureDoesNotMatch");
        assert_eq!(code(read(&cx, at("k")).await), "NoSuchKey");
        assert_eq!(blobs(&cx, 0).await, 0);
    })
    .await;
}

#[tokio::test]
async fn what_we_do_not_do_is_refused_by_name() {
    each(|cx, _store| async move {
        let input = |member: &str, value: serde_json::Value| {
            let mut json = serde_json::json!({ "Bucket": "b-1", "Key": "k" });
            json[member] = value;
            serde_json::from_value::<put_object::Input>(json).unwrap()
        };
        for (member, value, expected) in [
            ("ServerSideEncryption", "aws:kms", "NotImplemented"),
            ("SSECustomerAlgorithm", "AES256", "NotImplemented"),
            ("ACL", "public-read", "AccessControlListNotSupported"),
            ("StorageClass", "GLACIER", "NotImplemented"),
            ("StorageClass", "GOLD", "InvalidStorageClass"),
            ("ObjectLockMode", "GOVERNANCE", "InvalidRequest"),
            ("ChecksumAlgorithm", "XXHASH64", "NotImplemented"),
        ] {
            let put = put_object::put_object(&cx, input(member, value.into()), stream("x"));
            assert_eq!(code(put.await), expected, "{member}: {value}");
        }
        for (member, value) in [("ServerSideEncryption", "AES256"), ("ACL", "bucket-owner-full-control")] {
            let output = put_object::put_object(&cx, input(member, value.into()), stream("x")).await.unwrap();
            assert!(serde_json::to_value(output).unwrap().get("ServerSideEncryption").is_none());
        }
        let mut input = put_input("k");
        input.headers.metadata = BTreeMap::from([("a".to_owned(), "x".repeat(2048))]);
        assert_eq!(code(put_object::put_object(&cx, input, stream("x")).await), "MetadataTooLarge");
    })
    .await;
}

#[tokio::test]
async fn replacing_an_object_deletes_the_old_content_and_readers_finish_what_they_began() {
    each(|cx, _store| async move {
        put(&cx, "k", large(1)).await;
        let (_, body) = get_object::get_object(&cx, at("k")).await.unwrap();
        put(&cx, "k", large(2)).await;
        assert_eq!(blobs(&cx, 1).await, 1);
        assert_eq!(body.collect(usize::MAX).await.unwrap(), large(1));
        assert_eq!(content(&cx, "k").await, large(2));
        delete(&cx, "k", None).await;
        delete(&cx, "k", None).await;
        assert_eq!(blobs(&cx, 0).await, 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_among_writers_see_whole_objects_only() {
    each(|cx, _store| async move {
        put(&cx, "k", large(0)).await;
        let writers = (1..5_u8).map(|n| {
            let cx = cx.clone();
            tokio::spawn(async move {
                for _ in 0..8 {
                    put(&cx, "k", large(n)).await;
                }
            })
        });
        let readers = (0..4).map(|_| {
            let cx = cx.clone();
            tokio::spawn(async move {
                for _ in 0..20 {
                    let (head, body) = read(&cx, at("k")).await.unwrap();
                    let seed = body[0];
                    assert_eq!(body, large(seed));
                    assert_eq!(head.content_length, 300_000);
                }
            })
        });
        let all: Vec<_> = writers.chain(readers).collect();
        for task in all {
            task.await.unwrap();
        }
        assert_eq!(blobs(&cx, 1).await, 1);
        let versions = list_object_versions::Input { bucket: "b-1".to_owned(), ..Default::default() };
        assert_eq!(list_object_versions::list_object_versions(&cx, versions).await.unwrap().versions.len(), 1);
    })
    .await;
}

fn copy_input(source: &str, key: &str) -> copy_object::Input {
    let mut input = copy_object::Input { bucket: "b-1".to_owned(), key: key.to_owned(), ..Default::default() };
    input.source.copy_source = source.to_owned();
    input
}

#[tokio::test]
async fn a_copy_takes_metadata_and_tags_along_or_not() {
    each(|cx, _store| async move {
        for data in [b"small".to_vec(), large(3)] {
            let mut input = put_input("from here");
            input.headers.content_type = Some("text/plain".to_owned());
            input.tagging = Some("a=1".to_owned());
            put_object::put_object(&cx, input, stream(data.clone())).await.unwrap();
            let source = "b-1/from%20here";
            let copy = copy_object::copy_object(&cx, copy_input(source, "to")).await.unwrap();
            let (head, body) = read(&cx, at("to")).await.unwrap();
            assert_eq!(body, data);
            assert_eq!(head.e_tag, copy.copy_object_result.e_tag);
            assert_eq!((head.headers.content_type.as_deref(), head.tag_count), (Some("text/plain"), Some(1)));
            let mut input = copy_input(source, "to");
            input.metadata_directive = Some("REPLACE".to_owned());
            input.tagging_directive = Some("REPLACE".to_owned());
            input.headers.metadata = BTreeMap::from([("new".to_owned(), "1".to_owned())]);
            input.checksum_algorithm = Some("SHA256".to_owned());
            let copy = copy_object::copy_object(&cx, input).await.unwrap();
            let sum = checksum::encode(&ChecksumAlgorithm::Sha256.digest(&data));
            assert_eq!(copy.copy_object_result.checksums.sha256, Some(sum));
            let head = read(&cx, at("to")).await.unwrap().0;
            assert_eq!((head.headers.content_type.as_deref(), head.tag_count), (Some("binary/octet-stream"), None));
            assert!(head.headers.metadata.contains_key("new"));
            delete(&cx, "from here", None).await;
            assert_eq!(content(&cx, "to").await, data);
        }
        assert_eq!(blobs(&cx, 1).await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_copy_to_itself_must_change_something() {
    each(|cx, _store| async move {
        put(&cx, "k", large(0)).await;
        assert_eq!(code(copy_object::copy_object(&cx, copy_input("b-1/k", "k")).await), "InvalidRequest");
        let mut input = copy_input("b-1/k", "k");
        input.metadata_directive = Some("REPLACE".to_owned());
        copy_object::copy_object(&cx, input).await.unwrap();
        let mut input = copy_input("b-1/k", "k");
        input.storage_class = Some("STANDARD_IA".to_owned());
        copy_object::copy_object(&cx, input).await.unwrap();
        let (head, body) = read(&cx, at("k")).await.unwrap();
        assert_eq!((head.storage_class.as_deref(), body), (Some("STANDARD_IA"), large(0)));
        assert_eq!(blobs(&cx, 1).await, 1);
        assert_eq!(code(copy_object::copy_object(&cx, copy_input("b-1/none", "k")).await), "NoSuchKey");
        assert_eq!(code(copy_object::copy_object(&cx, copy_input("none/k", "k")).await), "NoSuchBucket");
    })
    .await;
}

#[tokio::test]
async fn tags_of_an_object_can_be_replaced_and_deleted() {
    each(|cx, _store| async move {
        put(&cx, "k", "x").await;
        let tag = |k: &str| Tag { key: k.to_owned(), value: "v".to_owned() };
        let set = |keys: &[&str]| put_object_tagging::Input {
            bucket: "b-1".to_owned(),
            key: "k".to_owned(),
            tagging: Tagging { tag_set: keys.iter().map(|k| tag(k)).collect() },
            ..Default::default()
        };
        put_object_tagging::put_object_tagging(&cx, set(&["a", "b"])).await.unwrap();
        let which =
            || get_object_tagging::Input { bucket: "b-1".to_owned(), key: "k".to_owned(), ..Default::default() };
        let tags = get_object_tagging::get_object_tagging(&cx, which()).await.unwrap().tag_set;
        assert_eq!(tags, [tag("a"), tag("b")]);
        let eleven: Vec<String> = (0..11).map(|i| i.to_string()).collect();
        let eleven: Vec<&str> = eleven.iter().map(String::as_str).collect();
        assert_eq!(code(put_object_tagging::put_object_tagging(&cx, set(&eleven)).await), "BadRequest");
        assert_eq!(code(put_object_tagging::put_object_tagging(&cx, set(&["a", "a"])).await), "InvalidTag");
        delete_object_tagging::delete_object_tagging(&cx, which()).await.unwrap();
        assert_eq!(get_object_tagging::get_object_tagging(&cx, which()).await.unwrap().tag_set, []);
    })
    .await;
}

#[tokio::test]
async fn several_objects_are_deleted_at_once_and_failures_stand_beside_successes() {
    each(|cx, _store| async move {
        for key in ["a", "b", "c"] {
            put(&cx, key, large(0)).await;
        }
        let input = |json: serde_json::Value| serde_json::from_value::<delete_objects::Input>(json).unwrap();
        let request = input(serde_json::json!({ "Bucket": "b-1", "Delete": { "Objects": [
            { "Key": "a" }, { "Key": "none" }, { "Key": "b", "VersionId": "nonsense" }, { "Key": "c", "ETag": "wrong" },
        ] } }));
        let output = delete_objects::delete_objects(&cx, request).await.unwrap();
        let deleted: Vec<_> = output.deleted.iter().map(|d| d.key.as_str()).collect();
        assert_eq!(deleted, ["a", "none"]);
        let errors: Vec<_> = output.errors.iter().map(|e| (e.key.as_str(), e.code.as_str())).collect();
        assert_eq!(errors, [("b", "NoSuchVersion"), ("c", "PreconditionFailed")]);
        let quiet =
            input(serde_json::json!({ "Bucket": "b-1", "Delete": { "Quiet": true, "Objects": [{ "Key": "b" }] } }));
        assert_eq!(delete_objects::delete_objects(&cx, quiet).await.unwrap(), delete_objects::Output::default());
        let none = input(serde_json::json!({ "Bucket": "b-1", "Delete": { "Objects": [] } }));
        assert_eq!(code(delete_objects::delete_objects(&cx, none).await), "MalformedXML");
        assert_eq!(blobs(&cx, 1).await, 1);
    })
    .await;
}

#[tokio::test]
async fn our_own_services_write_and_read_by_the_same_rules() {
    each(|cx, _store| async move {
        let file = cx.site.data_dir.join("artifact.zip");
        std::fs::write(&file, large(5)).unwrap();
        let describe = || Describe { content_type: Some("application/zip".to_owned()), ..Describe::default() };
        let written = put_file(&cx, "b-1", "p/one.zip", &file, describe()).await.unwrap();
        put_bytes(&cx, "b-1", "p/two", Bytes::from_static(b"2"), Describe::default()).await.unwrap();
        let (found, body) = open(&cx, "b-1", "p/one.zip", None).await.unwrap();
        assert_eq!(body.collect(usize::MAX).await.unwrap(), large(5));
        assert_eq!((found.etag, found.content_type.as_deref()), (written.etag, Some("application/zip")));
        assert_eq!(head(&cx, "b-1", "p/two", None).await.unwrap().size, 1);
        let keys: Vec<_> = list(&cx, "b-1", "p/").await.unwrap().into_iter().map(|l| l.key).collect();
        assert_eq!(keys, ["p/one.zip", "p/two"]);
        assert!(!keeps_versions(&cx, "b-1").await.unwrap());
        assert_eq!(code(open(&cx, "none", "k", None).await), "NoSuchBucket");
    })
    .await;
}

#[tokio::test]
async fn a_sweep_at_the_next_start_spares_what_rows_name() {
    each(|cx, store| async move {
        put(&cx, "k", large(1)).await;
        let mut orphan = cx.objects.writer();
        orphan.write(b"orphan").await.unwrap();
        orphan.finish().await.unwrap();
        assert_eq!(blobs(&cx, 2).await, 2);
        // A fresh opening counts as a later start once the file system's clock has moved on.
        for _ in 0..1000 {
            let again = bare(&store, "111122223333", "us-east-1");
            if sweep(&again.store, &again.objects).await.unwrap() == 1 {
                break;
            }
        }
        assert_eq!(blobs(&cx, 1).await, 1);
        assert_eq!(content(&cx, "k").await, large(1));
    })
    .await;
}
