//! Arrows between crates point down.

use anyhow::Context as _;
use serde_json::Value;

use super::finding::Finding;

/// Where a crate stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layer {
    /// In the product: depends on lower numbers only.
    Product(u8),
    /// For developers: depends on the product, and serves others as a development dependency alone.
    Dev,
}

const LAYERS: &[(&str, Layer)] = &[
    ("exposure-core", Layer::Product(0)),
    ("exposure-proto", Layer::Product(1)),
    ("exposure-formats", Layer::Product(1)),
    ("exposure-store", Layer::Product(1)),
    ("exposure-store-embedded", Layer::Product(2)),
    ("exposure-service", Layer::Product(2)),
    ("exposure-grpc", Layer::Product(3)),
    ("exposure-http", Layer::Product(3)),
    ("exposure-client", Layer::Product(3)),
    ("exposure-server", Layer::Product(4)),
    ("exposure-openfeature", Layer::Product(4)),
    ("exposure-testkit", Layer::Dev),
    ("exposure-codegen", Layer::Dev),
    ("exposure-benches", Layer::Dev),
    ("exposure-counts", Layer::Dev),
    ("xtask", Layer::Dev),
];

/// Crates that may depend on these of the workspace alone, apart from what their tests need.
const ONLY: &[(&str, &[&str])] = &[
    ("exposure-client", &["exposure-core", "exposure-proto"]),
    ("exposure-openfeature", &["exposure-client"]),
    ("xtask", &[]),
];

/// A crate of the workspace with its arrows to others of it.
#[derive(Debug)]
pub(super) struct Package {
    name: String,
    arrows: Vec<Arrow>,
}

/// A dependency within the workspace.
#[derive(Debug)]
struct Arrow {
    to: String,
    is_dev: bool,
}

/// The crates in the output of `cargo metadata --no-deps`.
pub(super) fn packages(metadata: &Value) -> anyhow::Result<Vec<Package>> {
    let packages =
        metadata.get("packages").and_then(Value::as_array).context("no packages in metadata")?;
    let text =
        |value: &Value, member: &str| value.get(member).and_then(Value::as_str).map(str::to_owned);
    let names: Vec<String> = packages.iter().filter_map(|package| text(package, "name")).collect();
    let read = |package: &Value| {
        let dependencies = package.get("dependencies").and_then(Value::as_array)?;
        let arrows = dependencies.iter().filter_map(|dependency| {
            let to = text(dependency, "name").filter(|to| names.contains(to))?;
            Some(Arrow { to, is_dev: text(dependency, "kind").as_deref() == Some("dev") })
        });
        Some(Package { name: text(package, "name")?, arrows: arrows.collect() })
    };
    packages
        .iter()
        .map(|package| read(package).context("a package without name or dependencies"))
        .collect()
}

/// Every arrow that does not point to a lower layer.
pub(super) fn check(packages: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages {
        let Some(from) = layer(&package.name) else {
            findings.push(Finding::failure(
                &package.name,
                "stands in no layer: give it one in xtask/src/tidy/layers.rs",
            ));
            continue;
        };
        for arrow in &package.arrows {
            // An unknown target is a finding of its own, above.
            let Some(to) = layer(&arrow.to) else { continue };
            if let Some(message) = judge(package, from, arrow, to) {
                findings.push(Finding::failure(
                    &package.name,
                    format!("depends on {}: {message}", arrow.to),
                ));
            }
        }
    }
    findings
}

fn judge(package: &Package, from: Layer, arrow: &Arrow, to: Layer) -> Option<String> {
    let only = ONLY.iter().find(|(name, _)| *name == package.name).map(|(_, only)| *only);
    match (from, to) {
        // Its own tests may ask for its own features.
        _ if arrow.is_dev && arrow.to == package.name => None,
        (_, Layer::Dev) if arrow.is_dev => None,
        (_, Layer::Dev) => {
            Some("it is for developers, and may only be a development dependency".to_owned())
        }
        _ if !arrow.is_dev && only.is_some_and(|only| !only.contains(&arrow.to.as_str())) => {
            Some(format!("of the workspace it may depend on {:?} alone", only.unwrap_or_default()))
        }
        (Layer::Product(from), Layer::Product(to)) if to >= from => {
            Some(format!("layer {from} may not depend on layer {to}, arrows point to a lower one"))
        }
        _ => None,
    }
}

fn layer(name: &str) -> Option<Layer> {
    LAYERS.iter().find(|(known, _)| *known == name).map(|(_, layer)| *layer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What is found when `from` depends on `to`.
    fn arrow(from: &str, to: &str, kind: Option<&str>) -> Vec<Finding> {
        let metadata = json!({"packages": [
            {"name": from, "dependencies": [{"name": to, "kind": kind}, {"name": "serde", "kind": null}]},
            {"name": to, "dependencies": []},
        ]});
        check(&packages(&metadata).unwrap())
    }

    #[test]
    fn arrows_that_point_down_are_fine() {
        for (from, to, kind) in [
            ("exposure-proto", "exposure-core", None),
            ("exposure-service", "exposure-store", None),
            ("exposure-server", "exposure-store-embedded", None),
            ("exposure-grpc", "exposure-service", Some("build")),
            ("exposure-client", "exposure-proto", None),
            ("exposure-testkit", "exposure-server", None),
            ("exposure-core", "exposure-testkit", Some("dev")),
            ("exposure-benches", "exposure-testkit", Some("dev")),
            ("exposure-store", "exposure-store", Some("dev")),
            ("exposure-client", "exposure-store-embedded", Some("dev")),
            ("exposure-openfeature", "exposure-client", None),
        ] {
            assert_eq!(arrow(from, to, kind), [], "{from} -> {to}");
        }
    }

    #[test]
    fn every_other_arrow_is_found() {
        for (from, to, kind) in [
            ("exposure-core", "exposure-proto", None),
            ("exposure-service", "exposure-store-embedded", None),
            ("exposure-service", "exposure-store-embedded", Some("dev")),
            ("exposure-grpc", "exposure-http", None),
            ("exposure-store", "exposure-service", Some("build")),
            ("exposure-server", "exposure-testkit", None),
            ("exposure-benches", "exposure-testkit", None),
            ("exposure-client", "exposure-service", None),
            ("exposure-openfeature", "exposure-core", None),
            ("xtask", "exposure-core", None),
        ] {
            assert_eq!(arrow(from, to, kind).len(), 1, "{from} -> {to}");
        }
    }

    #[test]
    fn a_crate_without_a_layer_is_found() {
        let findings = arrow("exposure-surprise", "exposure-core", None);
        assert!(findings[0].message.contains("no layer"), "{findings:?}");
    }

    #[test]
    fn this_workspace_has_crates() {
        let packages = packages(&crate::workspace::metadata().unwrap()).unwrap();
        let server = packages.iter().find(|package| package.name == "exposure-server").unwrap();
        assert!(server.arrows.iter().any(|arrow| arrow.to == "exposure-service"));
    }
}
