//! Secret configuration values: sealed before they are stored, masked wherever a declaration is shown, opened for workers.
//!
//! A stored value says of itself that it is sealed, so that declarations of old versions and records of executions are masked
//! without asking which types there were. It is sealed for its account, pipeline and key, and opens nowhere else.
//!
//! Deviation: references to variables in secret values are not replaced.

use std::collections::{BTreeMap, BTreeSet};

use base::{ApiError, Scope, Secret};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use formats::pipeline::{ActionDeclaration, CustomActionType, MASK, PipelineDeclaration};
use platform::Cx;

use super::errors;
use super::on_event::newest;

const SEALED: &str = "headworks:sealed:";

fn identity<'a>(scope: &'a Scope, pipeline: &'a str, key: &'a str) -> [&'a str; 5] {
    ["codepipeline", scope.account.as_str(), scope.region.as_str(), pipeline, key]
}

/// Seals the secret values of a declaration that is about to be stored. `****` stands for the value that the action had in
/// `before`.
pub(super) fn seal(
    cx: &Cx,
    declaration: &mut PipelineDeclaration,
    before: Option<&PipelineDeclaration>,
    registered: &[CustomActionType],
) -> Result<(), ApiError> {
    let scope = cx.scope();
    let pipeline = declaration.name.clone();
    for stage in &mut declaration.stages {
        for action in &mut stage.actions {
            let earlier = before.and_then(|b| same_action(b, &stage.name, action));
            let kind = CustomActionType::find(registered, &action.action_type_id);
            let own = action.action_type().map(|kind| kind.secret).unwrap_or_default();
            let is_secret =
                |name: &str| own.contains(&name) || kind.and_then(|k| k.property(name)).is_some_and(|p| p.secret);
            for (name, value) in &mut action.configuration {
                if value.starts_with(SEALED) {
                    return Err(errors::validation(format!("The value of '{name}' begins with the reserved {SEALED}")));
                }
                if !is_secret(name) {
                    continue;
                }
                if value == MASK {
                    let kept = earlier.and_then(|a| a.config(name)).filter(|v| v.starts_with(SEALED));
                    let kept = kept.ok_or_else(|| {
                        errors::validation(format!(
                            "The value of '{name}' of action '{}' is masked, and there is no earlier value to keep",
                            action.name
                        ))
                    })?;
                    *value = kept.to_owned();
                } else {
                    let sealed = cx.site.key.seal(&identity(scope, &pipeline, name), value.as_bytes())?;
                    *value = format!("{SEALED}{}", STANDARD.encode(sealed));
                }
            }
        }
    }
    Ok(())
}

/// The action of this type and name in an earlier version, in its stage or wherever it has moved from.
fn same_action<'a>(
    before: &'a PipelineDeclaration,
    stage: &str,
    action: &ActionDeclaration,
) -> Option<&'a ActionDeclaration> {
    let same = |a: &&ActionDeclaration| a.name == action.name && a.action_type_id == action.action_type_id;
    let here = before.stage(stage).into_iter().flat_map(|s| &s.actions).find(same);
    here.or_else(|| before.stages.iter().flat_map(|s| &s.actions).find(same))
}

/// Whether a stored value is sealed.
pub(super) fn is_sealed(value: &str) -> bool {
    value.starts_with(SEALED)
}

/// The declaration as clients see it.
pub(super) fn masked(mut declaration: PipelineDeclaration) -> PipelineDeclaration {
    for action in declaration.stages.iter_mut().flat_map(|s| &mut s.actions) {
        mask(&mut action.configuration);
    }
    declaration
}

/// Replaces what is sealed in a configuration.
pub(super) fn mask(configuration: &mut BTreeMap<String, String>) {
    for value in configuration.values_mut().filter(|v| v.starts_with(SEALED)) {
        MASK.clone_into(value);
    }
}

/// The names of what is sealed in a configuration as it was declared. Once references are replaced nobody can tell: what
/// takes their place may begin like a sealed value.
pub(super) fn sealed(declared: &BTreeMap<String, String>) -> BTreeSet<String> {
    declared.iter().filter(|(_, value)| value.starts_with(SEALED)).map(|(name, _)| name.clone()).collect()
}

/// The configuration with the secrets named in `sealed` opened, for a worker.
pub(super) fn open(
    cx: &Cx,
    scope: &Scope,
    pipeline: &str,
    configuration: &BTreeMap<String, String>,
    sealed: &BTreeSet<String>,
) -> Result<BTreeMap<String, String>, ApiError> {
    let open_one = |(name, value): (&String, &String)| {
        let Some(sealed) = value.strip_prefix(SEALED).filter(|_| sealed.contains(name)) else {
            return Ok((name.clone(), value.clone()));
        };
        let bytes = STANDARD.decode(sealed).map_err(ApiError::internal)?;
        let plain = cx.site.key.open(&identity(scope, pipeline, name), &bytes).map_err(ApiError::internal)?;
        let text = String::from_utf8(plain.expose().clone()).map_err(ApiError::internal)?;
        Ok((name.clone(), text))
    };
    configuration.iter().map(open_one).collect()
}

/// The declaration as it was given.
pub(super) fn opened(
    cx: &Cx,
    scope: &Scope,
    mut declaration: PipelineDeclaration,
) -> Result<PipelineDeclaration, ApiError> {
    let pipeline = declaration.name.clone();
    for action in declaration.stages.iter_mut().flat_map(|s| &mut s.actions) {
        action.configuration = open(cx, scope, &pipeline, &action.configuration, &sealed(&action.configuration))?;
    }
    Ok(declaration)
}

/// The secret value of an action's configuration in the newest declaration, if it has one.
pub async fn action_secret(
    cx: &Cx,
    pipeline: &str,
    stage: &str,
    action: &str,
    key: &str,
) -> Result<Option<Secret<String>>, ApiError> {
    let declaration = newest(&mut cx.store.read().await?, cx.scope(), pipeline).await?;
    let Some(configuration) =
        declaration.as_ref().and_then(|d| d.stage(stage)?.action(action)).map(|action| &action.configuration)
    else {
        return Ok(None);
    };
    let one = configuration.iter().filter(|(name, _)| *name == key).map(|(k, v)| (k.clone(), v.clone())).collect();
    Ok(open(cx, cx.scope(), pipeline, &one, &sealed(&one))?.remove(key).map(Secret::new))
}
