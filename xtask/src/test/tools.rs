//! What the set-up steps share: probing tools, fetching them on a bare Debian, and stamps of what was made.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::step;
use crate::workspace;

/// Runs a command with its output visible, and says whether it succeeded; a failure is told, not returned.
pub(super) fn succeeded(command: &mut Command) -> bool {
    step::run(command).inspect_err(|error| println!("{error:#}")).is_ok()
}

/// Whether a command is there and ends with success; silently.
pub(crate) fn is_there(words: &[&str]) -> bool {
    words.split_first().is_some_and(|(program, args)| {
        workspace::output(workspace::command(program).args(args)).is_ok()
    })
}

/// Runs a command as `succeeded` does; a download that failed is tried once more.
pub(super) fn twice(command: &mut Command) -> bool {
    succeeded(command) || succeeded(command)
}

/// Whether something is there, or is once Debian's packages are fetched.
pub(crate) fn ensure(is_there: impl Fn() -> bool, packages: &[&str]) -> bool {
    is_there() || (install(packages) && is_there())
}

/// The path of a program by its name, from the directories of `PATH`.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = workspace::env("PATH")?;
    std::env::split_paths(&path)
        .map(|directory| directory.join(program))
        .find(|file| file.is_file())
}

/// On a bare Debian, as root: fetches packages, which others than root install by themselves.
pub(super) fn install(packages: &[&str]) -> bool {
    let is_root =
        workspace::output(workspace::command("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    is_root && is_there(&["apt-get", "--version"]) && {
        let mut install = workspace::command("apt-get");
        install.args(["install", "--yes", "--no-install-recommends"]).args(packages);
        install.env("DEBIAN_FRONTEND", "noninteractive");
        succeeded(workspace::command("apt-get").arg("update")) && succeeded(&mut install)
    }
}

/// The first two numbers of what a program says its version is: `(1, 22)` of `go version go1.22.3 linux/amd64`.
pub(super) fn version(words: &[&str]) -> Option<(u32, u32)> {
    let (program, args) = words.split_first()?;
    let text = workspace::output(workspace::command(program).args(args)).ok()?;
    first_version(&text)
}

/// Copies the files of a directory, and those below; what else is in the copy stays.
pub(super) fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(to).with_context(|| format!("failed to make {}", to.display()))?;
    for entry in fs::read_dir(from).with_context(|| format!("failed to list {}", from.display()))? {
        let entry = entry?;
        let (source, copied) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy(&source, &copied)?;
        } else {
            fs::copy(&source, &copied)
                .with_context(|| format!("failed to copy {}", source.display()))?;
        }
    }
    Ok(())
}

fn first_version(text: &str) -> Option<(u32, u32)> {
    text.split(|c: char| !(c.is_ascii_digit() || c == '.')).find_map(|word| {
        let mut numbers = word.split('.').map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    })
}

/// A file inside what a step made, which holds what it was made from; written last, so that half of it is no whole.
#[derive(Debug)]
pub(super) struct Stamp {
    path: PathBuf,
    made_from: String,
}

impl Stamp {
    /// The stamp in `directory` of something made from the text of files of the workspace.
    pub(super) fn new(directory: &Path, sources: &[&str]) -> anyhow::Result<Self> {
        let mut made_from = String::new();
        for source in sources {
            let text = fs::read_to_string(workspace::root().join(source));
            made_from += &text.with_context(|| format!("failed to read {source}"))?;
        }
        Ok(Self { path: directory.join("exposure-made-from.txt"), made_from })
    }

    /// Whether what is there was made from these.
    pub(super) fn is_current(&self) -> bool {
        fs::read_to_string(&self.path).is_ok_and(|made_from| made_from == self.made_from)
    }

    /// Says that it was made.
    pub(super) fn write(&self) -> anyhow::Result<()> {
        fs::write(&self.path, &self.made_from)
            .with_context(|| format!("failed to write {}", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_what_programs_say() {
        for (text, version) in [
            ("v20.20.2\n", Some((20, 20))),
            ("go version go1.26.8 linux/amd64", Some((1, 26))),
            ("openjdk 17.0.15 2025-04-15", Some((17, 0))),
            ("Chromium 156.0.8078.79 built on Debian GNU/Linux 12", Some((156, 0))),
            ("command not found", None),
        ] {
            assert_eq!(first_version(text), version, "{text}");
        }
    }

    #[test]
    fn a_stamp_is_current_for_what_it_was_made_from() {
        let directory = std::env::temp_dir().join(format!("xtask-stamp-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let stamp = Stamp::new(&directory, &["Cargo.toml"]).unwrap();
        assert!(!stamp.is_current(), "nothing is made yet");
        stamp.write().unwrap();
        assert!(stamp.is_current());
        assert!(!Stamp::new(&directory, &["clippy.toml"]).unwrap().is_current());
        assert!(Stamp::new(&directory, &["no-such-file"]).is_err());
        fs::remove_dir_all(&directory).unwrap();
    }
}
