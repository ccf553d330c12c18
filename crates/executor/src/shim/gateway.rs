//! A network for one job: a namespace of its own, and the process through which it reaches everything outside.
//!
//! A job with a container engine needs one: the bridges, addresses and published ports of its containers are nobody else's
//! then, and go with it. Nothing of the machine's network is changed for it: no interface, route or firewall rule. Inside,
//! connections that lead out are turned to this process (by rules of that namespace alone), which makes them again on the
//! machine's side; the questions of name service likewise. On the machine's loopback only the addresses that the job was
//! told are reached.
//!
//! Deviation: in such a network TCP and name service lead out, over IPv4; other protocols do not.

use std::fs::File;
use std::io::{self, BufRead as _, Write as _};
use std::mem::MaybeUninit;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::fd::{AsFd as _, AsRawFd as _, BorrowedFd, OwnedFd};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use base::JobRoute;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags, SocketFlags, SocketType,
};
use rustix::process::Signal;
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space};
use serde::{Deserialize, Serialize};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::Semaphore;

use super::{ROLE_GATEWAY, ROLE_VARIABLE, sandbox};
use crate::folder::Folder;

/// Connections and questions under way.
const MAX_OPEN: usize = 4096;
const CONNECT_LIMIT: Duration = Duration::from_secs(30);
const ANSWER_LIMIT: Duration = Duration::from_secs(5);
const MAX_DATAGRAM: usize = 4096;
/// Where networks of containers are: what is for them stays inside.
const INNER: &str = "10.88.0.0/15";

/// How long a rule may wait for whoever else changes rules on this machine.
const LOCK_SECONDS: &str = "10";
/// A gateway that says nothing for so long will not.
const START_LIMIT: Duration = Duration::from_secs(30);

/// What a gateway says that got its sockets.
const GIVEN: &str = "given";

/// What a gateway is told, as one line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Order {
    /// Of the machine's loopback, what the job may reach.
    pub loopback: Vec<SocketAddrV4>,
    /// Who answers questions for names, the first first.
    pub name_servers: Vec<IpAddr>,
    /// What leads elsewhere.
    pub routes: Vec<JobRoute>,
    /// The sockets in the job's network come from the supervisor.
    pub is_given: bool,
}

/// A gateway, seen from the job's supervisor.
pub(super) struct Gateway {
    child: Child,
    /// The namespace, by a path that everybody with the right can open.
    pub path: String,
}

impl Gateway {
    /// Makes the namespace and lets the process run.
    #[expect(clippy::disallowed_methods, reason = "this is the executor, which starts processes")]
    pub fn start(folder: &Folder, order: &Order) -> io::Result<Gateway> {
        let mut child = Command::new("/proc/self/exe")
            .args(std::env::args_os().skip(1).take_while(|argument| argument != folder.path().as_os_str()))
            .arg(folder.path())
            .env_clear()
            .env(ROLE_VARIABLE, ROLE_GATEWAY)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let answer = match (child.stdin.take(), child.stdout.take()) {
            (Some(mut stdin), Some(stdout)) => {
                serde_json::to_writer(&mut stdin, order)?;
                stdin.write_all(b"\n")?;
                drop(stdin);
                first_line(stdout, START_LIMIT)
            }
            _ => Ok(String::new()),
        };
        let answer = answer.unwrap_or_else(|e| e.to_string());
        let mut gateway = Gateway { path: String::new(), child };
        match answer.trim().parse::<u32>() {
            Ok(number) => {
                gateway.path = format!("/proc/{}/fd/{number}", gateway.child.id());
                Ok(gateway)
            }
            Err(_) => {
                gateway.kill();
                let reason = if answer.trim().is_empty() { "its gateway said nothing" } else { answer.trim() };
                Err(io::Error::other(format!("a network of its own: {reason}")))
            }
        }
    }

    /// The same for a server that is not root: this process, with all that it starts from now on, moves into namespaces of
    /// users and of the network, makes the sockets there and gives them to the gateway, which stays outside.
    #[expect(clippy::disallowed_methods, reason = "this is the executor, which starts processes")]
    pub fn start_around(folder: &Folder, order: &Order, enter: impl FnOnce() -> io::Result<()>) -> io::Result<Gateway> {
        let (own, theirs) =
            rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?;
        let mut child = Command::new("/proc/self/exe")
            .args(std::env::args_os().skip(1).take_while(|argument| argument != folder.path().as_os_str()))
            .arg(folder.path())
            .env_clear()
            .env(ROLE_VARIABLE, ROLE_GATEWAY)
            .stdin(theirs)
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take();
        let mut gateway = Gateway { path: "/proc/self/ns/net".to_owned(), child };
        let given = enter().and_then(|()| Inside::furnish(order)).and_then(|(tcp, udp)| {
            let mut line = serde_json::to_vec(order)?;
            line.push(b'\n');
            rustix::net::send(&own, &line, SendFlags::NOSIGNAL)?;
            give(&own, tcp.as_fd(), udp.as_fd())
        });
        let answer = match (&given, stdout) {
            (Ok(()), Some(stdout)) => first_line(stdout, START_LIMIT).unwrap_or_else(|e| e.to_string()),
            _ => String::new(),
        };
        match (given, answer.trim()) {
            (Ok(()), GIVEN) => Ok(gateway),
            (Ok(()), other) => {
                gateway.kill();
                Err(io::Error::other(format!("a network of its own: {other}")))
            }
            (Err(e), _) => {
                gateway.kill();
                Err(io::Error::new(e.kind(), format!("a network of its own: {e}")))
            }
        }
    }

    /// Runs something with this thread in the job's network: what is started there stays there.
    pub fn inside<T>(&self, work: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        let own = File::open("/proc/self/ns/net")?;
        let inner = File::open(&self.path)?;
        move_into_link_name_space(inner.as_fd(), Some(LinkNameSpaceType::Network))?;
        let result = work();
        move_into_link_name_space(own.as_fd(), Some(LinkNameSpaceType::Network))?;
        result
    }

    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a process says up to its first line's end or its own.
fn first_line(from: impl Into<OwnedFd>, limit: Duration) -> io::Result<String> {
    let (from, until) = (from.into(), Instant::now() + limit);
    let mut said = Vec::new();
    while !said.ends_with(b"\n") {
        let left = until.saturating_duration_since(Instant::now());
        let time =
            Timespec { tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX), tv_nsec: left.subsec_nanos().into() };
        match poll(&mut [PollFd::new(&from, PollFlags::IN)], Some(&time)) {
            Ok(0) => return Err(io::Error::other(format!("its gateway said nothing for {} s", limit.as_secs()))),
            Err(Errno::INTR) => continue,
            other => other?,
        };
        let mut buffer = [0; 256];
        match rustix::io::read(&from, &mut buffer[..]) {
            Ok(0) => break,
            Ok(n) => said.extend_from_slice(buffer.get(..n).unwrap_or_default()),
            Err(Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
    }
    Ok(String::from_utf8_lossy(&said).into_owned())
}

/// The gateway's own body.
pub(super) fn run() -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    let mut line = String::new();
    if io::stdin().lock().read_line(&mut line)? == 0 {
        return Ok(());
    }
    let order: Order = serde_json::from_str(&line)?;
    let Inside { space, tcp, udp } = if order.is_given { Inside::take()? } else { Inside::make(&order)? };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match &space {
        Some(space) => println!("{}", space.as_raw_fd()),
        None => println!("{GIVEN}"),
    }
    runtime.block_on(async move {
        let (tcp, udp) = (TcpListener::from_std(tcp)?, UdpSocket::from_std(udp)?);
        let order = Arc::new(order);
        tokio::join!(connections(tcp, order.clone()), questions(udp, order));
        Ok(())
    })
}

/// The namespace, and sockets in it.
struct Inside {
    /// Where it is not the supervisor's.
    space: Option<OwnedFd>,
    tcp: std::net::TcpListener,
    udp: std::net::UdpSocket,
}

impl Inside {
    /// A socket belongs to the namespace in which it was made: these to the job's, those that are made later to the
    /// machine's.
    fn make(order: &Order) -> io::Result<Inside> {
        let own = File::open("/proc/self/ns/net")?;
        sandbox::unshare(UnshareFlags::NEWNET)?;
        let space = File::open("/proc/self/ns/net")?;
        let (tcp, udp) = Inside::furnish(order)?;
        move_into_link_name_space(own.as_fd(), Some(LinkNameSpaceType::Network))?;
        Ok(Inside { space: Some(space.into()), tcp, udp })
    }

    /// What the supervisor has made.
    fn take() -> io::Result<Inside> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let mut byte = [0];
        let stdin = rustix::stdio::stdin();
        rustix::net::recvmsg(stdin, &mut [io::IoSliceMut::new(&mut byte)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
        let mut given = ancillary.drain().filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(rights) => Some(rights),
            _ => None,
        });
        let mut given = given.by_ref().flatten();
        match (given.next(), given.next()) {
            (Some(tcp), Some(udp)) => Ok(Inside { space: None, tcp: tcp.into(), udp: udp.into() }),
            _ => Err(io::Error::other("the sockets did not arrive")),
        }
    }

    /// Sets the network up in which this thread is, and makes the sockets in it.
    fn furnish(order: &Order) -> io::Result<(std::net::TcpListener, std::net::UdpSocket)> {
        tool("ip", &["link", "set", "lo", "up"])?;
        // Everything seems to be here; the rules below say where it really goes.
        tool("ip", &["route", "add", "default", "dev", "lo"])?;
        let tcp = std::net::TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        let udp = std::net::UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
        tcp.set_nonblocking(true)?;
        udp.set_nonblocking(true)?;
        rules(order, tcp.local_addr()?.port(), udp.local_addr()?.port())?;
        Ok((tcp, udp))
    }
}

fn give(to: &OwnedFd, tcp: BorrowedFd<'_>, udp: BorrowedFd<'_>) -> io::Result<()> {
    let sockets = [tcp, udp];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(2))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if !ancillary.push(SendAncillaryMessage::ScmRights(&sockets)) {
        return Err(io::Error::other("the sockets cannot be given"));
    }
    rustix::net::sendmsg(to, &[io::IoSlice::new(b"s")], &mut ancillary, SendFlags::NOSIGNAL)?;
    Ok(())
}

fn rules(order: &Order, tcp: u16, udp: u16) -> io::Result<()> {
    let (tcp, udp) = (format!("REDIRECT --to-ports {tcp}"), format!("REDIRECT --to-ports {udp}"));
    let mut rules = vec![
        format!("-A OUTPUT -o lo -p udp --dport 53 -j {udp}"),
        format!("-A PREROUTING ! -i lo -p udp --dport 53 -m addrtype ! --dst-type LOCAL -j {udp}"),
    ];
    for address in &order.loopback {
        let (ip, port) = (address.ip(), address.port());
        // What the job itself listens on is at 127.0.0.1; at the other addresses one rule does for all ports, of which
        // `allows` lets some through.
        let ports = if *ip == Ipv4Addr::LOCALHOST { format!("--dport {port} ") } else { String::new() };
        let rule = format!("-A OUTPUT -p tcp -d {ip} {ports}-j {tcp}");
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    rules.push(format!("-A OUTPUT -o lo -p tcp -m addrtype ! --dst-type LOCAL -j {tcp}"));
    rules.push(format!("-A PREROUTING ! -i lo -p tcp ! -d {INNER} -m addrtype ! --dst-type LOCAL -j {tcp}"));
    for rule in rules {
        let words: Vec<&str> = ["-w", LOCK_SECONDS, "-t", "nat"].into_iter().chain(rule.split_whitespace()).collect();
        tool("iptables", &words)?;
    }
    Ok(())
}

/// Runs one of the machine's programs; what it says is the error.
#[expect(clippy::disallowed_methods, reason = "this is the executor, which starts processes")]
fn tool(name: &str, arguments: &[&str]) -> io::Result<()> {
    let output = Command::new(name)
        .args(arguments)
        .env_clear()
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .stdin(Stdio::null())
        .output()
        .map_err(|e| io::Error::new(e.kind(), format!("{name}: {e}")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(io::Error::other(format!(
        "{name} {}: {}",
        arguments.join(" "),
        said.split_whitespace().collect::<Vec<_>>().join(" ")
    )))
}

async fn connections(listener: TcpListener, order: Arc<Order>) {
    let open = Arc::new(Semaphore::new(MAX_OPEN));
    loop {
        let Ok(permit) = open.clone().acquire_owned().await else { return };
        let Ok((inner, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let order = order.clone();
        tokio::spawn(async move {
            let _ = connect(inner, &order).await;
            drop(permit);
        });
    }
}

async fn connect(mut inner: TcpStream, order: &Order) -> io::Result<()> {
    let wanted = rustix::net::sockopt::ip_original_dst(inner.as_fd())?;
    // The job may turn connections to us itself; that must not make more of the machine reachable.
    if !order.allows(wanted) {
        return Ok(());
    }
    let outer = tokio::time::timeout(CONNECT_LIMIT, TcpStream::connect(order.led(wanted))).await;
    let Ok(Ok(mut outer)) = outer else {
        // A reset tells the job what happened, as a refusal would have.
        let _ = rustix::net::sockopt::set_socket_linger(inner.as_fd(), Some(Duration::ZERO));
        return Ok(());
    };
    let _ = (inner.set_nodelay(true), outer.set_nodelay(true));
    tokio::io::copy_bidirectional(&mut inner, &mut outer).await.map(drop)
}

impl Order {
    /// Where a connection to this address really goes.
    fn led(&self, wanted: SocketAddrV4) -> SocketAddrV4 {
        self.routes.iter().find(|route| route.from == wanted).map_or(wanted, |route| route.to)
    }

    /// Who answers questions for names.
    fn servers(&self) -> impl Iterator<Item = SocketAddr> + '_ {
        self.name_servers.iter().map(|server| match server {
            IpAddr::V4(address) => SocketAddr::V4(self.led(SocketAddrV4::new(*address, 53))),
            IpAddr::V6(address) => SocketAddr::from((*address, 53)),
        })
    }

    fn allows(&self, wanted: SocketAddrV4) -> bool {
        !(wanted.ip().is_loopback() || wanted.ip().is_unspecified()) || self.loopback.contains(&wanted)
    }

    /// What the job was given, and the name servers of its resolver's configuration. Nothing that a user writes, a variable
    /// say, opens any of the machine.
    pub fn of(given: &[SocketAddrV4], routes: &[JobRoute], resolver: &str) -> Order {
        let begins = routes.iter().map(|route| route.from);
        let mut loopback: Vec<SocketAddrV4> =
            given.iter().copied().chain(begins).filter(|address| address.ip().is_loopback()).collect();
        loopback.sort();
        loopback.dedup();
        let servers = resolver.lines().filter_map(|line| line.trim().strip_prefix("nameserver")?.trim().parse().ok());
        Order { loopback, name_servers: servers.take(3).collect(), routes: routes.to_vec(), is_given: false }
    }
}

/// Hands questions for names on, and the answers back.
async fn questions(socket: UdpSocket, order: Arc<Order>) {
    let (socket, open) = (Arc::new(socket), Arc::new(Semaphore::new(MAX_OPEN)));
    let mut buffer = [0; MAX_DATAGRAM];
    loop {
        let Ok(permit) = open.clone().acquire_owned().await else { return };
        let Ok((len, peer)) = socket.recv_from(&mut buffer).await else { continue };
        let (socket, question) = (socket.clone(), buffer.get(..len).unwrap_or_default().to_vec());
        let order = order.clone();
        tokio::spawn(async move {
            for server in order.servers() {
                if let Ok(Ok(answer)) = tokio::time::timeout(ANSWER_LIMIT, ask(server, &question)).await {
                    let _ = socket.send_to(&answer, peer).await;
                    break;
                }
            }
            drop(permit);
        });
    }
}

async fn ask(server: SocketAddr, question: &[u8]) -> io::Result<Vec<u8>> {
    let any: IpAddr =
        if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { std::net::Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(server).await?;
    socket.send(question).await?;
    let mut buffer = [0; MAX_DATAGRAM];
    let len = socket.recv(&mut buffer).await?;
    Ok(buffer.get(..len).unwrap_or_default().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_that_says_nothing_is_not_waited_for_for_ever() {
        let (theirs, own) = io::pipe().unwrap();
        let error = first_line(theirs.try_clone().unwrap(), Duration::ZERO).unwrap_err();
        assert_eq!(error.to_string(), "its gateway said nothing for 0 s");
        (&own).write_all(b"7\n").unwrap();
        assert_eq!(first_line(theirs.try_clone().unwrap(), Duration::from_secs(5)).unwrap(), "7\n");
        drop(own);
        assert_eq!(first_line(theirs, Duration::from_secs(5)).unwrap(), "");
    }

    #[test]
    fn of_the_machines_loopback_a_job_reaches_what_it_was_told() {
        let address = |text: &str| text.parse::<SocketAddrV4>().unwrap();
        let given = [address("127.0.0.1:4566"), address("127.0.0.1:4566"), address("10.0.0.9:80")];
        let routes = [JobRoute { from: address("127.77.3.4:443"), to: address("127.77.3.4:4043") }];
        let resolver = "search example.org\nnameserver 127.77.3.4\nnameserver 10.0.0.2\n";
        let order = Order::of(&given, &routes, resolver);
        assert_eq!(order.name_servers.len(), 2);
        assert_eq!(order.loopback, [address("127.0.0.1:4566"), address("127.77.3.4:443")]);
        let allows = |text: &str| order.allows(address(text));
        assert!(allows("127.0.0.1:4566") && allows("127.77.3.4:443") && allows("93.184.216.34:443"));
        for closed in ["127.0.0.1:5432", "0.0.0.0:4566", "127.77.3.4:5432", "127.77.3.5:443"] {
            assert!(!allows(closed), "{closed}");
        }
    }
}
