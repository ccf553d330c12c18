//! Which files are collected, and which are not.

use std::os::unix::fs::symlink;

use engine::build::Packaging;

use super::*;

fn set(files: &[&str]) -> ArtifactPlan {
    ArtifactPlan {
        identifier: None,
        files: files.iter().map(|s| (*s).to_owned()).collect(),
        exclude: Vec::new(),
        base_directory: None,
        discard_paths: false,
        keep_symlinks: false,
        bucket: "b".to_owned(),
        key: "k".to_owned(),
        packaging: Packaging::Zip,
        name_variable: None,
    }
}

fn copy() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for name in ["dist/a.js", "dist/sub/b.js", "dist2/c.js", "README.md", ".hidden"] {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, name).unwrap();
    }
    dir
}

fn ground(source_dir: &Path) -> Ground<'_> {
    Ground { source_dir, outside: None }
}

fn names(dir: &Path, set: &ArtifactPlan) -> Vec<String> {
    let mut names: Vec<_> = collect(ground(dir), set, &mut Vec::new()).unwrap().into_iter().map(|m| m.name).collect();
    names.sort();
    names
}

fn why(dir: &Path, set: &ArtifactPlan) -> String {
    match collect(ground(dir), set, &mut Vec::new()).unwrap_err() {
        CollectError::User(why) => why,
        CollectError::Io(e) => panic!("{e}"),
    }
}

#[test]
fn everything_means_everything() {
    let dir = copy();
    let all = names(dir.path(), &set(&["**/*"]));
    assert_eq!(all, [".hidden", "README.md", "dist/a.js", "dist/sub/b.js", "dist2/c.js"]);
}

#[test]
fn base_directories_are_stripped_and_may_be_patterns() {
    let dir = copy();
    let with = |base: &str| ArtifactPlan { base_directory: Some(base.to_owned()), ..set(&["**/*"]) };
    assert_eq!(names(dir.path(), &with("dist")), ["a.js", "sub/b.js"]);
    assert_eq!(names(dir.path(), &with("dist*")), ["a.js", "c.js", "sub/b.js"]);
    assert_eq!(why(dir.path(), &with("nope")), "no matching base directory path found for nope");
    assert_eq!(why(dir.path(), &with("../..")), "no matching base directory path found for ../..");
}

#[test]
fn paths_can_be_discarded_and_excluded() {
    let dir = copy();
    let set = ArtifactPlan { discard_paths: true, exclude: vec!["dist2/**/*".to_owned()], ..set(&["**/*.js"]) };
    assert_eq!(names(dir.path(), &set), ["a.js", "b.js"]);
}

#[test]
fn nothing_found_is_said_in_the_words_of_aws() {
    assert_eq!(why(copy().path(), &set(&["target/*.jar"])), "no matching artifact paths found");
}

#[test]
fn a_source_folder_that_was_replaced_by_a_link_or_removed_gives_no_artifacts() {
    let (work, elsewhere) = (tempfile::tempdir().unwrap(), copy());
    let source = work.path().join("src");
    symlink(elsewhere.path(), &source).unwrap();
    assert!(why(&source, &set(&["**/*"])).contains("was replaced"));
    fs::remove_file(&source).unwrap();
    assert!(why(&source, &set(&["**/*"])).contains("was removed"));
}

/// The content of each file of the set by its name, and what is said of the others.
fn taken(ground: Ground<'_>, set: &ArtifactPlan) -> (Vec<String>, Vec<String>) {
    let mut told = Vec::new();
    let found = collect(ground, set, &mut told).unwrap_or_default();
    let shown = |member: Member| match member.content {
        Content::File { path, .. } => format!("{}: {}", member.name, fs::read_to_string(path).unwrap()),
        Content::Link { target } => format!("{} -> {target}", member.name),
    };
    let mut found: Vec<String> = found.into_iter().map(shown).collect();
    found.sort();
    (found, told)
}

#[test]
fn links_to_files_and_folders_inside_are_followed() {
    let dir = copy();
    symlink("README.md", dir.path().join("file")).unwrap();
    symlink("../dist/sub", dir.path().join("dist2/folder")).unwrap();
    let (found, told) = taken(ground(dir.path()), &set(&["file", "dist2/**/*"]));
    assert_eq!(found, ["dist2/c.js: dist2/c.js", "dist2/folder/b.js: dist/sub/b.js", "file: README.md"]);
    assert_eq!(told, [""; 0]);
}

#[test]
fn links_that_lead_round_end_where_they_begin_again() {
    let dir = copy();
    symlink("..", dir.path().join("dist/up")).unwrap();
    symlink("../dist", dir.path().join("dist2/over")).unwrap();
    symlink("../dist2", dir.path().join("dist/back")).unwrap();
    let (found, told) = taken(ground(dir.path()), &set(&["dist/**/*"]));
    assert_eq!(found, ["dist/a.js: dist/a.js", "dist/back/c.js: dist2/c.js", "dist/sub/b.js: dist/sub/b.js"]);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told.iter().all(|line| line.ends_with("it is a link to a folder that it lies in")), "{told:?}");
}

/// Folders that have links to all the others: more ways through them than anybody can walk.
fn mesh() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for from in 0..12 {
        fs::create_dir_all(dir.path().join(format!("d{from}"))).unwrap();
        for to in (0..12).filter(|to| *to != from) {
            symlink(format!("../d{to}"), dir.path().join(format!("d{from}/to{to}"))).unwrap();
        }
    }
    dir
}

#[test]
fn links_that_multiply_the_paths_end_the_search() {
    let dir = mesh();
    for files in [&["**/*"], &["**/*.jar"]] {
        let mut told = Vec::new();
        let Err(CollectError::User(why)) = within(5_000, ground(dir.path()), &set(files), &mut told) else {
            panic!("it ended");
        };
        assert!(why.contains("more than 5000 paths"), "{why}");
        assert!(told.len() <= MAX_TOLD + 1, "{}", told.len());
    }
}

#[test]
fn folders_where_no_pattern_leads_are_not_looked_into() {
    let dir = mesh();
    fs::write(dir.path().join("d3/app.jar"), "jar").unwrap();
    let found = |set: &ArtifactPlan| {
        let found = within(1_000, ground(dir.path()), set, &mut Vec::new()).unwrap();
        found.into_iter().map(|member| member.name).collect::<Vec<_>>()
    };
    assert_eq!(found(&set(&["d3/*.jar"])), ["d3/app.jar"]);
    assert_eq!(found(&set(&["d3/to4/to3/*.jar", "d4/to3/app.jar"])), ["d4/to3/app.jar"]);
    let excluded = ["**/to*/**/*", "d4/**"].map(str::to_owned).to_vec();
    assert_eq!(found(&ArtifactPlan { exclude: excluded, ..set(&["**/*"]) }), ["d3/app.jar"]);
}

#[test]
fn only_so_many_lines_tell_of_what_is_left_out() {
    let dir = copy();
    for n in 0..MAX_TOLD + 7 {
        symlink("nowhere", dir.path().join(format!("dangling{n}"))).unwrap();
    }
    let told = taken(ground(dir.path()), &set(&["*"])).1;
    assert_eq!((told.len(), told.last().map(String::as_str)), (MAX_TOLD + 1, Some("Skipping 7 more")));
}

#[test]
fn what_cannot_be_taken_is_left_out_and_said() {
    let dir = copy();
    symlink("/etc/hostname", dir.path().join("outside")).unwrap();
    symlink("/etc", dir.path().join("folder")).unwrap();
    symlink("nowhere", dir.path().join("dangling")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(dir.path().join("socket")).unwrap();
    let (found, told) = taken(ground(dir.path()), &set(&["*", "/etc/passwd", "dist/../../x"]));
    assert_eq!(found, [".hidden: .hidden", "README.md: README.md"]);
    let mut about: Vec<_> =
        told.iter().map(|line| line.split(": ").next().unwrap().rsplit(' ').next().unwrap()).collect();
    about.sort_unstable();
    assert_eq!(about, ["/etc/passwd", "dangling", "dist/../../x", "folder", "outside", "socket"]);
    assert!(told.iter().any(|line| line.contains("outside: it is a link to /etc/hostname, which")), "{told:?}");
    // What no pattern means is nothing to tell of.
    assert_eq!(taken(ground(dir.path()), &set(&["dist/a.js"])).1, [""; 0]);
}

#[test]
fn links_are_kept_where_that_is_asked_for() {
    let dir = copy();
    symlink("/etc/hostname", dir.path().join("outside")).unwrap();
    symlink("dist", dir.path().join("folder")).unwrap();
    let kept = ArtifactPlan { keep_symlinks: true, ..set(&["outside", "folder"]) };
    assert_eq!(taken(ground(dir.path()), &kept).0, ["folder -> dist", "outside -> /etc/hostname"]);
}

/// Puts a file among what the job has copied.
fn put(outside: &Path, path: &Path, text: &str) {
    let copy = outside.join(ArtifactPlan::FOLLOWED).join(path.strip_prefix("/").unwrap());
    fs::create_dir_all(copy.parent().unwrap()).unwrap();
    fs::write(copy, text).unwrap();
}

#[test]
fn what_the_job_has_copied_takes_the_place_of_what_it_could_see() {
    let (dir, work) = (copy(), tempfile::tempdir().unwrap());
    let outside = work.path().join(ArtifactPlan::OUTSIDE);
    let ground = Ground { source_dir: dir.path(), outside: Some(&outside) };
    symlink("/etc/hostname", dir.path().join("python")).unwrap();
    symlink("/etc", dir.path().join("bazel-bin")).unwrap();
    put(&outside, &dir.path().join("python"), "the job's own");
    put(&outside, &dir.path().join("bazel-bin/hosts"), "not the server's");
    put(&outside, Path::new("/opt/out/x/y"), "built elsewhere");
    let (found, told) = taken(ground, &set(&["python", "bazel-bin/hosts"]));
    assert_eq!(found, ["bazel-bin/hosts: not the server's", "python: the job's own"]);
    assert_eq!(told, [""; 0]);
    let based = |base: &str| taken(ground, &ArtifactPlan { base_directory: Some(base.to_owned()), ..set(&["**/*"]) }).0;
    assert_eq!(based("/opt/out/"), ["x/y: built elsewhere"]);
    assert_eq!(based("/opt/o*"), ["x/y: built elsewhere"]);
    assert_eq!(based("bazel-bin"), ["hosts: not the server's"]);
    assert_eq!(based("/etc"), [""; 0]);
    let absolute = ArtifactPlan { base_directory: Some("/etc".to_owned()), ..set(&["**/*"]) };
    let refused = collect(ground, &absolute, &mut Vec::new()).unwrap_err();
    assert!(matches!(refused, CollectError::User(why) if why == "no matching base directory path found for /etc"));
}

#[test]
fn copies_lead_nowhere_else_whatever_the_job_has_made_of_them() {
    let (dir, work) = (copy(), tempfile::tempdir().unwrap());
    let outside = work.path().join(ArtifactPlan::OUTSIDE);
    let ground = Ground { source_dir: dir.path(), outside: Some(&outside) };
    symlink("/etc/hostname", dir.path().join("link")).unwrap();
    let based = ArtifactPlan { base_directory: Some("/opt/out".to_owned()), ..set(&["**/*"]) };
    // A copy is a link; a folder of copies is one; all of them are.
    put(&outside, Path::new("/opt/out/real"), "real");
    let tree = outside.join(ArtifactPlan::FOLLOWED);
    symlink("/etc/passwd", tree.join("opt/out/passwd")).unwrap();
    symlink("/etc", tree.join("opt/out/etc")).unwrap();
    assert_eq!(taken(ground, &based).0, ["real: real"]);
    symlink("/etc", tree.join("opt/there")).unwrap();
    let there = ArtifactPlan { base_directory: Some("/opt/there".to_owned()), ..based.clone() };
    assert_eq!(taken(ground, &there).0, [""; 0]);
    fs::remove_dir_all(&outside).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    put(elsewhere.path(), Path::new("/opt/there/file"), "the server's");
    symlink(elsewhere.path(), &outside).unwrap();
    assert_eq!(taken(ground, &there).0, [""; 0]);
    fs::remove_file(&outside).unwrap();
    fs::create_dir(&outside).unwrap();
    symlink("/", &tree).unwrap();
    assert_eq!(taken(ground, &ArtifactPlan { base_directory: Some("/etc".to_owned()), ..based }).0, [""; 0]);
    assert_eq!(taken(ground, &set(&["link"])).0, [""; 0]);
}
