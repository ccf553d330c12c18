//! Names say what a thing is; some words only say that its author did not know.

use super::finding::Finding;
use super::source::SourceFile;

const WORDS: [&str; 7] = ["manager", "helper", "helpers", "util", "utils", "common", "processor"];
/// AWS's own nouns win: an S3 listing has common prefixes.
const AWS_NOUNS: [&str; 2] = ["CommonPrefix", "CommonPrefixes"];
const MEND: &str = "name it after what it is or does, in AWS's or the design's words";

/// Refuses the words in the names of files and types.
pub fn check(file: &SourceFile) -> Vec<Finding> {
    if !file.is_rust() {
        return Vec::new();
    }
    let finding = |line, message| Finding { path: file.path.clone(), line, message, mend: MEND };
    let mut findings = Vec::new();
    for part in file.path.trim_end_matches(".rs").split('/') {
        if let Some(word) = part.split(['_', '-']).find(|word| WORDS.contains(word)) {
            findings.push(finding(0, format!("a file or folder is called `{word}`")));
        }
    }
    for (number, line) in file.code_lines() {
        if let Some(name) = declared_type(line)
            && !AWS_NOUNS.contains(&name)
            && words_of(name).iter().any(|word| WORDS.contains(&word.as_str()))
        {
            findings.push(finding(number, format!("a type is called `{name}`")));
        }
    }
    findings
}

fn declared_type(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace().skip_while(|word| word.starts_with("pub") || *word == "unsafe");
    if !matches!(words.next()?, "struct" | "enum" | "trait" | "type" | "union") {
        return None;
    }
    words.next()?.split(|c: char| !c.is_alphanumeric() && c != '_').next()
}

/// `JobHelperRow` is job, helper, row.
fn words_of(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for character in name.chars() {
        if character.is_uppercase() || words.is_empty() {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut() {
            word.extend(character.to_lowercase());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_say_nothing_are_refused() {
        let text = "pub struct JobManager;\npub(crate) enum Common { A }\nstruct Commonwealth;\nstruct CommonPrefix;\nlet helper = 1;\n";
        let lines: Vec<usize> = check(&SourceFile::new("a/job.rs", text)).iter().map(|f| f.line).collect();
        assert_eq!(lines, [1, 2]);
        assert_eq!(check(&SourceFile::new("a/string_utils.rs", "")).len(), 1);
    }
}
