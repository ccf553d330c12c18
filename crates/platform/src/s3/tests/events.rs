use super::ground::*;

#[tokio::test]
async fn each_change_is_told_once_and_refused_changes_are_not() {
    each(|cx, _store| async move {
        let etag = put(&cx, "k", "x").await.e_tag;
        let refused = put_object::Input { if_none_match: Some("*".to_owned()), ..put_input("k") };
        assert_eq!(code(put_object::put_object(&cx, refused, stream("y")).await), "PreconditionFailed");
        delete(&cx, "k", None).await;
        delete(&cx, "k", None).await;
        versioning(&cx, "Enabled").await;
        let version = put(&cx, "k", "x").await.version_id.unwrap();
        let marker = delete(&cx, "k", None).await.version_id.unwrap();
        let mut tx = cx.store.read().await.unwrap();
        let rows = store::events::after(&mut tx, 0, 100).await.unwrap();
        let told: Vec<_> = rows
            .iter()
            .map(|r| {
                let detail = &r.event.detail;
                (
                    r.event.detail_type.as_str(),
                    detail["reason"].as_str().unwrap(),
                    detail["object"]["version-id"].as_str(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                ("Object Created", "PutObject", None),
                ("Object Deleted", "DeleteObject", None),
                ("Object Created", "PutObject", Some(version.as_str())),
                ("Object Deleted", "DeleteObject", Some(marker.as_str())),
            ]
        );
        let first = &rows[0].event;
        assert_eq!(
            (first.source.as_str(), first.resources.as_slice()),
            ("aws.s3", ["arn:aws:s3:::b-1".to_owned()].as_slice())
        );
        assert_eq!(first.detail["bucket"]["name"], "b-1");
        assert_eq!(first.detail["object"]["etag"], etag.trim_matches('"'));
        assert_eq!(rows[3].event.detail["deletion-type"], "Delete Marker Created");
        let sequencers: Vec<_> = rows.iter().map(|r| r.event.detail["object"]["sequencer"].as_str().unwrap()).collect();
        assert!(sequencers[2] < sequencers[3]);
    })
    .await;
}
