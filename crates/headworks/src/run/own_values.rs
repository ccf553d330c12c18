//! Parameters and secrets of the user's own AWS (`-c`), for variables that nobody else gives a value.
//!
//! They are asked for before the build begins, with the user's own keys, and put into the private account, where the build
//! takes them from as it takes all others: so they are masked, and an error of AWS's names the variable and runs nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use base::{ApiError, Clock as _, Secret, SystemClock};
use bytes::Bytes;
use formats::buildspec::{Buildspec, SecretPlace};
use http::{Method, Request, Uri};
use http_body_util::Full;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use platform::{Cx, secretsmanager};
use serde_json::{Value, json};
use wire::sigv4::{Payload, Target, sign};

use super::aws::OwnAws;
use super::keys::Access;
use super::project::input;
use super::secrets::Given;
use crate::cli::CliError;
use crate::client::{refusal, taken};
use crate::dial::connect;
use crate::front::bundle_paths;

/// How long AWS may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// What is to be asked for, and as whom.
#[derive(Clone, Debug)]
pub struct Wanted {
    access: Access,
    /// The file with the authorities to trust.
    authorities: PathBuf,
    variables: BTreeMap<String, Place>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Parameter(String),
    Secret(SecretPlace),
}

/// A variable's value.
pub struct Found {
    json_key: Option<String>,
    value: Secret<String>,
}

impl Wanted {
    /// What the buildspec's variables refer to, without what is given otherwise. `None`: nothing, so no keys are needed.
    pub fn of(
        spec: Option<&Buildspec>,
        own: &OwnAws,
        secrets: &[Given],
        variables: &[(String, String)],
    ) -> Result<Option<Wanted>, CliError> {
        let Some(spec) = spec else { return Ok(None) };
        let given = |name: &str| secrets.iter().any(|given| given.name == name);
        let parameters = spec.env.parameter_store.iter().filter(|reference| !given(&reference.reference));
        let parameters = parameters.map(|r| (r.name.clone(), Place::Parameter(r.reference.clone())));
        let places = spec.env.secrets_manager.iter().filter_map(|r| Some((r.name.clone(), r.secret_place()?)));
        let places = places.filter(|(_, place)| !given(&place.secret_id));
        // Of a variable that stands under both the secret counts, as in every build.
        let mut wanted: BTreeMap<_, _> =
            parameters.chain(places.map(|(name, place)| (name, Place::Secret(place)))).collect();
        wanted.retain(|name, _| variables.iter().all(|(other, _)| other != name));
        if wanted.is_empty() {
            return Ok(None);
        }
        let named = own.variable("AWS_CA_BUNDLE").map(PathBuf::from);
        let authorities = named.or_else(|| bundle_paths().into_iter().next()).unwrap_or_default();
        Ok(Some(Wanted { access: Access::of(own)?, authorities, variables: wanted }))
    }

    /// Asks for all of it.
    pub async fn fetch(&self) -> Result<BTreeMap<String, Found>, CliError> {
        let mut found = BTreeMap::new();
        for (variable, place) in &self.variables {
            let (what, service, operation, ask) = match place {
                Place::Parameter(name) => {
                    let ask = json!({ "Name": name, "WithDecryption": true });
                    (format!("the parameter {name}"), "ssm", "GetParameter", ask)
                }
                Place::Secret(SecretPlace { secret_id, version_stage, version_id, .. }) => {
                    let mut ask = json!({ "SecretId": secret_id });
                    for (member, value) in [("VersionStage", version_stage), ("VersionId", version_id)] {
                        if let Some(value) = value {
                            ask[member] = json!(value);
                        }
                    }
                    (format!("the secret {secret_id}"), "secretsmanager", "GetSecretValue", ask)
                }
            };
            let answer = self.call(service, operation, ask).await.map_err(|e| {
                e.before(format_args!("the variable {variable} is {what} of your AWS, which cannot be had"))
                    .hint("mend that, or give it a value with --secret NAME=@FILE or --secret NAME=env:VARIABLE")
            })?;
            let text = answer.pointer("/Parameter/Value").or_else(|| answer.get("SecretString"));
            let Some(text) = text.and_then(Value::as_str) else {
                return Err(CliError::user(format!("the variable {variable} is {what} of your AWS, which is no text")));
            };
            let json_key = match place {
                Place::Parameter(_) => None,
                Place::Secret(place) => place.json_key.clone(),
            };
            found.insert(variable.clone(), Found { json_key, value: Secret::new(text.to_owned()) });
        }
        Ok(found)
    }

    async fn call(&self, service: &str, operation: &str, ask: Value) -> Result<Value, CliError> {
        let answer = tokio::time::timeout(ANSWER_LIMIT, self.exchange(service, operation, ask)).await;
        answer.unwrap_or_else(|_| {
            let (endpoint, seconds) = (self.access.endpoint(service), ANSWER_LIMIT.as_secs());
            Err(CliError::environment(format!("{endpoint} has not answered in {seconds} s")))
        })
    }

    async fn exchange(&self, service: &str, operation: &str, ask: Value) -> Result<Value, CliError> {
        let model =
            wire::models().service(service).ok_or_else(|| CliError::internal(format!("no service {service}")))?;
        let endpoint = self.access.endpoint(service);
        let uri: Uri = format!("{endpoint}/")
            .parse()
            .map_err(|e| CliError::user(format!("the endpoint {endpoint} is no URL: {e}")))?;
        let request = Request::builder()
            .method(Method::POST)
            .uri(uri.clone())
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", format!("{}.{operation}", model.target_prefix().unwrap_or_default()));
        let body = Bytes::from(ask.to_string());
        let (mut parts, ()) = request.body(()).map_err(CliError::internal)?.into_parts();
        let target = Target { region: &self.access.region, service: model.signing_name() };
        sign(&mut parts, Payload::Bytes(&body), &self.access.credentials, target, SystemClock.now())
            .map_err(CliError::internal)?;
        // On a connection of its own a request names the path alone; the host has a header.
        parts.uri = uri.path().parse().map_err(CliError::internal)?;
        let request = Request::from_parts(parts, Full::new(body));
        let connection = connect(&uri, &self.authorities)
            .await
            .map_err(|e| CliError::environment(format!("cannot reach {endpoint}: {e}")))?;
        let failed = |e: hyper::Error| CliError::environment(format!("{endpoint}: {e}"));
        let (mut sender, driving) = handshake(TokioIo::new(connection)).await.map_err(failed)?;
        let driving = tokio::spawn(driving);
        let answer = sender.send_request(request).await.map_err(failed)?;
        let (status, answer) = taken(answer).await?;
        driving.abort();
        if status.is_success() {
            return Ok(serde_json::from_slice(&answer).unwrap_or_default());
        }
        Err(refusal(operation, status, &answer))
    }
}

/// The keys and tokens among the variables of the user's AWS: as secrets they are masked in the log, and nobody is told
/// their values. `given` has what the user set in their place.
pub fn secrets(own: Option<&OwnAws>, given: &[(String, String)]) -> BTreeMap<String, Found> {
    let found =
        own.into_iter().flat_map(OwnAws::secret).filter(|(name, _)| given.iter().all(|(other, _)| other != name));
    found.map(|(name, value)| (name.clone(), Found { json_key: None, value: Secret::new(value.clone()) })).collect()
}

/// Puts the values into the private account; gives the project's variables that take them from there.
pub async fn put(cx: &Cx, found: &BTreeMap<String, Found>) -> Result<Vec<Value>, ApiError> {
    let mut variables = Vec::new();
    for (variable, Found { json_key, value }) in found {
        let name = format!("headworks-run/{variable}");
        let new = json!({ "Name": name, "SecretString": value.expose() });
        secretsmanager::create_secret(cx, input(new)?).await?;
        let place = json_key.iter().fold(name, |name, key| format!("{name}:{key}"));
        variables.push(json!({ "name": variable, "value": place, "type": "SECRETS_MANAGER" }));
    }
    Ok(variables)
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    const SPEC: &str = "version: 0.2\nenv:\n  parameter-store: {A: /app/key, B: '/app/other:3'}\n  secrets-manager: {C: \
                        'db:password::v1'}\nphases: {build: {commands: [x]}}\n";

    fn own() -> OwnAws {
        let keys = [("AWS_ACCESS_KEY_ID", "k"), ("AWS_SECRET_ACCESS_KEY", "s"), ("AWS_REGION", "eu-west-1")];
        OwnAws::of(keys.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())), None, "")
    }

    fn names(wanted: Option<Wanted>) -> Vec<String> {
        wanted.into_iter().flat_map(|wanted| wanted.variables).map(|(name, _)| name).collect()
    }

    #[test]
    fn what_is_given_is_not_asked_for() {
        let (spec, _) = formats::buildspec::read(SPEC);
        let given = |name: &str| Given { name: name.to_owned(), value: Secret::new("v".to_owned()) };
        let of = |secrets: &[Given], variables: &[(String, String)]| {
            names(Wanted::of(spec.as_ref(), &own(), secrets, variables).unwrap())
        };
        assert_eq!(of(&[], &[]), ["A", "B", "C"]);
        assert_eq!(of(&[given("/app/key"), given("db")], &[]), ["B"]);
        assert_eq!(of(&[given("/app/key"), given("db")], &[("B".to_owned(), "mine".to_owned())]), [""; 0]);
    }

    #[test]
    fn a_variable_that_is_named_twice_is_asked_for_once() {
        let text = "version: 0.2\nenv:\n  parameter-store: {A: /app/key}\n  secrets-manager: {A: 'db:password'}\n\
                    phases: {build: {commands: [x]}}\n";
        let (spec, _) = formats::buildspec::read(text);
        let wanted = Wanted::of(spec.as_ref(), &own(), &[], &[]).unwrap().unwrap();
        let places: Vec<_> = wanted.variables.values().collect();
        assert!(matches!(places.as_slice(), [Place::Secret(place)] if place.secret_id == "db"), "{places:?}");
    }

    #[test]
    fn keys_are_secrets_unless_the_user_sets_others() {
        let set = [("AWS_SECRET_ACCESS_KEY".to_owned(), "other".to_owned())];
        let names = |given: &[(String, String)]| secrets(Some(&own()), given).into_keys().collect::<Vec<_>>();
        assert_eq!(names(&[]), ["AWS_SECRET_ACCESS_KEY"]);
        assert_eq!((names(&set), secrets(None, &[]).len()), (Vec::new(), 0));
    }

    #[test]
    fn keys_are_needed_only_where_something_is_asked_for() {
        let (plain, _) = formats::buildspec::read("version: 0.2\nphases: {build: {commands: [x]}}\n");
        let nobody = OwnAws::of(std::iter::empty(), Some("nobody"), "");
        assert!(Wanted::of(plain.as_ref(), &nobody, &[], &[]).unwrap().is_none());
        let (spec, _) = formats::buildspec::read(SPEC);
        assert!(Wanted::of(spec.as_ref(), &nobody, &[], &[]).is_err());
    }

    #[tokio::test]
    async fn an_endpoint_may_have_a_path() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (spec, _) = formats::buildspec::read(SPEC);
        let mut own = own();
        own.variables.push(("AWS_ENDPOINT_URL".to_owned(), format!("http://{}/aws/", listener.local_addr().unwrap())));
        let wanted = Wanted::of(spec.as_ref(), &own, &[], &[]).unwrap().unwrap();
        let asked = async {
            let mut first = [0; 15];
            listener.accept().await.unwrap().0.read_exact(&mut first).await.unwrap();
            String::from_utf8_lossy(&first).into_owned()
        };
        assert_eq!(tokio::join!(asked, wanted.fetch()).0, "POST /aws/ HTTP");
    }

    #[tokio::test]
    async fn an_endpoint_that_is_not_there_is_named() {
        let (spec, _) = formats::buildspec::read(SPEC);
        let mut own = own();
        own.variables.push(("AWS_ENDPOINT_URL".to_owned(), "http://127.0.0.1:1".to_owned()));
        let wanted = Wanted::of(spec.as_ref(), &own, &[], &[]).unwrap().unwrap();
        let why = wanted.fetch().await.err().unwrap().to_string();
        assert!(why.contains("the variable A is the parameter /app/key") && why.contains("127.0.0.1:1"), "{why}");
    }
}
