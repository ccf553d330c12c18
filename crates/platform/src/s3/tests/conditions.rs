use super::ground::*;
use base::Timestamp;

#[tokio::test]
async fn reads_obey_their_conditions() {
    each(|cx, _store| async move {
        let etag = put(&cx, "k", "x").await.e_tag;
        let with = |f: &dyn Fn(&mut get_object::Input)| {
            let mut input = at("k");
            f(&mut input);
            input
        };
        let then = Timestamp::from_secs(1_704_067_200);
        let before = Timestamp::from_secs(1_704_067_199);
        let get = |input| read(&cx, input);
        assert_eq!(code(get(with(&|i| i.if_match = Some(etag.clone()))).await), "no error");
        let failed = get(with(&|i| i.if_match = Some("\"x\"".to_owned()))).await.unwrap_err();
        assert_eq!((failed.code, failed.status), ("PreconditionFailed", Some(412)));
        let same = get(with(&|i| i.if_none_match = Some(etag.clone()))).await.unwrap_err();
        assert_eq!((same.code, same.status), ("NotModified", Some(304)));
        assert_eq!(same.members.get("ETag").and_then(|v| v.as_str()), Some(etag.as_str()));
        assert_eq!(code(get(with(&|i| i.if_modified_since = Some(then))).await), "NotModified");
        assert_eq!(code(get(with(&|i| i.if_modified_since = Some(before))).await), "no error");
        assert_eq!(code(get(with(&|i| i.if_unmodified_since = Some(before))).await), "PreconditionFailed");
        assert_eq!(code(get(with(&|i| i.if_unmodified_since = Some(then))).await), "no error");
    })
    .await;
}

#[tokio::test]
async fn a_write_on_condition_that_nothing_is_there_succeeds_once() {
    each(|cx, _store| async move {
        let once = || put_object::Input { if_none_match: Some("*".to_owned()), ..put_input("k") };
        put_object::put_object(&cx, once(), stream(large(1))).await.unwrap();
        let second = put_object::put_object(&cx, once(), stream(large(2))).await.unwrap_err();
        assert_eq!((second.code, second.status), ("PreconditionFailed", Some(412)));
        assert_eq!(content(&cx, "k").await, large(1));
        assert_eq!(blobs(&cx, 1).await, 1);
        delete(&cx, "k", None).await;
        put_object::put_object(&cx, once(), stream("again")).await.unwrap();
        let odd = put_object::Input { if_none_match: Some("\"e\"".to_owned()), ..put_input("k") };
        assert_eq!(code(put_object::put_object(&cx, odd, stream("x")).await), "NotImplemented");
    })
    .await;
}

#[tokio::test]
async fn of_many_writers_with_the_same_old_etag_one_wins() {
    each(|cx, _store| async move {
        let etag = put(&cx, "k", "old").await.e_tag;
        let tasks: Vec<_> = (0..8_u8)
            .map(|n| {
                let (cx, etag) = (cx.clone(), etag.clone());
                tokio::spawn(async move {
                    let input = put_object::Input { if_match: Some(etag), ..put_input("k") };
                    put_object::put_object(&cx, input, stream(vec![n; 10])).await
                })
            })
            .collect();
        let mut won = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(_) => won += 1,
                Err(e) => assert_eq!(e.code, "PreconditionFailed"),
            }
        }
        assert_eq!(won, 1);
        let missing = put_object::Input { if_match: Some(etag), ..put_input("none") };
        assert_eq!(code(put_object::put_object(&cx, missing, stream("x")).await), "NoSuchKey");
    })
    .await;
}

#[tokio::test]
async fn deletes_and_copies_obey_their_conditions() {
    each(|cx, _store| async move {
        let etag = put(&cx, "k", "x").await.e_tag;
        let wrong = delete_object::Input { if_match: Some("\"no\"".to_owned()), ..delete_input("k", None) };
        assert_eq!(code(delete_object::delete_object(&cx, wrong).await), "PreconditionFailed");
        let copy = |f: &dyn Fn(&mut copy_object::Input)| {
            let mut input =
                copy_object::Input { bucket: "b-1".to_owned(), key: "copy".to_owned(), ..Default::default() };
            input.source.copy_source = "b-1/k".to_owned();
            f(&mut input);
            input
        };
        let run = |input| copy_object::copy_object(&cx, input);
        let refused = run(copy(&|i| i.source.copy_source_if_none_match = Some(etag.clone()))).await;
        assert_eq!(code(refused), "PreconditionFailed");
        let refused = run(copy(&|i| i.source.copy_source_if_match = Some("no".to_owned()))).await;
        assert_eq!(code(refused), "PreconditionFailed");
        assert_eq!(code(run(copy(&|i| i.source.copy_source_if_match = Some(etag.clone()))).await), "no error");
        assert_eq!(code(run(copy(&|i| i.if_none_match = Some("*".to_owned()))).await), "PreconditionFailed");
        let right = delete_object::Input { if_match: Some(etag), ..delete_input("k", None) };
        assert_eq!(code(delete_object::delete_object(&cx, right).await), "no error");
    })
    .await;
}
