//! The front: inside a build the names of the AWS hosts that we serve lead to us, and our certificate is trusted. For
//! clients that ignore `AWS_ENDPOINT_URL`: boto3 before 1.28, version 2 of the JavaScript SDK, URLs that are written down.

use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::path::{Path, PathBuf};

use base::{JobFile, JobFileContent, JobRoute, JobSpec, JobTrust, Region};
use engine::build::Request;
use executor::Executor;
use platform::{Cx, Front};
use store::tables::s3_bucket;

/// A project's variable that keeps the front away from its builds.
const SWITCH: &str = "HEADWORKS_FRONT";
/// HTTPS, HTTP and name service.
const FRONT_PORTS: [u16; 3] = [443, 80, 53];
/// What tells clients which certificates to trust.
const TRUST: [&str; 7] = [
    "AWS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "GIT_SSL_CAINFO",
    "NODE_EXTRA_CA_CERTS",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
];
/// Buckets beyond this many are found by name service alone.
const MAX_BUCKETS: i64 = 1000;

/// The job with the front before it, unless the project or the operator has switched it off; or, with a line for the log,
/// without, where jobs are in another network than we.
pub(super) async fn with_front(
    cx: &Cx,
    executor: &dyn Executor,
    request: &Request,
    mut spec: JobSpec,
) -> Result<(JobSpec, Option<String>), store::Error> {
    let Some(front) = &cx.site.front else { return Ok((spec, None)) };
    // Without our endpoint the build talks to another AWS.
    if request.endpoint.is_empty() {
        return Ok((spec, None));
    }
    if spec.env.get(SWITCH).is_some_and(|value| value.eq_ignore_ascii_case("off")) {
        return Ok((spec, None));
    }
    if front.shift != 0 && !executor.routes() {
        let note = "names of AWS's hosts do not lead to this server: it may not use port 443, and its builds cannot have a \
                    network of their own; AWS_ENDPOINT_URL does";
        return Ok((spec, Some(note.to_owned())));
    }
    if !executor.reaches_loopback() {
        let note = "names of AWS's hosts do not lead to this server, since executor.network is not host; \
                    AWS_ENDPOINT_URL does";
        return Ok((spec, Some(note.to_owned())));
    }
    let buckets = {
        let mut tx = cx.store.read().await?;
        s3_bucket::list(&mut tx, request.scope.account.as_str(), "", MAX_BUCKETS).await?
    };
    let buckets: Vec<String> = buckets.into_iter().map(|bucket| bucket.name).collect();
    let names = names(front, &request.scope.region, &buckets);
    let own = read("/etc/hosts").await;
    spec.files.push(text("/etc/hosts", hosts(&own, front.address, &names)));
    if front.answers_names {
        let own = read("/etc/resolv.conf").await;
        spec.files.push(text("/etc/resolv.conf", resolver(&own, front.address)));
    }
    spec.loopback.extend(FRONT_PORTS.map(|port| SocketAddrV4::new(front.address, port)));
    if front.shift != 0 {
        let route = |port: u16| JobRoute {
            from: SocketAddrV4::new(front.address, port),
            to: SocketAddrV4::new(front.address, port + front.shift),
        };
        spec.routes = FRONT_PORTS.map(route).to_vec();
    }
    spec.trust = Some(JobTrust {
        authority: front.authority.clone(),
        bundle: front.bundle.clone(),
        places: front.bundle_paths.clone(),
        variables: TRUST.map(str::to_owned).to_vec(),
    });
    Ok((spec, None))
}

fn text(path: &str, text: String) -> JobFile {
    JobFile { path: PathBuf::from(path), content: JobFileContent::Text(text) }
}

/// What cannot be read is as good as empty.
async fn read(path: &str) -> String {
    tokio::fs::read_to_string(Path::new(path)).await.unwrap_or_default()
}

fn names(front: &Front, region: &Region, buckets: &[String]) -> Vec<String> {
    let domain = if region.as_str().starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    let mut regions = vec![region.as_str()];
    if !regions.contains(&"us-east-1") {
        regions.push("us-east-1");
    }
    let mut names = Vec::new();
    for prefix in &front.prefixes {
        names.push(format!("{prefix}.{domain}"));
        names.extend(regions.iter().map(|region| format!("{prefix}.{region}.{domain}")));
    }
    if front.prefixes.iter().any(|prefix| prefix == "s3") {
        for region in &regions {
            names.push(format!("s3.dualstack.{region}.{domain}"));
            names.push(format!("s3-{region}.{domain}"));
        }
        for bucket in buckets {
            names.push(format!("{bucket}.s3.{domain}"));
            names.extend(regions.iter().map(|region| format!("{bucket}.s3.{region}.{domain}")));
        }
    }
    names
}

fn hosts(own: &str, address: Ipv4Addr, names: &[String]) -> String {
    let mut text = if own.trim().is_empty() { "127.0.0.1 localhost\n".to_owned() } else { own.to_owned() };
    if !text.ends_with('\n') {
        text.push('\n');
    }
    for name in names {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{address} {name}");
    }
    text
}

/// We come first; the machine's own servers follow, so that other names are found while we are away for a moment.
fn resolver(own: &str, address: Ipv4Addr) -> String {
    let mut text = format!("nameserver {address}\n");
    let mut servers = 1;
    for line in own.lines() {
        let is_server = line.trim_start().starts_with("nameserver");
        servers += usize::from(is_server);
        // The C library looks at three.
        if !is_server || servers <= 3 {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn front() -> Front {
        Front {
            address: Ipv4Addr::new(127, 77, 0, 1),
            shift: 0,
            answers_names: true,
            prefixes: vec!["s3".to_owned(), "git-codecommit".to_owned()],
            bundle: PathBuf::from("/data/tls/bundle.pem"),
            authority: PathBuf::from("/data/tls/ca.pem"),
            bundle_paths: vec![PathBuf::from("/etc/ssl/certs/ca-certificates.crt")],
        }
    }

    #[test]
    fn services_and_buckets_have_names_in_the_builds_region_and_in_the_first_one() {
        let names = names(&front(), &Region::parse("eu-west-1").unwrap(), &["b".to_owned()]);
        for name in [
            "s3.amazonaws.com",
            "s3.eu-west-1.amazonaws.com",
            "s3-eu-west-1.amazonaws.com",
            "b.s3.amazonaws.com",
            "b.s3.us-east-1.amazonaws.com",
            "git-codecommit.eu-west-1.amazonaws.com",
        ] {
            assert!(names.iter().any(|n| n == name), "{name}");
        }
        let china = super::names(&front(), &Region::parse("cn-north-1").unwrap(), &[]);
        assert!(china.contains(&"s3.cn-north-1.amazonaws.com.cn".to_owned()));
    }

    #[test]
    fn what_the_machine_says_stays() {
        let address = Ipv4Addr::new(127, 77, 0, 1);
        let text = hosts("127.0.0.1 localhost box", address, &["sts.amazonaws.com".to_owned()]);
        assert_eq!(text, "127.0.0.1 localhost box\n127.77.0.1 sts.amazonaws.com\n");
        assert!(hosts("", address, &[]).contains("localhost"));
        let text = resolver("search x.org\nnameserver 10.0.0.1\nnameserver 10.0.0.2\nnameserver 10.0.0.3\n", address);
        assert_eq!(text, "nameserver 127.77.0.1\nsearch x.org\nnameserver 10.0.0.1\nnameserver 10.0.0.2\n");
    }
}
