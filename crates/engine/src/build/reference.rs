//! Variables whose values are kept in Parameter Store or Secrets Manager: what they refer to, never what it says.

use std::collections::BTreeMap;

use formats::buildspec::Buildspec;
use serde::{Deserialize, Serialize};

use super::{Context, Request, VariableKind};

/// A variable that gets its value when the job starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// The variable's name.
    pub name: String,
    pub kept: Kept,
}

/// Where a value is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kept {
    /// A parameter; its name may end in `:version` or `:label`.
    Parameter { name: String },
    /// A secret, or one key of a secret that is a JSON object.
    Secret { id: String, json_key: Option<String>, version_stage: Option<String>, version_id: Option<String> },
}

/// The status code of a phase that failed for want of a parameter, as CodeBuild spells it.
pub const PARAMETER_ERROR: &str = "Decrypted Variables Error";
/// The same for a secret.
pub const SECRET_ERROR: &str = "Secrets Manager Error";

/// The references that hold: StartBuild's and the project's variables hide those of the buildspec.
pub(super) fn references(request: &Request, spec: &Buildspec) -> Result<Vec<Reference>, Context> {
    let mut found: BTreeMap<&str, Option<Kept>> = BTreeMap::new();
    found.extend(spec.env.variables.iter().map(|(name, _)| (name.as_str(), None)));
    for reference in &spec.env.parameter_store {
        found.insert(&reference.name, Some(Kept::Parameter { name: reference.reference.clone() }));
    }
    for reference in &spec.env.secrets_manager {
        found.insert(&reference.name, Some(secret(&reference.reference)?));
    }
    for variable in &request.variables {
        let kept = match variable.kind {
            VariableKind::Plaintext => None,
            VariableKind::ParameterStore => Some(Kept::Parameter { name: variable.value.clone() }),
            VariableKind::SecretsManager => Some(secret(&variable.value)?),
        };
        found.insert(&variable.name, kept);
    }
    let reference = |(name, kept): (&str, Option<Kept>)| Some(Reference { name: name.to_owned(), kept: kept? });
    Ok(found.into_iter().filter_map(reference).collect())
}

/// Reads `secret-id:json-key:version-stage:version-id`, where the id may be an ARN, which has colons of its own
/// (<https://docs.aws.amazon.com/codebuild/latest/userguide/build-spec-ref.html#build-spec.env.secrets-manager>).
fn secret(text: &str) -> Result<Kept, Context> {
    let mut parts = text.split(':');
    let colons = if text.starts_with("arn:") { 7 } else { 1 };
    let id = parts.by_ref().take(colons).collect::<Vec<_>>().join(":");
    let mut next = || parts.next().filter(|part| !part.is_empty()).map(str::to_owned);
    let (json_key, version_stage, version_id) = (next(), next(), next());
    if id.is_empty() || parts.next().is_some() {
        let why = format!("{text} is not of the form secret-id:json-key:version-stage:version-id");
        return Err(Context::new(SECRET_ERROR, why));
    }
    Ok(Kept::Secret { id, json_key, version_stage, version_id })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Option<[String; 4]> {
        let Kept::Secret { id, json_key, version_stage, version_id } = secret(text).ok()? else { return None };
        Some([id, json_key.unwrap_or_default(), version_stage.unwrap_or_default(), version_id.unwrap_or_default()])
    }

    fn some(parts: [&str; 4]) -> Option<[String; 4]> {
        Some(parts.map(str::to_owned))
    }

    #[test]
    fn all_four_parts_may_stand_or_be_left_out() {
        assert_eq!(parts("db"), some(["db", "", "", ""]));
        assert_eq!(parts("app/db:password"), some(["app/db", "password", "", ""]));
        assert_eq!(parts("db:password:AWSPREVIOUS"), some(["db", "password", "AWSPREVIOUS", ""]));
        assert_eq!(parts("db:::uuid"), some(["db", "", "", "uuid"]));
        assert_eq!(parts("db::AWSCURRENT:"), some(["db", "", "AWSCURRENT", ""]));
    }

    #[test]
    fn the_colons_of_an_arn_are_its_own() {
        let arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:app/db-AbCdEf";
        assert_eq!(parts(arn), some([arn, "", "", ""]));
        assert_eq!(parts(&format!("{arn}:user:AWSPENDING:v")), some([arn, "user", "AWSPENDING", "v"]));
    }

    #[test]
    fn what_has_no_id_or_too_many_parts_is_refused() {
        for bad in ["", ":key", "a:b:c:d:e"] {
            assert_eq!(secret(bad).unwrap_err().status_code, SECRET_ERROR, "{bad}");
        }
    }
}
