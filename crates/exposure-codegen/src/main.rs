//! Generates and checks the protocol's code: `exposure-codegen --help` lists how.

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

use anyhow::Result;
use exposure_codegen::layout::Layout;
use exposure_codegen::{baseline, breaking, compile, drift, generate, lint};

const USAGE: &str = "\
usage: exposure-codegen [--check | lint | breaking | accept]

  (no argument)  writes the generated code
  --check        fails if the checked-in code is not what would be generated
  lint           checks the style of the protocol
  breaking       checks the protocol against its baseline
  accept         makes the protocol the new baseline
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let layout = Layout::of_this_repository();
    let result = match arguments.as_slice() {
        [] => write(&layout),
        ["--check"] => check(&layout),
        ["lint"] => check_style(&layout),
        ["breaking"] => check_compatibility(&layout),
        ["accept"] => accept(&layout),
        ["--help" | "-h"] => {
            return finish(std::io::stdout(), &[USAGE], ExitCode::SUCCESS);
        }
        _ => return finish(std::io::stderr(), &[USAGE], ExitCode::from(2)),
    };
    match result {
        Ok(faults) if faults.is_empty() => ExitCode::SUCCESS,
        Ok(faults) => finish(std::io::stderr(), &faults, ExitCode::FAILURE),
        Err(error) => finish(std::io::stderr(), &[format!("error: {error:#}")], ExitCode::FAILURE),
    }
}

/// Prints lines; that nobody reads them changes nothing.
fn finish(mut to: impl Write, lines: &[impl Display], code: ExitCode) -> ExitCode {
    for line in lines {
        if writeln!(to, "{line}").is_err() {
            break;
        }
    }
    code
}

fn lines(faults: Vec<impl Display>) -> Vec<String> {
    faults.into_iter().map(|fault| fault.to_string()).collect()
}

fn write(layout: &Layout) -> Result<Vec<String>> {
    let files = generate::generate(&compile::compile(&layout.proto)?)?;
    drift::write(&files, &layout.generated)?;
    Ok(Vec::new())
}

fn check(layout: &Layout) -> Result<Vec<String>> {
    let files = generate::generate(&compile::compile(&layout.proto)?)?;
    let mut faults = lines(drift::compare(&files, &layout.generated)?);
    if !faults.is_empty() {
        faults.push("run `cargo xtask codegen` and check in what it writes".to_owned());
    }
    Ok(faults)
}

fn check_style(layout: &Layout) -> Result<Vec<String>> {
    Ok(lines(lint::lint(&compile::compile(&layout.proto)?)))
}

fn check_compatibility(layout: &Layout) -> Result<Vec<String>> {
    let before = baseline::read(&layout.baseline)?;
    Ok(lines(breaking::breaking(&before, &compile::compile(&layout.proto)?)))
}

fn accept(layout: &Layout) -> Result<Vec<String>> {
    baseline::accept(compile::compile(&layout.proto)?, &layout.baseline)?;
    Ok(Vec::new())
}
