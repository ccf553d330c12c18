//! The address: one of 127.0.0.0/8, so that several servers of one machine have one each, and nobody else has it.

use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::Path;

use base::derived_uuid;
use tokio::net::{TcpListener, UdpSocket};

const HTTPS: u16 = 443;
const HTTP: u16 = 80;
const DNS: u16 = 53;
/// Addresses that are tried before giving up.
const TRIES: u16 = 16;

/// The sockets, all of one address.
pub(crate) struct Bound {
    pub address: Ipv4Addr,
    /// What was added to the ports.
    pub shift: u16,
    pub https: TcpListener,
    /// Not there when somebody listens on port 80 of all addresses.
    pub http: Option<TcpListener>,
    /// The same for port 53.
    pub dns: Option<(UdpSocket, TcpListener)>,
}

/// What is added to ports that need a privilege.
pub(crate) const SHIFT: u16 = 40_000;

/// Binds the address that this data folder had before, or a free one: builds that run know it, so it must not change.
pub(crate) async fn bind(data_dir: &Path, shift: u16) -> io::Result<Bound> {
    let file = data_dir.join("front-address");
    let before = fs::read_to_string(&file).ok().and_then(|text| text.trim().parse::<Ipv4Addr>().ok());
    let before = before.filter(Ipv4Addr::is_loopback);
    let mut last = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in before.into_iter().chain(candidates(data_dir)) {
        match TcpListener::bind((address, HTTPS + shift)).await {
            Ok(https) => {
                if before != Some(address) {
                    fs::write(&file, format!("{address}\n"))?;
                }
                let http = TcpListener::bind((address, HTTP + shift)).await.ok();
                return Ok(Bound { address, shift, https, http, dns: dns(address, shift).await });
            }
            Err(e) if e.kind() == io::ErrorKind::AddrInUse => last = e,
            Err(e) => return Err(e),
        }
    }
    Err(last)
}

async fn dns(address: Ipv4Addr, shift: u16) -> Option<(UdpSocket, TcpListener)> {
    let udp = UdpSocket::bind((address, DNS + shift)).await.ok()?;
    let tcp = TcpListener::bind((address, DNS + shift)).await.ok()?;
    Some((udp, tcp))
}

/// 127.77.X.Y, where X and Y follow from the folder's name.
fn candidates(data_dir: &Path) -> impl Iterator<Item = Ipv4Addr> {
    let [x, y, ..] = *derived_uuid(&["front", &data_dir.to_string_lossy()]).as_bytes();
    let first = u16::from_be_bytes([x, y]);
    (0..TRIES).map(move |n| {
        let [x, y] = first.wrapping_add(n * 257).to_be_bytes();
        // .0 and .255 look like networks to some.
        Ipv4Addr::new(127, 77, x, y.clamp(1, 254))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_have_addresses_of_their_own() {
        let of = |dir: &str| candidates(Path::new(dir)).collect::<Vec<_>>();
        assert_eq!(of("/a"), of("/a"));
        assert_ne!(of("/a").first(), of("/b").first());
        assert!(of("/a").iter().all(|address| address.octets()[..2] == [127, 77]));
    }
}
