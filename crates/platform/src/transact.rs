//! One write transaction around an operation's work.

use std::sync::Arc;

use base::ApiError;
use futures_util::future::BoxFuture;
use store::Tx;

use crate::Cx;

/// Runs `f` in one transaction with the context and the input, which may happen more than once.
pub(crate) async fn transact<I, T>(
    cx: &Cx,
    input: I,
    f: for<'a> fn(&'a mut Tx, &'a Cx, &'a I) -> BoxFuture<'a, Result<T, ApiError>>,
) -> Result<T, ApiError>
where
    I: Send + Sync + 'static,
    T: Send + 'static,
{
    let shared = Arc::new((cx.clone(), input));
    cx.store
        .write(move |tx| {
            let shared = shared.clone();
            Box::pin(async move { f(tx, &shared.0, &shared.1).await })
        })
        .await
}
