//! Webhooks and what is delivered to them, on both databases.

use std::time::Duration;

use aws_lc_rs::hmac;
use serde_json::{Value, json};
use store::testing::each_engine;

use super::tests::{World, code, declaration, input, json_of, machines, world};
use super::*;

const SECRET: &str = "0123456789-secret";
const DAY: Duration = Duration::from_secs(24 * 3600);

impl World {
    /// The URL of a new webhook.
    async fn webhook(&self, name: &str, authentication: &str, filters: Value) -> Result<String, base::ApiError> {
        let signed = authentication == "GITHUB_HMAC";
        let configuration = if signed { json!({"SecretToken": SECRET}) } else { json!({}) };
        let webhook = json!({
            "name": name, "targetPipeline": "demo", "targetAction": "Src", "filters": filters,
            "authentication": authentication, "authenticationConfiguration": configuration,
        });
        let put = put_webhook(&self.cx, input(json!({"webhook": webhook}))).await?;
        Ok(json_of(&put)["webhook"]["url"].as_str().unwrap().to_owned())
    }

    /// Delivers a body, signed.
    async fn deliver(&self, url: &str, id: &str, body: &Value) -> WebhookAnswer {
        let token = url.split_once("?t=").unwrap().1.split('&').next().unwrap().to_owned();
        let body = body.to_string().into_bytes();
        let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), &body);
        let delivery = WebhookDelivery {
            token,
            id: Some(id.to_owned()),
            signature_256: Some(format!("sha256={}", hex::encode(tag.as_ref()))),
            signature: None,
            peer: "127.0.0.1".parse().unwrap(),
            body,
        };
        deliver_webhook(&self.cx, delivery).await.unwrap()
    }
}

fn started(answer: &WebhookAnswer) -> bool {
    matches!(answer, WebhookAnswer::Started(_))
}

fn main_only() -> Value {
    json!([{"jsonPath": "$.ref", "matchEquals": "refs/heads/{BranchName}"}])
}

fn push() -> Value {
    json!({"ref": "refs/heads/main"})
}

#[tokio::test]
async fn a_signed_delivery_is_known_for_as_long_as_its_webhook_is_there() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.create(declaration()).await.unwrap();
        let signed = world.webhook("signed", "GITHUB_HMAC", main_only()).await.unwrap();
        let open = world.webhook("open", "UNAUTHENTICATED", main_only()).await.unwrap();
        assert!(started(&world.deliver(&signed, "1", &push()).await));
        assert!(started(&world.deliver(&open, "1", &push()).await));
        world.advance(DAY * 29);
        assert_eq!(world.deliver(&open, "1", &push()).await, WebhookAnswer::Replayed);
        world.advance(DAY * 2);
        // An id alone is forgotten at some time.
        assert!(started(&world.deliver(&open, "1", &push()).await));
        for days in [0, 1000] {
            world.advance(DAY * days);
            let another = world.deliver(&signed, "2", &json!({"ref": "refs/heads/main", "n": days})).await;
            assert!(started(&another), "{another:?}");
            assert_eq!(world.deliver(&signed, "3", &push()).await, WebhookAnswer::Replayed);
        }
        delete_webhook(&world.cx, input(json!({"name": "signed"}))).await.unwrap();
        let anew = world.webhook("signed", "GITHUB_HMAC", main_only()).await.unwrap();
        assert!(started(&world.deliver(&anew, "3", &push()).await));
    })
    .await;
}

#[tokio::test]
async fn a_delivery_that_could_not_start_its_pipeline_may_come_again_once_that_is_mended() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let mut declared = declaration();
        declared["pipelineType"] = json!("V2");
        world.create(declared.clone()).await.unwrap();
        let url = world.webhook("hook", "GITHUB_HMAC", main_only()).await.unwrap();
        let failed = async |why: &str| {
            for _ in 0..2 {
                let answer = world.deliver(&url, "1", &push()).await;
                assert!(matches!(&answer, WebhookAnswer::Ignored(said) if said.contains(why)), "{answer:?}");
            }
            let listed = json_of(&list_webhooks(&world.cx, Default::default()).await.unwrap());
            assert!(listed["webhooks"][0]["errorMessage"].as_str().unwrap().contains(why), "{listed}");
        };
        let update = async |declared: &Value| {
            update_pipeline(&world.cx, input(json!({"pipeline": declared}))).await.unwrap();
        };
        let mut wanting = declared.clone();
        wanting["variables"] = json!([{"name": "v"}]);
        update(&wanting).await;
        failed("has no default value").await;
        let mut renamed = declared.clone();
        renamed["stages"][0]["actions"][0]["name"] = json!("Other");
        update(&renamed).await;
        failed("no source action Src").await;
        delete_pipeline(&world.cx, input(json!({"name": "demo"}))).await.unwrap();
        failed("was deleted").await;
        world.create(declared).await.unwrap();
        assert!(started(&world.deliver(&url, "1", &push()).await));
        assert_eq!(world.deliver(&url, "1", &push()).await, WebhookAnswer::Replayed);
        let listed = json_of(&list_webhooks(&world.cx, Default::default()).await.unwrap());
        assert!(listed["webhooks"][0]["errorMessage"].is_null(), "{listed}");
    })
    .await;
}

#[tokio::test]
async fn whoever_delivers_learns_no_value_of_the_configuration_and_no_filter_names_a_secret() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        let mut declared = declaration();
        let source = &mut declared["stages"][0]["actions"][0];
        source["actionTypeId"] =
            json!({"category": "Source", "owner": "ThirdParty", "provider": "GitHub", "version": "1"});
        source["configuration"] = json!({"Owner": "o", "Repo": "r", "Branch": "hidden", "OAuthToken": "hunter2"});
        world.create(declared).await.unwrap();
        let secret = json!([{"jsonPath": "$.token", "matchEquals": "{OAuthToken}"}]);
        let refused = world.webhook("secret", "UNAUTHENTICATED", secret).await.unwrap_err();
        assert_eq!(refused.code, "InvalidWebhookFilterPatternException");
        assert!(refused.message.contains("keeps a secret in 'OAuthToken'"), "{}", refused.message);
        let filters = json!([{"jsonPath": "$.ref", "matchEquals": "refs/heads/{Branch}"}]);
        let url = world.webhook("hook", "UNAUTHENTICATED", filters).await.unwrap();
        let why = "its body has not 'refs/heads/{Branch}' at $.ref".to_owned();
        assert_eq!(world.deliver(&url, "1", &push()).await, WebhookAnswer::Ignored(why));
        assert!(started(&world.deliver(&url, "2", &json!({"ref": "refs/heads/hidden"})).await));
    })
    .await;
}

#[tokio::test]
async fn of_two_that_put_one_webhook_both_learn_the_url_that_works() {
    each_engine(machines(), |test| async move {
        let world = world(test);
        world.create(declaration()).await.unwrap();
        for n in 0..10 {
            let name = format!("hook-{n}");
            let put = || world.webhook(&name, "UNAUTHENTICATED", main_only());
            let (one, other) = tokio::join!(put(), put());
            let (one, other) = (one.unwrap(), other.unwrap());
            assert_eq!(one, other);
            assert!(started(&world.deliver(&one, &name, &push()).await));
        }
        let none = json!([{"jsonPath": "$.ref", "matchEquals": "{Nothing}"}]);
        assert_eq!(code(world.webhook("bad", "UNAUTHENTICATED", none).await), "InvalidWebhookFilterPatternException");
    })
    .await;
}
