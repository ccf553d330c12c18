//! What the figures were measured on.

use std::fs::read_to_string;
use std::path::Path;

/// Two lines: processor, cores, memory, kernel; load at this moment, and where the data is.
pub fn description() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let field = |file: &str, name: &str| {
        let text = read_to_string(file).unwrap_or_default();
        let value = text.lines().find(|line| line.starts_with(name)).and_then(|line| line.split_once(':'));
        value.map_or_else(|| "unknown".to_owned(), |(_, value)| value.trim().to_owned())
    };
    let kernel = read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let processor = field("/proc/cpuinfo", "model name");
    let memory = field("/proc/meminfo", "MemTotal");
    let load = read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').take(3).collect::<Vec<_>>().join(" ");
    let data = std::env::temp_dir();
    let mounts = read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let system = file_system(&data, &mounts, |device| Path::new("/proc/fs/jbd2").join(format!("{device}-8")).exists());
    format!(
        "{processor}, {cores} cores, {memory} of memory, Linux {}\nload average {load}, data in {} on {system}",
        kernel.trim(),
        data.display()
    )
}

/// The file system that holds a folder, by the kernel's list of mounts.
fn file_system(folder: &Path, mounts: &str, has_journal: impl Fn(&str) -> bool) -> String {
    let holding = mounts.lines().filter_map(|line| {
        let (mount, system) = line.split_once(" - ")?;
        let place = Path::new(mount.split(' ').nth(4)?);
        folder.starts_with(place).then_some((place.as_os_str().len(), system))
    });
    // The last of equally long ones: it covers those before it.
    let Some((_, system)) = holding.max_by_key(|(length, _)| *length) else { return "unknown".to_owned() };
    let mut words = system.split(' ');
    let (kind, device) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    if kind == "ext4" && !has_journal(device.trim_start_matches("/dev/")) {
        // It looks at all that were deleted in the last minutes before it gives out an inode.
        return "ext4 without a journal, where making files costs more after many were deleted".to_owned();
    }
    kind.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_system_is_that_of_the_innermost_mount() {
        let mounts = "22 1 254:0 / / rw - ext4 /dev/vda rw\n30 22 0:5 / /tmp rw,nosuid shared:1 - tmpfs tmpfs rw\n";
        assert_eq!(file_system(Path::new("/tmp/x"), mounts, |_| true), "tmpfs");
        assert_eq!(file_system(Path::new("/tmpx"), mounts, |device| device == "vda"), "ext4");
        assert!(file_system(Path::new("/var"), mounts, |_| false).contains("without a journal"));
        assert_eq!(file_system(Path::new("/var"), "", |_| true), "unknown");
    }
}
