//! CreateHost: names a git server of somebody's own, by its URL.
//! <https://docs.aws.amazon.com/codeconnections/latest/APIReference/API_CreateHost.html>
//!
//! Deviation: a host is AVAILABLE at once: there is nothing to set up at the server. A VpcConfiguration is refused.

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::tables::codeconnections_host::{self, Row};

use super::arn::{Named, of_host};
use super::tags::{Tag, to_list, to_map};
use super::{ConnectionProvider, errors};

/// Hosts in an account ("Quotas for connections").
const MAX_HOSTS: usize = 50;

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub name: String,
    pub provider_type: String,
    pub provider_endpoint: String,
    #[serde(default)]
    pub vpc_configuration: Option<Value>,
    #[serde(default)]
    pub tags: Option<Vec<Tag>>,
}

/// The answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub host_arn: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
}

/// Creates a host.
pub async fn create_host<N: Named>(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    no_vpc(input.vpc_configuration.as_ref())?;
    let tags = to_map(input.tags.unwrap_or_default())?;
    match ConnectionProvider::parse(&input.provider_type) {
        Some(ConnectionProvider::GitHubEnterpriseServer | ConnectionProvider::GitLabSelfManaged) => {}
        Some(_) | None => {
            let what = "is not GitHubEnterpriseServer or GitLabSelfManaged, the servers that can be somebody's own";
            return Err(errors::invalid(format!("The provider type {} {what}", input.provider_type)));
        }
    }
    check_endpoint(&input.provider_endpoint)?;
    let fresh = cx.ids.uuid().simple().to_string();
    let plain: String =
        input.name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' }).collect();
    let row = Row {
        id: format!("{plain}-{}", fresh.get(24..).unwrap_or(&fresh)),
        service: N::SERVICE.to_owned(),
        name: input.name,
        provider: input.provider_type,
        endpoint: input.provider_endpoint.trim_end_matches('/').to_owned(),
        tags,
    };
    let (scope, stored) = (cx.scope().clone(), row.clone());
    let insert = cx.store.write(move |tx| {
        let (scope, row) = (scope.clone(), stored.clone());
        Box::pin(async move {
            if codeconnections_host::list(tx, &scope, "", 1000).await?.len() >= MAX_HOSTS {
                return Err(errors::limit(format!("An account can have at most {MAX_HOSTS} hosts")));
            }
            Ok(codeconnections_host::insert(tx, &scope, &row).await?)
        })
    });
    insert.await?;
    Ok(Output { host_arn: of_host(cx.scope(), &row.service, &row.id), tags: to_list(&row.tags) })
}

pub(super) fn no_vpc(given: Option<&Value>) -> Result<(), ApiError> {
    match given {
        None | Some(Value::Null) => Ok(()),
        Some(_) => Err(errors::invalid(
            "VpcConfiguration is not available: this server reaches the host by its own network. Remove it",
        )),
    }
}

/// `https://host[:port][/path]`, or the same by plain HTTP.
pub(super) fn check_endpoint(url: &str) -> Result<(), ApiError> {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '/' | '[' | ']' | '~');
    let good = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && rest.chars().all(plain));
    if good {
        Ok(())
    } else {
        Err(errors::invalid(format!("The provider endpoint '{url}' is not the URL of a server")))
    }
}
