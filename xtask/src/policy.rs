//! Checks that need a tool not everybody has: skipped with advice where it is missing, unless asked to be strict.

use std::process::ExitCode;

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::{step, workspace};

/// Builds with the `rust-version` that the workspace names.
pub(crate) fn msrv(strict: bool) -> anyhow::Result<ExitCode> {
    let metadata = workspace::metadata()?;
    let version = rust_version(&metadata).context("no package names a rust-version")?;
    let toolchain = format!("+{version}");
    let check = ["check", "--workspace", "--all-targets"];
    let current =
        workspace::output(workspace::command("rustc").arg("--version")).unwrap_or_default();
    if is_release_of(&current, &version) {
        step::run(&mut workspace::cargo(&check))?;
    } else if workspace::output(workspace::command("cargo").args([&toolchain, "--version"])).is_ok()
    {
        // The plain `cargo` is rustup's: the one that runs this task knows no `+toolchain`.
        step::run(
            workspace::command("cargo").arg(&toolchain).args(check).env_remove("RUSTUP_TOOLCHAIN"),
        )?;
    } else {
        return skipped("msrv", &format!("rustup toolchain install {version}"), strict);
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs cargo-deny with `deny.toml`. Advisories inform and do not fail: they change without a change of ours.
pub(crate) fn deny(strict: bool) -> anyhow::Result<ExitCode> {
    if workspace::output(&mut workspace::cargo(&["deny", "--version"])).is_err() {
        return skipped("deny", "cargo install --locked cargo-deny", strict);
    }
    step::run(&mut workspace::cargo(&["deny", "check", "bans", "licenses", "sources"]))?;
    if let Err(error) = step::run(&mut workspace::cargo(&["deny", "check", "advisories"])) {
        println!("warning: advisories: {error:#}");
    }
    Ok(ExitCode::SUCCESS)
}

fn skipped(task: &str, install: &str, strict: bool) -> anyhow::Result<ExitCode> {
    if strict {
        bail!("{task} cannot run: install with `{install}`");
    }
    println!("SKIPPED: install with `{install}`");
    Ok(ExitCode::SUCCESS)
}

fn rust_version(metadata: &Value) -> Option<String> {
    let packages = metadata.get("packages")?.as_array()?;
    packages.iter().find_map(|package| package.get("rust_version")?.as_str()).map(str::to_owned)
}

/// Whether `rustc --version` names a release of `version`, which may leave the patch out.
fn is_release_of(rustc: &str, version: &str) -> bool {
    rustc.split_whitespace().nth(1).is_some_and(|current| {
        current.strip_prefix(version).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_releases() {
        assert!(is_release_of("rustc 1.95.0 (abc 2026-03-21)", "1.95"));
        assert!(is_release_of("rustc 1.95.0", "1.95.0"));
        assert!(!is_release_of("rustc 1.9.5", "1.95"));
        assert!(!is_release_of("rustc 1.950.0", "1.95"));
        assert!(!is_release_of("", "1.95"));
    }

    #[test]
    fn a_missing_tool_fails_only_when_strict() {
        assert!(skipped("deny", "cargo install cargo-deny", false).is_ok());
        let error = skipped("deny", "cargo install cargo-deny", true).unwrap_err().to_string();
        assert!(error.contains("cargo install cargo-deny"), "{error}");
    }

    #[test]
    fn finds_the_rust_version() {
        let metadata =
            serde_json::json!({"packages": [{"rust_version": null}, {"rust_version": "1.95"}]});
        assert_eq!(rust_version(&metadata).as_deref(), Some("1.95"));
        assert_eq!(rust_version(&serde_json::json!({"packages": []})), None);
    }
}
