//! GetObject: the whole content, one range of it or one part; streamed, and consistent though the object is replaced
//! or deleted while it is read.

use base::ApiError;
use store::objects::ObjectError;

use super::content;
use super::read::prepare;
pub use super::read::{Input, Output};
use crate::{ByteStream, Cx};

/// Members that are refused by name: customer keys.
pub const UNSUPPORTED: &[&str] = &["SSECustomer*"];

/// How often a reader follows an object that is replaced between looking it up and opening it.
const TRIES: u32 = 8;

pub async fn get_object(cx: &Cx, input: Input) -> Result<(Output, ByteStream), ApiError> {
    let mut tries = 0;
    loop {
        let prepared = prepare(cx, &input).await?;
        match content::open(&cx.objects, &prepared.segments, prepared.span).await {
            Ok(body) => return Ok((prepared.output, body)),
            Err(ObjectError::Missing { .. }) if tries < TRIES => tries += 1,
            Err(e) => return Err(e.into()),
        }
    }
}
