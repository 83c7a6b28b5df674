//! The Python environment of the tests: made once under the target directory, remade when the requirements change.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;

use crate::step::{self, Outcome};
use crate::workspace;

const REQUIREMENTS: &str = "tests/python/requirements.txt";
/// Holds, inside the environment, the requirements it was made from; written last.
const STAMP: &str = "exposure-requirements.txt";

/// Makes the environment where it is not there yet. Gives its interpreter, or what is needed to make one.
pub(crate) fn prepare(target: &Path) -> anyhow::Result<(Option<PathBuf>, Outcome)> {
    let directory = target.join("python-env");
    let interpreter = directory.join("bin").join("python");
    let wanted = fs::read_to_string(workspace::root().join(REQUIREMENTS))
        .with_context(|| format!("failed to read {REQUIREMENTS}"))?;
    if is_current(&directory, &wanted)
        && workspace::output(workspace::command(&interpreter).arg("--version")).is_ok()
    {
        println!("{} is up to date", directory.display());
        return Ok((Some(interpreter), Outcome::Passed));
    }
    let made = make(&directory) || (install_python() && make(&directory));
    if !made {
        return Ok((
            None,
            Outcome::NotRun("python3 with its venv module (Debian: python3-venv)".to_owned()),
        ));
    }
    if !install_requirements(&interpreter) {
        return Ok((
            None,
            Outcome::NotRun(format!(
                "the packages of {REQUIREMENTS} from PyPI, for Python 3.11 or newer"
            )),
        ));
    }
    fs::write(directory.join(STAMP), wanted)
        .context("failed to write into the python environment")?;
    Ok((Some(interpreter), Outcome::Passed))
}

fn is_current(directory: &Path, wanted: &str) -> bool {
    fs::read_to_string(directory.join(STAMP)).is_ok_and(|made_from| made_from == wanted)
}

fn make(directory: &Path) -> bool {
    succeeded(workspace::command("python3").args(["-m", "venv", "--clear"]).arg(directory))
}

/// Installs the requirements; a download that failed is tried once more.
fn install_requirements(interpreter: &Path) -> bool {
    let mut pip = workspace::command(interpreter);
    pip.args([
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--no-input",
        "--quiet",
        "-r",
        REQUIREMENTS,
    ]);
    succeeded(&mut pip) || succeeded(&mut pip)
}

/// On a bare Debian, as root: fetches Python and its venv module. Elsewhere it is the user's to install.
fn install_python() -> bool {
    let is_root =
        workspace::output(workspace::command("id").arg("-u")).is_ok_and(|id| id.trim() == "0");
    let has_apt = workspace::output(workspace::command("apt-get").arg("--version")).is_ok();
    is_root && has_apt && {
        let mut install = workspace::command("apt-get");
        install.args(["install", "--yes", "--no-install-recommends", "python3", "python3-venv"]);
        install.env("DEBIAN_FRONTEND", "noninteractive");
        succeeded(workspace::command("apt-get").arg("update")) && succeeded(&mut install)
    }
}

fn succeeded(command: &mut Command) -> bool {
    step::run(command).inspect_err(|error| println!("{error:#}")).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_environment_is_current_for_the_requirements_it_was_made_from() {
        let directory =
            std::env::temp_dir().join(format!("xtask-environment-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        assert!(!is_current(&directory, "pytest==1"), "no stamp yet");
        fs::write(directory.join(STAMP), "pytest==1").unwrap();
        assert!(is_current(&directory, "pytest==1"));
        assert!(!is_current(&directory, "pytest==2"));
        fs::remove_dir_all(&directory).unwrap();
    }
}
