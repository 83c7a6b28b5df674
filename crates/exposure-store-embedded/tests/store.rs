//! The embedded store from outside.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "store/archive.rs"]
mod archive;
#[path = "store/basics.rs"]
mod basics;
#[path = "store/erasing.rs"]
mod erasing;
#[path = "store/faults.rs"]
mod faults;
#[path = "store/faults_steps.rs"]
mod faults_steps;
#[path = "store/faults_turns.rs"]
mod faults_turns;
#[path = "store/fixture.rs"]
mod fixture;
#[path = "store/flips.rs"]
mod flips;
#[path = "store/flips_log.rs"]
mod flips_log;
#[path = "store/recovery.rs"]
mod recovery;
#[path = "store/retention.rs"]
mod retention;
#[path = "store/sabotage.rs"]
mod sabotage;
#[path = "store/scans.rs"]
mod scans;
#[path = "store/suite.rs"]
mod suite;
#[path = "store/verify.rs"]
mod verify;
#[path = "store/workload.rs"]
mod workload;
