//! Taking a push.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};

use bytes::Bytes;
use tokio::io::AsyncWriteExt as _;

use crate::process::{collect, git, spawn};
use crate::quarantine::Quarantine;
use crate::{BodyStream, BoxFuture, Error, Kind, ObjectId, RefChange, Repository, Service, pkt, valid_ref_name};

/// Why a single ref was not changed; the text is what `git push` prints in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefRefusal(pub String);

/// The refs could not be changed at all.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The repository was deleted meanwhile.
    #[error("the repository does not exist any more")]
    Gone,
    /// The store failed.
    #[error("changing refs in the store")]
    Store(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Changes refs where they truly live.
pub trait RefPublisher: Send + Sync {
    /// Applies `changes` in one transaction: those that fit, or with `atomic` all or none. Answers for each, in order.
    /// Every object that the changes name is durable by now.
    fn publish<'a>(
        &'a self,
        changes: &'a [RefChange],
        atomic: bool,
    ) -> BoxFuture<'a, Result<Vec<Result<(), RefRefusal>>, PublishError>>;
}

/// How large a push may be.
#[derive(Clone, Copy, Debug)]
pub struct PushLimits {
    /// Bytes of the pack as sent.
    pub pack_bytes: u64,
    /// Refs changed at once.
    pub commands: usize,
}

impl Default for PushLimits {
    /// 2 GB, AWS's limit for a push, and 5000 refs.
    fn default() -> Self {
        PushLimits { pack_bytes: 2 * 1024 * 1024 * 1024, commands: 5000 }
    }
}

const CAPABILITIES: &str = concat!(
    "report-status report-status-v2 delete-refs side-band-64k quiet atomic ofs-delta object-format=sha1 agent=headworks/",
    env!("CARGO_PKG_VERSION")
);

/// The answer to `info/refs?service=git-receive-pack`, from the refs in the store.
pub fn advertise_receive_pack(refs: &[(String, ObjectId)]) -> Vec<u8> {
    let mut out = Service::ReceivePack.announcement();
    let mut sorted: Vec<_> = refs.iter().collect();
    sorted.sort();
    for (n, (name, id)) in sorted.iter().enumerate() {
        let end = if n == 0 { format!("\0{CAPABILITIES}\n") } else { "\n".to_owned() };
        pkt::line(&mut out, format!("{id} {name}{end}").as_bytes());
    }
    if refs.is_empty() {
        pkt::line(&mut out, format!("{} capabilities^{{}}\0{CAPABILITIES}\n", ObjectId::NULL).as_bytes());
    }
    pkt::flush(&mut out);
    out
}

/// So much of a push is still read once it is refused, so that the connection can go on. Whoever sends more is answered
/// before the end, and hears with the answer that the connection is closed.
const MAX_DRAIN_BYTES: u64 = 64 << 20;

/// The commits at which a shallow clone that pushes may end; git sends a line for each.
const MAX_BOUNDARIES: usize = 100_000;

/// What the client asked for, before the pack.
#[derive(Debug, Default)]
struct Request {
    changes: Vec<RefChange>,
    capabilities: BTreeSet<String>,
}

/// How it went.
struct Report {
    unpack: Result<(), String>,
    refs: Vec<Result<(), RefRefusal>>,
    /// Lines for the person who pushes.
    messages: String,
}

impl Repository {
    /// Takes a push: the body of a `git-receive-pack` request. Returns the body of the answer, which reports refusals
    /// as git expects them. An error means that there is no answer in git's terms.
    pub async fn receive_pack(
        &self,
        body: BodyStream,
        limits: &PushLimits,
        publisher: &dyn RefPublisher,
    ) -> Result<Vec<u8>, Error> {
        let mut reader = pkt::Reader::new(body);
        let request = read_request(&mut reader, limits).await?;
        if request.changes.is_empty() {
            // Git sends an empty request first to try its credentials before a large body.
            return Ok(Vec::new());
        }
        let result = self.process(&request, &mut reader, limits, publisher).await;
        // A client that is still sending would not read the answer. One that sends without end does not get it.
        reader.drain(MAX_DRAIN_BYTES).await?;
        Ok(encode(&request, &result?))
    }

    async fn process(
        &self,
        request: &Request,
        reader: &mut pkt::Reader,
        limits: &PushLimits,
        publisher: &dyn RefPublisher,
    ) -> Result<Report, Error> {
        let mut refusals = check_names(&request.changes);
        let wanted: Vec<ObjectId> = request.changes.iter().map(|c| c.new).filter(|id| !id.is_null()).collect();
        if !wanted.is_empty() {
            let quarantine = Quarantine::new(self)?;
            if let Err(messages) = self.unpack(reader, &quarantine, limits).await? {
                let refs = request.changes.iter().map(|_| Err(RefRefusal("unpacker error".to_owned()))).collect();
                let unpack = Err("index-pack abnormal exit".to_owned());
                return Ok(Report { unpack, refs, messages });
            }
            if let Err(messages) = self.check_connected(&wanted, &quarantine).await? {
                let refusal = || Err(RefRefusal("missing necessary objects".to_owned()));
                let refs = request.changes.iter().map(|_| refusal()).collect();
                return Ok(Report { unpack: Ok(()), refs, messages });
            }
            quarantine.release()?;
            self.check_kinds(&request.changes, &mut refusals)?;
        }
        let refs = publish(&request.changes, refusals, request.capabilities.contains("atomic"), publisher).await;
        match refs {
            Ok(refs) => Ok(Report { unpack: Ok(()), refs, messages: String::new() }),
            Err(PublishError::Gone) => Err(self.gone()),
            Err(e @ PublishError::Store(_)) => Err(Error::objects("publishing the push")(e)),
        }
    }

    /// Feeds the pack to `git index-pack`. The inner error is what it said.
    async fn unpack(
        &self,
        reader: &mut pkt::Reader,
        quarantine: &Quarantine,
        limits: &PushLimits,
    ) -> Result<Result<(), String>, Error> {
        let Some(head) = pack_head(reader).await? else {
            return Ok(Err("error: the pack is missing or cut".to_owned()));
        };
        // A pack of no objects: the refs point at what is there already.
        if head.get(8..12) == Some(&[0; 4]) {
            return Ok(Ok(()));
        }
        let max = OsString::from(format!("--max-input-size={}", limits.pack_bytes));
        let args = ["index-pack", "--stdin", "--fix-thin", "--strict", "--threads=2"].map(OsStr::new);
        let args: Vec<&OsStr> = args.into_iter().chain([max.as_os_str()]).collect();
        let mut command = git(self.dir(), &args);
        quarantine.enter(&mut command);
        command.stdout(std::process::Stdio::null());
        let mut child = spawn(&mut command, "index-pack")?;
        let stdin = child.stdin.take();
        let feed = async {
            let Some(mut stdin) = stdin else { return Ok(()) };
            let mut next = Some(head);
            while let Some(piece) = next {
                // A broken pipe: git has said why on its standard error.
                if stdin.write_all(&piece).await.is_err() {
                    break;
                }
                next = reader.rest().await?;
            }
            Ok::<_, Error>(())
        };
        let (fed, stderr) = tokio::join!(feed, collect(child.stderr.take()));
        let status = child.wait().await.map_err(Error::io("waiting for git index-pack in", self.dir()))?;
        fed?;
        Ok(if status.success() { Ok(()) } else { Err(stderr) })
    }

    /// Whether everything that `wanted` reaches is there. The inner error is what git said.
    async fn check_connected(&self, wanted: &[ObjectId], quarantine: &Quarantine) -> Result<Result<(), String>, Error> {
        let args = ["rev-list", "--objects", "--stdin", "--not", "--all", "--quiet"].map(OsStr::new);
        let mut command = git(self.dir(), &args);
        quarantine.enter(&mut command);
        command.stdout(std::process::Stdio::null());
        let mut child = spawn(&mut command, "rev-list")?;
        let list: String = wanted.iter().map(|id| format!("{id}\n")).collect();
        let stdin = child.stdin.take();
        let feed = async {
            if let Some(mut stdin) = stdin {
                // As above: a broken pipe shows in the exit status.
                let _ = stdin.write_all(list.as_bytes()).await;
            }
        };
        let ((), stderr) = tokio::join!(feed, collect(child.stderr.take()));
        let status = child.wait().await.map_err(Error::io("waiting for git rev-list in", self.dir()))?;
        Ok(if status.success() { Ok(()) } else { Err(stderr) })
    }

    /// Branches point at commits only.
    fn check_kinds(&self, changes: &[RefChange], refusals: &mut [Option<RefRefusal>]) -> Result<(), Error> {
        let objects = self.objects()?;
        for (change, refusal) in changes.iter().zip(refusals) {
            if change.new.is_null() || !change.name.starts_with("refs/heads/") || refusal.is_some() {
                continue;
            }
            if objects.kind(change.new)? != Kind::Commit {
                *refusal = Some(RefRefusal("cannot update ref: a branch must point at a commit".to_owned()));
            }
        }
        Ok(())
    }
}

async fn read_request(reader: &mut pkt::Reader, limits: &PushLimits) -> Result<Request, Error> {
    const MALFORMED: Error = Error::Protocol("a malformed ref change");
    let mut request = Request::default();
    let mut boundaries = 0_usize;
    while let Some(line) = reader.next().await? {
        if line.starts_with(b"shallow ") {
            // A push from a shallow clone. What it lacks must be here already; the check of connections tells.
            boundaries += 1;
            if boundaries > MAX_BOUNDARIES {
                return Err(Error::Protocol("too many boundaries of a shallow clone"));
            }
            continue;
        }
        let (command, capabilities) = match line.iter().position(|b| *b == 0) {
            Some(at) => (line.slice(..at), line.slice(at + 1..)),
            None => (line, Bytes::new()),
        };
        let words = String::from_utf8_lossy(if request.changes.is_empty() { &capabilities } else { &[] });
        request.capabilities.extend(words.split_ascii_whitespace().map(str::to_owned));
        let text = String::from_utf8_lossy(&command);
        let mut words = text.trim_end_matches('\n').splitn(3, ' ');
        let mut id = || words.next().and_then(ObjectId::parse);
        let (Some(old), Some(new)) = (id(), id()) else { return Err(MALFORMED) };
        let name = words.next().filter(|n| !n.is_empty()).ok_or(MALFORMED)?.to_owned();
        if request.changes.len() >= limits.commands {
            return Err(Error::Protocol("too many refs in one push"));
        }
        request.changes.push(RefChange { name, old, new });
    }
    Ok(request)
}

/// The refusals that the request alone calls for.
fn check_names(changes: &[RefChange]) -> Vec<Option<RefRefusal>> {
    let mut seen = BTreeSet::new();
    let mut check = |change: &RefChange| {
        let reason = if !valid_ref_name(&change.name) || change.name.contains(char::REPLACEMENT_CHARACTER) {
            "funny refname"
        } else if !seen.insert(change.name.clone()) {
            "multiple updates for ref not allowed"
        } else if change.new.is_null() && change.old.is_null() {
            "deleting a non-existent ref"
        } else {
            return None;
        };
        Some(RefRefusal(reason.to_owned()))
    };
    changes.iter().map(&mut check).collect()
}

/// Publishes what has not been refused and merges the answers.
async fn publish(
    changes: &[RefChange],
    refusals: Vec<Option<RefRefusal>>,
    atomic: bool,
    publisher: &dyn RefPublisher,
) -> Result<Vec<Result<(), RefRefusal>>, PublishError> {
    if atomic && refusals.iter().any(Option::is_some) {
        let whole = || RefRefusal("atomic push failure".to_owned());
        return Ok(refusals.into_iter().map(|r| Err(r.unwrap_or_else(whole))).collect());
    }
    let sound: Vec<RefChange> =
        changes.iter().zip(&refusals).filter(|(_, r)| r.is_none()).map(|(c, _)| c.clone()).collect();
    let answers = if sound.is_empty() { Vec::new() } else { publisher.publish(&sound, atomic).await? };
    let mut answers = answers.into_iter();
    let lost = || Err(RefRefusal("failed to update ref".to_owned()));
    Ok(refusals.into_iter().map(|r| r.map_or_else(|| answers.next().unwrap_or_else(lost), Err)).collect())
}

/// At least the first 12 bytes of the pack: magic, version, number of objects.
async fn pack_head(reader: &mut pkt::Reader) -> Result<Option<Bytes>, Error> {
    let mut head = Vec::new();
    while head.len() < 12 {
        match reader.rest().await? {
            Some(piece) => head.extend_from_slice(&piece),
            None => return Ok(None),
        }
    }
    Ok(head.starts_with(b"PACK").then(|| Bytes::from(head)))
}

fn encode(request: &Request, report: &Report) -> Vec<u8> {
    let mut lines = Vec::new();
    if request.capabilities.contains("report-status") || request.capabilities.contains("report-status-v2") {
        let unpack = report.unpack.as_ref().err().map_or("ok", String::as_str);
        pkt::line(&mut lines, format!("unpack {unpack}\n").as_bytes());
        for (change, answer) in request.changes.iter().zip(&report.refs) {
            let line = match answer {
                Ok(()) => format!("ok {}\n", change.name),
                Err(RefRefusal(reason)) => format!("ng {} {reason}\n", change.name),
            };
            pkt::line(&mut lines, line.as_bytes());
        }
        pkt::flush(&mut lines);
    }
    if !request.capabilities.contains("side-band-64k") {
        return lines;
    }
    let mut out = Vec::new();
    if !report.messages.is_empty() {
        pkt::band(&mut out, 2, format!("{}\n", report.messages).as_bytes());
    }
    pkt::band(&mut out, 1, &lines);
    pkt::flush(&mut out);
    out
}
