//! A dependency's version, path and features are decided once, in `[workspace.dependencies]`.

use toml::{Table, Value};

use super::finding::Finding;
use super::source::SourceFile;

const MEND: &str = "add it to [workspace.dependencies] and write `name.workspace = true` here";

/// Refuses dependencies that do not come from the workspace's table.
pub fn check(file: &SourceFile) -> Vec<Finding> {
    if file.name() != "Cargo.toml" || file.path == "Cargo.toml" {
        return Vec::new();
    }
    let finding = |message| Finding { path: file.path.clone(), line: 0, message, mend: MEND };
    let manifest: Table = match file.text.parse() {
        Ok(manifest) => manifest,
        Err(error) => return vec![finding(format!("cannot be read: {error}"))],
    };
    let mut findings = Vec::new();
    let targets = manifest.get("target").and_then(Value::as_table);
    let tables =
        std::iter::once(&manifest).chain(targets.into_iter().flat_map(|t| t.values()).filter_map(Value::as_table));
    for table in tables {
        for kind in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for (name, value) in table.get(kind).and_then(Value::as_table).into_iter().flatten() {
                let inherited = value.get("workspace").and_then(Value::as_bool) == Some(true);
                if !inherited {
                    findings.push(finding(format!("`{name}` in [{kind}] is not inherited from the workspace")));
                }
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_outside_of_the_workspace_is_refused() {
        let text = "[dependencies]\nserde.workspace = true\nhex = \"0.4\"\n\
                    [target.'cfg(unix)'.dev-dependencies]\nbase = { path = \"../base\" }\n";
        assert_eq!(check(&SourceFile::new("crates/a/Cargo.toml", text)).len(), 2);
        assert_eq!(check(&SourceFile::new("Cargo.toml", text)), []);
    }
}
