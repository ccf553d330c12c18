//! Notification rules:
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscodestarnotifications.html>.

use platform::needs::{Asked, Need};

/// What a call needs; nothing if the operation is not listed.
pub fn needs(call: &Asked<'_>) -> Option<Vec<Need>> {
    let mut need = match call.operation {
        "ListEventTypes" | "ListNotificationRules" | "ListTargets" | "DeleteTarget" => call.anything(),
        "CreateNotificationRule" => call.itself(vec![call.own("notificationrule/*")]),
        "DeleteNotificationRule"
        | "DescribeNotificationRule"
        | "ListTagsForResource"
        | "Subscribe"
        | "TagResource"
        | "Unsubscribe"
        | "UntagResource"
        | "UpdateNotificationRule" => call.itself(call.named(&["Arn"], str::to_owned)),
        _ => return None,
    };
    if let Some(resource) = call.text("Resource") {
        need.context.push(("codestar-notifications:notificationsforresource".to_owned(), resource.to_owned()));
    }
    Some(vec![need])
}
