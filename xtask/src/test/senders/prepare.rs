//! What the sender programs of each language need, made under the target directory; the tree is not written to.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::step::Outcome;
use crate::test::tools::{self, Stamp};
use crate::test::{environment, toolchains};
use crate::workspace;

/// Variables for the tests, or what is needed.
type Prepared = Result<Vec<(&'static str, PathBuf)>, Outcome>;

const SENDERS: &str = "tests/senders";
const PYTHON: &str = "tests/senders/python/requirements.txt";
/// What Debian's and other systems' packages call the browser.
const CHROMIUM: &[&str] = &["chromium", "chromium-browser", "google-chrome"];

/// The programs and their packages of npm side by side, as modules of JavaScript must be.
pub(super) fn node(senders: &Path) -> anyhow::Result<Prepared> {
    if let Err(outcome) = toolchains::node() {
        return Ok(Err(outcome));
    }
    let directory = senders.join("node");
    tools::copy(&workspace::root().join(SENDERS).join("node"), &directory)?;
    let lock = "tests/senders/node/package-lock.json";
    let stamp = Stamp::new(&directory.join("node_modules"), &[lock])?;
    if stamp.is_current() {
        println!("{} is up to date", directory.display());
        return Ok(Ok(Vec::new()));
    }
    let mut npm = workspace::command("npm");
    // No package needs its scripts: what they would build is there for every platform.
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(&directory);
    if !tools::twice(&mut npm) {
        return Ok(needs(&format!("the packages of {lock} from npm")));
    }
    stamp.write()?;
    Ok(Ok(Vec::new()))
}

/// The same packages, and a browser.
pub(super) fn browser(senders: &Path) -> anyhow::Result<Prepared> {
    let found = || CHROMIUM.iter().find_map(|name| tools::find(name));
    let found = found().or_else(|| tools::install(&["chromium"]).then(found).flatten());
    let Some(chromium) = found else {
        return Ok(needs("Chromium (Debian: chromium)"));
    };
    Ok(node(senders)?.map(|_| vec![("EXPOSURE_CHROMIUM", chromium)]))
}

/// An environment of its own: the tests' own stays as small as they need it.
pub(super) fn python(senders: &Path) -> anyhow::Result<Prepared> {
    let (python, outcome) = environment::prepare(&senders.join("python-env"), PYTHON)?;
    Ok(python.map(|_| Vec::new()).ok_or(outcome))
}

/// Built programs.
pub(super) fn go(senders: &Path) -> anyhow::Result<Prepared> {
    if let Err(outcome) = toolchains::go() {
        return Ok(Err(outcome));
    }
    let directory = senders.join("go");
    fs::create_dir_all(&directory).context("failed to make a directory for Go's programs")?;
    let modules = workspace::root().join(SENDERS).join("go");
    let mut download = workspace::command("go");
    download.args(["mod", "download"]).current_dir(&modules);
    if !tools::twice(&mut download) {
        return Ok(needs("the modules of tests/senders/go/go.sum from Go's proxy"));
    }
    let mut build = workspace::command("go");
    build
        .args(["build", "-buildvcs=false", "-o"])
        .arg(&directory)
        .arg("./...")
        .current_dir(modules);
    crate::step::run(&mut build)?;
    Ok(Ok(Vec::new()))
}

/// Jars, and the programs' classes.
pub(super) fn java(senders: &Path) -> anyhow::Result<Prepared> {
    if let Err(outcome) = toolchains::java() {
        return Ok(Err(outcome));
    }
    let pom = "tests/senders/java/pom.xml";
    let directory = senders.join("java");
    let stamp = Stamp::new(&directory, &[pom])?;
    if !stamp.is_current() {
        // Jars of other versions must not stay beside the new ones.
        if directory.exists() {
            fs::remove_dir_all(&directory).context("failed to clear the jars of Java")?;
        }
        let mut maven = workspace::command("mvn");
        maven.args(["--quiet", "--batch-mode", "--file", pom, "dependency:copy-dependencies"]);
        maven.arg(format!("-DoutputDirectory={}", directory.display()));
        if !tools::twice(&mut maven) {
            return Ok(needs(&format!("the artifacts of {pom} from Maven Central")));
        }
        stamp.write()?;
    }
    let mut compile = workspace::command("javac");
    compile.arg("-cp").arg(directory.join("*")).arg("-d").arg(directory.join("classes"));
    let programs = workspace::root().join(SENDERS).join("java");
    let entries = fs::read_dir(programs).context("failed to list the programs of Java")?;
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "java") {
            compile.arg(path);
        }
    }
    crate::step::run(&mut compile)?;
    Ok(Ok(Vec::new()))
}

fn needs(what: &str) -> Prepared {
    Err(Outcome::NotRun(what.to_owned()))
}
