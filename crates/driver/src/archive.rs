//! Zips: unpacking what strangers packed, and packing so that the same files give the same bytes. Blocks on the disk.
//!
//! Nothing that an archive holds is written outside its folder. Names with `..`, absolute names and names through
//! another entry's link are refused; links are made last, so no file is ever written through one. Devices, pipes and
//! set-uid bits do not survive.
//!
//! Where a link leads is data: a source has it as its author made it, and whoever reads a source afterwards minds where
//! links lead (`build/collect.rs`, `build/prepare.rs`), as it must for what git brings. A reader that follows every link
//! asks for [`Links::Inside`].

use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

/// What an archive may unpack to.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub entries: usize,
    pub total_bytes: u64,
    /// Unpacked over packed bytes, once more than `free_bytes` have come out.
    pub ratio: u64,
    /// So much may come out however small the archive is.
    pub free_bytes: u64,
}

impl Default for Limits {
    /// AWS's artifacts have at most 5 GB; well-behaved archives stay far below 200 to 1.
    fn default() -> Self {
        Limits { entries: 250_000, total_bytes: 20 << 30, ratio: 200, free_bytes: 256 << 20 }
    }
}

/// Which links an archive may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Links {
    /// Any: absolute, dangling, or leading out. The reader follows none without looking where it leads.
    Any,
    /// Those that stay in the folder, also through other links: a target may climb (`../`) only at its beginning and not
    /// above the folder. Others refuse the archive.
    Inside,
}

/// Why an archive was not unpacked or packed.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Not a zip, or a broken one.
    #[error("the archive cannot be read: {0}")]
    Malformed(#[source] zip::result::ZipError),
    /// An entry would land outside the folder.
    #[error("the archive's entry '{name}' is refused: {why}")]
    Unsafe { name: String, why: &'static str },
    /// More comes out than may.
    #[error("the archive is refused: it unpacks to more than {0}")]
    TooLarge(String),
    /// The disk.
    #[error("cannot {doing} {path}")]
    Io {
        doing: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl ArchiveError {
    /// True when the archive is to blame, not this machine.
    pub fn is_users(&self) -> bool {
        !matches!(self, ArchiveError::Io { .. })
    }
}

fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ArchiveError {
    let path = path.to_owned();
    move |source| ArchiveError::Io { doing, path, source }
}

/// What the disk says of an entry. Names that clash or are too long are the archive's fault: trying again would be in
/// vain.
fn entry_error(doing: &'static str, name: &str, path: &Path) -> impl FnOnce(io::Error) -> ArchiveError {
    move |e| {
        let why = match e.kind() {
            io::ErrorKind::AlreadyExists => "something else has its name",
            io::ErrorKind::NotADirectory => "its name leads through a file",
            io::ErrorKind::InvalidFilename => "its name or its target is too long",
            _ => return io_error(doing, path)(e),
        };
        ArchiveError::Unsafe { name: name.to_owned(), why }
    }
}

/// Unpacks into `folder`, which must be empty or not exist yet. On an error the folder holds a part.
pub fn unpack(
    archive: impl Read + Seek,
    packed_bytes: u64,
    folder: &Path,
    links_allowed: Links,
    limits: Limits,
) -> Result<(), ArchiveError> {
    let mut archive = ZipArchive::new(archive).map_err(ArchiveError::Malformed)?;
    if archive.len() > limits.entries {
        return Err(ArchiveError::TooLarge(format!("{} files", limits.entries)));
    }
    fs::create_dir_all(folder).map_err(io_error("make the folder", folder))?;
    if fs::read_dir(folder).map_err(io_error("list", folder))?.next().is_some() {
        // What is there may be a link, and files would be written through it.
        let taken = io::Error::from(io::ErrorKind::DirectoryNotEmpty);
        return Err(io_error("unpack into", folder)(taken));
    }
    let mut budget = Budget { limits, packed_bytes, used: 0 };
    let mut links = Vec::new();
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(ArchiveError::Malformed)?;
        let name = entry.name().map_err(ArchiveError::Malformed)?.into_owned();
        let relative = safe_path(&name)?;
        let target = folder.join(&relative);
        if entry.is_symlink() {
            let mut text = String::new();
            entry.by_ref().take(4096).read_to_string(&mut text).map_err(broken)?;
            if text.is_empty() || text.contains('\0') {
                return Err(ArchiveError::Unsafe { name, why: "its link has no target" });
            }
            if links_allowed == Links::Inside {
                check_inside(&name, &relative, &text)?;
            }
            links.push((name, target, text));
        } else if entry.is_dir() {
            fs::create_dir_all(&target).map_err(entry_error("make the folder", &name, &target))?;
        } else if !relative.as_os_str().is_empty() {
            let executable = entry.unix_mode().is_some_and(|mode| mode & 0o111 != 0);
            write_file(&mut entry, &name, &target, executable, &mut budget)?;
        }
    }
    for (name, path, target) in links {
        make_link_parent(folder, &name, &path)?;
        symlink(&target, &path).map_err(entry_error("make the link", &name, &path))?;
    }
    Ok(())
}

/// The content of one file of an archive, if that has it; `name` is as it stands there.
pub fn read_file(archive: impl Read + Seek, name: &str, most_bytes: u64) -> Result<Option<Vec<u8>>, ArchiveError> {
    let mut archive = ZipArchive::new(archive).map_err(ArchiveError::Malformed)?;
    let most = Limits::default().entries;
    if archive.len() > most {
        return Err(ArchiveError::TooLarge(format!("{most} files")));
    }
    let entry = match archive.by_name(name) {
        Ok(entry) => entry,
        Err(zip::result::ZipError::FileNotFound) => return Ok(None),
        Err(e) => return Err(ArchiveError::Malformed(e)),
    };
    if !entry.is_file() {
        return Err(ArchiveError::Unsafe { name: name.to_owned(), why: "it is no file" });
    }
    let mut content = Vec::new();
    // What the header says of the size is not to be trusted.
    entry.take(most_bytes.saturating_add(1)).read_to_end(&mut content).map_err(broken)?;
    if content.len() as u64 > most_bytes {
        return Err(ArchiveError::TooLarge(format!("{most_bytes} bytes of '{name}'")));
    }
    Ok(Some(content))
}

struct Budget {
    limits: Limits,
    packed_bytes: u64,
    used: u64,
}

impl Budget {
    fn take(&mut self, bytes: usize) -> Result<(), ArchiveError> {
        self.used = self.used.saturating_add(bytes as u64);
        if self.used > self.limits.total_bytes {
            return Err(ArchiveError::TooLarge(format!("{} bytes", self.limits.total_bytes)));
        }
        if self.used > self.limits.free_bytes && self.used / self.limits.ratio > self.packed_bytes {
            return Err(ArchiveError::TooLarge(format!("{} times its own size", self.limits.ratio)));
        }
        Ok(())
    }
}

fn write_file(
    entry: &mut impl Read,
    name: &str,
    target: &Path,
    executable: bool,
    budget: &mut Budget,
) -> Result<(), ArchiveError> {
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent).map_err(entry_error("make the folder", name, parent))?;
    }
    // `create_new` follows no link, not even a dangling one.
    let mut file = File::create_new(target).map_err(entry_error("create", name, target))?;
    let mut buffer = vec![0; 64 << 10];
    loop {
        // What the header says of the size is not to be trusted: count what comes out.
        let n = entry.read(&mut buffer).map_err(broken)?;
        let Some(piece) = buffer.get(..n).filter(|piece| !piece.is_empty()) else { break };
        budget.take(n)?;
        file.write_all(piece).map_err(io_error("write", target))?;
    }
    let mode = if executable { 0o755 } else { 0o644 };
    file.set_permissions(Permissions::from_mode(mode)).map_err(io_error("set the mode of", target))
}

fn broken(e: io::Error) -> ArchiveError {
    ArchiveError::Malformed(zip::result::ZipError::Io(e))
}

/// Makes the folders above a link. Each must be a real one: through another link the new one would lie higher up
/// than its name says, and its target would climb out.
fn make_link_parent(folder: &Path, name: &str, link: &Path) -> Result<(), ArchiveError> {
    let below = link.parent().and_then(|parent| parent.strip_prefix(folder).ok()).unwrap_or(Path::new(""));
    let mut dir = folder.to_owned();
    for part in below.components() {
        dir.push(part);
        match fs::symlink_metadata(&dir) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => {
                return Err(ArchiveError::Unsafe {
                    name: name.to_owned(),
                    why: "its name leads through another entry",
                });
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                fs::create_dir(&dir).map_err(entry_error("make the folder", name, &dir))?;
            }
            Err(e) => return Err(entry_error("look at", name, &dir)(e)),
        }
    }
    Ok(())
}

/// The entry's path below the folder; only plain names are left in it.
fn safe_path(name: &str) -> Result<PathBuf, ArchiveError> {
    let refused = |why| Err(ArchiveError::Unsafe { name: name.to_owned(), why });
    if name.contains('\0') {
        return refused("its name holds a null byte");
    }
    let mut path = PathBuf::new();
    for component in Path::new(name).components() {
        match component {
            Component::Normal(part) => path.push(part),
            Component::CurDir => {}
            Component::ParentDir => return refused("its name climbs out of the folder"),
            Component::RootDir | Component::Prefix(_) => return refused("its name is absolute"),
        }
    }
    Ok(path)
}

/// Whether an archive with this link would be unpacked where links must stay inside.
pub(crate) fn link_stays_inside(name: &str, target: &str) -> bool {
    safe_path(name).and_then(|relative| check_inside(name, &relative, target)).is_ok()
}

fn check_inside(name: &str, link: &Path, target: &str) -> Result<(), ArchiveError> {
    let refused = |why| Err(ArchiveError::Unsafe { name: name.to_owned(), why });
    // From the link's folder so many steps lead up to the root.
    let mut depth = link.components().count().saturating_sub(1);
    let mut down = false;
    for component in Path::new(target).components() {
        match component {
            Component::RootDir | Component::Prefix(_) => return refused("its link is absolute"),
            Component::CurDir => {}
            Component::Normal(_) => down = true,
            Component::ParentDir if down => return refused("its link climbs after it went down"),
            Component::ParentDir => match depth.checked_sub(1) {
                Some(left) => depth = left,
                None => return refused("its link leaves the folder"),
            },
        }
    }
    Ok(())
}

/// One file of an archive to be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Member {
    /// With `/` between its parts.
    pub name: String,
    pub content: Content,
}

/// What a member holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Content {
    /// The content of a file on disk.
    File { path: PathBuf, executable: bool },
    /// A link with this target.
    Link { target: String },
}

/// Packs `members` in the order of their names, without times: the same members give the same bytes.
pub fn pack<W: Write + Seek>(members: &[Member], out: W) -> Result<W, ArchiveError> {
    let mut sorted: Vec<&Member> = members.iter().collect();
    sorted.sort();
    let mut names = BTreeSet::new();
    let mut zip = ZipWriter::new(out);
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::DEFAULT);
    for member in sorted {
        if !names.insert(member.name.as_str()) {
            // With discarded paths two files can have one name; the first stays.
            continue;
        }
        match &member.content {
            Content::Link { target } => {
                zip.add_symlink(&member.name, target, options).map_err(ArchiveError::Malformed)?;
            }
            Content::File { path, executable } => {
                let mut file = File::open(path).map_err(io_error("open", path))?;
                let size = file.metadata().map_err(io_error("look at", path))?.len();
                let mode = if *executable { 0o755 } else { 0o644 };
                let options = options.unix_permissions(mode).large_file(size >= u64::from(u32::MAX));
                zip.start_file(&member.name, options).map_err(ArchiveError::Malformed)?;
                io::copy(&mut file, &mut zip).map_err(io_error("pack", path))?;
            }
        }
    }
    zip.finish().map_err(ArchiveError::Malformed)
}

/// All files and links below `folder`, with names relative to it. Links are kept as links and not followed.
pub fn members(folder: &Path) -> Result<Vec<Member>, ArchiveError> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).map_err(io_error("list", &dir))? {
            let path = entry.map_err(io_error("list", &dir))?.path();
            let meta = fs::symlink_metadata(&path).map_err(io_error("look at", &path))?;
            let Some(name) = path.strip_prefix(folder).ok().map(|p| p.to_string_lossy().into_owned()) else {
                continue;
            };
            if meta.is_dir() {
                open.push(path);
            } else if meta.is_symlink() {
                let target = fs::read_link(&path).map_err(io_error("read the link", &path))?;
                let content = Content::Link { target: target.to_string_lossy().into_owned() };
                found.push(Member { name, content });
            } else if meta.is_file() {
                let executable = meta.permissions().mode() & 0o111 != 0;
                found.push(Member { name, content: Content::File { path, executable } });
            }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn zip(build: impl FnOnce(&mut ZipWriter<Cursor<Vec<u8>>>)) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        build(&mut writer);
        writer.finish().unwrap().into_inner()
    }

    fn file(writer: &mut ZipWriter<Cursor<Vec<u8>>>, name: &str, content: &[u8]) {
        writer.start_file(name, SimpleFileOptions::default()).unwrap();
        writer.write_all(content).unwrap();
    }

    fn unpacked(bytes: &[u8], limits: Limits) -> (tempfile::TempDir, Result<(), ArchiveError>) {
        let outside = tempfile::tempdir().unwrap();
        let result = unpack(Cursor::new(bytes), bytes.len() as u64, &outside.path().join("in"), Links::Inside, limits);
        (outside, result)
    }

    fn refusal(bytes: &[u8]) -> String {
        let (outside, result) = unpacked(bytes, Limits::default());
        let left: Vec<_> = fs::read_dir(outside.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["in"], "nothing may land outside");
        let error = result.unwrap_err();
        assert!(error.is_users(), "{error}");
        error.to_string()
    }

    #[test]
    fn names_that_leave_the_folder_are_refused() {
        for (name, why) in [("../x", "climbs"), ("a/../../x", "climbs"), ("a/../b", "climbs"), ("/etc/x", "absolute")] {
            let bytes = zip(|w| file(w, name, b"evil"));
            assert!(refusal(&bytes).contains(why), "{name}");
        }
    }

    #[test]
    fn one_file_is_read_up_to_its_bound_and_a_link_is_none() {
        let bytes = zip(|w| {
            file(w, "a/x.json", b"[1]");
            file(w, "bomb", &vec![0; 5 << 20]);
            w.add_symlink("l", "/etc/passwd", SimpleFileOptions::default()).unwrap();
        });
        let read = |name: &str| read_file(Cursor::new(&bytes), name, 1 << 20).map_err(|e| e.to_string());
        assert_eq!(read("a/x.json"), Ok(Some(b"[1]".to_vec())));
        assert_eq!(read("a/y.json"), Ok(None));
        assert!(read("bomb").unwrap_err().contains("more than 1048576 bytes of 'bomb'"));
        assert!(read("l").unwrap_err().contains("it is no file"));
        assert!(read_file(Cursor::new(b"no zip"), "x", 9).unwrap_err().is_users());
    }

    #[test]
    fn links_that_leave_the_folder_are_refused() {
        for (name, target, why) in [
            ("l", "/etc/passwd", "absolute"),
            ("l", "..", "leaves"),
            ("d/l", "../../x", "leaves"),
            ("l", "d/../../x", "climbs after"),
        ] {
            let bytes = zip(|w| w.add_symlink(name, target, SimpleFileOptions::default()).unwrap());
            assert!(refusal(&bytes).contains(why), "{name} -> {target}");
        }
    }

    #[test]
    fn a_source_keeps_links_that_lead_anywhere() {
        let bytes = zip(|w| {
            for (name, target) in
                [("abs", "/usr/bin/env"), ("d/up", "../../x"), ("gone", "nowhere"), ("through", "d/up")]
            {
                w.add_symlink(name, target, SimpleFileOptions::default()).unwrap();
            }
            file(w, "d/file", b"content");
        });
        let outside = tempfile::tempdir().unwrap();
        let folder = outside.path().join("in");
        unpack(Cursor::new(&bytes), bytes.len() as u64, &folder, Links::Any, Limits::default()).unwrap();
        let target = |name: &str| fs::read_link(folder.join(name)).unwrap().display().to_string();
        let targets = ["abs", "d/up", "gone", "through"].map(target);
        assert_eq!(targets, ["/usr/bin/env", "../../x", "nowhere", "d/up"]);
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 1, "nothing may land outside");
    }

    #[test]
    fn nothing_is_written_through_a_link() {
        let outside = tempfile::tempdir().unwrap();
        for (links, target) in [(Links::Inside, "e".to_owned()), (Links::Any, outside.path().display().to_string())] {
            for file_first in [true, false] {
                let bytes = zip(|w| {
                    let link =
                        |w: &mut ZipWriter<_>| w.add_symlink("d", &target, SimpleFileOptions::default()).unwrap();
                    if !file_first {
                        link(w);
                    }
                    file(w, "d/x", b"evil");
                    if file_first {
                        link(w);
                    }
                });
                let folder = tempfile::tempdir().unwrap();
                let result = unpack(Cursor::new(&bytes), bytes.len() as u64, folder.path(), links, Limits::default());
                assert!(result.unwrap_err().to_string().contains("something else has its name"));
            }
        }
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    }

    #[test]
    fn an_entry_that_the_disk_cannot_hold_is_the_archives_fault() {
        let long = "n".repeat(300);
        let deep = "d/".repeat(2100);
        let options = SimpleFileOptions::default();
        for (why, bytes) in [
            ("something else has its name", zip(|w| ["a", "a/b"].into_iter().for_each(|name| file(w, name, b"")))),
            ("leads through a file", zip(|w| ["a", "a/b/c"].into_iter().for_each(|name| file(w, name, b"")))),
            ("too long", zip(|w| file(w, &long, b""))),
            ("too long", zip(|w| file(w, &format!("{deep}x"), b""))),
            ("too long", zip(|w| w.add_directory(&long, options).unwrap())),
            ("too long", zip(|w| w.add_symlink("l", "t/".repeat(2048), options).unwrap())),
        ] {
            assert!(refusal(&bytes).contains(why), "{why}: {}", refusal(&bytes));
        }
    }

    #[test]
    fn nothing_is_unpacked_beside_what_is_there() {
        let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        symlink(outside.path(), folder.path().join("d")).unwrap();
        let bytes = zip(|w| file(w, "d/x", b"evil"));
        let result = unpack(Cursor::new(&bytes), bytes.len() as u64, folder.path(), Links::Any, Limits::default());
        assert!(!result.unwrap_err().is_users());
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
    }

    #[test]
    fn no_link_is_made_through_another_link() {
        // `d/d/l` lies in the folder itself then, from where two steps up lead out of it.
        let bytes = zip(|w| {
            w.add_symlink("d", ".", SimpleFileOptions::default()).unwrap();
            w.add_symlink("d/d/l", "../../secret", SimpleFileOptions::default()).unwrap();
        });
        assert!(refusal(&bytes).contains("leads through another entry"));
    }

    #[test]
    fn links_that_stay_inside_and_modes_survive() {
        let bytes = zip(|w| {
            w.start_file("bin/run", SimpleFileOptions::default().unix_permissions(0o4755)).unwrap();
            w.write_all(b"#!/bin/sh\n").unwrap();
            w.add_symlink("bin/also", "../bin/run", SimpleFileOptions::default()).unwrap();
            w.add_directory("empty", SimpleFileOptions::default()).unwrap();
        });
        let (outside, result) = unpacked(&bytes, Limits::default());
        result.unwrap();
        let folder = outside.path().join("in");
        assert_eq!(fs::metadata(folder.join("bin/run")).unwrap().permissions().mode() & 0o7777, 0o755);
        assert_eq!(fs::read(folder.join("bin/also")).unwrap(), b"#!/bin/sh\n");
        assert!(folder.join("empty").is_dir());
    }

    #[test]
    fn a_bomb_is_refused_while_it_unpacks() {
        let bytes = zip(|w| file(w, "zeros", &vec![0; 4 << 20]));
        let small = Limits { free_bytes: 1 << 20, ratio: 10, ..Limits::default() };
        assert!(unpacked(&bytes, small).1.unwrap_err().to_string().contains("10 times its own size"));
        let total = Limits { total_bytes: 1 << 20, ..Limits::default() };
        assert!(unpacked(&bytes, total).1.unwrap_err().to_string().contains("1048576 bytes"));
        let many = zip(|w| (0..5).for_each(|n| file(w, &n.to_string(), b"")));
        let few = Limits { entries: 4, ..Limits::default() };
        assert!(unpacked(&many, few).1.unwrap_err().to_string().contains("4 files"));
    }

    #[test]
    fn what_is_no_zip_says_so() {
        assert!(refusal_of_text().contains("cannot be read"));
    }

    fn refusal_of_text() -> String {
        unpacked(b"plain text", Limits::default()).1.unwrap_err().to_string()
    }

    #[test]
    fn the_same_files_give_the_same_bytes_and_come_back() {
        let source = tempfile::tempdir().unwrap();
        fs::create_dir(source.path().join("b")).unwrap();
        fs::write(source.path().join("b/two"), b"2").unwrap();
        fs::write(source.path().join("one"), b"1").unwrap();
        fs::set_permissions(source.path().join("one"), Permissions::from_mode(0o755)).unwrap();
        symlink("one", source.path().join("link")).unwrap();
        let mut found = members(source.path()).unwrap();
        let first = pack(&found, Cursor::new(Vec::new())).unwrap().into_inner();
        found.reverse();
        let second = pack(&found, Cursor::new(Vec::new())).unwrap().into_inner();
        assert_eq!(first, second);
        let (outside, result) = unpacked(&first, Limits::default());
        result.unwrap();
        let again = members(&outside.path().join("in")).unwrap();
        let shape = |m: &Member| match &m.content {
            Content::File { executable, .. } => format!("{} {executable}", m.name),
            Content::Link { target } => format!("{} -> {target}", m.name),
        };
        assert_eq!(again.iter().map(shape).collect::<Vec<_>>(), ["b/two false", "link -> one", "one true"]);
    }
}
