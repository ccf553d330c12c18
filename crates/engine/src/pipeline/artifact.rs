//! Where artifacts lie in the artifact store.

/// The object key of an artifact, in AWS's layout: the first 20 characters of the pipeline's name, the first 10 of the
/// artifact's, and 7 that follow from the effect that makes it (so that making it twice writes one object).
pub fn artifact_key(pipeline: &str, artifact: &str, effect_key: &str) -> String {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut number = base::derived_uuid(&["artifact", effect_key, artifact]).as_u128();
    let unique: String = (0..7)
        .map(|_| {
            let digit = usize::try_from(number % 62).unwrap_or(0);
            number /= 62;
            char::from(ALPHABET.get(digit).copied().unwrap_or(b'0'))
        })
        .collect();
    let head = |text: &str, chars: usize| text.chars().take(chars).collect::<String>();
    format!("{}/{}/{unique}", head(pipeline, 20), head(artifact, 10))
}

#[cfg(test)]
mod tests {
    use super::artifact_key;

    #[test]
    fn names_are_cut_and_the_rest_follows_from_the_effect() {
        let key = artifact_key("a-pipeline-with-a-long-name", "SourceArtifact", "e/s/a/1");
        assert!(key.starts_with("a-pipeline-with-a-lo/SourceArti/"), "{key}");
        assert_eq!(key.rsplit('/').next().map(str::len), Some(7));
        assert_eq!(key, artifact_key("a-pipeline-with-a-long-name", "SourceArtifact", "e/s/a/1"));
        assert_ne!(key, artifact_key("a-pipeline-with-a-long-name", "SourceArtifact", "e/s/a/2"));
    }
}
