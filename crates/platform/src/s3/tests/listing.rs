use std::collections::BTreeSet;

use proptest::prelude::*;

use super::ground::*;

fn input() -> list_objects_v2::Input {
    list_objects_v2::Input { bucket: "b-1".to_owned(), ..Default::default() }
}

/// What a listing must give, by the definition.
fn model(keys: &BTreeSet<String>, prefix: &str, delimiter: Option<&str>) -> (Vec<String>, Vec<String>) {
    let (mut items, mut prefixes) = (Vec::new(), Vec::new());
    for key in keys.iter().filter(|k| k.starts_with(prefix)) {
        let rest = &key[prefix.len()..];
        match delimiter.and_then(|d| rest.find(d).map(|at| format!("{prefix}{}", &rest[..at + d.len()]))) {
            Some(group) if prefixes.last() == Some(&group) => {}
            Some(group) => prefixes.push(group),
            None => items.push(key.clone()),
        }
    }
    (items, prefixes)
}

/// All pages of the second version, with the sizes checked on the way.
async fn pages_v2(cx: &Cx, prefix: &str, delimiter: Option<&str>, max: i64) -> (Vec<String>, Vec<String>) {
    let (mut items, mut prefixes, mut token) = (Vec::new(), Vec::new(), None);
    loop {
        let page = list_objects_v2::list_objects_v2(
            cx,
            list_objects_v2::Input {
                prefix: Some(prefix.to_owned()),
                delimiter: delimiter.map(str::to_owned),
                max_keys: Some(max),
                continuation_token: token,
                ..input()
            },
        )
        .await
        .unwrap();
        assert_eq!(page.key_count, page.contents.len() + page.common_prefixes.len());
        assert!(page.key_count <= max as usize);
        assert_eq!(page.is_truncated, page.next_continuation_token.is_some());
        assert!(page.key_count == max as usize || !page.is_truncated);
        items.extend(page.contents.into_iter().map(|o| o.key));
        prefixes.extend(page.common_prefixes.into_iter().map(|p| p.prefix));
        token = page.next_continuation_token;
        if token.is_none() {
            return (items, prefixes);
        }
    }
}

/// All pages of the first version, by the marker that clients use.
async fn pages_v1(cx: &Cx, prefix: &str, delimiter: Option<&str>, max: i64) -> (Vec<String>, Vec<String>) {
    let (mut items, mut prefixes, mut marker) = (Vec::<String>::new(), Vec::new(), None);
    loop {
        let page = list_objects::list_objects(
            cx,
            list_objects::Input {
                bucket: "b-1".to_owned(),
                prefix: Some(prefix.to_owned()),
                delimiter: delimiter.map(str::to_owned),
                max_keys: Some(max),
                marker,
                ..Default::default()
            },
        )
        .await
        .unwrap();
        items.extend(page.contents.into_iter().map(|o| o.key));
        prefixes.extend(page.common_prefixes.into_iter().map(|p| p.prefix));
        if !page.is_truncated {
            return (items, prefixes);
        }
        marker = page.next_marker.or_else(|| items.last().cloned());
    }
}

#[test]
fn every_way_of_paging_gives_every_key_once_and_in_order() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let key = proptest::collection::vec(prop_oneof!["a", "b", "/", "é", "-"], 1..7).prop_map(|p| p.concat());
    let keys = proptest::collection::btree_set(key, 0..40);
    let prefix = prop_oneof![Just(""), Just("a"), Just("a/"), Just("/"), Just("é")];
    let delimiter = prop_oneof![Just(None), Just(Some("/")), Just(Some("b/")), Just(Some("é"))];
    let config = ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(keys in keys, prefix in prefix, delimiter in delimiter, max in 1..9_i64)| {
        runtime.block_on(each(|cx, _store| {
            let keys = keys.clone();
            async move {
                for key in &keys {
                    put(&cx, key, "").await;
                }
                let expected = model(&keys, prefix, delimiter);
                assert_eq!(pages_v2(&cx, prefix, delimiter, max).await, expected, "v2 {keys:?}");
                assert_eq!(pages_v1(&cx, prefix, delimiter, max).await, expected, "v1 {keys:?}");
            }
        }));
    });
}

#[tokio::test]
async fn a_listing_of_nothing_asks_for_nothing() {
    each(|cx, _store| async move {
        put(&cx, "k", "x").await;
        let none = list_objects_v2::Input { max_keys: Some(0), ..input() };
        let page = list_objects_v2::list_objects_v2(&cx, none).await.unwrap();
        assert_eq!((page.key_count, page.is_truncated, page.max_keys), (0, false, 0));
        let wrong = list_objects_v2::Input { max_keys: Some(-1), ..input() };
        assert_eq!(code(list_objects_v2::list_objects_v2(&cx, wrong).await), "InvalidArgument");
        let wrong = list_objects_v2::Input { continuation_token: Some("x".to_owned()), ..input() };
        assert_eq!(code(list_objects_v2::list_objects_v2(&cx, wrong).await), "InvalidArgument");
    })
    .await;
}

#[tokio::test]
async fn a_listing_starts_after_a_key_and_encodes_keys_when_asked() {
    each(|cx, _store| async move {
        for key in ["a", "b +\u{1}é", "c/d"] {
            put(&cx, key, "x").await;
        }
        let after = list_objects_v2::Input {
            start_after: Some("a".to_owned()),
            encoding_type: Some("url".to_owned()),
            fetch_owner: Some(true),
            ..input()
        };
        let page = list_objects_v2::list_objects_v2(&cx, after).await.unwrap();
        let keys: Vec<_> = page.contents.iter().map(|o| o.key.as_str()).collect();
        assert_eq!(keys, ["b%20%2B%01%C3%A9", "c/d"]);
        assert_eq!(page.contents[0].owner.as_ref().map(|o| o.id.len()), Some(64));
    })
    .await;
}

#[tokio::test]
async fn objects_that_come_and_go_between_pages_hide_no_others() {
    each(|cx, _store| async move {
        for n in 0..6 {
            put(&cx, &format!("k{n}"), "x").await;
        }
        let first = list_objects_v2::list_objects_v2(&cx, list_objects_v2::Input { max_keys: Some(3), ..input() });
        let token = first.await.unwrap().next_continuation_token;
        delete(&cx, "k2", None).await;
        delete(&cx, "k3", None).await;
        put(&cx, "k00", "x").await;
        let rest = list_objects_v2::Input { continuation_token: token, ..input() };
        let rest = list_objects_v2::list_objects_v2(&cx, rest).await.unwrap();
        assert_eq!(rest.contents.into_iter().map(|o| o.key).collect::<Vec<_>>(), ["k4", "k5"]);
    })
    .await;
}
