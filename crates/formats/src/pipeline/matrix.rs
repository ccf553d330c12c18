//! Matrices: one action that runs several times side by side, each time with other values.
//!
//! Beyond AWS. Clients refuse members of an action that they do not know, so the keys stand in its configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{ActionDeclaration, Category, PipelineDeclaration, Problem, StageDeclaration, references};
use crate::cloudformation::is_open;

/// The key with the matrix itself, as JSON.
pub const MATRIX: &str = "HeadworksMatrix";
/// The key with the place of a file that holds the matrix: `ARTIFACT::PATH`.
pub const MATRIX_FILE: &str = "HeadworksMatrixFile";
/// The key with the place of a file that holds the definition of the pipeline to start: `ARTIFACT::PATH`.
pub const DEFINITION: &str = "HeadworksDefinition";
/// The namespace of a run's own values.
pub const NAMESPACE: &str = "matrix";
/// Runs of one matrix.
pub const MAX_RUNS: usize = 500;
/// What the names and values of all runs may take: the record of an execution holds them.
const MAX_BYTES: usize = 100_000;
/// So that `@500` fits behind an action's name.
const MAX_NAME: usize = 96;

/// The values of one run, by name.
pub type Values = BTreeMap<String, String>;

/// A matrix as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Matrix {
    /// One run for each text, which is its `matrix.value`.
    Texts(Vec<String>),
    /// One run for each object.
    Runs(Vec<Vec<(String, String)>>),
    /// One run for each combination: the first list changes slowest.
    Product(Vec<(String, Vec<String>)>),
}

/// Where an action's matrix comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MatrixSource<'a> {
    /// It stands in the configuration.
    Text(&'a str),
    /// It stands in a file of an input artifact: `ARTIFACT::PATH`.
    File(&'a str),
}

impl Matrix {
    /// Reads a matrix; the error completes a sentence: "it must be ...".
    pub fn parse(text: &str) -> Result<Self, String> {
        let json: Json = serde_json::from_str(text).map_err(|e| format!("it is not JSON that a matrix can be: {e}"))?;
        match json {
            Json::List(items) if items.is_empty() => Err("the list is empty: a matrix has at least one run".to_owned()),
            Json::List(items) if matches!(items.first(), Some(Json::Text(_))) => {
                texts(items, "the matrix").map(Matrix::Texts)
            }
            Json::List(items) => runs(items),
            Json::Object(members) if members.is_empty() => {
                Err("the object is empty: a matrix has at least one run".to_owned())
            }
            Json::Object(members) => {
                let product = members.into_iter().map(|(name, list)| match list {
                    Json::List(items) if items.is_empty() => {
                        Err(format!("the list '{}' is empty: there would be no run", shown(&name)))
                    }
                    Json::List(items) => {
                        let list = texts(items, &format!("'{}'", shown(&name)))?;
                        Ok((named(name)?, list))
                    }
                    other => Err(format!("'{}' must be a list of texts, not {}", shown(&name), other.kind())),
                });
                Ok(Matrix::Product(product.collect::<Result<_, _>>()?))
            }
            other => Err(format!(
                "it must be a list of texts, a list of objects of texts, or an object of lists of texts, not {}",
                other.kind()
            )),
        }
    }

    /// Replaces each value by what `change` makes of it.
    pub fn try_map<E>(self, mut change: impl FnMut(&str) -> Result<String, E>) -> Result<Self, E> {
        let mut list = |list: Vec<String>| list.iter().map(|text| change(text)).collect::<Result<Vec<_>, E>>();
        Ok(match self {
            Matrix::Texts(texts) => Matrix::Texts(list(texts)?),
            Matrix::Product(lists) => Matrix::Product(
                lists.into_iter().map(|(name, texts)| Ok((name, list(texts)?))).collect::<Result<_, E>>()?,
            ),
            Matrix::Runs(runs) => {
                let mut run = |run: Vec<(String, String)>| {
                    run.into_iter().map(|(name, text)| Ok((name, change(&text)?))).collect::<Result<Vec<_>, E>>()
                };
                Matrix::Runs(runs.into_iter().map(&mut run).collect::<Result<_, E>>()?)
            }
        })
    }

    /// The runs, in order: 1 to 500, no two alike.
    pub fn values(&self) -> Result<Vec<Values>, String> {
        let count = match self {
            Matrix::Texts(texts) => texts.len(),
            Matrix::Runs(runs) => runs.len(),
            Matrix::Product(lists) => lists.iter().fold(1_usize, |n, (_, list)| n.saturating_mul(list.len())),
        };
        if count > MAX_RUNS {
            return Err(format!("it has {count} runs, which is more than the maximum of {MAX_RUNS}"));
        }
        // Each text of a product stands in many runs.
        check_bytes(self.bytes(count))?;
        let all: Vec<Values> = match self {
            Matrix::Texts(texts) => {
                texts.iter().map(|text| BTreeMap::from([("value".to_owned(), text.clone())])).collect()
            }
            Matrix::Runs(runs) => runs.iter().map(|run| run.iter().cloned().collect()).collect(),
            Matrix::Product(lists) => lists.iter().fold(vec![Values::new()], |all, (name, list)| {
                let with = |values: &Values, text: &String| {
                    let mut values = values.clone();
                    values.insert(name.clone(), text.clone());
                    values
                };
                all.iter().flat_map(|values| list.iter().map(move |text| with(values, text))).collect()
            }),
        };
        checked(&all)?;
        Ok(all)
    }

    /// What the names and values of its runs take together.
    fn bytes(&self, count: usize) -> usize {
        match self {
            Matrix::Texts(texts) => texts.iter().map(|text| "value".len() + text.len()).sum(),
            Matrix::Runs(runs) => runs.iter().flatten().map(|(name, text)| name.len() + text.len()).sum(),
            Matrix::Product(lists) => lists.iter().fold(0_usize, |all, (name, list)| {
                let once = list.iter().map(|text| name.len() + text.len()).sum::<usize>();
                all.saturating_add(once.saturating_mul(count / list.len().max(1)))
            }),
        }
    }
}

fn check_bytes(bytes: usize) -> Result<(), String> {
    match bytes > MAX_BYTES {
        true => Err(format!("its names and values take {bytes} bytes, which is more than the maximum of {MAX_BYTES}")),
        false => Ok(()),
    }
}

/// Whether these can be the runs of a matrix.
pub fn checked(all: &[Values]) -> Result<(), String> {
    if all.is_empty() || all.len() > MAX_RUNS {
        return Err(format!("it has {} runs; a matrix has 1 to {MAX_RUNS}", all.len()));
    }
    check_bytes(all.iter().flatten().map(|(name, value)| name.len() + value.len()).sum())?;
    let mut seen: BTreeMap<&Values, usize> = BTreeMap::new();
    for (n, values) in all.iter().enumerate() {
        if let Some(first) = seen.insert(values, n) {
            return Err(format!("run {} has the same values as run {}", n + 1, first + 1));
        }
    }
    Ok(())
}

/// The two halves of `ARTIFACT::PATH`, if the path stays in the artifact.
pub fn artifact_file(place: &str) -> Option<(&str, &str)> {
    let (artifact, path) = place.split_once("::")?;
    let is_name = |part: &str| !part.is_empty() && part != "." && part != "..";
    (!artifact.is_empty() && path.split('/').all(is_name) && !path.contains(['\0', '\\'])).then_some((artifact, path))
}

impl ActionDeclaration {
    /// Where the action's matrix comes from, if it has one.
    pub fn matrix(&self) -> Option<MatrixSource<'_>> {
        let file = || self.config(MATRIX_FILE).map(MatrixSource::File);
        self.config(MATRIX).map(MatrixSource::Text).or_else(file)
    }
}

/// What is wrong with an action's matrix, apart from its neighbours.
pub(super) fn check(action: &ActionDeclaration) -> Result<(), Problem> {
    let name = &action.name;
    if action.configuration.contains_key("HeadworksMatrixLimit") {
        return Err(wrong(
            action,
            "HeadworksMatrixLimit",
            "it is not available: all runs of a matrix run side by side",
        ));
    }
    let Some(source) = action.matrix() else { return Ok(()) };
    let key = match source {
        MatrixSource::Text(_) if action.configuration.contains_key(MATRIX_FILE) => {
            return Err(wrong(action, MATRIX_FILE, "an action has HeadworksMatrix or HeadworksMatrixFile, not both"));
        }
        MatrixSource::Text(_) => MATRIX,
        MatrixSource::File(_) => MATRIX_FILE,
    };
    let category = &action.action_type_id.category;
    if [Category::Source, Category::Approval].iter().any(|c| c.as_str() == category) {
        return Err(wrong(
            action,
            key,
            &format!("an action of category {category} does no work that could be shared out"),
        ));
    }
    if !action.output_artifacts.is_empty() {
        return Err(Problem::action(format!(
            "Action '{name}' has a matrix and declares output artifacts, which is not available: its runs would all make the same one."
        ))
        .in_member("outputArtifacts"));
    }
    if name.len() > MAX_NAME {
        return Err(wrong(
            action,
            key,
            &format!("the name of an action with a matrix has at most {MAX_NAME} characters"),
        ));
    }
    match source {
        MatrixSource::Text(text) | MatrixSource::File(text) if names_own_values(text) => {
            Err(wrong(action, key, "the matrix cannot refer to the values of its own runs"))
        }
        MatrixSource::Text(text) if is_fixed(text) => {
            Matrix::parse(text).and_then(|m| m.values()).map(|_| ()).map_err(|why| wrong(action, key, &why))
        }
        MatrixSource::File(place) => check_file(action, key, place),
        MatrixSource::Text(_) => Ok(()),
    }
}

/// Whether a place in an input artifact can be one, as far as that is known before the pipeline runs.
pub(super) fn check_file(action: &ActionDeclaration, key: &str, place: &str) -> Result<(), Problem> {
    if !is_fixed(place) {
        return Ok(());
    }
    let from = artifact_file(place).map(|(artifact, _)| artifact);
    if from.is_some_and(|name| action.input_artifacts.iter().any(|a| a.name == name || is_open(&a.name))) {
        return Ok(());
    }
    Err(wrong(action, key, "it must be INPUT_ARTIFACT::FILE, with one of the action's input artifacts"))
}

/// Names of actions beside a matrix that its runs would have, too.
pub(super) fn check_names(stage: &StageDeclaration) -> Result<(), Problem> {
    for action in stage.actions.iter().filter(|a| a.matrix().is_some()) {
        if let Some(other) = stage.actions.iter().find(|a| is_run_of(&action.name, &a.name)) {
            return Err(Problem::stage(format!(
                "Action '{}' in stage '{}' has the name of a run of action '{}', which has a matrix.",
                other.name, stage.name, action.name
            )));
        }
    }
    Ok(())
}

/// Whether `other` is the name of a run of an action with a matrix.
fn is_run_of(action: &str, other: &str) -> bool {
    let number = other.strip_prefix(action).and_then(|rest| rest.strip_prefix('@'));
    number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

/// A namespace that hides the values of runs.
pub(super) fn check_namespaces(pipeline: &PipelineDeclaration) -> Result<(), Problem> {
    let all = || pipeline.stages.iter().flat_map(|s| s.actions.iter().map(move |a| (s, a)));
    let hides = all().find(|(_, a)| a.namespace.as_deref() == Some(NAMESPACE));
    match hides.filter(|_| all().any(|(_, a)| a.matrix().is_some())) {
        Some((stage, action)) => Err(Problem::action(format!(
            "The namespace {NAMESPACE} is reserved in a pipeline with a matrix. StageName=[{}], ActionName=[{}], Namespace=[{NAMESPACE}]",
            stage.name, action.name
        ))),
        None => Ok(()),
    }
}

/// Actions that would make pipelines of one name.
pub(super) fn check_children(pipeline: &PipelineDeclaration) -> Result<(), Problem> {
    let mut seen = BTreeSet::new();
    let actions = || pipeline.stages.iter().flat_map(|s| &s.actions).filter(|a| a.config(DEFINITION).is_some());
    for fan in actions().filter(|a| a.matrix().is_some()) {
        if let Some(other) = actions().find(|a| is_run_of(&fan.name, &a.name)) {
            return Err(Problem::action(format!(
                "Action '{}' has the name of a run of action '{}', which has a matrix: the pipelines that they make would have \
                 one name.",
                other.name, fan.name
            )));
        }
    }
    match actions().find(|a| !seen.insert(a.name.as_str())) {
        Some(action) => Err(Problem::action(format!(
            "Two actions with {DEFINITION} are called '{}': the pipelines that they make would have one name.",
            action.name
        ))),
        None => Ok(()),
    }
}

/// Whether the runs of an action have a value of this name, as far as that is known before the pipeline runs; `None` when it has
/// no matrix.
pub(super) fn has_value(action: &ActionDeclaration, name: &str) -> Option<bool> {
    match action.matrix()? {
        MatrixSource::Text(text) if is_fixed(text) => {
            let all = Matrix::parse(text).and_then(|m| m.values()).unwrap_or_default();
            Some(all.iter().all(|values| values.contains_key(name)))
        }
        MatrixSource::Text(_) | MatrixSource::File(_) => Some(true),
    }
}

fn names_own_values(text: &str) -> bool {
    references(text).iter().any(|r| r.parts().is_some_and(|(namespace, _)| namespace == NAMESPACE))
}

fn is_fixed(text: &str) -> bool {
    super::configuration::is_fixed(text)
}

fn wrong(action: &ActionDeclaration, key: &str, what: &str) -> Problem {
    super::configuration::wrong(action, key, what)
}

fn texts(items: Vec<Json>, of: &str) -> Result<Vec<String>, String> {
    let text = |(n, item): (usize, Json)| match item {
        Json::Text(text) => Ok(text),
        other => Err(format!("item {} of {of} must be a text, not {}", n + 1, other.kind())),
    };
    items.into_iter().enumerate().map(text).collect()
}

fn runs(items: Vec<Json>) -> Result<Matrix, String> {
    let mut all: Vec<Vec<(String, String)>> = Vec::new();
    let mut names: Option<BTreeSet<String>> = None;
    for (n, item) in items.into_iter().enumerate() {
        let run = n + 1;
        let Json::Object(members) = item else {
            return Err(format!("item {run} of the matrix must be an object of texts, not {}", item.kind()));
        };
        if members.is_empty() {
            return Err(format!("run {run} has no values"));
        }
        let members = members.into_iter().map(|(name, value)| match value {
            Json::Text(text) => Ok((named(name)?, text)),
            other => Err(format!("'{}' of run {run} must be a text, not {}", shown(&name), other.kind())),
        });
        let members = members.collect::<Result<Vec<_>, _>>()?;
        let own: BTreeSet<String> = members.iter().map(|(name, _)| name.clone()).collect();
        if names.get_or_insert_with(|| own.clone()) != &own {
            return Err(format!("run {run} has other names than run 1"));
        }
        all.push(members);
    }
    Ok(Matrix::Runs(all))
}

/// A name that a reference can hold.
fn named(name: String) -> Result<String, String> {
    let can = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'@' | b'-' | b'_');
    if !name.is_empty() && name.len() <= 100 && name.bytes().all(can) {
        return Ok(name);
    }
    Err(format!("the name '{}' must be 1 to 100 letters, digits, @, - or _", shown(&name)))
}

/// As much of a name as a message holds.
fn shown(name: &str) -> &str {
    name.char_indices().nth(60).and_then(|(end, _)| name.get(..end)).unwrap_or(name)
}

/// JSON that knows a name that stands twice in an object.
enum Json {
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
    Other(&'static str),
}

impl Json {
    fn kind(&self) -> &'static str {
        match self {
            Json::Text(_) => "a text",
            Json::List(_) => "a list",
            Json::Object(_) => "an object",
            Json::Other(kind) => kind,
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Json, E> {
        Ok(Json::Other("true or false"))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Json, E> {
        Ok(Json::Other("a number"))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Json, E> {
        Ok(Json::Other("a number"))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
        Ok(Json::Other("a number"))
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Other("null"))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let mut all = Vec::new();
        let mut names = BTreeSet::new();
        while let Some((name, value)) = members.next_entry::<String, Json>()? {
            if !names.insert(name.clone()) {
                return Err(de::Error::custom(format_args!("the name '{}' stands twice in an object", shown(&name))));
            }
            all.push((name, value));
        }
        Ok(Json::Object(all))
    }
}

#[cfg(test)]
#[path = "matrix_tests.rs"]
mod tests;
