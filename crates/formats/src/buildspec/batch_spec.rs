//! What the `batch` section says.

use crate::Span;

/// A batch of builds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// The first failure stops the builds that run.
    pub fast_fail: bool,
    pub kind: BatchKind,
}

/// The four kinds of batches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchKind {
    /// Tasks that may depend on one another; without cycles, and every dependency is a task of the batch.
    Graph(Vec<BatchTask>),
    /// Tasks that run at the same time.
    List(Vec<BatchTask>),
    /// A task for each combination of values.
    Matrix(Box<BatchMatrix>),
    /// The same task several times, each with its share of the tests.
    Fanout(BatchFanout),
}

impl BatchKind {
    /// The key in the buildspec.
    pub fn key(&self) -> &'static str {
        match self {
            BatchKind::Graph(_) => "build-graph",
            BatchKind::List(_) => "build-list",
            BatchKind::Matrix(_) => "build-matrix",
            BatchKind::Fanout(_) => "build-fanout",
        }
    }
}

/// One task of a graph or of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchTask {
    /// Unique in the batch. A list's task may leave it out: then it is `build` and its number from 0.
    pub identifier: String,
    /// The path of a buildspec in the source, or a buildspec's own text; absent = this buildspec.
    pub buildspec: Option<String>,
    pub debug_session: bool,
    /// Identifiers of the tasks that must have ended; empty in a list.
    pub depend_on: Vec<String>,
    pub env: BatchEnv,
    pub ignore_failure: bool,
    pub span: Span,
}

/// What of the project's environment a task overrides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchEnv {
    pub compute_type: Option<String>,
    pub fleet: Option<String>,
    pub image: Option<String>,
    pub privileged_mode: Option<bool>,
    /// The environment type, `LINUX_CONTAINER` say.
    pub environment_type: Option<String>,
    pub variables: Vec<(String, String)>,
}

/// A matrix: the product of all lists in its dynamic part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BatchMatrix {
    pub ignore_failure: bool,
    pub debug_session: bool,
    /// For all tasks.
    pub env: BatchEnv,
    /// An empty list has no part in the product.
    pub buildspecs: Vec<String>,
    pub compute_types: Vec<String>,
    pub images: Vec<String>,
    pub fleets: Vec<String>,
    /// Variable and its values.
    pub variables: Vec<(String, Vec<String>)>,
}

impl BatchMatrix {
    /// How many tasks the matrix has.
    pub fn size(&self) -> usize {
        let lists = [&self.buildspecs, &self.compute_types, &self.images, &self.fleets];
        let all = lists.into_iter().chain(self.variables.iter().map(|(_, values)| values));
        all.map(|values| values.len().max(1)).fold(1, usize::saturating_mul)
    }
}

/// A fan-out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchFanout {
    /// How many builds share the tests.
    pub parallelism: u32,
    pub ignore_failure: bool,
}

/// How many builds a batch can have on AWS.
pub const MAX_BATCH_BUILDS: usize = 100;
