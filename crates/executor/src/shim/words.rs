//! The words that CodeBuild puts on the PATH of what runs in a build. All are one script under several names: a job's
//! start pays for each file that it writes.
//!
//! `codebuild-breakpoint`, `codebuild-resume`:
//! <https://docs.aws.amazon.com/codebuild/latest/userguide/session-manager.html>. `codebuild-tests-run`,
//! `codebuild-glob-search`: <https://docs.aws.amazon.com/codebuild/latest/userguide/parallel-test.html>.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use base::JobHold;

use super::shell::quoted;

/// On the PATH as well, under a name that no image has a program of.
const FILE: &str = ".codebuild-words";
const WORDS: [&str; 4] = ["codebuild-breakpoint", "codebuild-resume", "codebuild-glob-search", "codebuild-tests-run"];
/// Where the script has the job's control folder.
const CONTROL: &str = "@CONTROL@";
/// Where it has what a breakpoint does.
const BREAKS: &str = "@BREAKS@";

/// Where a breakpoint holds the job: visitors find what the command had.
const HOLDS: &str = r#"{ export -p >|@CONTROL@/state.new && mv -f @CONTROL@/state.new @CONTROL@/state && pwd >|@CONTROL@/cwd; } 2>/dev/null
: >@CONTROL@/breakpoint || exit 0
echo "codebuild-breakpoint: the build waits here. A shell in it: headworks attach $CODEBUILD_BUILD_ID; codebuild-resume lets it go on."
while [ -e @CONTROL@/breakpoint ]; do sleep 0.2 2>/dev/null || sleep 1; done"#;
/// Where it does not, as on AWS without a debug session.
const HOLDS_NOT: &str = "exit 0";

/// Patterns become extended regular expressions; two stars cross slashes. Tests are split by their sorted names into
/// chunks, or each goes where a hash of its name and the shard's number is the largest (rendezvous hashing): then a test
/// stays where it is when others come and go, and mostly when the number of shards changes.
const SCRIPT: &str = r#"#!/bin/sh
me=${0##*/}
die() { echo "$me: $*" >&2; exit 2; }

breakpoint() {
@BREAKS@
}

resume() {
if [ ! -e @CONTROL@/breakpoint ]; then
echo "codebuild-resume: the build does not wait at a breakpoint" >&2
exit 1
fi
rm -f @CONTROL@/breakpoint
}

regex() {
p=${1#./} r= braces=0
while [ -n "$p" ]; do
case $p in
'**/'*) r="$r(.*/)?" p=${p#'**/'} ;;
'**'*) r="$r.*" p=${p#'**'} ;;
'*'*) r="${r}[^/]*" p=${p#?} ;;
'?'*) r="${r}[^/]" p=${p#?} ;;
'{'*'}'*) r="$r(" p=${p#?} braces=$((braces + 1)) ;;
,*) if [ $braces -gt 0 ]; then r="$r|"; else r="$r,"; fi; p=${p#?} ;;
'}'*) if [ $braces -gt 0 ]; then r="$r)" braces=$((braces - 1)); else r="${r}[}]"; fi; p=${p#?} ;;
'^'*) r="$r\\^" p=${p#?} ;;
'\'*) r="$r\\\\" p=${p#?} ;;
[].+\(\)\|\$[{]*) t=${p#?} r="${r}[${p%"$t"}]" p=$t ;;
*) t=${p#?} r="$r${p%"$t"}" p=$t ;;
esac
done
while [ $braces -gt 0 ]; do r="$r)" braces=$((braces - 1)); done
}

glob_search() {
if [ $# -eq 0 ]; then die "usage: codebuild-glob-search PATTERN..."; fi
all=
for pattern do
regex "$pattern"
all="$all${all:+|}$r"
done
found=$(find . -name .git -prune -o -type f -print -o -type l -exec sh -c \
'for l do if [ -f "$l" ]; then printf "%s\n" "$l"; fi; done' sh {} + | sed 's|^\./||' | LC_ALL=C grep -E "^($all)\$" | LC_ALL=C sort)
if [ -z "$found" ]; then
echo "No files found that match $*" >&2
else
printf '%s\n' "$found"
fi
}

tests_run() {
command= search= strategy=equal-distribution
while [ $# -gt 0 ]; do
case $1 in
--test-command=* | --files-search=* | --sharding-strategy=*) value=${1#*=} name=${1%%=*} ;;
--test-command | --files-search | --sharding-strategy)
if [ $# -lt 2 ]; then die "$1 needs a value"; fi
name=$1 value=$2
shift ;;
*) die "$1 is not known; usage: codebuild-tests-run --test-command COMMAND --files-search COMMAND [--sharding-strategy equal-distribution|stability]" ;;
esac
shift
case $name in
--test-command) command=$value ;;
--files-search) search=$value ;;
*) strategy=$value ;;
esac
done
if [ -z "$command" ]; then die "--test-command is missing"; fi
if [ -z "$search" ]; then die "--files-search is missing"; fi
shard=${CODEBUILD_CURRENT_SHARD:-0} shards=${CODEBUILD_TOTAL_SHARDS:-1}
files=$(sh -c "$search")
status=$?
if [ $status -ne 0 ]; then
echo "$me: the files-search command ended with status $status" >&2
exit $status
fi
files=$(printf '%s\n' "$files" | tr -d '\r' | sed '/^[[:space:]]*$/d' | LC_ALL=C sort -u)
if [ -z "$files" ]; then
echo "$me: the files-search command found no test files" >&2
exit 1
fi
count=$(printf '%s\n' "$files" | wc -l)
case $strategy in
equal-distribution)
first=$((count * shard / shards + 1)) last=$((count * (shard + 1) / shards))
if [ $first -gt $last ]; then mine=; else mine=$(printf '%s\n' "$files" | sed -n "$first,${last}p"); fi ;;
stability)
mine=$(printf '%s\n' "$files" | LC_ALL=C awk -v me="$shard" -v all="$shards" '
BEGIN { m = 67108859; for (i = 1; i < 256; i++) code[sprintf("%c", i)] = i }
{
h = 5381
for (i = 1; i <= length($0); i++) h = (h * 33 + code[substr($0, i, 1)]) % m
best = -1
for (s = 0; s < all; s++) {
x = (h + (s + 1) * 40503) % m
for (i = 0; i < 5; i++) x = (x * ((x + 69621) % m) + 7919 * (s + i + 1)) % m
if (x > best) { best = x; at = s }
}
if (at == me) print
}') || die "the strategy stability needs awk" ;;
*) die "$strategy is no sharding strategy; they are equal-distribution and stability" ;;
esac
if [ -z "$mine" ]; then
echo "$me: shard $shard of $shards has none of the $count test files" >&2
exit 0
fi
many=$(printf '%s\n' "$mine" | wc -l | tr -d ' ')
echo "$me: shard $shard of $shards has $many of the $count test files" >&2
bytes=$(printf '%s' "$mine" | wc -c)
words=$(printf '%s\n' "$mine" | sed 's|^-|./-|')
if [ $bytes -lt 131000 ]; then export CODEBUILD_CURRENT_SHARD_FILES="$mine"; fi
case $command in
*CODEBUILD_CURRENT_SHARD_FILES*)
if [ $bytes -ge 131000 ]; then die "the names of the files have $bytes bytes and no variable holds more than 128 KiB; use more shards, or a test command that takes the names behind it"; fi
exec sh -c "$command" ;;
esac
if [ $((bytes + 8 * many)) -gt 1500000 ]; then die "the names of the files have $bytes bytes, more than a command takes; use more shards"; fi
set -f
IFS='
'
set -- $words
exec sh -c "$command \"\$@\"" sh "$@"
}

case $me in
codebuild-breakpoint) breakpoint ;;
codebuild-resume) resume ;;
codebuild-glob-search) glob_search "$@" ;;
codebuild-tests-run) tests_run "$@" ;;
*) die "this is no command by itself" ;;
esac
"#;

/// Writes them into `programs`. `inside` is the control folder as the job sees it.
pub(super) fn write(programs: &Path, inside: &Path, hold: JobHold) -> io::Result<()> {
    let breaks = if hold == JobHold::AtBreakpoints { HOLDS } else { HOLDS_NOT };
    let mut file = File::create(programs.join(FILE))?;
    file.write_all(SCRIPT.replace(BREAKS, breaks).replace(CONTROL, &quoted(inside)).as_bytes())?;
    // Whatever the umask is, every user of the job may run it.
    file.set_permissions(fs::Permissions::from_mode(0o755))?;
    for word in WORDS {
        symlink(FILE, programs.join(word))?;
    }
    Ok(())
}
