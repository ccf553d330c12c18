//! `git-credential-helper`: git in the build finds the way to CodeCommit and the credentials for it.

use std::collections::BTreeMap;

/// AWS's own helper; its host check knows AWS's names alone.
const HELPER: &str = "!f() { command -v aws >/dev/null || { echo 'git-credential-helper: there is no aws command in this \
                      build environment' >&2; return 1; }; aws codecommit credential-helper --ignore-host-check \"$@\"; }; f";

/// Adds git's settings as variables, so that no file of anybody's is changed. Those that the user gave stay.
pub(super) fn configure(env: &mut BTreeMap<String, String>, endpoint: &str, region: &str) {
    let given = env.get("GIT_CONFIG_COUNT").and_then(|count| count.trim().parse::<usize>().ok()).unwrap_or(0);
    let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    let settings = [
        ("credential.helper".to_owned(), HELPER.to_owned()),
        ("credential.UseHttpPath".to_owned(), "true".to_owned()),
        (format!("url.{endpoint}/v1/repos/.insteadOf"), format!("https://git-codecommit.{region}.{suffix}/v1/repos/")),
    ];
    for (i, (key, value)) in settings.iter().enumerate() {
        env.insert(format!("GIT_CONFIG_KEY_{}", given + i), key.clone());
        env.insert(format!("GIT_CONFIG_VALUE_{}", given + i), value.clone());
    }
    env.insert("GIT_CONFIG_COUNT".to_owned(), (given + settings.len()).to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_the_user_are_kept() {
        let mut env = BTreeMap::from([
            ("GIT_CONFIG_COUNT".to_owned(), "1".to_owned()),
            ("GIT_CONFIG_KEY_0".to_owned(), "user.name".to_owned()),
        ]);
        configure(&mut env, "http://127.0.0.1:4566", "eu-west-1");
        assert_eq!(env.get("GIT_CONFIG_COUNT").map(String::as_str), Some("4"));
        assert_eq!(env.get("GIT_CONFIG_KEY_0").map(String::as_str), Some("user.name"));
        assert_eq!(env.get("GIT_CONFIG_KEY_1").map(String::as_str), Some("credential.helper"));
        assert_eq!(
            env.get("GIT_CONFIG_VALUE_3").map(String::as_str),
            Some("https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/")
        );
    }
}
