//! The window of insert ids as it grows: what an id costs, in time and in bytes.
//!
//! `window_size DIR MILLIONS…`: DIR is a new directory on the disk to measure; the window is filled to each of these
//! numbers of ids in turn, and one line of JSON is printed for each. Background work is done in between by the same
//! thread, and its time is told apart.
#![expect(clippy::print_stdout, reason = "the figures are what this program is for")]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use exposure_store_embedded::disk::RealDisk;
use exposure_store_embedded::window::{Options, Outcome, UNKNOWN_ACTIVITY, Window};

const BATCH: u64 = 1000;
/// Ids that are probed at each size.
const PROBES: u64 = 1_000_000;
const NOW_US: i64 = 1_790_000_000_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let directory = args.next().ok_or("name a directory, and sizes in millions of ids")?;
    let window =
        Window::open(Path::new(&directory), Arc::new(RealDisk), Options::default(), NOW_US)?;
    let mut bench = Bench { window, n_ids: 0, background: Duration::ZERO };
    for millions in args {
        bench.grow_to(millions.parse::<u64>()? * 1_000_000)?;
    }
    Ok(())
}

struct Bench {
    window: Window,
    n_ids: u64,
    /// What flushes and merges took.
    background: Duration,
}

/// Times of batches.
#[derive(Default)]
struct Times {
    nanos: Vec<f64>,
}

impl Bench {
    fn grow_to(&mut self, n_ids: u64) -> Result<(), Box<dyn Error>> {
        let (from, to) = (self.n_ids, n_ids.max(self.n_ids + PROBES));
        self.background = Duration::ZERO;
        // Owners that are known not to have sent lately need no search; those of the last million may have.
        self.probe(from..to - PROBES, 0, Outcome::New)?;
        let new = self.probe(to - PROBES..to, UNKNOWN_ACTIVITY, Outcome::New)?;
        self.n_ids = to;
        let repeated = Outcome::Duplicate { conflict: false };
        let recent = self.probe(to - PROBES / 4..to, UNKNOWN_ACTIVITY, repeated)?;
        let oldest = self.probe(0..PROBES / 4, UNKNOWN_ACTIVITY, repeated)?;
        let of_ids = |bytes: u64| (bytes as f64 / to as f64 * 10.0).round() / 10.0;
        let added = (to - from) as f64;
        println!(
            r#"{{"ids":{to},"new_ns":{:.0},"new_p999_batch_ms":{:.3},"recent_duplicate_ns":{:.0},"oldest_duplicate_ns":{:.0},"background_ns":{:.0},"resident_bytes_per_id":{},"disk_bytes_per_id":{}}}"#,
            new.mean(),
            new.quantile(0.999) * BATCH as f64 / 1e6,
            recent.mean(),
            oldest.mean(),
            self.background.as_nanos() as f64 / added,
            of_ids(self.window.resident_bytes()),
            of_ids(self.window.disk_bytes()),
        );
        Ok(())
    }

    fn probe(
        &mut self,
        ids: std::ops::Range<u64>,
        activity: u64,
        expected: Outcome,
    ) -> Result<Times, Box<dyn Error>> {
        let (mut keys, mut times, mut n_wrong) = (Vec::new(), Times::default(), 0);
        for first in ids.clone().step_by(BATCH as usize) {
            keys.clear();
            keys.extend((first..(first + BATCH).min(ids.end)).map(key));
            let start = Instant::now();
            // As the store does it: for some events, and then these events.
            for keys in keys.chunks(64) {
                for key in keys {
                    self.window.prefetch(*key, activity);
                }
                for key in keys {
                    let mut bits = activity;
                    let outcome =
                        self.window.check_and_add(*key, 1, NOW_US, NOW_US, first, &mut bits)?;
                    n_wrong += usize::from(outcome != expected);
                }
            }
            times.nanos.push(start.elapsed().as_nanos() as f64 / keys.len() as f64);
            if self.window.needs_flush() {
                self.work()?;
            }
        }
        if n_wrong == 0 {
            Ok(times)
        } else {
            Err(format!("{n_wrong} ids were decided wrong").into())
        }
    }

    fn work(&mut self) -> Result<(), Box<dyn Error>> {
        let start = Instant::now();
        while let Some(task) = self.window.next_task(NOW_US) {
            self.window.finish(task.run(&mut |_| ()))?;
        }
        self.background += start.elapsed();
        Ok(())
    }
}

impl Times {
    fn mean(&self) -> f64 {
        self.nanos.iter().sum::<f64>() / self.nanos.len().max(1) as f64
    }

    fn quantile(&self, quantile: f64) -> f64 {
        let mut sorted = self.nanos.clone();
        sorted.sort_by(f64::total_cmp);
        let at = (sorted.len() as f64 * quantile) as usize;
        sorted.get(at.min(sorted.len().saturating_sub(1))).copied().unwrap_or(0.0)
    }
}

/// Uniform keys, as a keyed hash gives them.
fn key(number: u64) -> u128 {
    let mix = |mut bits: u64| {
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    };
    let high = mix(number.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    (u128::from(high) << 64) | u128::from(mix(high ^ number))
}
