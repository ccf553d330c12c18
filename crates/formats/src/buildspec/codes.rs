//! All codes that a buildspec's diagnostics can have, explained.

use crate::Code;
use crate::code::code;

/// The code's explanation.
pub fn explain(code: &str) -> Option<&'static Code> {
    CODES.iter().find(|known| known.code.eq_ignore_ascii_case(code.trim()))
}

/// Every code, in order. A code is never given another meaning; B004 and B018 are gone for good.
pub const CODES: &[Code] = &[
    code(
        "B001",
        "a value has the wrong shape",
        "A mapping stands where a list or a single value belongs, or the other way round. Most often the indentation is \
         off by a level, or a '-' is missing or one too many.\n\n    phases:\n      build:\n        commands:\n          - make",
    ),
    code(
        "B002",
        "the version is missing or not known",
        "A buildspec begins with its version: 0.2, or the older 0.1, in which every command runs in a shell of its own. \
         Write 'version: 0.2'.",
    ),
    code(
        "B003",
        "a key is not known",
        "Nobody reads the key, so it has no effect. It is a warning, because CodeBuild passes over unknown keys too; but \
         often it is a slip ('command' for 'commands') and what stands below it is silently not done.",
    ),
    code(
        "B010",
        "there are no phases",
        "A buildspec says what to do in 'phases': install, pre_build, build and post_build, each with its 'commands'. Only \
         a buildspec with a 'batch' may leave them out, for builds that have buildspecs of their own.",
    ),
    code(
        "B011",
        "a phase stands twice",
        "Two keys name the same phase in different case ('build' and 'BUILD'). Put all its commands under one.",
    ),
    code(
        "B012",
        "a phase is not known",
        "The phases are install, pre_build, build and post_build. CodeBuild ends the build with 'Invalid buildspec phase \
         name'; the commands below the key would never run.",
    ),
    code(
        "B014",
        "on-failure has a value that is not known",
        "The values are ABORT (no later phase runs), CONTINUE (the next phase runs), RETRY, RETRY-count, RETRY-regex and \
         RETRY-count-regex.",
    ),
    code(
        "B015",
        "a command is not text",
        "To YAML a colon before a blank begins a mapping, so\n\n    - echo Done: $VERSION\n\nis no command. Put the whole \
         command in single quotes, or write it as a block:\n\n    - 'echo Done: $VERSION'\n    - |\n      echo Done: \
         $VERSION\n\nA colon at the very end of a command does the same. A list within the list of commands is refused \
         as well; YAML's anchors cannot insert several commands at once.",
    ),
    code(
        "B016",
        "on-failure asks for retries that cannot be",
        "A phase runs again at most 100 times (RETRY-100). What follows the count is a regular expression for the error \
         message, without lookaround and back references: RETRY-3-.*connection timed out.*",
    ),
    code(
        "B017",
        "a phase has steps that are GitHub Actions",
        "CodeBuild runs GitHub Actions as 'steps' of a phase. Headworks does not: a build with such a buildspec is refused \
         when it starts. Write what the actions do as 'commands'.",
    ),
    code(
        "B019",
        "runtime-versions stands outside phase install",
        "CodeBuild reads 'runtime-versions' in phase 'install' only. Move it there.",
    ),
    code(
        "B020",
        "a name cannot be a variable's",
        "An environment variable's name has letters, digits and underscores and does not begin with a digit; shells cannot \
         use any other.",
    ),
    code(
        "B021",
        "the shell is not known",
        "env.shell is 'bash' or '/bin/sh' on Linux, and 'powershell.exe' or 'cmd.exe' on Windows. Without it commands run \
         in /bin/sh.",
    ),
    code(
        "B022",
        "a variable has a reserved name",
        "Names that begin with CODEBUILD_ belong to CodeBuild, which sets many of them itself: the value may be replaced.",
    ),
    code(
        "B023",
        "a reference to Secrets Manager cannot be read",
        "It is secret-id:json-key:version-stage:version-id, of which only the first is needed; the id may be a whole ARN. \
         Leave parts out by leaving them empty: prod/db::AWSPREVIOUS",
    ),
    code(
        "B024",
        "a variable does not say where its value is",
        "Each entry of parameter-store and secrets-manager is a variable's name and where its value is kept.",
    ),
    code(
        "B025",
        "a variable is not exported",
        "exported-variables lists names (without '$'). CodeBuild does not export names that begin with AWS_.",
    ),
    code(
        "B026",
        "run-as does not name a user",
        "run-as takes the name or the number of one Linux user that exists where the build runs.",
    ),
    code(
        "B027",
        "a runtime is not one of CodeBuild's",
        "The runtimes are android, dotnet, golang, java, nodejs, php, python and ruby; older images also had docker and \
         erlang. A build ends in INSTALL when it asks for a runtime that is not there.",
    ),
    code(
        "B030",
        "artifacts have no files",
        "'files' lists patterns, relative to base-directory; without it there is nothing to upload. '**/*' is everything.",
    ),
    code(
        "B031",
        "an artifact's identifier cannot be one",
        "Secondary artifacts are matched with those of the project by identifier: letters, digits, '-' and '_'.",
    ),
    code(
        "B032",
        "a pattern leads out of the source folder",
        "Artifacts and reports are collected below the source folder ($CODEBUILD_SRC_DIR), or below an absolute \
         base-directory; '..' leads to nothing. Copy the files there before they are uploaded.",
    ),
    code(
        "B033",
        "a pattern is absolute",
        "What 'files' and 'exclude-paths' list is looked for below 'base-directory', or below the source folder: an \
         absolute path matches nothing. To take files from elsewhere name their folder:\n\n    base-directory: /tmp/out\n    \
         files: ['**/*']\n\nA path that begins with $CODEBUILD_SRC_DIR is one within the source folder.",
    ),
    code("B040", "there are more than five report groups", "CodeBuild takes five report groups of one buildspec."),
    code(
        "B041",
        "a report's format is not known",
        "Test results: JUNITXML (when nothing is said), CUCUMBERJSON, NUNITXML, NUNIT3XML, TESTNGXML, VISUALSTUDIOTRX. \
         Coverage: CLOVERXML, COBERTURAXML, JACOCOXML, SIMPLECOV, LCOVINFO.",
    ),
    code(
        "B042",
        "a report group has no files",
        "'files' lists patterns for the report files, relative to base-directory.",
    ),
    code(
        "B043",
        "a report group's name is unusual",
        "The key below 'reports' is a report group's ARN, or a name: then the group is PROJECT-NAME, and is made when it \
         does not exist.",
    ),
    code("B050", "the cache has no paths", "'paths' lists what is kept from build to build; without it nothing is."),
    code(
        "B051",
        "the cache's action is not known",
        "'restore' only takes from the cache, 'save' only fills it; without 'action' both happen.",
    ),
    code(
        "B052",
        "fallback keys are not looked at",
        "At most five fallback keys are tried, as prefixes, after 'key' found nothing; without 'key' there are none.",
    ),
    code(
        "B060",
        "a batch has no builds, or several kinds of them",
        "'batch' has exactly one of build-graph, build-list, build-matrix and build-fanout, and that is not empty.",
    ),
    code("B061", "a build of a graph has no identifier", "Others depend on it by its identifier, so each needs one."),
    code("B062", "an identifier stands twice", "Identifiers tell the builds of a batch apart: each is unique."),
    code(
        "B063",
        "an identifier has other characters than it may have",
        "CodeBuild refuses the batch: identifiers have letters, digits and underscores only, and fewer than 128 of them.",
    ),
    code("B064", "a matrix has no dynamic part", "'dynamic' holds the lists whose product is the batch."),
    code("B065", "a build depends on one that is not there", "'depend-on' lists identifiers of the same build-graph."),
    code(
        "B066",
        "a fan-out does not say how many builds share the tests",
        "'parallelism' is a whole number above zero.",
    ),
    code("B067", "a batch is larger than CodeBuild allows", "CodeBuild runs at most 100 builds in a batch."),
    code(
        "B068",
        "builds wait for one another",
        "The dependencies of a build-graph must not lead back to where they began.",
    ),
    code(
        "Y001",
        "this is not YAML",
        "The file's syntax is broken here or shortly before. Usual causes: a tab in the indentation, a quote that does not \
         end, text after a closing quote, a value that begins with one of * & ! % @ ` without quotes.",
    ),
    code(
        "Y002",
        "the document is too large or too deep",
        "There are limits to size, depth and to what aliases expand to, so that no file can exhaust the machine.",
    ),
    code("Y003", "the file is empty", "There is nothing in it but blanks and comments."),
    code("Y004", "a key stands twice", "The last one counts, the others have no effect: join them or remove them."),
    code(
        "Y005",
        "an alias names no anchor",
        "'*name' stands for what '&name' marked before it. Patterns need quotes: '*.js'",
    ),
    code("Y006", "a key is not text", "A mapping or a list stands where a key belongs, mostly for want of quotes."),
    code("Y007", "the file holds several documents", "Only the part before the second '---' is read."),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    fn used_in(folder: &str) -> BTreeSet<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder);
        let mut used = BTreeSet::new();
        for entry in fs::read_dir(root).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|e| e != "rs") || path.ends_with("codes.rs") {
                continue;
            }
            for piece in fs::read_to_string(path).unwrap().split('"') {
                let is_code = piece.len() == 4
                    && piece.starts_with(['B', 'Y'])
                    && piece.chars().skip(1).all(|c| c.is_ascii_digit());
                if is_code {
                    used.insert(piece.to_owned());
                }
            }
        }
        used
    }

    #[test]
    fn the_table_holds_exactly_the_codes_that_are_used() {
        let mut used = used_in("buildspec");
        used.extend(used_in("yaml"));
        let listed: BTreeSet<String> = CODES.iter().map(|code| code.code.to_owned()).collect();
        assert_eq!(used, listed);
        assert_eq!(listed.len(), CODES.len());
    }

    #[test]
    fn a_code_is_found_in_any_case() {
        assert_eq!(explain(" b012 ").map(|code| code.title), Some("a phase is not known"));
        assert_eq!(explain("B004"), None);
    }
}
