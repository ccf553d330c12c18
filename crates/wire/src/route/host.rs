//! What the host of a request says: a service, a bucket, or nothing.

use http::request::Parts;

use crate::model::{Models, Service, models};

/// The names under which clients reach this server, without ports.
#[derive(Clone, Debug, Default)]
pub struct EndpointHosts {
    names: Vec<String>,
}

impl EndpointHosts {
    /// `localhost` is always one of the names. Ports are ignored.
    pub fn new<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Self {
        let mut names: Vec<String> = names.into_iter().map(|n| without_port(n.as_ref()).to_ascii_lowercase()).collect();
        names.push("localhost".to_owned());
        // The longest name first, so that `a.example` is not taken for a bucket of `example`.
        names.sort_by_key(|n| std::cmp::Reverse(n.len()));
        names.dedup();
        EndpointHosts { names }
    }

    /// Whether `host` (a port is ignored) is one of our names.
    pub fn is_own(&self, host: &str) -> bool {
        let host = without_port(host).to_ascii_lowercase();
        self.names.contains(&host)
    }
}

/// What a host means.
#[derive(Debug, PartialEq)]
pub(super) enum Host {
    /// One of our names, or one that says nothing.
    Own,
    Service(&'static Service),
    /// A name under one of ours that may be a service or a bucket: the signature decides.
    Either(&'static Service, String),
    /// An AWS host of a service that we do not have.
    Unknown(String),
    /// A bucket's own host.
    Bucket(String),
}

/// What a host of AWS's stands for.
#[derive(Clone, Debug, PartialEq)]
pub enum AwsHost {
    Service(&'static Service),
    Bucket(String),
}

/// What `host` (without a port) stands for, if it is a host of AWS's of a service that we know.
pub fn aws_host(host: &str) -> Option<AwsHost> {
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    let labels = host.strip_suffix(".amazonaws.com").or_else(|| host.strip_suffix(".amazonaws.com.cn"))?;
    // A website is served by other rules than its bucket; nobody serves it here.
    if labels.split('.').any(|label| label.starts_with("s3-website") || label == "s3-accesspoint") {
        return None;
    }
    match amazon_host(
        labels.strip_prefix("git-codecommit").map_or(labels.to_owned(), |r| format!("codecommit{r}")).as_str(),
    ) {
        Host::Service(service) => Some(AwsHost::Service(service)),
        Host::Bucket(bucket) => Some(AwsHost::Bucket(bucket)),
        Host::Own | Host::Either(..) | Host::Unknown(_) => None,
    }
}

pub(super) fn read(parts: &Parts, endpoint: &EndpointHosts) -> Host {
    let host = parts.uri.host().or_else(|| parts.headers.get(http::header::HOST).and_then(|v| v.to_str().ok()));
    let Some(host) = host else { return Host::Own };
    let host = without_port(host).to_ascii_lowercase();
    let amazon = host.strip_suffix(".amazonaws.com").or_else(|| host.strip_suffix(".amazonaws.com.cn"));
    if let Some(labels) = amazon {
        return amazon_host(labels);
    }
    for name in &endpoint.names {
        if host == *name {
            return Host::Own;
        }
        if let Some(bucket) = host.strip_suffix(name.as_str()).and_then(|h| h.strip_suffix('.')) {
            if name.parse::<std::net::IpAddr>().is_ok() {
                continue;
            }
            return own_subdomain(bucket);
        }
    }
    Host::Own
}

/// `BUCKET.localhost`, `BUCKET.s3.localhost`, `s3.localhost`, `codebuild.localhost`.
fn own_subdomain(labels: &str) -> Host {
    if labels == "s3" {
        return Host::Own;
    }
    if let Some(bucket) = labels.strip_suffix(".s3") {
        return Host::Bucket(bucket.to_owned());
    }
    match service(labels) {
        Some(service) => Host::Either(service, labels.to_owned()),
        None => Host::Bucket(labels.to_owned()),
    }
}

fn amazon_host(labels: &str) -> Host {
    let parts: Vec<&str> = labels.split('.').collect();
    let is_s3 = |label: &str| label == "s3" || label.starts_with("s3-");
    // The rightmost such label: a bucket's name may hold one too. At most `dualstack` and a region follow it.
    if let Some(at) = parts.iter().rposition(|l| is_s3(l)).filter(|at| parts.len() - at <= 3) {
        let bucket = parts.get(..at).unwrap_or_default().join(".");
        return match bucket.as_str() {
            "" => models().service("s3").map_or(Host::Own, Host::Service),
            bucket => Host::Bucket(bucket.to_owned()),
        };
    }
    // The host prefixes of a few operations (`stream-logs`) stand before the service's own label.
    let first = parts.first().copied().unwrap_or_default().trim_start_matches("stream-");
    let two = parts.get(..2).map(|p| p.join("."));
    match two.and_then(|two| service(&two)).or_else(|| service(first)) {
        Some(service) => Host::Service(service),
        None => Host::Unknown(first.to_owned()),
    }
}

fn service(prefix: &str) -> Option<&'static Service> {
    Models::all().iter().find(|s| s.endpoint_prefix() == prefix)
}

fn without_port(host: &str) -> &str {
    if let Some(v6) = host.strip_prefix('[') {
        return v6.split_once(']').map_or(v6, |(address, _)| address);
    }
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.contains(':') => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str) -> Host {
        let (parts, ()) = http::Request::builder().header("host", name).body(()).unwrap().into_parts();
        read(&parts, &EndpointHosts::new(["127.0.0.1:4566", "hw.example:80"]))
    }

    #[test]
    fn a_bucket_is_found_in_every_form_of_host() {
        for (name, bucket) in [
            ("b.s3.eu-west-1.amazonaws.com", "b"),
            ("my.dotted.bucket.s3.amazonaws.com", "my.dotted.bucket"),
            ("b.s3.dualstack.eu-west-1.amazonaws.com:443", "b"),
            ("b.s3-eu-west-1.amazonaws.com", "b"),
            ("b.localhost:4566", "b"),
            ("b.s3.hw.example", "b"),
            ("a.b.hw.example:80", "a.b"),
        ] {
            assert_eq!(host(name), Host::Bucket(bucket.to_owned()), "{name}");
        }
    }

    #[test]
    fn names_of_aws_stand_for_services_and_buckets() {
        let service = |name: &str| Some(AwsHost::Service(models().service(name).unwrap()));
        assert_eq!(aws_host("sts.amazonaws.com"), service("sts"));
        assert_eq!(aws_host("SSM.eu-west-1.amazonaws.com."), service("ssm"));
        assert_eq!(aws_host("git-codecommit.eu-west-1.amazonaws.com"), service("codecommit"));
        assert_eq!(aws_host("codebuild.cn-north-1.amazonaws.com.cn"), service("codebuild"));
        assert_eq!(aws_host("b.s3.amazonaws.com"), Some(AwsHost::Bucket("b".to_owned())));
        for other in ["b.s3-website-us-east-1.amazonaws.com", "ec2.eu-west-1.amazonaws.com", "amazonaws.com", "x.org"] {
            assert_eq!(aws_host(other), None, "{other}");
        }
    }

    #[test]
    fn a_host_without_bucket_is_none() {
        for name in ["127.0.0.1:4566", "localhost", "hw.example", "s3.localhost:4566", "[::1]:80", "else.where"] {
            assert_eq!(host(name), Host::Own, "{name}");
        }
        let logs = Host::Either(models().service("logs").unwrap(), "logs".to_owned());
        assert_eq!(host("logs.localhost:4566"), logs);
        assert_eq!(host("codebuild.eu-west-1.amazonaws.com"), Host::Service(models().service("codebuild").unwrap()));
        assert_eq!(host("api.ecr.eu-west-1.amazonaws.com"), Host::Service(models().service("ecr").unwrap()));
        assert_eq!(host("s3.eu-west-1.amazonaws.com"), Host::Service(models().service("s3").unwrap()));
        assert_eq!(host("ec2.eu-west-1.amazonaws.com"), Host::Unknown("ec2".to_owned()));
    }
}
