//! Which of git's requests it is.

use git::Service;
use http::{Method, Uri};

/// A request as its address says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Route {
    /// The repository's name.
    pub name: String,
    /// `/v1/repos/NAME` as written, which signatures are over.
    pub path: String,
    pub service: Service,
    pub step: Step,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// `GET .../info/refs?service=...`.
    Advertise,
    /// `POST .../git-upload-pack` or `git-receive-pack`.
    Serve,
}

/// `None` for what git's smart HTTP does not have.
pub(super) fn route(method: &Method, uri: &Uri) -> Option<Route> {
    let rest = uri.path().strip_prefix("/v1/repos/")?;
    let (written, action) = rest.split_once('/')?;
    let name = written.strip_suffix(".git").unwrap_or(written);
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b)) {
        return None;
    }
    let (service, step) = match (method, action) {
        (&Method::GET, "info/refs") => {
            let wanted = uri.query()?.split('&').find_map(|pair| pair.strip_prefix("service="))?;
            (Service::parse(wanted)?, Step::Advertise)
        }
        (&Method::POST, service) => (Service::parse(service)?, Step::Serve),
        _ => return None,
    };
    Some(Route { name: name.to_owned(), path: format!("/v1/repos/{written}"), service, step })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(method: Method, uri: &str) -> Option<(String, String, Service, Step)> {
        route(&method, &uri.parse().unwrap()).map(|r| (r.name, r.path, r.service, r.step))
    }

    #[test]
    fn addresses_are_taken_apart() {
        assert_eq!(
            of(Method::GET, "/v1/repos/demo.git/info/refs?service=git-receive-pack"),
            Some(("demo".into(), "/v1/repos/demo.git".into(), Service::ReceivePack, Step::Advertise))
        );
        assert_eq!(
            of(Method::POST, "/v1/repos/my.repo-1_x/git-upload-pack"),
            Some(("my.repo-1_x".into(), "/v1/repos/my.repo-1_x".into(), Service::UploadPack, Step::Serve))
        );
    }

    #[test]
    fn what_is_not_smart_http_is_not_routed() {
        for (method, uri) in [
            (Method::GET, "/v1/repos/demo/info/refs"),
            (Method::GET, "/v1/repos/demo/info/refs?service=git-upload-archive"),
            (Method::GET, "/v1/repos/demo/HEAD"),
            (Method::GET, "/v1/repos/demo/git-upload-pack"),
            (Method::PUT, "/v1/repos/demo/git-receive-pack"),
            (Method::POST, "/v1/repos//git-receive-pack"),
            (Method::POST, "/v1/repos/.git/git-receive-pack"),
            (Method::POST, "/v1/repos/a%2Fb/git-receive-pack"),
            (Method::POST, "/v1/repos/../x/git-receive-pack"),
            (Method::GET, "/v1/repos/demo/../../etc/passwd"),
        ] {
            assert_eq!(of(method, uri), None, "{uri}");
        }
    }
}
