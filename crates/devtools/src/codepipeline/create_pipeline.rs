//! CreatePipeline: checks the declaration, stores it as version 1, and starts the first execution, unless a variable has no
//! default value: then there is none before StartPipelineExecution gives it one.
//!
//! Order: features and structure, stages, actions, artifacts, variables (`formats::pipeline::validate`); then the name and the
//! account's limit. <https://docs.aws.amazon.com/codepipeline/latest/APIReference/API_CreatePipeline.html>

use std::collections::BTreeSet;
use std::sync::Arc;

use base::{ApiError, ErrorKind, Scope, Tags};
use engine::pipeline::{Gates, GatesState, Mode, NewPipeline, Trigger};
use formats::pipeline::{PipelineDeclaration, validate_settled};
use platform::Cx;
use platform::sts::assume_role::{self, check_assume_role_in};
use serde::{Deserialize, Serialize};
use store::Tx;
use store::machine::{self, NewMachine};
use store::tables::{codepipeline_declaration, codepipeline_pipeline, codepipeline_source};

use super::change::watched;
use super::poll::polls;
use super::tags::{Tag, to_map, to_tags};
use super::{action_types, errors, load, secrets, start};

/// Pipelines in an account and region ("Quotas in AWS CodePipeline"), and as many that one pipeline has made.
const MAX_PIPELINES: i64 = 1000;

#[derive(Clone, Debug, Deserialize)]
pub struct Input {
    pub pipeline: PipelineDeclaration,
    #[serde(default)]
    pub tags: Option<Vec<Tag>>,
}

#[derive(Debug, Serialize)]
pub struct Output {
    pub pipeline: PipelineDeclaration,
    pub tags: Vec<Tag>,
}

/// Creates a pipeline.
pub async fn create_pipeline(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let scope = cx.scope().clone();
    let mut declaration = normal(input.pipeline, 1);
    let registered = action_types::registered(&mut cx.store.read().await?, &scope).await?;
    validate_settled(&declaration, scope.region.as_str(), &registered).map_err(|p| errors::problem(&p))?;
    secrets::seal(cx, &mut declaration, None, &registered)?;
    let tags = to_map(input.tags.unwrap_or_default())?;
    let declaration = Arc::new(declaration);
    let execution = cx.ids.uuid().to_string();
    let trigger = Trigger { kind: "CreatePipeline".to_owned(), detail: cx.caller.principal.arn.clone() };
    let salt = start::salt(&*cx.ids);
    let cx_in = cx.clone();
    let output = Output { pipeline: secrets::masked((*declaration).clone()), tags: to_tags(&tags) };
    cx.store
        .write(move |tx| {
            let (scope, declaration, tags) = (scope.clone(), declaration.clone(), tags.clone());
            let (id, trigger, cx) = (execution.clone(), trigger.clone(), cx_in.clone());
            let salt = salt.clone();
            Box::pin(async move {
                roles_exist(tx, &cx, &declaration).await?;
                insert(tx, &scope, &declaration, tags, Made::Here).await?;
                if let Some(variable) = declaration.variables.iter().find(|v| v.default_value.is_none()) {
                    tracing::warn!(
                        pipeline.name = declaration.name,
                        variable.name,
                        "the pipeline was created and has no first execution: a pipeline variable has no default value"
                    );
                    return Ok(());
                }
                let first = start::Start {
                    id,
                    starters: vec![trigger.detail.clone()],
                    trigger,
                    variables: Default::default(),
                    overrides: Vec::new(),
                    parent: None,
                    salt,
                };
                start::start(tx, &scope, declaration, first).await?;
                Ok::<_, ApiError>(())
            })
        })
        .await?;
    Ok(output)
}

/// The roles of a pipeline, its actions and its rules must be there, and the pipeline's must be CodePipeline's to assume. In test
/// mode roles need not exist.
pub(super) async fn roles_exist(tx: &mut Tx, cx: &Cx, declaration: &PipelineDeclaration) -> Result<(), ApiError> {
    if cx.site.test_mode {
        return Ok(());
    }
    let actions = declaration.stages.iter().flat_map(|s| &s.actions).filter_map(|a| a.role_arn.as_ref());
    let rules = declaration.stages.iter().flat_map(|s| s.rules()).filter_map(|r| r.role_arn.as_ref());
    let roles: BTreeSet<&String> = actions.chain(rules).collect();
    is_assumable(tx, cx, declaration).await?;
    for role in roles {
        if account_of(role) != cx.scope().account.as_str() {
            return Err(errors::role_of_another_account(role));
        }
        if !platform::iam::role_may_exist(tx, cx, role).await? {
            return Err(errors::role_not_assumable(role));
        }
    }
    Ok(())
}

async fn is_assumable(tx: &mut Tx, cx: &Cx, declaration: &PipelineDeclaration) -> Result<(), ApiError> {
    let role = &declaration.role_arn;
    if account_of(role) != cx.scope().account.as_str() {
        return Err(errors::role_not_assumable(role));
    }
    let source_arn = Some(load::arn(cx.scope(), &declaration.name));
    let asked = assume_role::Input { source_arn, ..assume_role::Input::new(role, &declaration.name) };
    match check_assume_role_in(tx, &cx.as_service("codepipeline", cx.scope()), &asked).await {
        Err(e) if e.kind == ErrorKind::Client => Err(errors::role_not_assumable(role)),
        checked => checked,
    }
}

/// `arn:aws:iam::ACCOUNT:role/NAME`
fn account_of(role: &str) -> &str {
    role.split(':').nth(4).unwrap_or_default()
}

/// Who has made a pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made<'a> {
    /// A client. Changes of its sources start it, as far as its actions and triggers want that.
    Here,
    /// An execution of this pipeline. Nothing else starts it, and it does not count towards what a client may make.
    By(&'a str),
}

/// Makes a pipeline of version 1.
pub(super) async fn insert(
    tx: &mut Tx,
    scope: &Scope,
    declaration: &PipelineDeclaration,
    tags: Tags,
    made: Made<'_>,
) -> Result<(), ApiError> {
    let name = &declaration.name;
    if codepipeline_pipeline::get(tx, scope, name).await?.is_some() {
        return Err(errors::name_in_use(scope, name));
    }
    let (parent, whose) = match made {
        Made::Here => ("", format!("Account '{}' has reached the limit of {MAX_PIPELINES} pipelines", scope.account)),
        Made::By(parent) => {
            (parent, format!("Pipeline '{parent}' has reached the limit of {MAX_PIPELINES} pipelines that it has made"))
        }
    };
    if codepipeline_pipeline::count(tx, scope, parent).await? >= MAX_PIPELINES {
        return Err(ApiError::new("LimitExceededException", whose));
    }
    let now = tx.now();
    let row = codepipeline_pipeline::Row { name: name.clone(), version: 1, tags, created: now, updated: now };
    codepipeline_pipeline::insert(tx, scope, &row, parent).await?;
    store_declaration(tx, scope, declaration, made).await?;
    let stages = declaration.stages.iter().map(|s| s.name.clone()).collect();
    let state = GatesState::new(NewPipeline { version: 1, mode: Mode::of(declaration), stages });
    let gates = NewMachine::<Gates> { id: load::arn(scope, name), scope: scope.clone(), parent: String::new(), state };
    machine::create(tx, gates).await?;
    Ok(())
}

/// The declaration as GetPipeline shows it: numbered, with AWS's defaults filled in.
pub(super) fn normal(mut declaration: PipelineDeclaration, version: u32) -> PipelineDeclaration {
    declaration.version = Some(version);
    declaration.execution_mode = Some(declaration.execution_mode().to_owned());
    declaration.pipeline_type = Some(declaration.pipeline_type().to_owned());
    declaration
}

/// Stores one version, and what its source actions watch.
pub(super) async fn store_declaration(
    tx: &mut Tx,
    scope: &Scope,
    declaration: &PipelineDeclaration,
    made: Made<'_>,
) -> Result<(), ApiError> {
    let text = serde_json::to_string(declaration).map_err(ApiError::internal)?;
    let version = declaration.version.unwrap_or(1);
    codepipeline_declaration::insert(tx, scope, &declaration.name, version, &text).await?;
    let watched = match made {
        Made::Here => sources(declaration),
        Made::By(_) => Vec::new(),
    };
    codepipeline_source::replace(tx, scope, &declaration.name, &watched).await?;
    Ok(())
}

fn sources(declaration: &PipelineDeclaration) -> Vec<codepipeline_source::Row> {
    let source = |action: &formats::pipeline::ActionDeclaration| {
        let watched = watched(action)?;
        Some(codepipeline_source::Row {
            provider: watched.provider.to_owned(),
            container: watched.container.to_owned(),
            item: match declaration.trigger_of(&action.name) {
                Some(_) => String::new(),
                None => watched.item.to_owned(),
            },
            pipeline: declaration.name.clone(),
            action: action.name.clone(),
            polls: polls(action),
        })
    };
    declaration.source_actions().filter_map(source).collect()
}
