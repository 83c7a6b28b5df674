//! The programs that `docs/clients.md` shows: built as it says, under the target directory, then run by `tests/clients`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use super::pytest::Pytest;
use super::tools::{self, Stamp};
use super::{environment, toolchains};
use crate::step::{self, Outcome, Steps};
use crate::workspace;

const CLIENTS: &str = "tests/clients";
const PROTOS: &str = "proto/exposure";

/// A language: the directory of its program, which is also the marker of its tests.
struct Client {
    name: &'static str,
    toolchain: fn() -> Result<(), Outcome>,
    /// Where its `fetch.sh` fetches from.
    registry: &'static str,
}

/// All languages, in the order of the document.
const ALL: &[Client] = &[
    // The interpreter is the one of the tests.
    Client { name: "python", toolchain: || Ok(()), registry: "PyPI" },
    Client { name: "node", toolchain: toolchains::node, registry: "npm" },
    Client { name: "go", toolchain: toolchains::go, registry: "Go's proxy" },
    Client { name: "java", toolchain: toolchains::java, registry: "Maven Central" },
];

/// Builds and runs every program, and compares the document, as steps of a task; `ready` is the interpreter of pytest, or
/// what it needs.
pub(super) fn run(
    steps: &mut Steps,
    ready: Result<&Path, &'static str>,
    target: &Path,
    binary: &Path,
) {
    let directory = target.join("clients");
    let pytest = |marked| match ready {
        Err(needs) => Ok(Outcome::NotRun(needs.to_owned())),
        Ok(python) => {
            let variables = vec![
                ("EXPOSURE_BIN", binary.to_path_buf()),
                ("EXPOSURE_CLIENTS", directory.clone()),
            ];
            Pytest { python, directory: CLIENTS, marked, variables }.run()
        }
    };
    steps.step("clients: document", || pytest("document"));
    for client in ALL {
        let is_built = steps.step(&format!("clients: {} set-up", client.name), || match ready {
            Err(needs) => Ok(Outcome::NotRun(needs.to_owned())),
            Ok(python) => client.build(python, &directory),
        });
        steps.step(&format!("clients: {}", client.name), || {
            if is_built {
                pytest(client.name)
            } else {
                Ok(Outcome::NotRun("its set-up".to_owned()))
            }
        });
    }
}

impl Client {
    /// Fetches and builds in `directory` what the tests run, unless it is there.
    fn build(&self, python: &Path, directory: &Path) -> anyhow::Result<Outcome> {
        if let Err(outcome) = (self.toolchain)() {
            return Ok(outcome);
        }
        let program = format!("{CLIENTS}/{}", self.name);
        let made = directory.join(self.name);
        let mut sources = files(&program)?;
        sources.extend(files(PROTOS)?);
        sources.push(environment::TESTS.to_owned());
        let sources: Vec<_> = sources.iter().map(String::as_str).collect();
        let stamp = Stamp::new(&made, &sources)?;
        if stamp.is_current() {
            println!("{} is up to date", made.display());
            return Ok(Outcome::Passed);
        }
        // The programs stand beside the protocol, as the document says.
        for (from, to) in [(program.as_str(), &made), (PROTOS, &directory.join(PROTOS))] {
            if to.exists() {
                fs::remove_dir_all(to)
                    .with_context(|| format!("failed to clear {}", to.display()))?;
            }
            tools::copy(&workspace::root().join(from), to)?;
        }
        if !tools::twice(&mut script("fetch.sh", python, &made)?) {
            let (name, registry) = (self.name, self.registry);
            let needs = format!("what {CLIENTS}/{name}/fetch.sh fetches from {registry}");
            return Ok(Outcome::NotRun(needs));
        }
        step::run(&mut script("build.sh", python, &made)?)?;
        stamp.write()?;
        Ok(Outcome::Passed)
    }
}

/// A script of a program, for which `python` is the interpreter of the tests.
fn script(name: &str, python: &Path, directory: &Path) -> anyhow::Result<Command> {
    let path = workspace::env("PATH").unwrap_or_default();
    let directories: Vec<PathBuf> = python
        .parent()
        .map(Path::to_path_buf)
        .into_iter()
        .chain(std::env::split_paths(&path))
        .collect();
    let mut command = workspace::command("sh");
    command.args(["-eu", name]).current_dir(directory);
    command.env("PATH", std::env::join_paths(directories).context("failed to extend PATH")?);
    Ok(command)
}

/// The paths of all files below a directory of the tree, in order.
fn files(directory: &str) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    let entries = fs::read_dir(workspace::root().join(directory))
        .with_context(|| format!("failed to list {directory}"))?;
    for entry in entries {
        let entry = entry?;
        let path = format!("{directory}/{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_has_its_scripts() {
        for client in ALL {
            let files = files(&format!("{CLIENTS}/{}", client.name)).unwrap();
            for script in ["fetch.sh", "build.sh"] {
                let path = format!("{CLIENTS}/{}/{script}", client.name);
                assert!(files.contains(&path), "{path}");
            }
        }
    }
}
