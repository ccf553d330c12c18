//! Versions and the stages that stand on them.

use base::ApiError;
use store::Tx;
use store::tables::secretsmanager_version::{self, Row};

use super::errors;
use super::value::Value;
use crate::Cx;

pub(super) const CURRENT: &str = "AWSCURRENT";
const PREVIOUS: &str = "AWSPREVIOUS";
const MAX_STAGES: usize = 20;
/// Versions without a stage beyond this many go, the oldest first.
const MAX_VERSIONS: usize = 100;

/// A version as callers get to know it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Added {
    pub id: String,
    pub stages: Vec<String>,
}

/// Adds a version with `stages`; its id is the client's token. Doing it again with the same value changes nothing.
pub(super) async fn add(
    tx: &mut Tx,
    cx: &Cx,
    secret: &str,
    token: Option<&str>,
    value: &Value,
    stages: &[String],
) -> Result<Added, ApiError> {
    let id = token.map_or_else(|| cx.ids.uuid().to_string(), str::to_owned);
    let versions = secretsmanager_version::list(tx, secret).await?;
    if let Some(known) = versions.iter().find(|v| v.id == id) {
        if Value::open(cx, secret, known)? == *value {
            return Ok(Added { id, stages: known.stages.clone() });
        }
        return Err(errors::token_used(&id, secret));
    }
    let row = Row {
        id: id.clone(),
        kind: value.kind().to_owned(),
        value: value.seal(cx, secret, &id)?,
        stages: Vec::new(),
        created: cx.now(),
        accessed: None,
    };
    let mut board = Board::new(versions);
    secretsmanager_version::insert(tx, secret, &row).await?;
    board.versions.push(row);
    // The first version is the current one whatever else it is called.
    if !board.versions.iter().any(|v| v.stages.iter().any(|s| s == CURRENT)) {
        board.place(CURRENT, &id);
    }
    for stage in stages {
        board.place(stage, &id);
    }
    board.save(tx, secret).await?;
    let stages = board.stages_of(&id);
    if stages.len() > MAX_STAGES {
        return Err(errors::limit());
    }
    discard_old(tx, secret, &board).await?;
    Ok(Added { id, stages })
}

async fn discard_old(tx: &mut Tx, secret: &str, board: &Board) -> Result<(), ApiError> {
    let surplus = board.versions.len().saturating_sub(MAX_VERSIONS);
    for old in board.versions.iter().filter(|v| v.stages.is_empty()).take(surplus) {
        secretsmanager_version::delete(tx, secret, &old.id).await?;
    }
    Ok(())
}

/// The stages of all versions, while they are moved about.
pub(super) struct Board {
    versions: Vec<Row>,
    before: Vec<(String, Vec<String>)>,
}

impl Board {
    pub(super) fn new(versions: Vec<Row>) -> Self {
        let before = versions.iter().map(|v| (v.id.clone(), v.stages.clone())).collect();
        Board { versions, before }
    }

    /// On which version a stage stands.
    pub(super) fn holder(&self, stage: &str) -> Option<&str> {
        self.versions.iter().find(|v| v.stages.iter().any(|s| s == stage)).map(|v| v.id.as_str())
    }

    pub(super) fn has(&self, id: &str) -> bool {
        self.versions.iter().any(|v| v.id == id)
    }

    pub(super) fn stages_of(&self, id: &str) -> Vec<String> {
        self.versions.iter().find(|v| v.id == id).map(|v| v.stages.clone()).unwrap_or_default()
    }

    /// Takes a stage away.
    pub(super) fn remove(&mut self, stage: &str) {
        for version in &mut self.versions {
            version.stages.retain(|s| s != stage);
        }
    }

    /// Puts a stage on a version, away from where it was. `AWSPREVIOUS` follows `AWSCURRENT`.
    pub(super) fn place(&mut self, stage: &str, id: &str) {
        let from = self.holder(stage).map(str::to_owned);
        if from.as_deref() == Some(id) {
            return;
        }
        self.remove(stage);
        if let Some(version) = self.versions.iter_mut().find(|v| v.id == id) {
            version.stages.push(stage.to_owned());
        }
        if let (CURRENT, Some(from)) = (stage, from) {
            self.place(PREVIOUS, &from);
        }
    }

    /// Writes what has changed.
    pub(super) async fn save(&self, tx: &mut Tx, secret: &str) -> Result<(), ApiError> {
        for version in &self.versions {
            let known = self.before.iter().find(|(id, _)| *id == version.id);
            if known.is_none_or(|(_, stages)| *stages != version.stages) {
                secretsmanager_version::set_stages(tx, secret, &version.id, &version.stages).await?;
            }
        }
        Ok(())
    }
}
