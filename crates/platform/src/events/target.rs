//! Targets: what one may be, and what it is given of an event.
//!
//! Deviation: targets are pipelines and build projects of the same account and region. A target of any other kind is among the
//! FailedEntries of PutTargets, as is one with a DeadLetterConfig: what cannot be started is logged and counted
//! (`headworks_rule_targets_total`). A RetryPolicy is kept and has nothing to do, because a target is started in the transaction
//! that marks the event as delivered. The serviceRoleOverride of a build is refused.

use std::collections::BTreeMap;

use base::{ApiError, Arn, Scope};
use formats::event_input::{EventPath, InputTemplate, RuleFacts, is_too_deep};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::errors;

/// What a rule may not give a build: whoever puts targets or events would else act as any role.
pub const SERVICE_ROLE_OVERRIDE: &str = "serviceRoleOverride";

/// A target as it is given.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Target {
    pub id: String,
    pub arn: String,
    pub role_arn: Option<String>,
    pub input: Option<String>,
    pub input_path: Option<String>,
    pub input_transformer: Option<InputTransformer>,
    /// Parameters of kinds of targets that there are not, and what is said of failures.
    #[serde(flatten)]
    pub rest: Map<String, Value>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct InputTransformer {
    #[serde(default)]
    pub input_paths_map: BTreeMap<String, String>,
    pub input_template: String,
}

/// A target, or an id, that was not taken.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct FailedEntry {
    pub target_id: String,
    pub error_code: &'static str,
    pub error_message: String,
}

impl Target {
    /// Refuses what AWS refuses.
    pub(super) fn check(&self) -> Result<(), ApiError> {
        if Arn::parse(&self.arn).is_none() {
            let text = format!("Parameter {} is not valid. Reason: Provided Arn is not in correct format.", self.arn);
            return Err(errors::validation(text));
        }
        let inputs = [self.input.is_some(), self.input_path.is_some(), self.input_transformer.is_some()];
        if inputs.into_iter().filter(|given| *given).count() > 1 {
            let text =
                format!("Only one of Input, InputPath, or InputTransformer must be provided for target {}.", self.id);
            return Err(errors::validation(text));
        }
        TargetInput::of(self)
            .map(|_| ())
            .map_err(|why| errors::validation(format!("The input of target {} is not valid. Reason: {why}.", self.id)))
    }

    /// Why Headworks does not take it.
    pub(super) fn unsupported(&self, scope: &Scope) -> Option<String> {
        let arn = Arn::parse(&self.arn)?;
        let service = arn.service.as_str();
        let is_target = match service {
            "codepipeline" => !arn.resource.contains(['/', ':']),
            "codebuild" => arn.resource.strip_prefix("project/").is_some_and(|name| !name.is_empty()),
            _ => false,
        };
        if !is_target {
            let text = "Headworks has no target of this kind yet: targets are pipelines \
                        (arn:aws:codepipeline:REGION:ACCOUNT:NAME) and build projects \
                        (arn:aws:codebuild:REGION:ACCOUNT:project/NAME)";
            return Some(format!("{text}, not {}.", self.arn));
        }
        if scope.arn(service, arn.resource.as_str()) != arn {
            return Some(format!(
                "Headworks starts targets of the rule's own account and region alone, not {}.",
                self.arn
            ));
        }
        if let (Ok(TargetInput::Constant(Value::Object(given))), "codebuild") = (TargetInput::of(self), service)
            && given.contains_key(SERVICE_ROLE_OVERRIDE)
        {
            return Some(format!("A rule may not choose the role of a build: {SERVICE_ROLE_OVERRIDE} is refused."));
        }
        let given = self.rest.keys().find(|name| *name != "RetryPolicy")?;
        Some(format!("Headworks does not support the parameter {given} of a target."))
    }
}

/// What a target gets of an event.
#[derive(Clone, Debug)]
pub enum TargetInput {
    /// The event itself.
    Whole,
    Constant(Value),
    Path(EventPath),
    Template(InputTemplate),
}

impl TargetInput {
    pub(super) fn of(target: &Target) -> Result<Self, String> {
        if let Some(text) = &target.input {
            let value: Value = serde_json::from_str(text).map_err(|e| format!("Input is not JSON: {e}"))?;
            return shallow(value).map(TargetInput::Constant);
        }
        match (&target.input_path, &target.input_transformer) {
            (Some(path), _) => EventPath::parse(path).map(TargetInput::Path),
            (None, Some(transformer)) => {
                let template = InputTemplate::parse(&transformer.input_template, &transformer.input_paths_map);
                template.map(TargetInput::Template)
            }
            (None, None) => Ok(TargetInput::Whole),
        }
    }

    /// What the target is given; none when it is only told that something happened.
    ///
    /// # Errors
    /// Why nothing can be made of this event.
    pub fn made_of(&self, event: &Value, rule: RuleFacts<'_>) -> Result<Option<Value>, String> {
        match self {
            TargetInput::Whole => Ok(None),
            TargetInput::Constant(value) => Ok(Some(value.clone())),
            TargetInput::Path(path) => path.find(event).cloned().map(shallow).transpose(),
            TargetInput::Template(template) => {
                let text = template.fill(event, rule);
                let made: Result<Value, _> = serde_json::from_str(&text);
                let made = made.map_err(|e| format!("the filled template is not JSON ({e}): {text}"))?;
                shallow(made).map(Some)
            }
        }
    }
}

fn shallow(value: Value) -> Result<Value, String> {
    if is_too_deep(&value) { Err("its values are nested more than 100 levels deep".to_owned()) } else { Ok(value) }
}
