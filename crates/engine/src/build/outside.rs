//! What artifacts and reports take from outside of the source folder: a base directory elsewhere, and what links lead to.
//!
//! Only the job sees it as the build left it, and only the job's rights say what may be taken. So the job's last step puts
//! copies where they can be collected from outside of the job, each under the path that it has inside. It looks at no more
//! links than patterns can match; what it does not find or may not read is missing there, and whoever collects says so.

use std::path::Path;

use base::{JobStep, StepFailure};

use super::{ArtifactPlan, ReportPlan};

impl ArtifactPlan {
    /// Where copies are, in the job's folder: a tree for sets that keep links, and one for those that follow them.
    pub const OUTSIDE: &'static str = "artifacts-out";
    pub const KEPT: &'static str = "kept";
    pub const FOLLOWED: &'static str = "followed";
}

/// One set of files, as it is written: artifacts, or a report group's.
struct Wanted<'a> {
    files: &'a [String],
    base: &'a str,
    keep: bool,
}

/// The step that copies, if there is anything to look for. `texts` has the paths that a shell has expanded, with the
/// variables that hold what they became.
pub(super) fn step(
    sets: &[ArtifactPlan],
    reports: &[ReportPlan],
    texts: &[(String, String)],
    source_dir: &Path,
    work_dir: &Path,
) -> Option<JobStep> {
    let mut wanted: Vec<Wanted<'_>> = sets
        .iter()
        .map(|set| Wanted {
            files: &set.files,
            base: set.base_directory.as_deref().unwrap_or_default(),
            keep: set.keep_symlinks,
        })
        .collect();
    wanted.extend(reports.iter().map(|report| Wanted {
        files: &report.files,
        base: report.base_directory.as_deref().unwrap_or_default(),
        keep: false,
    }));
    if wanted.is_empty() {
        return None;
    }
    let mut calls = String::new();
    for one in &wanted {
        let (base, keep) = (word(one.base, texts), if one.keep { ArtifactPlan::KEPT } else { ArtifactPlan::FOLLOWED });
        for file in one.files {
            calls.push_str(&format!("headworks_take {base} {} {keep}\n", word(file, texts)));
        }
    }
    let followed: Vec<String> = wanted
        .iter()
        .filter(|one| !one.keep)
        .flat_map(|one| one.files.iter().map(|file| case(one.base, file)))
        .collect();
    let links = match followed.as_slice() {
        [] => String::new(),
        all => LINKS.replace("@INNER@", &quoted(&INNER.replace("@CASES@", &all.join("|")))),
    };
    let take = TAKE
        .replace("@OUT@", &quoted(&work_dir.join(ArtifactPlan::OUTSIDE).to_string_lossy()))
        .replace("@SOURCE@", &quoted(&source_dir.to_string_lossy()));
    // What users wrote is put in last: nothing is looked for in it.
    let text = [&take, &calls, &links, END].concat();
    let on_failure = StepFailure::Continue;
    Some(JobStep { name: "COLLECT".to_owned(), commands: vec![text], on_failure, quiet: true, ..JobStep::default() })
}

/// In a subshell, so that nothing of it stays; what the commands have set (`-e`, `-x`) does not matter in it.
///
/// `headworks_take BASE PATTERN TREE` copies what lies at the part of the path that is no pattern, if that is elsewhere.
const TAKE: &str = r#"( { set +efux; } 2>/dev/null
exec </dev/null >/dev/null 2>&1
headworks_src=@SOURCE@ headworks_out=@OUT@ headworks_done='|'
headworks_real=$(command cd -P "$headworks_src" && pwd) || exit 0
headworks_take() {
case $2 in "$headworks_src"/*) set -- "$1" "${2#"$headworks_src"/}" "$3" ;; esac
case $1 in
/*) p=${1%/} o=$headworks_out/$3
if [ -d "$1" ]; then case $1/ in "$headworks_src"/*|*/../*) ;; *) command mkdir -p "$o$p" ;; esac; fi ;;
''|.|./) p=$headworks_src o=$headworks_out/$3 ;;
*) p=${1%/} p=$headworks_src/${p#./} o=$headworks_out/$3 ;;
esac
p=$p/${2#./}
f=${p%%[*?[{]*}
if [ "$f" != "$p" ]; then f=${f%/*}; fi
f=${f%/}
case $f in ''|"$headworks_src"|*/..|*/../*) return ;; esac
case $headworks_done in *"|$3$f|"*) return ;; esac
headworks_done="$headworks_done$3$f|"
if [ -d "$f" ]; then r=$(command cd -P "$f" && pwd)
elif [ -f "$f" ]; then r=$(command cd -P "${f%/*}/" && pwd) r=${r%/}/${f##*/}
else return
fi
case $r/ in /|//*|"$headworks_real"/*|/proc/*|/sys/*|/dev/*) return ;; esac
case $headworks_out/ in "$r"/*) return ;; esac
if [ -f "$f" ]; then command mkdir -p "$o${f%/*}" && command cp "$f" "$o$f"; return; fi
command mkdir -p "$o$f" && command cp -RP "$f/." "$o$f/"
if [ "$3" = followed ]; then
command find "$f/" -type l -exec sh -c 'o=$1; shift; for l do if [ -f "$l" ]; then rm -f "$o$l"; cp "$l" "$o$l"; fi; done' sh "$o" {} +
fi
}
"#;
const END: &str = ")\n:";

/// All links below the source folder, some hundred at a time. Where links lead to folders inside, files are collected
/// under more names than they are found by here, so that no name says that one is not wanted.
const LINKS: &str = r#"headworks_all=$(command find "$headworks_src" -name .git -prune -o -type l -exec sh -c 's=$1
shift
for l do if [ -d "$l" ]; then case $(cd -P "$l" && pwd)/ in "$s"/*) echo all; exit ;; esac; fi; done' sh "$headworks_real" {} +)
command find "$headworks_src" -name .git -prune -o -type l -exec sh -c @INNER@ sh "$headworks_src" "$headworks_real" "$headworks_out/followed" "$headworks_all" {} +
"#;

/// Copies the files that links lead to, where these are not in the source folder.
const INNER: &str = r#"src=$1 s=$2 o=$3 all=$4 n=0
shift 4
leave() { realpath "$@" | while IFS= read -r t; do
case $t in "$s"/*) ;; *) mkdir -p "$o${1%/*}" && rm -f "$o$1" && cp "$1" "$o$1" ;; esac
shift
done; }
for l do
if [ -f "$l" ] && [ -r "$l" ]; then :; else continue; fi
case ${l#"$src"/} in *"
"*) continue ;; @CASES@) ;; *) if [ -z "$all" ]; then continue; fi ;; esac
if [ $n -eq 0 ]; then set -- "$l"; else set -- "$@" "$l"; fi
n=$((n + 1))
if [ $n -eq 100 ]; then leave "$@"; n=0; fi
done
if [ $n -ne 0 ]; then leave "$@"; fi"#;

/// A path as a word of the shell: what it was expanded to, or as it is.
fn word(text: &str, texts: &[(String, String)]) -> String {
    match texts.iter().find(|(written, _)| written == text) {
        Some((_, variable)) => format!("\"${{{variable}-}}\""),
        None => quoted(text),
    }
}

/// A pattern of `case` that matches all that a set's pattern matches, and maybe more.
fn case(base: &str, file: &str) -> String {
    let all = format!("{}/{}", base.trim_start_matches("./").trim_matches('/'), file.trim().trim_start_matches("./"));
    if all.contains(['$', '`', '\\']) {
        return "*".to_owned();
    }
    let mut out = String::new();
    // Two stars and a slash may stand for nothing, and one star crosses slashes here.
    for c in all.trim_start_matches("./").trim_start_matches('/').replace("**/", "*").chars() {
        match c {
            '[' | '{' => {
                out.push('*');
                break;
            }
            '*' | '?' => out.push(c),
            c if c.is_ascii_alphanumeric() || "/._-".contains(c) => out.push(c),
            '\n' => out.push('?'),
            c => out.extend(['\\', c]),
        }
    }
    if out.is_empty() { "*".to_owned() } else { out }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::super::Packaging;
    use super::*;

    fn set(files: &[&str], base: &str, keep_symlinks: bool) -> ArtifactPlan {
        ArtifactPlan {
            identifier: None,
            files: files.iter().map(|s| (*s).to_owned()).collect(),
            exclude: Vec::new(),
            base_directory: Some(base.to_owned()),
            discard_paths: false,
            keep_symlinks,
            bucket: "b".to_owned(),
            key: "k".to_owned(),
            packaging: Packaging::Zip,
            name_variable: None,
        }
    }

    fn text(sets: &[ArtifactPlan], texts: &[(String, String)]) -> Option<String> {
        let step = step(sets, &[], texts, Path::new("/w/it's/src"), Path::new("/w/it's"))?;
        Some(step.commands.concat())
    }

    #[test]
    fn a_build_without_artifacts_has_nothing_to_look_for() {
        assert_eq!(text(&[], &[]), None);
    }

    #[test]
    fn paths_reach_the_shell_as_they_are_or_as_it_has_expanded_them() {
        let texts = [("$OUT/*".to_owned(), "V_0".to_owned())];
        let text = text(&[set(&["it's", "$OUT/*"], "/opt/a b", false)], &texts).unwrap();
        assert!(text.contains("headworks_take '/opt/a b' 'it'\\''s' followed\n"), "{text}");
        assert!(text.contains("headworks_take '/opt/a b' \"${V_0-}\" followed\n"), "{text}");
        assert!(text.contains("headworks_src='/w/it'\\''s/src'"), "{text}");
    }

    #[test]
    fn links_are_looked_at_unless_they_are_kept() {
        assert!(text(&[set(&["**/*"], "", false)], &[]).unwrap().contains("-type l -exec sh -c 'src="));
        assert!(!text(&[set(&["**/*"], "", true)], &[]).unwrap().contains("-type l -exec sh -c 'src="));
    }

    #[test]
    fn nothing_is_put_into_what_a_user_wrote() {
        let text = text(&[set(&["@LINKS@@CALLS@@OUT@@SOURCE@@INNER@@CASES@"], "", false)], &[]).unwrap();
        assert!(text.contains("\nheadworks_take '' '@LINKS@@CALLS@@OUT@@SOURCE@@INNER@@CASES@' followed\n"), "{text}");
    }

    #[test]
    fn what_reports_name_is_looked_for_as_well() {
        let report = ReportPlan {
            group: "g".to_owned(),
            files: vec!["out/*.xml".to_owned()],
            base_directory: None,
            discard_paths: false,
            format: String::new(),
        };
        let step = step(&[], &[report], &[], Path::new("/w/src"), Path::new("/w")).unwrap();
        let text = step.commands.concat();
        assert!(text.contains("headworks_take '' 'out/*.xml' followed\n") && text.contains("out/*.xml) ;;"), "{text}");
    }

    #[test]
    fn a_case_matches_at_least_what_the_pattern_matches() {
        for (base, file, wanted) in [
            ("", "**/*", "**"),
            ("./dist/", "**/*.js", "dist/**.js"),
            ("", "./a b;c", "a\\ b\\;c"),
            ("x", "[ab]", "x/*"),
            ("$B", "a", "*"),
            ("", "{a,b}", "*"),
        ] {
            let made = case(base, file);
            assert_eq!(made, wanted, "{base} {file}");
        }
    }
}
