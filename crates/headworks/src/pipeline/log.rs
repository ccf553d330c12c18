//! What the builds of an execution have logged.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::answers::{list, text};
use crate::cli::CliError;
use crate::client::Client;

/// A line of a build's log.
pub(super) struct Line {
    /// Milliseconds since 1970.
    pub timestamp: i64,
    pub message: String,
}

/// Where a log is.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    group: String,
    stream: String,
}

/// Reads each build's log once.
pub(super) struct Logs<'a> {
    client: &'a Client,
    /// Where the log of each build is.
    places: BTreeMap<String, Place>,
    /// How far each was read.
    read: BTreeMap<Place, String>,
    /// One that may not be read is said once.
    is_refused: bool,
}

impl<'a> Logs<'a> {
    pub fn of(client: &'a Client) -> Logs<'a> {
        Logs { client, places: BTreeMap::new(), read: BTreeMap::new(), is_refused: false }
    }

    /// What is new in the log of a build, or in those of a batch's builds.
    pub async fn news(&mut self, id: &str) -> Result<Vec<Line>, CliError> {
        let mut lines = Vec::new();
        if !self.is_refused
            && let Err(e) = self.add_news(id, &mut lines).await
        {
            self.is_refused = true;
            eprintln!("warning: the log of {id} cannot be read: {e}");
        }
        Ok(lines)
    }

    async fn add_news(&mut self, id: &str, lines: &mut Vec<Line>) -> Result<(), CliError> {
        for place in self.places_of(id).await? {
            self.read_on(place, lines).await?;
        }
        Ok(())
    }

    async fn places_of(&mut self, id: &str) -> Result<Vec<Place>, CliError> {
        if let Some(place) = self.places.get(id) {
            return Ok(vec![place.clone()]);
        }
        let mut builds = self.builds(&[id.to_owned()]).await?;
        if builds.is_empty() {
            let ids = self.builds_of_batch(id).await?;
            builds = self.builds(&ids).await?;
        }
        let found: Vec<(String, Place)> = builds.iter().filter_map(|b| Some((text(&b["id"]), place(b)?))).collect();
        self.places.extend(found.iter().cloned());
        Ok(found.into_iter().map(|(_, place)| place).collect())
    }

    async fn builds(&self, ids: &[String]) -> Result<Vec<Value>, CliError> {
        let mut builds = Vec::new();
        // BatchGetBuilds takes at most 100.
        for ids in ids.chunks(100) {
            let answer = self.client.call("codebuild", "BatchGetBuilds", json!({ "ids": ids })).await?;
            builds.extend(list(&answer["builds"]).iter().cloned());
        }
        Ok(builds)
    }

    async fn builds_of_batch(&self, id: &str) -> Result<Vec<String>, CliError> {
        let answer = self.client.call("codebuild", "BatchGetBuildBatches", json!({ "ids": [id] })).await?;
        let groups = list(&answer["buildBatches"]).iter().flat_map(|batch| list(&batch["buildGroups"]));
        let arns = groups.map(|group| text(&group["currentBuildSummary"]["arn"]));
        Ok(arns.filter_map(|arn| Some(arn.split_once(":build/")?.1.to_owned())).collect())
    }

    async fn read_on(&mut self, place: Place, lines: &mut Vec<Line>) -> Result<(), CliError> {
        let mut ask = json!({ "logGroupName": place.group, "logStreamName": place.stream, "startFromHead": true });
        if let Some(token) = self.read.get(&place) {
            ask["nextToken"] = json!(token);
        }
        loop {
            let page = match self.client.call("logs", "GetLogEvents", ask.clone()).await {
                Ok(page) => page,
                // The stream appears with the first line.
                Err(e) if e.to_string().contains("ResourceNotFoundException") => return Ok(()),
                Err(e) => return Err(e),
            };
            let events = list(&page["events"]);
            lines.extend(events.iter().map(|event| Line {
                timestamp: event["timestamp"].as_i64().unwrap_or_default(),
                message: text(&event["message"]).trim_end_matches('\n').to_owned(),
            }));
            let next = text(&page["nextForwardToken"]);
            let is_end = events.is_empty() || ask["nextToken"] == json!(next);
            ask["nextToken"] = json!(next);
            self.read.insert(place.clone(), next);
            if is_end {
                return Ok(());
            }
        }
    }
}

/// Where a build's log is; a build that has none yet, or none in CloudWatch Logs, has no place.
fn place(build: &Value) -> Option<Place> {
    let named = |name: &str| build["logs"][name].as_str().map(str::to_owned);
    Some(Place { group: named("groupName")?, stream: named("streamName")? })
}
