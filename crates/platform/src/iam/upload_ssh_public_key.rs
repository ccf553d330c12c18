//! UploadSSHPublicKey, ListSSHPublicKeys and GetSSHPublicKey answer that they are not there: git over SSH is not
//! served, and a key that opens nothing would be a false promise.

use base::ApiError;
use serde::Deserialize;

use super::errors;
use super::shapes::Nothing;
use crate::Cx;

#[derive(Debug, Deserialize)]
pub struct Input {}

pub async fn upload_ssh_public_key(_cx: &Cx, _input: Input) -> Result<Nothing, ApiError> {
    Err(errors::not_implemented(
        "UploadSSHPublicKey",
        "git is served over HTTPS; use `aws codecommit credential-helper`, git-remote-codecommit or \
         CreateServiceSpecificCredential",
    ))
}
