use super::ground::*;

#[tokio::test]
async fn a_bucket_is_made_found_and_deleted() {
    each(|cx, _store| async move {
        let head = head_bucket::head_bucket(&cx, on("b-1")).await.unwrap();
        assert_eq!((head.bucket_region.as_str(), head.bucket_arn.as_str()), ("us-east-1", "arn:aws:s3:::b-1"));
        delete_bucket::delete_bucket(&cx, on("b-1")).await.unwrap();
        assert_eq!(code(head_bucket::head_bucket(&cx, on("b-1")).await), "NoSuchBucket");
        assert_eq!(code(delete_bucket::delete_bucket(&cx, on("b-1")).await), "NoSuchBucket");
    })
    .await;
}

#[tokio::test]
async fn a_name_is_taken_for_everyone_and_owned_by_one() {
    each(|cx, store| async move {
        let other = bare(&store, "999988887777", "us-east-1");
        assert_eq!(code(create_bucket::create_bucket(&other, bucket("b-1")).await), "BucketAlreadyExists");
        assert_eq!(code(create_bucket::create_bucket(&cx, bucket("b-1")).await), "no error");
        let west = bare(&store, "111122223333", "eu-west-1");
        let mut input = bucket("b-1");
        input.create_bucket_configuration = Some(create_bucket::Configuration {
            location_constraint: Some("eu-west-1".to_owned()),
            ..Default::default()
        });
        assert_eq!(code(create_bucket::create_bucket(&west, input).await), "BucketAlreadyOwnedByYou");
        assert_eq!(code(head_bucket::head_bucket(&other, on("b-1")).await), "AccessDenied");
        assert_eq!(code(put_object::put_object(&other, put_input("k"), stream("x")).await), "AccessDenied");
        let stranger = BucketInput { expected_bucket_owner: Some("999988887777".to_owned()), ..on("b-1") };
        assert_eq!(code(head_bucket::head_bucket(&cx, stranger).await), "AccessDenied");
    })
    .await;
}

#[tokio::test]
async fn the_region_follows_the_constraint_and_the_endpoint() {
    each(|cx, store| async move {
        let with = |name: &str, region: &str| create_bucket::Input {
            create_bucket_configuration: Some(create_bucket::Configuration {
                location_constraint: Some(region.to_owned()),
                ..Default::default()
            }),
            ..bucket(name)
        };
        create_bucket::create_bucket(&cx, with("paris", "eu-west-3")).await.unwrap();
        let location = |name| get_bucket_location::get_bucket_location(&cx, on(name));
        assert_eq!(location("paris").await.unwrap().location_constraint.as_deref(), Some("eu-west-3"));
        assert_eq!(location("b-1").await.unwrap().location_constraint, None);
        let west = bare(&store, "111122223333", "eu-west-1");
        let illegal = "IllegalLocationConstraintException";
        assert_eq!(code(create_bucket::create_bucket(&west, bucket("none")).await), illegal);
        assert_eq!(code(create_bucket::create_bucket(&west, with("other", "eu-west-3")).await), illegal);
        let all = list_buckets::list_buckets(&cx, Default::default()).await.unwrap();
        let names: Vec<_> = all.buckets.iter().map(|b| (b.name.as_str(), b.bucket_region.as_str())).collect();
        assert_eq!(names, [("b-1", "us-east-1"), ("paris", "eu-west-3")]);
    })
    .await;
}

#[tokio::test]
async fn buckets_are_listed_by_pages() {
    each(|cx, _store| async move {
        for name in ["b-2", "b-3", "b-4"] {
            create_bucket::create_bucket(&cx, bucket(name)).await.unwrap();
        }
        let (mut names, mut token) = (Vec::new(), None);
        loop {
            let input = list_buckets::Input { max_buckets: Some(2), continuation_token: token, ..Default::default() };
            let page = list_buckets::list_buckets(&cx, input).await.unwrap();
            assert!(page.buckets.len() <= 2);
            names.extend(page.buckets.into_iter().map(|b| b.name));
            token = page.continuation_token;
            if token.is_none() {
                break;
            }
        }
        assert_eq!(names, ["b-1", "b-2", "b-3", "b-4"]);
    })
    .await;
}

#[tokio::test]
async fn a_bucket_with_anything_in_it_is_not_deleted() {
    each(|cx, _store| async move {
        versioning(&cx, "Enabled").await;
        put(&cx, "k", "x").await;
        assert_eq!(code(delete_bucket::delete_bucket(&cx, on("b-1")).await), "BucketNotEmpty");
        let marker = delete(&cx, "k", None).await.version_id.unwrap();
        let page = list_objects_v2::list_objects_v2(
            &cx,
            list_objects_v2::Input { bucket: "b-1".to_owned(), ..Default::default() },
        );
        assert_eq!(page.await.unwrap().key_count, 0);
        assert_eq!(code(delete_bucket::delete_bucket(&cx, on("b-1")).await), "BucketNotEmpty");
        delete(&cx, "k", Some(&marker)).await;
        let version = read(&cx, at("k")).await.unwrap().0.version_id.unwrap();
        delete(&cx, "k", Some(&version)).await;
        delete_bucket::delete_bucket(&cx, on("b-1")).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn tags_of_a_bucket_are_kept_and_configurations_that_do_not_exist_say_so() {
    each(|cx, _store| async move {
        assert_eq!(code(get_bucket_tagging::get_bucket_tagging(&cx, on("b-1")).await), "NoSuchTagSet");
        let tag = |k: &str, v: &str| Tag { key: k.to_owned(), value: v.to_owned() };
        let tagging = Tagging { tag_set: vec![tag("aws-cdk:auto-delete-objects", "true"), tag("a", "1")] };
        let input = put_bucket_tagging::Input { bucket: "b-1".to_owned(), tagging, expected_bucket_owner: None };
        put_bucket_tagging::put_bucket_tagging(&cx, input).await.unwrap();
        let tags = get_bucket_tagging::get_bucket_tagging(&cx, on("b-1")).await.unwrap().tag_set;
        assert_eq!(tags, [tag("a", "1"), tag("aws-cdk:auto-delete-objects", "true")]);
        delete_bucket_tagging::delete_bucket_tagging(&cx, on("b-1")).await.unwrap();
        assert_eq!(code(get_bucket_tagging::get_bucket_tagging(&cx, on("b-1")).await), "NoSuchTagSet");
        assert_eq!(
            code(get_bucket_encryption::get_bucket_encryption(&cx, on("b-1")).await),
            "ServerSideEncryptionConfigurationNotFoundError"
        );
        assert_eq!(code(get_bucket_policy::get_bucket_policy(&cx, on("b-1")).await), "NoSuchBucketPolicy");
        assert_eq!(code(get_bucket_policy::get_bucket_policy(&cx, on("none")).await), "NoSuchBucket");
    })
    .await;
}
