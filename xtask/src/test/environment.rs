//! A Python environment: made once under the target directory, remade when its requirements change.

use std::path::{Path, PathBuf};

use super::tools::{self, Stamp};
use crate::step::Outcome;
use crate::workspace;

/// What tests/python needs.
pub(super) const TESTS: &str = "tests/python/requirements.txt";

/// Makes the environment where it is not there yet. Gives its interpreter, or what is needed to make one.
pub(super) fn prepare(
    directory: &Path,
    requirements: &str,
) -> anyhow::Result<(Option<PathBuf>, Outcome)> {
    let interpreter = directory.join("bin").join("python");
    let stamp = Stamp::new(directory, &[requirements])?;
    if stamp.is_current()
        && workspace::output(workspace::command(&interpreter).arg("--version")).is_ok()
    {
        println!("{} is up to date", directory.display());
        return Ok((Some(interpreter), Outcome::Passed));
    }
    let made = make(directory) || (tools::install(&["python3", "python3-venv"]) && make(directory));
    if !made {
        return Ok((
            None,
            Outcome::NotRun("python3 with its venv module (Debian: python3-venv)".to_owned()),
        ));
    }
    if !install_requirements(&interpreter, requirements) {
        return Ok((
            None,
            Outcome::NotRun(format!(
                "the packages of {requirements} from PyPI, for Python 3.11 or newer"
            )),
        ));
    }
    stamp.write()?;
    Ok((Some(interpreter), Outcome::Passed))
}

fn make(directory: &Path) -> bool {
    tools::succeeded(workspace::command("python3").args(["-m", "venv", "--clear"]).arg(directory))
}

/// Installs the requirements; a download that failed is tried once more.
fn install_requirements(interpreter: &Path, requirements: &str) -> bool {
    let mut pip = workspace::command(interpreter);
    pip.args([
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--no-input",
        "--quiet",
        "-r",
        requirements,
    ]);
    tools::succeeded(&mut pip) || tools::succeeded(&mut pip)
}
