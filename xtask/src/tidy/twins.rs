//! Crates that are locked in several versions stand in `deny.toml` with a reason, and none stands there without need.
//!
//! cargo-deny says the same, but not everybody has it.

use std::collections::BTreeMap;

use toml::{Table, Value};

use super::finding::Finding;

const PLACE: &str = "deny.toml";

/// Compares the versions in `Cargo.lock` with the skips of `deny.toml`.
/// Warns only: a dependency of a dependency may move without a change of ours.
pub(super) fn check(lock: &str, deny: &str) -> Vec<Finding> {
    let (Ok(lock), Ok(deny)) = (lock.parse::<Table>(), deny.parse::<Table>()) else {
        return vec![Finding::failure(PLACE, "it or Cargo.lock is no TOML")];
    };
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in lock.get("package").and_then(Value::as_array).into_iter().flatten() {
        if let (Some(name), Some(version)) = (text(package, "name"), text(package, "version")) {
            versions.entry(name).or_default().push(version);
        }
    }
    let skips = deny.get("bans").and_then(|bans| bans.get("skip")).and_then(Value::as_array);
    let skips: Vec<(&str, &str)> = skips
        .into_iter()
        .flatten()
        .filter_map(|skip| text(skip, "crate")?.split_once('@'))
        .collect();

    let mut findings = Vec::new();
    for (name, versions) in &versions {
        let skipped = |version: &&&str| {
            skips.iter().any(|skip| skip.0 == *name && is_release_of(version, skip.1))
        };
        let n_skipped = versions.iter().filter(skipped).count();
        if versions.len() - n_skipped > 1 {
            let versions = versions.join(", ");
            let message = format!(
                "`{name}` is locked as {versions}: agree on one, or skip the older ones with a reason"
            );
            findings.push(Finding::warning(PLACE, message));
        }
    }
    for (name, version) in skips {
        let locked = versions.get(name).is_some_and(|locked| {
            locked.len() > 1 && locked.iter().any(|locked| is_release_of(locked, version))
        });
        if !locked {
            findings.push(Finding::warning(
                PLACE,
                format!("skips `{name}@{version}`, which is no longer needed"),
            ));
        }
    }
    findings
}

fn text<'a>(value: &'a Value, member: &str) -> Option<&'a str> {
    value.get(member).and_then(Value::as_str)
}

/// Whether a full version belongs to a shortened one.
fn is_release_of(version: &str, short: &str) -> bool {
    version.strip_prefix(short).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(locked: &[(&str, &str)], skips: &[&str]) -> Vec<String> {
        let package = |(name, version): &(&str, &str)| {
            format!("[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n")
        };
        let lock: String = locked.iter().map(package).collect();
        let skips: Vec<String> =
            skips.iter().map(|skip| format!("{{ crate = \"{skip}\", reason = \"x\" }}")).collect();
        let deny = format!("[bans]\nskip = [{}]\n", skips.join(", "));
        check(&lock, &deny).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn one_version_or_an_explained_second_is_fine() {
        let none: [&str; 0] = [];
        assert_eq!(messages(&[("syn", "3.0.1"), ("serde", "1.0.0")], &[]), none);
        assert_eq!(messages(&[("syn", "2.0.9"), ("syn", "3.0.1")], &["syn@2"]), none);
    }

    #[test]
    fn unexplained_versions_and_idle_skips_are_found() {
        assert!(messages(&[("syn", "2.0.9"), ("syn", "3.0.1")], &[])[0].contains("2.0.9, 3.0.1"));
        assert!(
            messages(&[("syn", "1.0.9"), ("syn", "2.0.9"), ("syn", "3.0.1")], &["syn@2"])[0]
                .contains("`syn`")
        );
        assert!(messages(&[("syn", "3.0.1")], &["syn@2"])[0].contains("no longer needed"));
        assert!(messages(&[("syn", "20.0.1"), ("syn", "3.0.0")], &["syn@2"]).len() == 2);
    }
}
