//! Parameter Store: <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awssystemsmanager.html>.

use base::Arn;

use super::{Asked, Need};

/// Parameters of this path are secrets of Secrets Manager.
const SECRETS: &str = "/aws/reference/secretsmanager/";

/// What a call needs; nothing if the operation is not listed.
pub fn needs(call: &Asked<'_>) -> Option<Vec<Need>> {
    let members = match call.operation {
        "DescribeParameters" => return Some(vec![call.anything()]),
        "DeleteParameter"
        | "GetParameter"
        | "GetParameterHistory"
        | "LabelParameterVersion"
        | "PutParameter"
        | "UnlabelParameterVersion" => "Name",
        "DeleteParameters" | "GetParameters" => "Names",
        "GetParametersByPath" => "Path",
        "AddTagsToResource" | "ListTagsForResource" | "RemoveTagsFromResource" => "ResourceId",
        _ => return None,
    };
    let names = call.texts(&[members]);
    let mut needs = vec![call.itself(names.iter().map(|name| arn(call, name)).collect())];
    for secret in names.iter().filter_map(|name| name.strip_prefix(SECRETS)) {
        let arn = call.scope.arn("secretsmanager", format!("secret:{}-??????", without_selector(secret)));
        needs.push(Need::new("secretsmanager:GetSecretValue", arn.to_string()));
    }
    Some(needs)
}

/// The parameter's ARN, without the version or label that a name or ARN may end in.
fn arn(call: &Asked<'_>, name: &str) -> String {
    match Arn::parse(name) {
        Some(mut arn) => {
            arn.resource = without_selector(&arn.resource).to_owned();
            arn.to_string()
        }
        None => call.own(&format!("parameter/{}", without_selector(name).trim_start_matches('/'))),
    }
}

fn without_selector(name: &str) -> &str {
    name.split(':').next().unwrap_or(name)
}
