//! `headworks env`: what AWS clients need in their environment.

use super::CliError;
use super::output::say;
use crate::config::Config;
use crate::installation::is_running;
use crate::root_key;
use crate::tls::authority_path;
use crate::up::running_endpoint;

/// Prints exports for `eval "$(headworks env)"`.
pub fn run(config: &Config) -> Result<(), CliError> {
    let dir = std::fs::canonicalize(&config.data_dir).map_err(|e| {
        CliError::user(format!("no data folder at {}: {e}", config.data_dir.display()))
            .hint("run `headworks up` first, or name its folder with --data")
    })?;
    let key = root_key::read(&dir)?;
    let endpoint = running_endpoint(&dir).unwrap_or_else(|| format!("http://{}", config.listen));
    let region = config.region.as_str();
    let exports = [
        ("AWS_ENDPOINT_URL", endpoint),
        ("AWS_ACCESS_KEY_ID", key.access_key_id),
        ("AWS_SECRET_ACCESS_KEY", key.secret_access_key.expose().clone()),
        ("AWS_DEFAULT_REGION", region.to_owned()),
        ("AWS_REGION", region.to_owned()),
        ("HEADWORKS_CA_BUNDLE", authority_path(&dir).display().to_string()),
    ];
    if !is_running(&dir) {
        eprintln!("note: no server runs on {}; start it with `headworks up --data '{0}'`", dir.display());
    }
    say("unset AWS_SESSION_TOKEN AWS_PROFILE");
    for (name, value) in exports {
        say(format_args!("export {name}='{}'", value.replace('\'', "'\\''")));
    }
    Ok(())
}
