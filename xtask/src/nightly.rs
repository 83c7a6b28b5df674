//! `cargo xtask nightly`: the tests of faults, each as long as it takes to try everything.
//!
//! They are tests of `cargo xtask test` too, there with fewer rounds, fewer seeds, and a stride over operations that are
//! many and alike.

use std::process::{Command, ExitCode};

use crate::flags::Nightly;
use crate::step::Steps;
use crate::workspace;

const SEEDS: u32 = 10_000;
const KILL_ROUNDS: u32 = 2_000;

/// Runs all of them, also after one failed; each prints what it injected.
pub(crate) fn run(options: &Nightly) -> ExitCode {
    let mut steps = Steps::new("nightly");
    let seeds = options.seeds.unwrap_or(SEEDS).to_string();
    let first = options.first_seed.unwrap_or(0).to_string();
    let mut simulation = test("exposure-store-embedded", "simulation", &[]);
    simulation.env("EXPOSURE_SIM_SEEDS", seeds).env("EXPOSURE_SIM_SEED", first);
    steps.command("simulation", &mut simulation);

    let mut every = test("exposure-store-embedded", "store", &["faults", "flips"]);
    steps.command("every operation and byte", every.env("EXPOSURE_FAULT_STRIDE", "1"));

    let rounds = options.kill_rounds.unwrap_or(KILL_ROUNDS).to_string();
    let mut kills = test("exposure-server", "cli", &["crash"]);
    steps.command("kill -9", kills.env("EXPOSURE_KILL_ROUNDS", rounds));
    steps.command("full disk", &mut test("exposure-server", "cli", &["full_disk"]));
    steps.finish()
}

/// Tests of a crate whose names contain one of the filters; what they say stays visible.
fn test(package: &str, target: &str, filters: &[&str]) -> Command {
    let mut command = workspace::cargo(&["test", "--package", package, "--test", target, "--"]);
    command.args(filters).arg("--nocapture");
    command
}
