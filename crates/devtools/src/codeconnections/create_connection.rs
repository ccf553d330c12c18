//! CreateConnection: makes a connection to a public git server, or to a host.
//! <https://docs.aws.amazon.com/codeconnections/latest/APIReference/API_CreateConnection.html>

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codeconnections_connection::{self, Row};
use store::tables::codeconnections_host;

use super::arn::{Named, Resource, of_connection};
use super::tags::{Tag, to_list, to_map};
use super::{ConnectionProvider, errors, login};

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    #[serde(default)]
    pub provider_type: Option<String>,
    pub connection_name: String,
    #[serde(default)]
    pub tags: Option<Vec<Tag>>,
    #[serde(default)]
    pub host_arn: Option<String>,
}

/// The answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub connection_arn: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
}

/// Creates a connection.
pub async fn create_connection<N: Named>(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let Input { provider_type, connection_name, tags, host_arn } = input;
    let tags = to_map(tags.unwrap_or_default())?;
    let provider = match (provider_type, &host_arn) {
        (Some(_), Some(_)) => {
            return Err(errors::invalid("Either ProviderType or HostArn must be given, but not both"));
        }
        (None, None) => return Err(errors::invalid("Either ProviderType or HostArn must be given")),
        (Some(provider), None) => provider,
        (None, Some(arn)) => {
            let id = Resource::host(cx.scope(), arn)?;
            let host = codeconnections_host::get(&mut cx.store.read().await?, cx.scope(), &id).await?;
            host.ok_or_else(|| errors::not_found(arn))?.provider
        }
    };
    let unknown = || errors::invalid(format!("The provider type {provider} is not known"));
    let known = ConnectionProvider::parse(&provider).ok_or_else(unknown)?;
    if host_arn.is_none() && known.public_endpoint().is_none() {
        return Err(errors::invalid(format!("A connection of type {provider} needs a HostArn")));
    }
    login::check(cx, known, &tags).await?;
    let row = Row {
        scope: cx.scope().clone(),
        id: cx.ids.uuid().to_string(),
        service: N::SERVICE.to_owned(),
        name: connection_name,
        provider,
        host: host_arn,
        tags,
    };
    let stored = row.clone();
    let insert = cx.store.write(move |tx| {
        let row = stored.clone();
        Box::pin(async move { codeconnections_connection::insert(tx, &row).await })
    });
    insert.await?;
    Ok(Output { connection_arn: of_connection(&row.scope, &row.service, &row.id), tags: to_list(&row.tags) })
}
