//! All checks over the whole tree.

use std::process::ExitCode;

use anyhow::bail;

use super::finding::{Finding, Weight};
use super::source::Source;
use super::tree::{File, Tree};
use super::{adr, expects, layers, length, links, manifest, mod_files, paths, twins};
use crate::workspace;

/// Runs the checks as a task.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    check()?;
    Ok(ExitCode::SUCCESS)
}

/// Prints every finding; an error when one of them is more than a warning.
pub(crate) fn check() -> anyhow::Result<()> {
    let metadata = workspace::metadata()?;
    let tree = Tree::read(&workspace::root())?;
    let mut findings = layers::check(&layers::packages(&metadata)?);
    for file in tree.named("Cargo.toml") {
        findings.extend(manifest::check(&file.path, &file.text));
    }
    for file in tree.with_extension("rs") {
        findings.extend(check_rust(file));
    }
    for file in tree.files() {
        findings.extend(paths::check(file));
    }
    findings.extend(adr::check(&tree));
    findings.extend(links::check(&tree));
    if let (Some(lock), Some(deny)) = (tree.file("Cargo.lock"), tree.file("deny.toml")) {
        findings.extend(twins::check(&lock.text, &deny.text));
    }

    let n_failures = findings.iter().filter(|finding| finding.weight == Weight::Failure).count();
    for finding in &findings {
        println!("{finding}");
    }
    println!(
        "tidy: {} files, {n_failures} failures, {} warnings",
        tree.len(),
        findings.len() - n_failures
    );
    if n_failures > 0 {
        bail!("{n_failures} house rules are broken");
    }
    Ok(())
}

fn check_rust(file: &File) -> Vec<Finding> {
    let source = Source::new(&file.path, &file.text);
    let mut findings = length::check(&source);
    findings.extend(mod_files::check(&source));
    findings.extend(expects::check(&source));
    findings
}
