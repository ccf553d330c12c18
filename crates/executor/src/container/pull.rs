//! Gets an image and says how far it is.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use base::RegistryLogin;
use bollard::auth::DockerCredentials;
use bollard::models::CreateImageInfo;
use futures_util::StreamExt as _;

use super::engine::{Engine, EngineError};
use crate::Progress;

/// Between two lines about one pull.
const PACE: Duration = Duration::from_secs(5);
/// An engine that says nothing for so long is not pulling.
const SILENCE_LIMIT: Duration = Duration::from_secs(120);
const MIB: i64 = 1 << 20;

/// Pulls `image` (a tag that is left out is `latest`) and gives its id. Dropping the future leaves the engine at it, which
/// is harmless.
pub(super) async fn pull(
    engine: &Engine,
    image: &str,
    login: Option<&RegistryLogin>,
    tell: &Progress<'_>,
) -> Result<String, EngineError> {
    tell(format!("Pulling image {image}"));
    let began = Instant::now();
    let mut told = began;
    let mut layers = Layers::default();
    let mut said = engine.pull(&tagged(image), login.map(credentials));
    loop {
        let next = tokio::time::timeout(SILENCE_LIMIT, said.next()).await;
        let next = next.map_err(|_| EngineError::Gone {
            socket: engine.socket().display().to_string(),
            reason: format!("it said nothing about the pull for {} s", SILENCE_LIMIT.as_secs()),
        })?;
        let Some(info) = next else { break };
        let info = info?;
        if let Some(reason) = info.error_detail.as_ref().and_then(|e| e.message.clone()) {
            return Err(EngineError::Refused { doing: format!("pull {image}"), status: 500, reason });
        }
        layers.take(&info);
        if told.elapsed() >= PACE {
            told = Instant::now();
            tell(format!("Pulling image {image}: {layers}"));
        }
    }
    // Some engines end the stream without a word when the pull failed.
    let Some(id) = engine.image_id(image).await? else {
        let reason = "the engine does not have it afterwards".to_owned();
        return Err(EngineError::Refused { doing: format!("pull {image}"), status: 500, reason });
    };
    tell(format!("Pulled image {image} in {} s", began.elapsed().as_secs()));
    Ok(id)
}

/// Without a tag engines pull every tag that there is.
fn tagged(image: &str) -> String {
    let name = image.rsplit('/').next().unwrap_or(image);
    if name.contains(':') || image.contains('@') { image.to_owned() } else { format!("{image}:latest") }
}

fn credentials(login: &RegistryLogin) -> DockerCredentials {
    DockerCredentials {
        username: Some(login.username.clone()),
        password: Some(login.password.expose().clone()),
        serveraddress: login.server.clone(),
        ..DockerCredentials::default()
    }
}

/// How much of each layer is there.
#[derive(Default)]
struct Layers {
    /// Received and whole bytes by layer; `None` when it is done.
    by_id: BTreeMap<String, Option<(i64, i64)>>,
}

impl Layers {
    fn take(&mut self, info: &CreateImageInfo) {
        let (Some(id), Some(status)) = (&info.id, &info.status) else { return };
        let whole = ["Pull complete", "Download complete", "Already exists"].contains(&status.as_str());
        let detail = info.progress_detail.as_ref().and_then(|d| Some((d.current?, d.total?)));
        match (whole, detail) {
            (true, _) => drop(self.by_id.insert(id.clone(), None)),
            // "Extracting" counts again from the beginning.
            (false, Some(bytes)) if status == "Downloading" => drop(self.by_id.insert(id.clone(), Some(bytes))),
            (false, _) => {}
        }
    }
}

impl std::fmt::Display for Layers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let done = self.by_id.values().filter(|bytes| bytes.is_none()).count();
        let (received, total) =
            self.by_id.values().flatten().fold((0, 0), |(a, b), (received, total)| (a + received, b + total));
        write!(f, "{done} of {} layers", self.by_id.len())?;
        if total > 0 { write!(f, ", {} of {} MiB of the others", received / MIB, total / MIB) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use bollard::models::ProgressDetail;

    use super::*;

    fn said(id: &str, status: &str, detail: Option<(i64, i64)>) -> CreateImageInfo {
        CreateImageInfo {
            id: Some(id.to_owned()),
            status: Some(status.to_owned()),
            progress_detail: detail
                .map(|(current, total)| ProgressDetail { current: Some(current), total: Some(total) }),
            ..CreateImageInfo::default()
        }
    }

    #[test]
    fn progress_counts_layers_and_what_is_left_of_the_others() {
        let mut layers = Layers::default();
        layers.take(&said("latest", "Pulling from library/x", None));
        layers.take(&said("a", "Downloading", Some((10 * MIB, 40 * MIB))));
        layers.take(&said("b", "Downloading", Some((5 * MIB, 60 * MIB))));
        assert_eq!(layers.to_string(), "0 of 2 layers, 15 of 100 MiB of the others");
        layers.take(&said("a", "Pull complete", None));
        layers.take(&said("b", "Extracting", Some((0, 60 * MIB))));
        assert_eq!(layers.to_string(), "1 of 2 layers, 5 of 60 MiB of the others");
    }

    #[test]
    fn an_image_without_a_tag_is_the_latest() {
        assert_eq!(tagged("node"), "node:latest");
        assert_eq!(tagged("host:5000/node"), "host:5000/node:latest");
        assert_eq!(tagged("host:5000/node:22"), "host:5000/node:22");
        assert_eq!(tagged("node@sha256:ab"), "node@sha256:ab");
    }
}
