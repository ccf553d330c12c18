use super::ground::*;

async fn listed(cx: &Cx) -> list_object_versions::Output {
    let input = list_object_versions::Input { bucket: "b-1".to_owned(), ..Default::default() };
    list_object_versions::list_object_versions(cx, input).await.unwrap()
}

#[tokio::test]
async fn versions_stay_until_they_are_deleted_by_id() {
    each(|cx, _store| async move {
        put(&cx, "k", "before").await;
        versioning(&cx, "Enabled").await;
        let one = put(&cx, "k", "one").await.version_id.unwrap();
        let two = put(&cx, "k", "two").await.version_id.unwrap();
        assert_ne!(one, two);
        let version = |id: &str| get_object::Input { version_id: Some(id.to_owned()), ..at("k") };
        assert_eq!(read(&cx, version(&one)).await.unwrap().1, b"one");
        assert_eq!(read(&cx, version("null")).await.unwrap().1, b"before");
        assert_eq!(content(&cx, "k").await, b"two");
        let ids: Vec<_> = listed(&cx).await.versions.into_iter().map(|v| (v.version_id, v.is_latest)).collect();
        assert_eq!(ids, [(two.clone(), true), (one.clone(), false), ("null".to_owned(), false)]);
        let gone = delete(&cx, "k", Some(&two)).await;
        assert_eq!(gone, delete_object::Output { delete_marker: None, version_id: Some(two.clone()) });
        assert_eq!(content(&cx, "k").await, b"one");
        assert_eq!(code(read(&cx, version(&two)).await), "NoSuchVersion");
        assert_eq!(code(read(&cx, version("x")).await), "InvalidArgument");
        assert_eq!(delete(&cx, "k", Some(&two)).await.version_id, Some(two));
    })
    .await;
}

#[tokio::test]
async fn a_delete_marker_hides_the_object_until_it_is_deleted_itself() {
    each(|cx, _store| async move {
        versioning(&cx, "Enabled").await;
        put(&cx, "k", "x").await;
        let marked = delete(&cx, "k", None).await;
        let marker = marked.version_id.clone().unwrap();
        assert_eq!(marked.delete_marker, Some(true));
        let error = read(&cx, at("k")).await.unwrap_err();
        assert_eq!((error.code, error.members.get("DeleteMarker")), ("NoSuchKey", Some(&true.into())));
        let by_id = get_object::Input { version_id: Some(marker.clone()), ..at("k") };
        assert_eq!(code(read(&cx, by_id).await), "MethodNotAllowed");
        let page = listed(&cx).await;
        assert_eq!((page.versions.len(), page.delete_markers.len()), (1, 1));
        assert!(page.delete_markers[0].is_latest && !page.versions[0].is_latest);
        let input = delete_objects::Input {
            bucket: "b-1".to_owned(),
            delete: delete_objects::Delete {
                objects: vec![delete_objects::ObjectIdentifier {
                    key: "k".to_owned(),
                    version_id: Some(marker.clone()),
                    ..Default::default()
                }],
                quiet: None,
            },
            ..Default::default()
        };
        let deleted = delete_objects::delete_objects(&cx, input).await.unwrap().deleted;
        assert_eq!(deleted[0].delete_marker, Some(true));
        assert_eq!(deleted[0].delete_marker_version_id, Some(marker));
        assert_eq!(content(&cx, "k").await, b"x");
    })
    .await;
}

#[tokio::test]
async fn with_versioning_suspended_the_null_version_is_replaced_and_others_stay() {
    each(|cx, _store| async move {
        versioning(&cx, "Enabled").await;
        let kept = put(&cx, "k", large(1)).await.version_id.unwrap();
        versioning(&cx, "Suspended").await;
        assert_eq!(put(&cx, "k", large(2)).await.version_id, None);
        put(&cx, "k", large(3)).await;
        let ids: Vec<_> = listed(&cx).await.versions.into_iter().map(|v| (v.version_id, v.is_latest)).collect();
        assert_eq!(ids, [("null".to_owned(), true), (kept.clone(), false)]);
        assert_eq!(blobs(&cx, 2).await, 2);
        let marked = delete(&cx, "k", None).await;
        assert_eq!(marked, delete_object::Output { delete_marker: Some(true), version_id: Some("null".to_owned()) });
        assert_eq!(blobs(&cx, 1).await, 1);
        versioning(&cx, "Enabled").await;
        let newest = put(&cx, "k", "new").await.version_id.unwrap();
        let page = listed(&cx).await;
        let ids: Vec<_> = page.versions.into_iter().map(|v| v.version_id).collect();
        assert_eq!(ids, [newest, kept]);
        assert_eq!(page.delete_markers[0].version_id, "null");
    })
    .await;
}

#[tokio::test]
async fn versions_are_listed_by_pages_even_when_the_marker_is_gone() {
    each(|cx, _store| async move {
        versioning(&cx, "Enabled").await;
        for key in ["a", "b"] {
            for n in 0..3 {
                put(&cx, key, format!("{n}")).await;
            }
        }
        let input = list_object_versions::Input { bucket: "b-1".to_owned(), max_keys: Some(2), ..Default::default() };
        let first = list_object_versions::list_object_versions(&cx, input.clone()).await.unwrap();
        assert!(first.is_truncated);
        let gone = first.next_version_id_marker.clone().unwrap();
        delete(&cx, "a", Some(&gone)).await;
        let next = list_object_versions::Input {
            key_marker: first.next_key_marker,
            version_id_marker: first.next_version_id_marker,
            max_keys: None,
            ..input
        };
        let rest = list_object_versions::list_object_versions(&cx, next).await.unwrap();
        let keys: Vec<_> = rest.versions.iter().map(|v| v.key.as_str()).collect();
        assert_eq!(keys, ["a", "b", "b", "b"]);
        assert!(!rest.is_truncated);
    })
    .await;
}
