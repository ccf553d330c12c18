//! The user's own keys for AWS, found as AWS's clients find them: in the environment, then in the profile of
//! `~/.aws/credentials` and `~/.aws/config`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use base::Secret;
use wire::sigv4::Credentials;

use super::aws::OwnAws;
use crate::cli::CliError;

/// What a request to the user's AWS needs.
#[derive(Clone, Debug)]
pub struct Access {
    pub credentials: Credentials,
    pub region: String,
    endpoints: BTreeMap<String, String>,
}

/// Members of a profile whose credentials somebody has to be asked for; they win over keys in the same profile.
const ELSEWHERE: [&str; 5] = ["login_session", "role_arn", "sso_session", "sso_start_url", "web_identity_token_file"];
/// The same, where the profile has no keys.
const WITHOUT_KEYS: [&str; 2] = ["credential_process", "credential_source"];
/// The same in the environment.
const ELSEWHERE_VARIABLES: [&str; 3] =
    ["AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"];

impl Access {
    /// Reads the files that `own` names.
    pub fn of(own: &OwnAws) -> Result<Access, CliError> {
        let text = |variable: &str, name: &str| {
            let named = own.variable(variable).map(PathBuf::from);
            let file = named.or_else(|| own.folder.as_ref().map(|folder| folder.join(name)));
            file.and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default()
        };
        Self::from(own, &text("AWS_SHARED_CREDENTIALS_FILE", "credentials"), &text("AWS_CONFIG_FILE", "config"))
    }

    fn from(own: &OwnAws, credentials: &str, config: &str) -> Result<Access, CliError> {
        let name = own.profile();
        let mut profile = section(config, &name, true);
        profile.extend(section(credentials, &name, false));
        let Some(region) = own.region.clone().or_else(|| profile.get("region").cloned()) else {
            return Err(CliError::user("no AWS region: neither AWS_REGION nor the profile says one")
                .hint("set AWS_REGION, or `region` in the profile"));
        };
        let keys = |get: &dyn Fn(&str) -> Option<String>, [id, secret, token]: [&str; 3]| {
            let secret = Secret::new(get(secret)?);
            Some(Credentials { access_key: get(id)?, secret, session_token: get(token).map(Secret::new) })
        };
        let variables = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"];
        let members = ["aws_access_key_id", "aws_secret_access_key", "aws_session_token"];
        let has = |member: &&str| profile.contains_key(*member);
        let of_profile = || match ELSEWHERE.iter().find(|member| has(member)) {
            Some(asked) => Err(elsewhere(asked, &name, &region)),
            None => keys(&|name| profile.get(name).cloned(), members).ok_or_else(|| {
                let asked = WITHOUT_KEYS.into_iter().find(has);
                let in_environment =
                    || ELSEWHERE_VARIABLES.into_iter().find(|variable| own.variable(variable).is_some());
                asked.or_else(in_environment).map_or_else(|| missing(&name), |asked| elsewhere(asked, &name, &region))
            }),
        };
        let credentials = keys(&|name| own.variable(name), variables).map_or_else(of_profile, Ok)?;
        let mut endpoints = BTreeMap::new();
        if own.variable("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS").is_none_or(|value| !value.eq_ignore_ascii_case("true")) {
            let all = own.variable("AWS_ENDPOINT_URL").or_else(|| profile.get("endpoint_url").cloned());
            for (service, variable) in
                [("ssm", "AWS_ENDPOINT_URL_SSM"), ("secretsmanager", "AWS_ENDPOINT_URL_SECRETS_MANAGER")]
            {
                let endpoint = own.variable(variable).or_else(|| all.clone());
                endpoints.extend(endpoint.map(|endpoint| (service.to_owned(), endpoint)));
            }
        }
        Ok(Access { credentials, region, endpoints })
    }

    /// Where the service is.
    pub fn endpoint(&self, service: &str) -> String {
        let suffix = if self.region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        let public = || format!("https://{service}.{}.{suffix}", self.region);
        self.endpoints.get(service).cloned().unwrap_or_else(public).trim_end_matches('/').to_owned()
    }
}

/// What to do where there are no keys.
fn missing(name: &str) -> CliError {
    CliError::user(format!(
        "there are no AWS credentials: neither AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY nor those of a profile {name} in \
         ~/.aws"
    ))
    .hint("run `aws configure`, name another profile with -p, or give each value with --secret NAME=@FILE")
}

/// What to do where somebody has to be asked for them.
fn elsewhere(asked: &str, name: &str, region: &str) -> CliError {
    CliError::user(format!("the AWS credentials of profile {name} come by {asked}, which `headworks run` cannot ask")).hint(
        format!(
            "eval \"$(aws configure export-credentials --profile {name} --format env)\", and AWS_REGION={region} headworks \
             run -c"
        ),
    )
}

/// A profile's members. In `config` all profiles but the default one are called `profile NAME`.
fn section(text: &str, profile: &str, is_config: bool) -> BTreeMap<String, String> {
    let mut inside = false;
    // How far the last member is indented: nested ones (`s3 =` and below) are further.
    let mut depth = None;
    let mut found = BTreeMap::new();
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.split_once(']')).map(|(name, _)| name.trim())
        {
            let plain = name.strip_prefix("profile ").filter(|_| is_config).map_or(name, str::trim);
            inside = plain == profile;
            depth = None;
        } else if inside
            && depth.is_none_or(|depth| line.len() - line.trim_start().len() <= depth)
            && let Some((key, value)) = trimmed.split_once('=')
        {
            depth = Some(line.len() - line.trim_start().len());
            found.insert(key.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    found.retain(|_, value| !value.is_empty());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const CREDENTIALS: &str = "[default]\naws_access_key_id = AKIADEFAULT\naws_secret_access_key=s=1\n# [other]\n\
                               [other]\naws_access_key_id=AKIAOTHER\naws_secret_access_key=s2\naws_session_token=t2\n";
    const CONFIG: &str = "[default]\nregion=eu-west-1\n[profile other]\nregion = cn-north-1\ns3 =\n  region = x\n\
                          [profile sso]\nsso_session = corp\nregion=us-east-1\n[profile keys]\nregion=us-east-1\n\
                          aws_access_key_id=AKIACONFIG\naws_secret_access_key=s3\nendpoint_url=http://localhost:1/\n";

    fn access(vars: &[(&str, &str)], profile: Option<&str>) -> Result<Access, CliError> {
        let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Access::from(&OwnAws::of(vars, profile, CONFIG), CREDENTIALS, CONFIG)
    }

    #[test]
    fn keys_in_the_environment_win_over_those_of_the_default_profile() {
        let keys = [("AWS_ACCESS_KEY_ID", "AKIAENV"), ("AWS_SECRET_ACCESS_KEY", "s"), ("AWS_SESSION_TOKEN", "t")];
        let own = access(&keys, None).unwrap();
        assert_eq!((own.credentials.access_key.as_str(), own.region.as_str()), ("AKIAENV", "eu-west-1"));
        assert_eq!(own.credentials.session_token.map(|token| token.expose().clone()).as_deref(), Some("t"));
        let own = access(&[], None).unwrap();
        assert_eq!(
            (own.credentials.access_key.as_str(), own.credentials.secret.expose().as_str()),
            ("AKIADEFAULT", "s=1")
        );
        assert_eq!(own.endpoint("ssm"), "https://ssm.eu-west-1.amazonaws.com");
    }

    #[test]
    fn a_profile_that_is_asked_for_wins_over_everything() {
        let keys = [("AWS_ACCESS_KEY_ID", "AKIAENV"), ("AWS_SECRET_ACCESS_KEY", "s")];
        let own = access(&keys, Some("other")).unwrap();
        assert_eq!((own.credentials.access_key.as_str(), own.region.as_str()), ("AKIAOTHER", "cn-north-1"));
        assert_eq!(own.endpoint("secretsmanager"), "https://secretsmanager.cn-north-1.amazonaws.com.cn");
        let own = access(&keys, Some("keys")).unwrap();
        assert_eq!(own.credentials.access_key, "AKIACONFIG");
        assert_eq!(own.endpoint("ssm"), "http://localhost:1");
    }

    #[test]
    fn a_role_wins_over_keys_of_its_profile_and_not_over_those_of_the_environment() {
        let config = "[profile dev]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = dev\nregion = eu-west-1\n";
        let credentials = "[dev]\naws_access_key_id=AKIABARE\naws_secret_access_key=s\n";
        let of = |vars: &[(&str, &str)]| {
            let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            Access::from(&OwnAws::of(vars, None, config), credentials, config)
        };
        let e = of(&[("AWS_PROFILE", "dev")]).unwrap_err();
        assert!(e.to_string().contains("profile dev come by role_arn"), "{e}");
        let keys = [("AWS_PROFILE", "dev"), ("AWS_ACCESS_KEY_ID", "AKIAENV"), ("AWS_SECRET_ACCESS_KEY", "s")];
        assert_eq!(of(&keys).unwrap().credentials.access_key, "AKIAENV");
    }

    #[test]
    fn members_may_be_indented_as_far_as_the_first_one() {
        let text = "[a]\n  x = 1\n  s3 =\n    x = 2\n  y = 3\n[b]\nx = 4\n";
        let found = section(text, "a", false);
        assert_eq!(
            found.into_iter().collect::<Vec<_>>(),
            [("x", "1"), ("y", "3")].map(|(k, v)| (k.to_owned(), v.to_owned()))
        );
    }

    #[test]
    fn configured_endpoints_are_ignored_where_that_is_said_in_any_case() {
        for said in ["true", "True", "TRUE"] {
            let own =
                access(&[("AWS_ENDPOINT_URL", "http://all"), ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", said)], None);
            assert_eq!(own.unwrap().endpoint("ssm"), "https://ssm.eu-west-1.amazonaws.com");
        }
    }

    #[test]
    fn an_endpoint_of_the_service_wins_over_that_of_all() {
        let own = access(&[("AWS_ENDPOINT_URL", "http://all"), ("AWS_ENDPOINT_URL_SSM", "http://ssm")], None).unwrap();
        assert_eq!(
            (own.endpoint("ssm").as_str(), own.endpoint("secretsmanager").as_str()),
            ("http://ssm", "http://all")
        );
    }

    #[test]
    fn without_keys_or_region_the_error_says_how_to_mend_it() {
        let why = |vars: &[(&str, &str)], profile| access(vars, profile).unwrap_err();
        let e = why(&[("AWS_REGION", "eu-west-1")], Some("nobody"));
        assert!(e.to_string().contains("a profile nobody"), "{e}");
        assert!(why(&[], Some("nobody")).to_string().contains("no AWS region"));
        let e = why(&[], Some("sso"));
        assert!(e.to_string().contains("profile sso come by sso_session"), "{e}");
    }
}
