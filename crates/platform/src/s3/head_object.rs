//! HeadObject: GetObject without the body. Its errors have no body either, which is the HTTP layer's concern.

use base::ApiError;

use super::read::prepare;
pub use super::read::{Input, Output};
use crate::Cx;

pub async fn head_object(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    Ok(prepare(cx, &input).await?.output)
}
