//! The Jenkins job that an action names.

use std::collections::BTreeSet;

use serde_json::Value;

use super::server::{Jenkins, Trouble};

/// The parameter that carries the id of the pipeline's job, so that its build is found again.
pub(super) const MARK: &str = "HEADWORKS_JOB_ID";

/// A Jenkins job.
pub(super) struct Project {
    /// `job/FOLDER/job/NAME`.
    pub path: String,
    /// The parameters that it declares.
    pub parameters: BTreeSet<String>,
}

impl Project {
    /// Looks the job up.
    pub async fn find(jenkins: &Jenkins, name: &str) -> Result<Project, Trouble> {
        let path = path(name).map_err(Trouble::Refused)?;
        let tree = "buildable,property[parameterDefinitions[name]]";
        let Some(told) = jenkins.get(&path, tree).await? else {
            return Err(Trouble::Refused(format!("Jenkins has no job '{name}' that the worker's user can see.")));
        };
        if told["buildable"] == Value::Bool(false) {
            return Err(Trouble::Refused(format!("The Jenkins job '{name}' is disabled.")));
        }
        let properties = told["property"].as_array().into_iter().flatten();
        let declared = properties.flat_map(|p| p["parameterDefinitions"].as_array().into_iter().flatten());
        let parameters = declared.filter_map(|p| p["name"].as_str()).map(str::to_owned).collect();
        Ok(Project { path, parameters })
    }

    /// Whether its builds can carry the id of the pipeline's job.
    pub fn is_marked(&self) -> bool {
        self.parameters.contains(MARK)
    }
}

/// The path of a job, by its name with the names of its folders before it.
pub(super) fn path(name: &str) -> Result<String, String> {
    let mut path = Vec::new();
    for part in name.split('/') {
        if part.is_empty() || part == "." || part == ".." {
            return Err(format!("'{name}' is not the name of a Jenkins job."));
        }
        path.push(format!("job/{}", wire::uri::encode(part)));
    }
    Ok(path.join("/"))
}
