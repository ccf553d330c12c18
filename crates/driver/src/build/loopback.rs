//! Where a build that has a network of its own must still find us: on the machine's loopback, and nothing else of it.

use std::net::{Ipv4Addr, SocketAddrV4};

use base::JobSpec;
use engine::build::Request;
use platform::Cx;

/// The job with the addresses under which the server itself is told to it. What its project's variables name is not ours to
/// open.
pub(super) fn with_server(cx: &Cx, request: &Request, mut spec: JobSpec) -> JobSpec {
    let told = [Some(request.endpoint.as_str()), cx.site.loopback.as_deref()];
    // Without our endpoint the build has no business with us.
    let told = told.into_iter().flatten().filter(|_| !request.endpoint.is_empty());
    spec.loopback.extend(told.filter_map(address));
    spec.loopback.sort();
    spec.loopback.dedup();
    spec
}

/// The address in a URL, if it is one of loopback.
fn address(url: &str) -> Option<SocketAddrV4> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split('/').next().unwrap_or_default();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok()?),
        None => (authority, if scheme == "https" { 443 } else { 80 }),
    };
    let ip = if host == "localhost" { Ipv4Addr::LOCALHOST } else { host.parse::<Ipv4Addr>().ok()? };
    ip.is_loopback().then(|| SocketAddrV4::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_loopback_are_addresses() {
        let shown = |url: &str| address(url).map(|address| address.to_string());
        assert_eq!(shown("http://127.0.0.1:4566").as_deref(), Some("127.0.0.1:4566"));
        assert_eq!(shown("http://localhost:4566/").as_deref(), Some("127.0.0.1:4566"));
        assert_eq!(shown("https://127.0.0.1").as_deref(), Some("127.0.0.1:443"));
        for url in ["", "127.0.0.1:4566", "https://builds.example.org:443", "http://10.0.0.1:80", "http://[::1]:80"] {
            assert_eq!(shown(url), None, "{url}");
        }
    }
}
