//! Parameters and secrets that a buildspec names, with values from files or from this environment.

use std::collections::BTreeSet;

use base::{ApiError, Secret};
use formats::buildspec::Buildspec;
use platform::{Cx, secretsmanager, ssm};
use serde_json::json;

use super::order::Order;
use super::project::input;
use crate::cli::CliError;

/// One value under its name: of a parameter, of a secret, or of both.
#[derive(Clone, Debug)]
pub struct Given {
    pub name: String,
    pub value: Secret<String>,
}

/// Reads `NAME=@FILE` or `NAME=env:VARIABLE`. One line's end behind a file's text does not belong to the value.
pub fn flag(text: &str, own: impl Fn(&str) -> Option<String>) -> Result<Given, CliError> {
    let bad = |why: String| CliError::user(format!("--secret {why}"));
    let form = || {
        bad(format!("'{}' is neither NAME=@FILE nor NAME=env:VARIABLE", text.split('=').next().unwrap_or_default()))
            .hint("a value itself does not belong on a command line, which every process may read")
    };
    let (name, place) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or_else(form)?;
    if name.starts_with("arn:") {
        return Err(bad(format!("{name}: an ARN cannot be given a value here"))
            .hint("name parameters and secrets in the buildspec by their names"));
    }
    let value = if let Some(file) = place.strip_prefix('@') {
        let text = std::fs::read_to_string(file).map_err(|e| bad(format!("{name}: cannot read {file}: {e}")))?;
        let line = text.strip_suffix('\n').unwrap_or(&text);
        line.strip_suffix('\r').unwrap_or(line).to_owned()
    } else if let Some(variable) = place.strip_prefix("env:") {
        own(variable).ok_or_else(|| bad(format!("{name}: this environment has no variable {variable}")))?
    } else {
        return Err(form());
    };
    if value.is_empty() {
        return Err(bad(format!("{name}: the value is empty")));
    }
    Ok(Given { name: name.to_owned(), value: Secret::new(value) })
}

/// What a buildspec names of each kind.
#[derive(Debug, Default)]
struct Named {
    parameters: BTreeSet<String>,
    secrets: BTreeSet<String>,
}

fn named(spec: Option<&Buildspec>) -> Named {
    let Some(spec) = spec else { return Named::default() };
    let secret = |reference: &formats::buildspec::SecretReference| reference.secret_place().map(|p| p.secret_id);
    Named {
        parameters: spec.env.parameter_store.iter().map(|reference| reference.reference.clone()).collect(),
        secrets: spec.env.secrets_manager.iter().filter_map(secret).collect(),
    }
}

/// An error for what the buildspec names and nobody gives: the account of a run is empty.
pub fn check(spec: Option<&Buildspec>, given: &[Given]) -> Result<(), CliError> {
    let Named { parameters, secrets } = named(spec);
    let has = |name: &String| given.iter().any(|given| given.name == *name);
    let missing = |what: &str, names: BTreeSet<String>| {
        let name = names.into_iter().find(|name| !has(name))?;
        let e =
            CliError::user(format!("the buildspec takes a variable from the {what} {name}, which has no value here"));
        Some(e.hint(hint(&name)))
    };
    match missing("parameter", parameters).or_else(|| missing("secret", secrets)) {
        Some(e) => Err(e),
        None => Ok(()),
    }
}

fn hint(name: &str) -> String {
    // The account of a run is its own: a secret in it has another ARN.
    if name.starts_with("arn:") {
        return "an ARN cannot be given a value here: with -c it is read from your AWS; or write the secret's name into the \
                buildspec, which AWS takes as well, and give that a value with --secret"
            .to_owned();
    }
    format!(
        "give it with --secret {name}=@FILE or --secret {name}=env:VARIABLE, or have it read from your AWS with -c or -p PROFILE"
    )
}

/// Puts the values where the buildspec looks for them; those that it does not name, where a command may.
pub async fn put(cx: &Cx, order: &Order) -> Result<(), ApiError> {
    let Named { parameters, secrets } = named(order.buildspec.spec.as_ref());
    for Given { name, value } in &order.secrets {
        let (parameter, secret) = (parameters.contains(name), secrets.contains(name));
        let neither = !parameter && !secret;
        let mut put = None;
        if parameter || neither {
            // The larger size; nobody pays for it here.
            let new = json!({ "Name": name, "Value": value.expose(), "Type": "SecureString", "Tier": "Advanced" });
            put = Some(ssm::put_parameter(cx, input(new)?).await.map(drop));
        }
        if secret || neither {
            let new = json!({ "Name": name, "SecretString": value.expose() });
            let made = secretsmanager::create_secret(cx, input(new)?).await.map(drop);
            // A name that the buildspec does not mention may be one of either kind.
            put = Some(match put {
                Some(Ok(())) if neither => Ok(()),
                Some(Err(e)) if !neither => Err(e),
                Some(_) | None => made,
            });
        }
        put.unwrap_or(Ok(()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn values_come_from_files_and_from_the_environment() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("key");
        std::fs::write(&file, "two\nlines\n").unwrap();
        let given = flag(&format!("/app/key=@{}", file.display()), none).unwrap();
        assert_eq!((given.name.as_str(), given.value.expose().as_str()), ("/app/key", "two\nlines"));
        let own = |name: &str| (name == "TOKEN").then(|| "a=b".to_owned());
        assert_eq!(flag("db=env:TOKEN", own).unwrap().value.expose(), "a=b");
    }

    #[test]
    fn a_value_on_the_command_line_is_refused_and_not_repeated() {
        let e = flag("db=hunter2", none).unwrap_err().to_string();
        assert!(e.contains("NAME=@FILE") && !e.contains("hunter2"), "{e}");
        assert!(flag("db=env:NOBODY", none).unwrap_err().to_string().contains("no variable NOBODY"));
        assert!(flag("arn:aws:x=@f", none).unwrap_err().to_string().contains("ARN"));
        assert!(flag("=@f", none).is_err());
    }

    #[test]
    fn what_the_buildspec_names_must_be_given() {
        let text = "version: 0.2\nenv:\n  parameter-store: {A: /app/key}\n  secrets-manager: {B: 'db:password'}\n\
                    phases: {build: {commands: [x]}}\n";
        let (spec, _) = formats::buildspec::read(text);
        let given = |name: &str| Given { name: name.to_owned(), value: Secret::new("v".to_owned()) };
        let why = |given: &[Given]| check(spec.as_ref(), given).unwrap_err().to_string();
        assert!(why(&[]).contains("the parameter /app/key"));
        assert!(why(&[given("/app/key")]).contains("the secret db"));
        check(spec.as_ref(), &[given("/app/key"), given("db")]).unwrap();
    }

    #[test]
    fn a_hint_never_names_a_flag_that_is_refused() {
        let arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf";
        assert!(hint(arn).contains("write the secret's name") && !hint(arn).contains("--secret arn"), "{}", hint(arn));
        assert!(
            hint("db").contains("--secret db=@FILE") && hint("db").contains("with -c or -p PROFILE"),
            "{}",
            hint("db")
        );
    }
}
