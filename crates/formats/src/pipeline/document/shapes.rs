//! The shapes of a pipeline: API Reference, "PipelineDeclaration" and what it leads to; CloudFormation Template Reference,
//! "AWS::CodePipeline::Pipeline". A test holds them against the published model.

use super::shape::Shape::{Flag, List, Map, Structure, Whole};
use super::shape::{Letters, Shape, may, must, one_of, text};

const MANY: usize = usize::MAX;
static NAME: Shape = text(1, 100, Letters::Word(".@-_"));
static ARTIFACT: Shape = text(1, 100, Letters::Word("_-"));
static ROLE: Shape = text(0, 1024, Letters::RoleArn);
static REGION: Shape = text(4, 30, Letters::Any);
static WORD: Shape = text(1, 35, Letters::Word("_-"));
static TYPE_VERSION: Shape = text(1, 9, Letters::Word("_-"));
static ANY: Shape = text(0, MANY, Letters::Any);

/// `pipeline` of CreatePipeline, UpdatePipeline and GetPipeline.
pub(super) static PIPELINE: Shape = Structure(&[
    must("name", &NAME),
    must("roleArn", &ROLE),
    may("artifactStore", &STORE),
    may("artifactStores", &Map(&STORE, 30)),
    must("stages", &STAGES),
    may("version", &Whole(1, u32::MAX)),
    may("executionMode", &MODE),
    may("pipelineType", &one_of(&["V1", "V2"])),
    may("variables", &VARIABLES),
    may("triggers", &TRIGGERS),
]);

/// A pipeline that an execution brings along: name and role are its parent's to give.
pub(super) static EMITTED: Shape = Structure(&[
    may("name", &NAME),
    may("roleArn", &ROLE),
    may("artifactStore", &STORE),
    may("artifactStores", &Map(&STORE, 30)),
    must("stages", &STAGES),
    may("version", &Whole(1, u32::MAX)),
    may("executionMode", &MODE),
    may("pipelineType", &one_of(&["V1", "V2"])),
    may("variables", &VARIABLES),
    may("triggers", &TRIGGERS),
]);

/// `Properties` of AWS::CodePipeline::Pipeline. The name is given to a pipeline that has none.
pub(super) static RESOURCE: Shape = Structure(&[
    may("name", &NAME),
    must("roleArn", &ROLE),
    may("artifactStore", &STORE),
    may("artifactStores", &List(&REGION_STORE, 0, MANY)),
    must("stages", &STAGES),
    may("executionMode", &MODE),
    may("pipelineType", &one_of(&["V1", "V2"])),
    may("variables", &VARIABLES),
    may("triggers", &TRIGGERS),
    may("disableInboundStageTransitions", &List(&CLOSED, 0, MANY)),
    may("restartExecutionOnUpdate", &Flag),
    may("tags", &List(&TAG, 0, 50)),
]);

static MODE: Shape = one_of(&["QUEUED", "SUPERSEDED", "PARALLEL"]);
static STORE: Shape = Structure(&[
    must("type", &one_of(&["S3"])),
    must("location", &text(3, 63, Letters::Word("-."))),
    may("encryptionKey", &Structure(&[must("id", &text(1, 400, Letters::Any)), must("type", &one_of(&["KMS"]))])),
]);
static REGION_STORE: Shape = Structure(&[must("region", &REGION), must("artifactStore", &STORE)]);
/// As DisableStageTransition takes them.
static CLOSED: Shape =
    Structure(&[must("reason", &text(1, 300, Letters::Word("!@ ().*?-"))), must("stageName", &NAME)]);
static TAG: Shape = Structure(&[must("key", &text(1, 128, Letters::Any)), must("value", &text(0, 256, Letters::Any))]);

static STAGES: Shape = List(&STAGE, 0, MANY);
static STAGE: Shape = Structure(&[
    must("name", &NAME),
    may("blockers", &List(&BLOCKER, 0, MANY)),
    must("actions", &List(&ACTION, 0, MANY)),
    may("onFailure", &FAILURE),
    may("onSuccess", &Structure(&[must("conditions", &CONDITIONS)])),
    may("beforeEntry", &Structure(&[must("conditions", &CONDITIONS)])),
]);
static BLOCKER: Shape = Structure(&[must("name", &text(1, 100, Letters::Any)), must("type", &one_of(&["Schedule"]))]);
static FAILURE: Shape = Structure(&[
    may("result", &RESULT),
    may("retryConfiguration", &Structure(&[may("retryMode", &one_of(&["FAILED_ACTIONS", "ALL_ACTIONS"]))])),
    may("conditions", &CONDITIONS),
]);
static RESULT: Shape = one_of(&["ROLLBACK", "FAIL", "RETRY", "SKIP"]);
static CONDITIONS: Shape = List(&Structure(&[may("result", &RESULT), may("rules", &List(&RULE, 1, 5))]), 1, 1);
static RULE: Shape = Structure(&[
    must("name", &NAME),
    must("ruleTypeId", &RULE_TYPE),
    may("configuration", &Map(&text(1, 10_000, Letters::Any), 50)),
    may("commands", &COMMANDS),
    may("inputArtifacts", &INPUTS),
    may("roleArn", &ROLE),
    may("region", &REGION),
    may("timeoutInMinutes", &MINUTES),
]);
static RULE_TYPE: Shape = Structure(&[
    must("category", &one_of(&["Rule"])),
    may("owner", &one_of(&["AWS"])),
    must("provider", &WORD),
    may("version", &TYPE_VERSION),
]);

static ACTION: Shape = Structure(&[
    must("name", &NAME),
    must("actionTypeId", &ACTION_TYPE),
    may("runOrder", &Whole(1, 999)),
    may("configuration", &Map(&text(1, 1000, Letters::Any), 50)),
    may("commands", &COMMANDS),
    may("outputArtifacts", &List(&OUTPUT, 0, MANY)),
    may("inputArtifacts", &INPUTS),
    may("outputVariables", &List(&text(1, 128, Letters::Any), 1, 15)),
    may("roleArn", &ROLE),
    may("region", &REGION),
    may("namespace", &text(1, 100, Letters::Word("@-_"))),
    may("timeoutInMinutes", &MINUTES),
    may("environmentVariables", &List(&ENVIRONMENT, 1, 10)),
]);
static ACTION_TYPE: Shape = Structure(&[
    must("category", &one_of(&["Source", "Build", "Deploy", "Test", "Invoke", "Approval", "Compute"])),
    must("owner", &one_of(&["AWS", "ThirdParty", "Custom"])),
    must("provider", &WORD),
    must("version", &TYPE_VERSION),
]);
static COMMANDS: Shape = List(&text(1, 1000, Letters::Any), 1, 50);
static INPUTS: Shape = List(&Structure(&[must("name", &ARTIFACT)]), 0, MANY);
static OUTPUT: Shape = Structure(&[must("name", &ARTIFACT), may("files", &List(&text(1, 128, Letters::Any), 1, 10))]);
static MINUTES: Shape = Whole(5, 86_400);
static ENVIRONMENT: Shape = Structure(&[
    must("name", &text(1, 128, Letters::Word("_"))),
    must("value", &text(1, 2000, Letters::Any)),
    may("type", &one_of(&["PLAINTEXT", "SECRETS_MANAGER"])),
]);

static VARIABLES: Shape = List(
    &Structure(&[
        must("name", &text(1, 128, Letters::Word("@-_"))),
        may("defaultValue", &text(1, 1000, Letters::Any)),
        may("description", &text(0, 200, Letters::Any)),
    ]),
    0,
    50,
);

static TRIGGERS: Shape = List(&Structure(&[must("providerType", &ANY), must("gitConfiguration", &GIT)]), 0, 50);
static GIT: Shape = Structure(&[
    must("sourceActionName", &NAME),
    may("push", &List(&PUSH, 1, 3)),
    may("pullRequest", &List(&PULL_REQUEST, 1, 3)),
]);
static PUSH: Shape = Structure(&[may("tags", &PATTERNS), may("branches", &PATTERNS), may("filePaths", &PATTERNS)]);
static PULL_REQUEST: Shape = Structure(&[
    may("events", &List(&one_of(&["OPEN", "UPDATED", "CLOSED"]), 1, 3)),
    may("branches", &PATTERNS),
    may("filePaths", &PATTERNS),
]);
static PATTERNS: Shape = Structure(&[
    may("includes", &List(&text(1, 255, Letters::Any), 1, 8)),
    may("excludes", &List(&text(1, 255, Letters::Any), 1, 8)),
]);
