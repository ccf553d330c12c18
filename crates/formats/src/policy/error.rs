//! What makes a document malformed, in AWS's words.

/// Why a document is refused. The text is what `MalformedPolicyDocument` carries.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    #[error("This policy contains invalid Json: {reason}")]
    Json { reason: String },
    #[error("Syntax errors in policy. {reason}")]
    Syntax { reason: String },
    #[error("The policy must contain a valid version string")]
    Version,
    #[error("Missing required field {field}")]
    MissingField { field: &'static str },
    #[error("Has prohibited field {field}")]
    ProhibitedField { field: &'static str },
    #[error("Policy document should not specify a principal.")]
    PrincipalInIdentityPolicy,
    #[error("Policy statement must contain actions.")]
    NoActions,
    #[error("Policy statement must contain resources.")]
    NoResources,
    #[error("Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.")]
    NoVendor,
    #[error("AssumeRole policy may only specify STS AssumeRole actions.")]
    NotAssumeRole,
    #[error("Resource {resource} must be in ARN format or \"*\".")]
    ResourceNotArn { resource: String },
    #[error("Invalid principal in policy: \"{kind}\":\"{value}\"")]
    InvalidPrincipal { kind: String, value: String },
    #[error("Statement IDs (SID) in a single policy must be unique.")]
    DuplicateSid,
    #[error(
        "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"
    )]
    InvalidSid,
    #[error("Invalid effect: {effect}")]
    InvalidEffect { effect: String },
    #[error("Invalid Condition type : {operator}.")]
    InvalidCondition { operator: String },
}
