//! Tokens that let a client fetch a list page by page.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Where the next page begins. Opaque to clients; bound to the list it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageToken(String);

/// The token was not made by this list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the pagination token is not valid for this request")]
pub struct PageTokenError;

impl PageToken {
    /// A token for `list` (the operation and its fixed arguments) that resumes after `position`.
    pub fn after(list: &str, position: &str) -> Self {
        let list = crate::derived_hex::<8>(&["page", list]);
        PageToken(URL_SAFE_NO_PAD.encode(format!("{list}{position}")))
    }

    /// The position inside a token that a client sent for `list`.
    pub fn position(list: &str, token: &str) -> Result<String, PageTokenError> {
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| PageTokenError)?;
        let text = String::from_utf8(bytes).map_err(|_| PageTokenError)?;
        let list = crate::derived_hex::<8>(&["page", list]);
        text.strip_prefix(&list).map(str::to_owned).ok_or(PageTokenError)
    }

    /// The token as clients get it.
    pub fn into_string(self) -> String {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_resumes_its_own_list_only() {
        let token = PageToken::after("ListBuilds:ASC", "b:7").into_string();
        assert_eq!(PageToken::position("ListBuilds:ASC", &token).as_deref(), Ok("b:7"));
        assert_eq!(PageToken::position("ListBuilds:DESC", &token), Err(PageTokenError));
        assert_eq!(PageToken::position("ListBuilds:ASC", "%%%"), Err(PageTokenError));
    }
}
