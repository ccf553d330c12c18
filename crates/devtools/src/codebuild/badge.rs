//! Build badges: a picture of how a project's last build ended, for whoever knows its address.
//! Follows <https://docs.aws.amazon.com/codebuild/latest/userguide/sample-build-badges.html>.

use base::{AccountId, ApiError, Region, Scope};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use engine::build::{Build, BuildStatus};
use platform::Cx;
use serde_json::{Value, json};
use store::machine;
use store::tables::codebuild_project;

use super::project::parse;

/// Builds that are looked at for one of the branch.
const LOOK_BACK: u32 = 100;

/// A word and a colour.
struct Look {
    word: &'static str,
    colour: &'static str,
}

/// `ProjectBadge` of the API. `config` is the project as it is stored.
pub(super) fn view(endpoint: &str, scope: &Scope, name: &str, config: &Value) -> Value {
    let enabled = config.get("badgeEnabled").and_then(Value::as_bool).unwrap_or(false);
    let secret = config.get("badgeToken").and_then(Value::as_str).filter(|token| enabled && !token.is_empty());
    match secret {
        None => json!({ "badgeEnabled": false }),
        Some(secret) => {
            let address = json!([scope.account.as_str(), scope.region.as_str(), name, secret]).to_string();
            let uuid = URL_SAFE_NO_PAD.encode(address);
            let url = format!("{endpoint}/badges?uuid={uuid}&branch=main");
            json!({ "badgeEnabled": true, "badgeRequestUrl": url })
        }
    }
}

/// The picture behind an address; `None` when the address is of no badge. Nothing else of the project is told.
pub async fn badge(cx: &Cx, uuid: &str, branch: Option<&str>) -> Result<Option<String>, ApiError> {
    let Some((scope, name, secret)) = address(uuid) else { return Ok(None) };
    let mut tx = cx.store.read().await?;
    let Some(row) = codebuild_project::get(&mut tx, &scope, &name).await? else { return Ok(None) };
    let project = parse(&row)?;
    if !project.badge_enabled || project.badge_token.is_empty() || project.badge_token != secret {
        return Ok(None);
    }
    let of_project = project.source_version.as_deref().map(short);
    let positions = machine::positions::<Build>(&mut tx, &scope, Some(&name), None, LOOK_BACK, true).await?;
    for position in positions {
        let Some(found) = machine::get::<Build>(&mut tx, &position.id).await? else { continue };
        let request = &found.state.request;
        // What a push started has the commit for its version.
        let version = request.branch.as_deref().or(request.source.version.as_deref()).map(short).or(of_project);
        // A build that names no version is of the default branch, whatever that is called.
        if branch.is_none_or(|branch| version.is_none_or(|version| version == short(branch))) {
            return Ok(Some(picture(&look(found.state.completed().map(|(status, _)| status)))));
        }
    }
    Ok(Some(picture(&Look { word: "unknown", colour: "#9f9f9f" })))
}

fn address(uuid: &str) -> Option<(Scope, String, String)> {
    let bytes = URL_SAFE_NO_PAD.decode(uuid.trim_end_matches('=')).ok()?;
    let [account, region, name, secret]: [String; 4] = serde_json::from_slice(&bytes).ok()?;
    let scope = Scope { account: AccountId::parse(&account)?, region: Region::parse(&region)? };
    Some((scope, name, secret))
}

fn short(version: &str) -> &str {
    version.strip_prefix("refs/heads/").unwrap_or(version)
}

fn look(status: Option<BuildStatus>) -> Look {
    match status {
        None => Look { word: "in progress", colour: "#007ec6" },
        Some(BuildStatus::Succeeded) => Look { word: "passing", colour: "#44cc11" },
        Some(BuildStatus::Failed | BuildStatus::Fault | BuildStatus::TimedOut) => {
            Look { word: "failing", colour: "#e05d44" }
        }
        Some(BuildStatus::Stopped) => Look { word: "unknown", colour: "#9f9f9f" },
    }
}

fn picture(Look { word, colour }: &Look) -> String {
    // About seven units a letter, and some room on both sides.
    let right = 12 + 7 * word.len();
    let (width, middle) = (44 + right, 44 + right / 2);
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"20\" role=\"img\" aria-label=\"build: {word}\">\
         <title>build: {word}</title><rect width=\"44\" height=\"20\" fill=\"#555\"/>\
         <rect x=\"44\" width=\"{right}\" height=\"20\" fill=\"{colour}\"/>\
         <g fill=\"#fff\" text-anchor=\"middle\" font-family=\"Verdana,DejaVu Sans,sans-serif\" font-size=\"11\">\
         <text x=\"22\" y=\"14\">build</text><text x=\"{middle}\" y=\"14\">{word}</text></g></svg>"
    )
}
