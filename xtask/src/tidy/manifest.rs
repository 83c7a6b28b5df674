//! Lints, and versions of dependencies, stand in one place: the workspace's manifest.

use toml::{Table, Value};

use super::finding::Finding;

const DEPENDENCIES: &[&str] = &["dependencies", "dev-dependencies", "build-dependencies"];

/// Checks one Cargo.toml. The workspace's own, which has no package, is left alone.
pub(super) fn check(path: &str, text: &str) -> Vec<Finding> {
    let manifest: Table = match text.parse() {
        Ok(manifest) => manifest,
        Err(error) => return vec![Finding::failure(path, format!("is no TOML: {error}"))],
    };
    if !manifest.contains_key("package") {
        return Vec::new();
    }
    let mut findings = Vec::new();
    if !manifest.get("lints").is_some_and(inherits) {
        findings.push(Finding::failure(path, "has no `[lints] workspace = true`"));
    }
    check_dependencies(path, &manifest, &mut findings);
    let targets = manifest.get("target").and_then(Value::as_table);
    for target in
        targets.into_iter().flat_map(|targets| targets.values().filter_map(Value::as_table))
    {
        check_dependencies(path, target, &mut findings);
    }
    findings
}

fn check_dependencies(path: &str, table: &Table, findings: &mut Vec<Finding>) {
    let tables = DEPENDENCIES.iter().filter_map(|kind| table.get(*kind)?.as_table());
    for (name, dependency) in tables.flatten() {
        if !inherits(dependency) {
            let message = format!(
                "`{name}` is not `{name}.workspace = true`: name its version in the root Cargo.toml"
            );
            findings.push(Finding::failure(path, message));
        }
    }
}

fn inherits(value: &Value) -> bool {
    value.get("workspace").and_then(Value::as_bool) == Some(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "[package]\nname = \"a\"\n[lints]\nworkspace = true\n[dependencies]\nserde.workspace = true\n\
                        tokio = { workspace = true, features = [\"rt\"] }\n[dev-dependencies.proptest]\nworkspace = true\n";

    #[test]
    fn a_manifest_that_inherits_is_fine() {
        assert_eq!(check("Cargo.toml", GOOD), []);
        assert_eq!(
            check("Cargo.toml", "[workspace]\n[workspace.dependencies]\nserde = \"1\"\n"),
            []
        );
    }

    #[test]
    fn what_is_not_inherited_is_found() {
        for (bad, about) in [
            (GOOD.replace("[lints]\nworkspace = true\n", ""), "lints"),
            (GOOD.replace("serde.workspace = true", "serde = \"1\""), "serde"),
            (GOOD.replace("serde.workspace = true", "core = { path = \"../core\" }"), "core"),
            (format!("{GOOD}[build-dependencies]\ncc = \"1\"\n"), "cc"),
            (format!("{GOOD}[target.'cfg(unix)'.dependencies]\nlibc = \"0.2\"\n"), "libc"),
            (GOOD.replace("[package]", "[package"), "TOML"),
        ] {
            let findings = check("Cargo.toml", &bad);
            assert_eq!(findings.len(), 1, "{bad}: {findings:?}");
            assert!(findings[0].message.contains(about), "{findings:?}");
        }
    }
}
