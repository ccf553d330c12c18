//! GetRandomPassword: <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetRandomPassword.html>.

use base::{ApiError, Secret};
use serde::{Deserialize, Serialize};

use super::errors;
use crate::Cx;

const PUNCTUATION: &str = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~";

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Input {
    pub password_length: Option<usize>,
    #[serde(default)]
    pub exclude_characters: String,
    #[serde(default)]
    pub exclude_numbers: bool,
    #[serde(default)]
    pub exclude_punctuation: bool,
    #[serde(default)]
    pub exclude_uppercase: bool,
    #[serde(default)]
    pub exclude_lowercase: bool,
    #[serde(default)]
    pub include_space: bool,
    pub require_each_included_type: Option<bool>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Output {
    pub random_password: Secret<String>,
}

pub async fn get_random_password(cx: &Cx, input: Input) -> Result<Output, ApiError> {
    let length = input.password_length.unwrap_or(32);
    let kinds = [
        (!input.exclude_lowercase, "abcdefghijklmnopqrstuvwxyz"),
        (!input.exclude_uppercase, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"),
        (!input.exclude_numbers, "0123456789"),
        (!input.exclude_punctuation, PUNCTUATION),
        (input.include_space, " "),
    ];
    let kinds: Vec<Vec<char>> = kinds
        .into_iter()
        .filter(|(is_wanted, _)| *is_wanted)
        .map(|(_, kind)| kind.chars().filter(|c| !input.exclude_characters.contains(*c)).collect::<Vec<char>>())
        .filter(|kind| !kind.is_empty())
        .collect();
    let all: Vec<char> = kinds.concat();
    let wants_each = input.require_each_included_type.unwrap_or(true);
    if all.is_empty() {
        return Err(errors::parameter("The request excludes every character that a password could have."));
    }
    if wants_each && length < kinds.len() {
        return Err(errors::parameter("The password is too short to have a character of each included type."));
    }
    let mut random = Random { cx, bytes: Vec::new() };
    let mut password: Vec<char> = Vec::with_capacity(length);
    if wants_each {
        password.extend(kinds.iter().filter_map(|kind| kind.get(random.below(kind.len()))));
    }
    while password.len() < length {
        password.extend(all.get(random.below(all.len())));
    }
    // The required ones stand in front: shuffle (Fisher and Yates).
    for i in (1..password.len()).rev() {
        password.swap(i, random.below(i + 1));
    }
    Ok(Output { random_password: Secret::new(password.into_iter().collect()) })
}

struct Random<'a> {
    cx: &'a Cx,
    bytes: Vec<u8>,
}

impl Random<'_> {
    /// A number below `n`, which is at most 4096; the remainder of 32 bits is even to one in a million.
    fn below(&mut self, n: usize) -> usize {
        if self.bytes.len() < 4 {
            self.bytes = self.cx.ids.bytes(256);
        }
        let number = (0..4).fold(0_usize, |number, _| number << 8 | usize::from(self.bytes.pop().unwrap_or_default()));
        number % n.max(1)
    }
}
