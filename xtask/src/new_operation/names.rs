//! From AWS's spelling to ours.

/// `GetPipelineState` becomes `get_pipeline_state`; abbreviations stay together: `UploadSSHPublicKey` is
/// `upload_ssh_public_key`.
pub fn snake_case(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut snake = String::new();
    for (i, letter) in letters.iter().enumerate() {
        let before = i.checked_sub(1).and_then(|i| letters.get(i));
        let after_small = before.is_some_and(|c| c.is_lowercase() || c.is_ascii_digit());
        let ends_abbreviation =
            before.is_some_and(|c| c.is_uppercase()) && letters.get(i + 1).is_some_and(|c| c.is_lowercase());
        if letter.is_uppercase() && (after_small || ends_abbreviation) {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake.replace('-', "_")
}

/// What serde's `camelCase` makes of a field's name.
pub fn camel_case(field: &str) -> String {
    let mut camel = String::new();
    for (i, word) in field.split('_').enumerate() {
        let mut letters = word.chars();
        match letters.next() {
            Some(first) if i > 0 => camel.extend(first.to_uppercase()),
            Some(first) => camel.push(first),
            None => {}
        }
        camel.extend(letters);
    }
    camel
}

/// A field's name in Rust, which may be a keyword.
pub fn field(member: &str) -> String {
    let name = snake_case(member);
    match name.as_str() {
        "type" | "ref" | "match" | "move" | "in" | "where" | "use" | "mod" | "for" | "static" => format!("r#{name}"),
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_awss_words() {
        assert_eq!(snake_case("GetPipelineState"), "get_pipeline_state");
        assert_eq!(snake_case("UploadSSHPublicKey"), "upload_ssh_public_key");
        assert_eq!(snake_case("ListObjectsV2"), "list_objects_v2");
        assert_eq!(snake_case("nextToken"), "next_token");
        assert_eq!(camel_case("client_request_token"), "clientRequestToken");
        assert_eq!(field("type"), "r#type");
    }
}
