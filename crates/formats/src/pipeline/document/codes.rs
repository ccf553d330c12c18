//! All codes that a pipeline's diagnostics can have, explained.

use crate::Code;
use crate::code::code;

/// The code's explanation.
pub fn explain(code: &str) -> Option<&'static Code> {
    CODES.iter().find(|known| known.code.eq_ignore_ascii_case(code.trim()))
}

/// Every code, in order. A code is never given another meaning.
pub const CODES: &[Code] = &[
    code(
        "P001",
        "a value has the wrong shape",
        "A mapping stands where a list or a single value belongs, or the other way round. Most often the indentation is off \
         by a level, or a '-' is missing or one too many.",
    ),
    code("P002", "a member is missing", "CreatePipeline and CloudFormation refuse a pipeline without it."),
    code(
        "P003",
        "a member is not known",
        "CreatePipeline and CloudFormation refuse members that they do not know. In JSON for the API names begin with a \
         small letter ('actionTypeId'), in templates with a capital ('ActionTypeId').",
    ),
    code(
        "P004",
        "a value is out of its bounds",
        "It is too long or too short, too great or too small, or not of the words or letters that are allowed there.",
    ),
    code(
        "P010",
        "the structure does not hold together",
        "CreatePipeline answers InvalidStructureException: stages, artifact stores or artifact names contradict each other.",
    ),
    code("P011", "a stage is not valid", "CreatePipeline answers InvalidStageDeclarationException."),
    code("P012", "an action is not valid", "CreatePipeline answers InvalidActionDeclarationException."),
    code(
        "P013",
        "a stage has blockers",
        "CreatePipeline answers InvalidBlockerDeclarationException: they are reserved.",
    ),
    code("P014", "a limit is exceeded", "CreatePipeline answers LimitExceededException."),
    code(
        "P015",
        "a transition leads into no stage",
        "CloudFormation passes DisableInboundStageTransitions on to DisableStageTransition, which answers \
         StageNotFoundException: the stack fails when the pipeline has been made.",
    ),
    code(
        "P020",
        "a part is settled when the template is deployed",
        "A function stands where a list or a structure belongs, and its value is not known before the template is deployed. \
         What is there was looked at; what holds it together (artifact names, variables) was not.",
    ),
    code(
        "P021",
        "there is no pipeline",
        "A file with a pipeline is a declaration (with 'stages' and 'roleArn'), the output of `aws codepipeline get-pipeline` \
         (with 'pipeline'), or a template with a resource of type AWS::CodePipeline::Pipeline.",
    ),
    code(
        "P029",
        "Headworks refuses it",
        "AWS would take it; Headworks does not have it, and CreatePipeline says so here. docs/deviations.md lists what differs.",
    ),
    code(
        "P030",
        "the action cannot do its work yet",
        "Headworks does not have the service that the action calls. The pipeline can be made; when it reaches the action, the \
         action fails and names the missing operation.",
    ),
    code(
        "P031",
        "a secret stands in the file",
        "Whoever can read the file has it. In a template write '{{resolve:secretsmanager:NAME}}' or a parameter with NoEcho.",
    ),
    code(
        "P032",
        "a custom action type",
        "Only the account knows its keys and counts: CreatePipeline refuses the action when the type is not registered there, \
         or when the action does not fit it.",
    ),
    code(
        "P033",
        "AWS refuses it",
        "The configuration key is one of Headworks alone: their names begin with its own. AWS answers \
         InvalidActionDeclarationException to a pipeline with it. docs/pipelines.md says what they do.",
    ),
];
