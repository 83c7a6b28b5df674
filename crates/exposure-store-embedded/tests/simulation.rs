//! The store over a fake disk and a fake clock: a seed makes a run, and nothing else does.
//!
//! `EXPOSURE_SIM_SEEDS=n` tries n seeds, `EXPOSURE_SIM_SEED=s` begins at s: with both, `n` of 1 repeats a failure.
//! `EXPOSURE_SIM_TRACE=1` tells each step.
#![expect(clippy::panic, clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "simulation/disk.rs"]
mod disk;
#[path = "simulation/events.rs"]
mod events;
#[path = "simulation/feed.rs"]
mod feed;
#[path = "simulation/oracle.rs"]
mod oracle;
#[path = "simulation/run.rs"]
mod run;
#[path = "simulation/steps.rs"]
mod steps;
#[path = "simulation/tally.rs"]
mod tally;

use std::io::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use parking_lot::Mutex;

use run::Run;
use tally::Tally;

/// Seeds of a test run; the nightly form has 10,000.
const SEEDS: u64 = 100;

fn setting(name: &str) -> Option<u64> {
    #[expect(clippy::disallowed_methods, reason = "a setting of the test, for a longer run")]
    let set = std::env::var(name);
    set.ok().map(|text| text.parse().unwrap())
}

/// Tells whoever runs the tests, also where they pass.
fn say(what: &str) {
    // `eprintln` would be kept from who sees only what fails.
    std::io::stderr().write_all(format!("{what}\n").as_bytes()).unwrap();
}

/// Names the seed when a run ends by a panic, and ends the others.
struct Guard<'n> {
    seed: u64,
    next: &'n AtomicU64,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.next.store(u64::MAX / 2, Ordering::Relaxed);
            say(&format!(
                "seed {seed} failed; run it alone with EXPOSURE_SIM_SEED={seed} EXPOSURE_SIM_SEEDS=1 \
                 cargo test -p exposure-store-embedded --test simulation seeds_hold",
                seed = self.seed
            ));
        }
    }
}

#[test]
fn seeds_hold() {
    let first = setting("EXPOSURE_SIM_SEED").unwrap_or(0);
    let n_seeds = setting("EXPOSURE_SIM_SEEDS").unwrap_or(SEEDS);
    let began = Instant::now();
    let (next, total) = (AtomicU64::new(first), Mutex::new(Tally::default()));
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if first + n_seeds <= seed {
                        return;
                    }
                    let _guard = Guard { seed, next: &next };
                    let report = Run::of_seed(seed);
                    total.lock().add(&report.tally);
                }
            });
        }
    });
    let total = total.into_inner();
    say(&format!("simulation: {n_seeds} seeds in {:.1?}: {total}", began.elapsed()));
    if SEEDS <= n_seeds {
        total.assert_nothing_is_zero(&tally::COMMON);
    }
    if 10 * SEEDS <= n_seeds {
        total.assert_nothing_is_zero(&tally::RARE);
    }
}

#[test]
fn one_seed_is_one_trace() {
    for seed in [1, 2, 3, 4, 5, 6, 7, 8] {
        let (one, other) = (Run::of_seed(seed).trace, Run::of_seed(seed).trace);
        let differs = one.iter().zip(&other).position(|(one, other)| one != other);
        if let Some(at) = differs {
            panic!("seed {seed} differs in step {at}: {} and {}", one[at], other[at]);
        }
        assert_eq!(one.len(), other.len());
        assert!(one.len() > 20, "{one:?}");
    }
    assert_ne!(Run::of_seed(1).trace, Run::of_seed(2).trace);
}
