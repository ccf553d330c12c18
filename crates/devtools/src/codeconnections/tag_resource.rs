//! TagResource: adds tags to a connection or a host. `headworks:secret` completes a connection (`login`).
//! <https://docs.aws.amazon.com/codeconnections/latest/APIReference/API_TagResource.html>

use base::ApiError;
use platform::Cx;
use serde::{Deserialize, Serialize};
use store::tables::codeconnections_connection;

use super::arn::Resource;
use super::tags::{Tag, check_count, to_map};
use super::{ConnectionProvider, errors, login};

/// The request.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub resource_arn: String,
    pub tags: Vec<Tag>,
}

/// The answer.
#[derive(Debug, Serialize)]
pub struct Output {}

/// Adds tags.
pub async fn tag_resource(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let (scope, arn) = (cx.scope().clone(), input.resource_arn);
    let resource = Resource::parse(&scope, &arn)?;
    let added = to_map(input.tags)?;
    if let Resource::Connection(id) = &resource {
        let row = codeconnections_connection::get(&mut cx.store.read().await?, &scope, id).await?;
        let row = row.ok_or_else(|| errors::not_found(&arn))?;
        if let Some(provider) = ConnectionProvider::parse(&row.provider) {
            login::check(cx, provider, &added).await?;
        }
    }
    let tag = cx.store.write(move |tx| {
        let (scope, arn, resource, added) = (scope.clone(), arn.clone(), resource.clone(), added.clone());
        Box::pin(async move {
            let mut tags = resource.tags(tx, &scope, &arn).await?;
            tags.extend(added);
            check_count(&tags)?;
            Ok::<_, ApiError>(resource.set_tags(tx, &scope, &tags).await?)
        })
    });
    tag.await?;
    Ok(Output {})
}
