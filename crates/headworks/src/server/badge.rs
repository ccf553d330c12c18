//! `GET /badges?uuid=...&branch=...`: build badges, for anybody who knows the address.

use http::{HeaderValue, Response, StatusCode, header};
use percent_encoding::percent_decode_str;

use super::body::Body;
use super::router::text;
use crate::installation::Installation;

/// A badge.
pub async fn answer(installation: &Installation, query: Option<&str>) -> Response<Body> {
    let value = |wanted: &str| {
        let pairs = query.unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
        let raw = pairs.into_iter().find(|(name, _)| *name == wanted).map(|(_, value)| value);
        raw.map(|raw| percent_decode_str(raw).decode_utf8_lossy().into_owned())
    };
    let branch = value("branch").filter(|b| !b.is_empty());
    let uuid = value("uuid").unwrap_or_default();
    match devtools::codebuild::badge(&installation.cx, &uuid, branch.as_deref()).await {
        Ok(Some(picture)) => {
            let mut response = text(StatusCode::OK, picture);
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("image/svg+xml; charset=utf-8"));
            // Whoever shows it asks again.
            headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-store, must-revalidate"));
            response
        }
        Ok(None) => text(StatusCode::NOT_FOUND, "no such badge\n"),
        Err(e) => {
            tracing::error!(error = %e.message, "a badge cannot be shown");
            text(StatusCode::INTERNAL_SERVER_ERROR, "the badge cannot be shown now\n")
        }
    }
}
