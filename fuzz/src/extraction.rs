//! Archives: of sources, in which links may lead anywhere, and of caches, in which they may not.

use std::fs;
use std::io::{Cursor, Read, Seek};
use std::os::unix::fs::PermissionsExt;
use std::path::{Component, Path, PathBuf};

use crate::archive::{Content, Limits, Links, Member, link_stays_inside, members, pack, unpack};
use crate::composed;

/// Small, so that they are reached.
const LIMITS: Limits = Limits { entries: 64, total_bytes: 1 << 20, ratio: 50, free_bytes: 64 << 10 };
const SENTINEL: &str = "beside";

/// Archives of sources.
pub fn run_source(bytes: &[u8]) {
    run(bytes, Links::Any);
}

/// Archives of caches and artifacts.
pub fn run_cache(bytes: &[u8]) {
    run(bytes, Links::Inside);
}

/// The first byte tells whether the rest is an archive or what to compose one of.
fn run(bytes: &[u8], links: Links) {
    let Some((first, rest)) = bytes.split_first() else { return };
    match first % 2 {
        0 => try_one(rest, links),
        _ => try_one(&composed::archive(rest), links),
    }
}

fn try_one(archive: &[u8], links: Links) {
    let outer = tempfile::Builder::new().prefix("fuzz").tempdir_in(room()).expect("a folder");
    let (folder, beside) = (outer.path().join("in"), outer.path().join(SENTINEL));
    fs::write(&beside, SENTINEL).expect("a file");
    let result = unpack(Cursor::new(archive), archive.len() as u64, &folder, links, LIMITS);

    let mut found: Vec<_> = fs::read_dir(outer.path()).expect("the folder").flatten().map(|e| e.file_name()).collect();
    found.retain(|name| name != "in");
    assert_eq!(found, [SENTINEL], "nothing lands beside the folder");
    assert_eq!(fs::read(&beside).expect("the file"), SENTINEL.as_bytes(), "nothing is written through a link");
    match result {
        // A fault of the machine is tried again: an archive must not be able to cause one.
        Err(e) => assert!(e.is_users(), "{e}: {:?}", std::error::Error::source(&e)),
        Ok(()) => {
            let bytes = look(&folder, &folder, links);
            assert!(bytes <= LIMITS.total_bytes, "{bytes} bytes came out");
            comes_back(&folder, &outer.path().join("again"), links);
        }
    }
}

/// Memory, where there is a disk of it.
fn room() -> PathBuf {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() }
}

/// Holds each thing below `dir` against what was promised; gives the bytes of its files.
fn look(root: &Path, dir: &Path, links: Links) -> u64 {
    let mut bytes = 0;
    for entry in fs::read_dir(dir).expect("a folder that was unpacked").flatten() {
        let path = entry.path();
        let meta = fs::symlink_metadata(&path).expect("what is listed is there");
        if meta.is_dir() {
            bytes += look(root, &path, links);
        } else if meta.is_symlink() {
            assert!(links == Links::Any || leads_inside(root, &path), "{path:?} leads out");
        } else {
            assert!(meta.is_file(), "{path:?} is neither file nor folder nor link");
            assert_eq!(meta.permissions().mode() & 0o7022, 0, "{path:?} has rights that nobody gave");
            bytes += meta.len();
        }
    }
    bytes
}

/// Follows a link as the kernel does, links on its way included.
fn leads_inside(root: &Path, link: &Path) -> bool {
    let mut here = link.parent().unwrap_or(root).to_owned();
    let mut open = vec![fs::read_link(link).expect("a link")];
    let mut followed = 0;
    while let Some(next) = open.pop() {
        let mut parts = next.components();
        let Some(first) = parts.next() else { continue };
        open.push(parts.as_path().to_owned());
        match first {
            Component::RootDir | Component::Prefix(_) => return false,
            Component::CurDir => {}
            Component::ParentDir if here == root => return false,
            Component::ParentDir => {
                here.pop();
            }
            Component::Normal(name) => match fs::read_link(here.join(name)) {
                Ok(_) if followed > 40 => return true, // a loop leads nowhere
                Ok(target) => {
                    followed += 1;
                    open.push(target);
                }
                Err(_) => here.push(name),
            },
        }
    }
    true
}

/// What was unpacked can be packed, and is the same when it is unpacked again.
fn comes_back(folder: &Path, again: &Path, links: Links) {
    let first = members(folder).expect("members");
    // As a cache does before it is packed.
    let kept: Vec<Member> = first.into_iter().filter(|member| links == Links::Any || stays(member)).collect();
    let mut packed = pack(&kept, Cursor::new(Vec::new())).expect("packed").into_inner();
    let size = packed.len() as u64;
    let generous = Limits { ratio: u64::MAX, ..LIMITS };
    unpack(reader(&mut packed), size, again, links, generous).expect("what was packed is unpacked");
    let second = members(again).expect("members");
    assert_eq!(shape(&kept), shape(&second), "the same files come back");
}

fn reader(bytes: &mut Vec<u8>) -> impl Read + Seek {
    Cursor::new(std::mem::take(bytes))
}

fn stays(member: &Member) -> bool {
    match &member.content {
        Content::Link { target } => link_stays_inside(&member.name, target),
        Content::File { .. } => true,
    }
}

fn shape(members: &[Member]) -> Vec<(String, String)> {
    let content = |member: &Member| match &member.content {
        Content::File { path, executable } => format!("{executable} {:?}", fs::read(path).expect("a file")),
        Content::Link { target } => format!("-> {target}"),
    };
    members.iter().map(|member| (member.name.clone(), content(member))).collect()
}
