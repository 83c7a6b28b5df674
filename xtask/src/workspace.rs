//! Where the workspace is, how its cargo is called, and what `cargo metadata` says of it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, bail};
use serde_json::Value;

/// The root of the workspace: the directory above this crate's.
pub(crate) fn root() -> PathBuf {
    let manifest = env("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// A variable of the environment, absent when empty.
pub(crate) fn env(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// Whether this run is one of continuous integration: there, what could not run is a failure.
pub(crate) fn in_ci() -> bool {
    env("CI").is_some_and(|value| value != "false" && value != "0")
}

/// A command in the root of the workspace, with nothing on its standard input.
pub(crate) fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root()).stdin(Stdio::null());
    command
}

/// The cargo that runs this task, with arguments.
pub(crate) fn cargo(args: &[&str]) -> Command {
    let mut command = command(env("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(args);
    command
}

/// What a command writes, or an error with what it said instead.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("failed to start `{program}`"))?;
    if !output.status.success() {
        bail!(
            "`{program}` ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{program}` wrote what is no UTF-8"))
}

/// `cargo metadata` of the workspace's own packages. Needs no network.
pub(crate) fn metadata() -> anyhow::Result<Value> {
    let text = output(&mut cargo(&["metadata", "--format-version", "1", "--no-deps"]))?;
    serde_json::from_str(&text).context("`cargo metadata` wrote what is no JSON")
}

/// Where cargo builds: `target/`, unless the environment or the configuration say otherwise.
pub(crate) fn target_directory() -> anyhow::Result<PathBuf> {
    let metadata = metadata()?;
    let path = metadata
        .get("target_directory")
        .and_then(Value::as_str)
        .context("no target directory in metadata")?;
    Ok(PathBuf::from(path))
}
