//! `cargo xtask release`: whether what is published would build for those who depend on it.

use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::Value;

use crate::step::Steps;
use crate::workspace;

/// Tests each published crate without features and with each of them alone, and packs all of
/// them as for publishing, each built from its package. Publishes nothing.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let metadata = workspace::metadata()?;
    let packages = metadata.get("packages").and_then(Value::as_array);
    let packages = packages.context("no packages in metadata")?;
    let mut steps = Steps::new("release");
    for package in packages.iter().filter(|package| is_published(package)) {
        let name = package.get("name").and_then(Value::as_str).context("a package has no name")?;
        for feature in sets(package) {
            let mut args = vec!["test", "--package", name, "--no-default-features"];
            if let Some(feature) = &feature {
                args.extend(["--features", feature]);
            }
            let label = feature.as_deref().unwrap_or("no features");
            steps.command(&format!("{name}: {label}"), &mut workspace::cargo(&args));
        }
    }
    let args = ["publish", "--dry-run", "--workspace", "--allow-dirty"];
    steps.command("publish --dry-run", &mut workspace::cargo(&args));
    Ok(steps.finish())
}

/// Cargo says `publish: []` of a package that may go nowhere, and `null` of any other.
fn is_published(package: &Value) -> bool {
    package.get("publish").is_some_and(Value::is_null)
}

/// No feature, then each alone; none twice for a crate that has none. `default` is a set of the
/// others, and was tested with the whole workspace.
fn sets(package: &Value) -> Vec<Option<String>> {
    let features = package.get("features").and_then(Value::as_object);
    let named = features.into_iter().flat_map(|features| features.keys());
    let named: Vec<_> =
        named.filter(|name| *name != "default").map(|name| Some(name.clone())).collect();
    if named.is_empty() { Vec::new() } else { std::iter::once(None).chain(named).collect() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_feature_is_tested_alone_and_none() {
        let package = json!({"publish": null, "features": {"default": ["a"], "a": [], "b": []}});
        assert!(is_published(&package));
        assert_eq!(sets(&package), [None, Some("a".to_owned()), Some("b".to_owned())]);
        assert!(!is_published(&json!({"publish": [], "features": {}})));
        assert_eq!(sets(&json!({"features": {"default": []}})), []);
    }
}
