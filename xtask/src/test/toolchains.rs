//! The toolchains of other languages: found, or fetched on a bare Debian; where one is missing, what is needed.

use super::tools;
use crate::step::Outcome;

/// Oldest versions that run the SDKs and the programs.
const NODE: (u32, u32) = (20, 0);
const GO: (u32, u32) = (1, 22);
const JAVA: (u32, u32) = (17, 0);

/// `node` and `npm`.
pub(super) fn node() -> Result<(), Outcome> {
    let is_there = || {
        tools::version(&["node", "--version"]) >= Some(NODE)
            && tools::is_there(&["npm", "--version"])
    };
    ensure(is_there, &["nodejs", "npm"], "Node.js 20 or newer, with npm (Debian: nodejs, npm)")
}

/// `go`.
pub(super) fn go() -> Result<(), Outcome> {
    let is_there = || tools::version(&["go", "version"]) >= Some(GO);
    ensure(is_there, &["golang-go"], "Go 1.22 or newer (Debian: golang-go)")
}

/// `java`, `javac` and `mvn`.
pub(super) fn java() -> Result<(), Outcome> {
    let is_there = || {
        tools::version(&["javac", "--version"]) >= Some(JAVA)
            && tools::is_there(&["mvn", "--version"])
    };
    let needs = "a JDK 17 or newer, and Maven (Debian: default-jdk-headless, maven)";
    ensure(is_there, &["default-jdk-headless", "maven"], needs)
}

fn ensure(is_there: impl Fn() -> bool, packages: &[&str], needs: &str) -> Result<(), Outcome> {
    if tools::ensure(is_there, packages) { Ok(()) } else { Err(Outcome::NotRun(needs.to_owned())) }
}
