//! This machine's AWS for a build (`-c`): the variables of this environment, and the files in `~/.aws`.

use std::path::PathBuf;

/// Variables that no log and no answer may show.
const SECRETS: [&str; 5] = [
    "AWS_BEARER_TOKEN_BEDROCK",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECURITY_TOKEN",
    "AWS_SESSION_TOKEN",
];

/// What a build gets of this machine's AWS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OwnAws {
    pub variables: Vec<(String, String)>,
    pub region: Option<String>,
    /// `~/.aws`, if there is one; builds see a copy.
    pub folder: Option<PathBuf>,
}

impl OwnAws {
    /// One of the variables; empty ones are none.
    pub fn variable(&self, wanted: &str) -> Option<String> {
        self.variables.iter().find(|(name, value)| name == wanted && !value.is_empty()).map(|(_, value)| value.clone())
    }

    /// The variables that anybody may see.
    pub fn plain(&self) -> impl Iterator<Item = &(String, String)> {
        self.variables.iter().filter(|(name, value)| value.is_empty() || !SECRETS.contains(&name.as_str()))
    }

    /// All others.
    pub fn secret(&self) -> impl Iterator<Item = &(String, String)> {
        self.variables.iter().filter(|(name, value)| !value.is_empty() && SECRETS.contains(&name.as_str()))
    }

    /// The profile's name.
    pub fn profile(&self) -> String {
        let named = self.variable("AWS_PROFILE").or_else(|| self.variable("AWS_DEFAULT_PROFILE"));
        named.unwrap_or_else(|| "default".to_owned())
    }

    /// Of an environment and the text of `~/.aws/config`.
    pub(super) fn of(vars: impl Iterator<Item = (String, String)>, profile: Option<&str>, config: &str) -> OwnAws {
        let mut variables: Vec<_> = vars.filter(|(name, _)| name.starts_with("AWS_")).collect();
        if let Some(profile) = profile {
            // Keys in the environment would win over the profile that was asked for.
            let keys = [
                "AWS_PROFILE",
                "AWS_DEFAULT_PROFILE",
                "AWS_ACCESS_KEY_ID",
                "AWS_SECRET_ACCESS_KEY",
                "AWS_SESSION_TOKEN",
            ];
            variables.retain(|(name, _)| !keys.contains(&name.as_str()));
            variables.push(("AWS_PROFILE".to_owned(), profile.to_owned()));
        }
        variables.sort();
        let own = OwnAws { variables, region: None, folder: None };
        let region = own.variable("AWS_REGION").or_else(|| own.variable("AWS_DEFAULT_REGION"));
        OwnAws { region: region.or_else(|| region_of(config, &own.profile())), ..own }
    }
}

/// What this environment says, with `profile` in place of its own.
pub fn own(profile: Option<&str>) -> OwnAws {
    let home = std::env::home_dir();
    let folder = home.map(|home| home.join(".aws")).filter(|dir| dir.is_dir());
    let config = std::env::var_os("AWS_CONFIG_FILE").map(PathBuf::from);
    let config = config.or_else(|| folder.as_ref().map(|dir| dir.join("config")));
    let text = config.and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
    OwnAws { folder, ..OwnAws::of(std::env::vars(), profile, &text) }
}

/// The region of a profile in the text of `~/.aws/config`.
fn region_of(config: &str, profile: &str) -> Option<String> {
    let mut inside = false;
    for line in config.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let name = name.trim();
            inside = name.strip_prefix("profile ").map_or(name, str::trim) == profile;
        } else if inside
            && let Some((key, value)) = line.split_once('=')
            && key.trim() == "region"
        {
            return Some(value.trim().to_owned());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: &str = "[default]\nregion = eu-west-1\n[profile other]\noutput=json\nregion=eu-north-1\n";

    fn vars(pairs: &[(&str, &str)]) -> impl Iterator<Item = (String, String)> {
        pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect::<Vec<_>>().into_iter()
    }

    #[test]
    fn only_aws_variables_go_along_and_the_region_is_the_profiles() {
        let own = OwnAws::of(vars(&[("HOME", "/h"), ("AWS_ACCESS_KEY_ID", "k")]), None, CONFIG);
        assert_eq!(own.variables, [("AWS_ACCESS_KEY_ID".to_owned(), "k".to_owned())]);
        assert_eq!(own.region.as_deref(), Some("eu-west-1"));
    }

    #[test]
    fn keys_and_tokens_are_secrets_and_what_names_them_is_not() {
        let all = [
            ("AWS_ACCESS_KEY_ID", "k"),
            ("AWS_CONTAINER_AUTHORIZATION_TOKEN", "c"),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "e"),
            ("AWS_SECRET_ACCESS_KEY", "s"),
            ("AWS_SECURITY_TOKEN", ""),
            ("AWS_SESSION_TOKEN", "t"),
        ];
        let own = OwnAws::of(vars(&all), None, CONFIG);
        let text = |found: Vec<&(String, String)>| found.iter().map(|(_, value)| value.as_str()).collect::<String>();
        assert_eq!((text(own.plain().collect()), text(own.secret().collect())), ("ke".to_owned(), "cst".to_owned()));
    }

    #[test]
    fn a_profile_that_is_asked_for_wins_over_keys_in_the_environment() {
        let own = OwnAws::of(vars(&[("AWS_ACCESS_KEY_ID", "k"), ("AWS_PROFILE", "x")]), Some("other"), CONFIG);
        assert_eq!(own.variables, [("AWS_PROFILE".to_owned(), "other".to_owned())]);
        assert_eq!(own.region.as_deref(), Some("eu-north-1"));
    }

    #[test]
    fn a_region_in_the_environment_wins_over_the_file() {
        let own = OwnAws::of(vars(&[("AWS_DEFAULT_REGION", "ap-south-1")]), None, CONFIG);
        assert_eq!(own.region.as_deref(), Some("ap-south-1"));
        assert_eq!(OwnAws::of(vars(&[]), None, "").region, None);
    }
}
