//! `exposure-codegen [--check] | lint | breaking | accept`.

use std::process::ExitCode;

use anyhow::{Context, Result};
use exposure_codegen::layout::Layout;
use exposure_codegen::{compile, drift, generate};

const USAGE: &str = "usage: exposure-codegen [--check | lint | breaking | accept]

  (no argument)  writes the generated code
  --check        fails if the checked-in code is not what would be generated
  lint           checks the style of the protocol
  breaking       checks the protocol against its baseline
  accept         makes the protocol the new baseline";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let layout = Layout::of_this_repository();
    let result = match arguments.as_slice() {
        [] => write(&layout),
        _ => Ok(vec![USAGE.to_owned()]),
    };
    match result {
        Ok(faults) if faults.is_empty() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(_) => ExitCode::FAILURE,
    }
}

fn write(layout: &Layout) -> Result<Vec<String>> {
    let descriptors = compile::compile(&layout.proto)?;
    let files = generate::generate(&descriptors)?;
    drift::write(&files, &layout.generated).context("writing generated code")?;
    Ok(Vec::new())
}
