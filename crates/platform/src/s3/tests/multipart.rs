use super::ground::*;
use md5::{Digest, Md5};
use serde_json::json;
use store::objects::ChecksumAlgorithm;

const MIB: usize = 1024 * 1024;

fn part(seed: u8, len: usize) -> Vec<u8> {
    (0..len).map(|i| (i % 239) as u8 ^ seed).collect()
}

async fn begin(cx: &Cx, more: serde_json::Value) -> String {
    let mut input = json!({ "Bucket": "b-1", "Key": "k", "ContentType": "text/plain" });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let input = serde_json::from_value(input).unwrap();
    create_multipart_upload::create_multipart_upload(cx, input).await.unwrap().upload_id
}

async fn upload(cx: &Cx, id: &str, number: i64, data: Vec<u8>) -> Result<upload_part::Output, ApiError> {
    let input = json!({ "Bucket": "b-1", "Key": "k", "UploadId": id, "PartNumber": number });
    upload_part::upload_part(cx, serde_json::from_value(input).unwrap(), stream(data)).await
}

async fn complete(
    cx: &Cx,
    id: &str,
    parts: serde_json::Value,
    more: serde_json::Value,
) -> Result<complete_multipart_upload::Output, ApiError> {
    let mut input = json!({ "Bucket": "b-1", "Key": "k", "UploadId": id, "MultipartUpload": { "Parts": parts } });
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    complete_multipart_upload::complete_multipart_upload(cx, serde_json::from_value(input).unwrap()).await
}

#[tokio::test]
async fn parts_become_an_object_with_the_etag_of_their_etags() {
    each(|cx, _store| async move {
        put(&cx, "k", large(9)).await;
        let id = begin(&cx, json!({})).await;
        let (one, two, three) = (part(1, 5 * MIB), part(2, 5 * MIB), part(3, 100));
        let mut tags = Vec::new();
        // Out of order, one of them twice, and one that is not used in the end.
        upload(&cx, &id, 5, part(0, 20_000)).await.unwrap();
        upload(&cx, &id, 2, part(0, 20_000)).await.unwrap();
        for (n, data) in [(3, &three), (2, &two), (1, &one)] {
            tags.push((n, upload(&cx, &id, n, data.clone()).await.unwrap().e_tag));
        }
        tags.sort();
        let list: Vec<_> = tags.iter().map(|(n, t)| json!({ "PartNumber": n, "ETag": t })).collect();
        let done = complete(&cx, &id, json!(list), json!({})).await.unwrap();
        let digests: Vec<u8> = [&one, &two, &three].iter().flat_map(Md5::digest).collect();
        assert_eq!(done.e_tag, format!("\"{}-3\"", hex::encode(Md5::digest(&digests))));
        assert_eq!(done.location, "http://127.0.0.1:4566/b-1/k");
        let whole = [one.clone(), two.clone(), three.clone()].concat();
        let (head, body) = read(&cx, at("k")).await.unwrap();
        assert!(body == whole);
        assert_eq!(head.headers.content_type.as_deref(), Some("text/plain"));
        // Across the seam, and by part.
        let range = format!("bytes={}-{}", 5 * MIB - 3, 10 * MIB + 1);
        let input = get_object::Input { range: Some(range), ..at("k") };
        assert!(read(&cx, input).await.unwrap().1 == whole[5 * MIB - 3..10 * MIB + 2]);
        let (head, body) = read(&cx, get_object::Input { part_number: Some(2), ..at("k") }).await.unwrap();
        assert!(body == two);
        assert_eq!(head.parts_count, Some(3));
        // The answer was lost: asking again gives the same.
        let again = complete(&cx, &id, json!(list), json!({})).await.unwrap();
        assert_eq!(again.e_tag, done.e_tag);
        // Two large parts on disk; the small one is in its row, and what was replaced is gone.
        assert_eq!(blobs(&cx, 2).await, 2);
        // A copy of it is one piece.
        let mut copy = copy_object::Input { bucket: "b-1".to_owned(), key: "copy".to_owned(), ..Default::default() };
        copy.source.copy_source = "b-1/k".to_owned();
        let copy = copy_object::copy_object(&cx, copy).await.unwrap();
        assert_eq!(copy.copy_object_result.e_tag, format!("\"{}\"", hex::encode(Md5::digest(&whole))));
        delete(&cx, "k", None).await;
        assert!(content(&cx, "copy").await == whole);
        assert_eq!(blobs(&cx, 1).await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_wrong_list_of_parts_is_refused_and_the_upload_stays() {
    each(|cx, _store| async move {
        let id = begin(&cx, json!({})).await;
        let one = upload(&cx, &id, 1, part(1, 1000)).await.unwrap().e_tag;
        let two = upload(&cx, &id, 2, part(2, 1000)).await.unwrap().e_tag;
        let item = |n: i64, t: &str| json!({ "PartNumber": n, "ETag": t });
        let try_it = |parts| complete(&cx, &id, parts, json!({}));
        assert_eq!(code(try_it(json!([])).await), "MalformedXML");
        assert_eq!(code(try_it(json!([item(2, &two), item(1, &one)])).await), "InvalidPartOrder");
        assert_eq!(code(try_it(json!([item(1, &one), item(1, &one)])).await), "InvalidPartOrder");
        assert_eq!(code(try_it(json!([item(1, &two)])).await), "InvalidPart");
        assert_eq!(code(try_it(json!([item(3, &two)])).await), "InvalidPart");
        assert_eq!(code(try_it(json!([item(1, &one), item(2, &two)])).await), "EntityTooSmall");
        assert_eq!(
            code(complete(&cx, &id, json!([item(1, &one)]), json!({ "MpuObjectSize": 999 })).await),
            "InvalidRequest"
        );
        assert_eq!(code(upload(&cx, &id, 0, vec![]).await), "InvalidArgument");
        assert_eq!(code(upload(&cx, &id, 10_001, vec![]).await), "InvalidArgument");
        assert_eq!(code(upload(&cx, "none", 1, vec![]).await), "NoSuchUpload");
        assert_eq!(code(try_it(json!([item(1, one.trim_matches('"'))])).await), "no error");
        assert_eq!(content(&cx, "k").await, part(1, 1000));
        assert_eq!(code(upload(&cx, &id, 1, vec![]).await), "NoSuchUpload");
    })
    .await;
}

#[tokio::test]
async fn an_upload_that_is_aborted_leaves_nothing() {
    each(|cx, _store| async move {
        let id = begin(&cx, json!({})).await;
        upload(&cx, &id, 1, large(1)).await.unwrap();
        upload(&cx, &id, 2, large(2)).await.unwrap();
        let which = || {
            let input = json!({ "Bucket": "b-1", "Key": "k", "UploadId": id });
            serde_json::from_value::<abort_multipart_upload::Input>(input).unwrap()
        };
        abort_multipart_upload::abort_multipart_upload(&cx, which()).await.unwrap();
        assert_eq!(code(abort_multipart_upload::abort_multipart_upload(&cx, which()).await), "NoSuchUpload");
        assert_eq!(blobs(&cx, 0).await, 0);
        let id = begin(&cx, json!({})).await;
        upload(&cx, &id, 1, large(1)).await.unwrap();
        delete_bucket::delete_bucket(&cx, on("b-1")).await.unwrap();
        assert_eq!(blobs(&cx, 0).await, 0);
    })
    .await;
}

#[tokio::test]
async fn checksums_of_the_whole_and_of_the_parts_are_computed_and_compared() {
    each(|cx, _store| async move {
        let (one, two) = (part(1, 5 * MIB), part(2, 7));
        let whole = [one.clone(), two.clone()].concat();
        let id = begin(&cx, json!({ "ChecksumAlgorithm": "CRC64NVME" })).await;
        let a = upload(&cx, &id, 1, one.clone()).await.unwrap();
        let b = upload(&cx, &id, 2, two.clone()).await.unwrap();
        let parts = json!([{ "PartNumber": 1, "ETag": a.e_tag }, { "PartNumber": 2, "ETag": b.e_tag }]);
        let wrong = json!({ "ChecksumCRC64NVME": "AAAAAAAAAAA=" });
        assert_eq!(code(complete(&cx, &id, parts.clone(), wrong).await), "BadDigest");
        let done = complete(&cx, &id, parts, json!({ "ChecksumType": "FULL_OBJECT" })).await.unwrap();
        let sum = checksum::encode(&ChecksumAlgorithm::Crc64Nvme.digest(&whole));
        assert_eq!((done.checksums.crc64nvme, done.checksum_type.as_deref()), (Some(sum), Some("FULL_OBJECT")));

        let id = begin(&cx, json!({ "ChecksumAlgorithm": "SHA256" })).await;
        let a = upload(&cx, &id, 1, one.clone()).await.unwrap();
        let b = upload(&cx, &id, 2, two.clone()).await.unwrap();
        let bare = json!([{ "PartNumber": 1, "ETag": a.e_tag }, { "PartNumber": 2, "ETag": b.e_tag }]);
        assert_eq!(code(complete(&cx, &id, bare, json!({})).await), "InvalidRequest");
        let parts = json!([
            { "PartNumber": 1, "ETag": a.e_tag, "ChecksumSHA256": a.checksums.sha256 },
            { "PartNumber": 2, "ETag": b.e_tag, "ChecksumSHA256": b.checksums.sha256 },
        ]);
        let done = complete(&cx, &id, parts, json!({})).await.unwrap();
        let sha = |d: &[u8]| ChecksumAlgorithm::Sha256.digest(d);
        let joined = checksum::encode(&sha(&[sha(&one), sha(&two)].concat()));
        assert_eq!(done.checksums.sha256, Some(format!("{joined}-2")));
        let input = json!({ "Bucket": "b-1", "Key": "k", "ObjectAttributes": ["ETag", "Checksum", "ObjectParts", "ObjectSize"] });
        let attributes = get_object_attributes::get_object_attributes(&cx, serde_json::from_value(input).unwrap());
        let attributes = serde_json::to_value(attributes.await.unwrap()).unwrap();
        assert_eq!(attributes["ObjectParts"]["TotalPartsCount"], 2);
        assert_eq!(attributes["ObjectParts"]["Parts"][1]["Size"], 7);
        assert_eq!(attributes["Checksum"]["ChecksumType"], "COMPOSITE");
        assert_eq!(attributes["ObjectSize"], whole.len());
        assert_eq!(attributes["ETag"], done.e_tag.trim_matches('"'));
        for (algorithm, kind) in [("SHA256", "FULL_OBJECT"), ("CRC64NVME", "COMPOSITE")] {
            let input = json!({ "Bucket": "b-1", "Key": "k", "ChecksumAlgorithm": algorithm, "ChecksumType": kind });
            let input = serde_json::from_value(input).unwrap();
            assert_eq!(code(create_multipart_upload::create_multipart_upload(&cx, input).await), "InvalidRequest");
        }
    })
    .await;
}

#[tokio::test]
async fn parts_can_be_copied_from_objects() {
    each(|cx, _store| async move {
        let source = part(7, 6 * MIB);
        put(&cx, "source", source.clone()).await;
        let id = begin(&cx, json!({})).await;
        let copy = |number: i64, range: Option<&str>| {
            let input = json!({ "Bucket": "b-1", "Key": "k", "UploadId": id, "PartNumber": number,
                "CopySource": "b-1/source", "CopySourceRange": range });
            upload_part_copy::upload_part_copy(&cx, serde_json::from_value(input).unwrap())
        };
        let one = copy(1, None).await.unwrap().copy_part_result.e_tag;
        let two = copy(2, Some("bytes=10-19")).await.unwrap().copy_part_result.e_tag;
        assert_eq!(code(copy(3, Some("bytes=0-99999999")).await), "InvalidArgument");
        let parts = json!([{ "PartNumber": 1, "ETag": one }, { "PartNumber": 2, "ETag": two }]);
        complete(&cx, &id, parts, json!({})).await.unwrap();
        delete(&cx, "source", None).await;
        assert!(content(&cx, "k").await == [source.clone(), source[10..20].to_vec()].concat());
    })
    .await;
}

#[tokio::test]
async fn uploads_and_parts_are_listed_by_pages() {
    each(|cx, _store| async move {
        let id = begin(&cx, json!({})).await;
        for n in [1, 2, 5] {
            upload(&cx, &id, n, part(0, 10)).await.unwrap();
        }
        let list = |max: i64, marker: Option<i64>| {
            let input =
                json!({ "Bucket": "b-1", "Key": "k", "UploadId": id, "MaxParts": max, "PartNumberMarker": marker });
            list_parts::list_parts(&cx, serde_json::from_value(input).unwrap())
        };
        let first = list(2, None).await.unwrap();
        assert_eq!((first.parts.len(), first.is_truncated, first.next_part_number_marker), (2, true, Some(2)));
        let rest = list(2, Some(2)).await.unwrap();
        assert_eq!((rest.parts[0].part_number, rest.is_truncated), (5, false));
        for key in ["x/1", "x/2", "y"] {
            let input = json!({ "Bucket": "b-1", "Key": key });
            create_multipart_upload::create_multipart_upload(&cx, serde_json::from_value(input).unwrap())
                .await
                .unwrap();
        }
        let (mut seen, mut key, mut mark) = (Vec::new(), None::<String>, None::<String>);
        loop {
            let input =
                json!({ "Bucket": "b-1", "Delimiter": "/", "MaxUploads": 1, "KeyMarker": key, "UploadIdMarker": mark });
            let input = serde_json::from_value(input).unwrap();
            let page = list_multipart_uploads::list_multipart_uploads(&cx, input).await.unwrap();
            seen.extend(page.uploads.iter().map(|u| u.key.clone()));
            seen.extend(page.common_prefixes.iter().map(|p| p.prefix.clone()));
            (key, mark) = (page.next_key_marker, page.next_upload_id_marker);
            if !page.is_truncated {
                break;
            }
        }
        assert_eq!(seen, ["k", "x/", "y"]);
    })
    .await;
}
