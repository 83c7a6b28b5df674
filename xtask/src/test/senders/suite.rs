//! One suite for each language: set-up, then its tests of `tests/senders`.

use std::path::{Path, PathBuf};

use super::prepare;
use crate::flags::Language;
use crate::step::{Outcome, Steps};
use crate::test::pytest::Pytest;

/// The set-up of a language in a directory of all senders: gives variables of its own.
type Prepare = fn(&Path) -> anyhow::Result<Result<Vec<(&'static str, PathBuf)>, Outcome>>;

/// A suite: a language, which is also the marker of its tests, and its set-up.
#[derive(Debug)]
pub(in crate::test) struct Sender {
    pub(in crate::test) language: Language,
    name: &'static str,
    prepare: Prepare,
}

/// All suites in the order they run.
pub(in crate::test) const ALL: &[Sender] = &[
    Sender { language: Language::Node, name: "node", prepare: prepare::node },
    Sender { language: Language::Browser, name: "browser", prepare: prepare::browser },
    Sender { language: Language::Python, name: "python", prepare: prepare::python },
    Sender { language: Language::Go, name: "go", prepare: prepare::go },
    Sender { language: Language::Java, name: "java", prepare: prepare::java },
    Sender { language: Language::Documented, name: "documented", prepare: |_| Ok(Ok(Vec::new())) },
];

/// Sets up and runs a suite as steps of a task; `ready` is the interpreter of pytest, or what it needs.
pub(in crate::test) fn run(
    steps: &mut Steps,
    sender: &Sender,
    ready: Result<&Path, &'static str>,
    target: &Path,
    binary: &Path,
) {
    let directory = target.join("senders");
    let mut prepared = None;
    steps.step(&format!("senders: {} set-up", sender.name), || {
        Ok(match (sender.prepare)(&directory)? {
            Ok(variables) => {
                prepared = Some(variables);
                Outcome::Passed
            }
            Err(outcome) => outcome,
        })
    });
    steps.step(&format!("senders: {}", sender.name), || match (ready, prepared) {
        (Err(needs), _) => Ok(Outcome::NotRun(needs.to_owned())),
        (_, None) => Ok(Outcome::NotRun("its set-up".to_owned())),
        (Ok(python), Some(mut variables)) => {
            variables.push(("EXPOSURE_BIN", binary.to_path_buf()));
            variables.push(("EXPOSURE_SENDERS", directory));
            Pytest { python, directory: "tests/senders", marked: sender.name, variables }.run()
        }
    });
}
