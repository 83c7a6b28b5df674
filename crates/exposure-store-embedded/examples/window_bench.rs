//! Measures the `insert_id` window: ns for an id, bytes for an id.
//!
//! `cargo run --release -p exposure-store-embedded --example window_bench -- DIR`
//! DIR is a new directory on the disk to measure. Batches of 1000 keys: prefetched, then decided one by one.
#![expect(clippy::print_stdout, reason = "the figures are what this program is for")]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use exposure_store_embedded::disk::RealDisk;
use exposure_store_embedded::window::{Options, Outcome, UNKNOWN_ACTIVITY, Window};

const BATCH: usize = 1000;
const M: usize = 1 << 20;
const START_US: i64 = 1_790_000_000_000_000;

fn main() -> Result<(), Box<dyn Error>> {
    let dir = std::env::args().nth(1).ok_or("name a directory")?;
    let dir = Path::new(&dir);
    let mut bench = Bench::open(&dir.join("resident"), 4 * M, 16 * M)?;
    bench.add("8M to warm up, tables growing, new owners", 8 * M, 0)?;
    bench.state();
    bench.add("the next 4M, new owners", 4 * M, 0)?;
    bench.add("the next 4M, new owners", 4 * M, 0)?;
    bench.add("1M, owners unknown", M, UNKNOWN_ACTIVITY)?;
    bench.again("duplicates in memory", M)?;
    bench.state();
    let mut bench = Bench::open(&dir.join("runs"), 4 * M, 0)?;
    bench.merges = false;
    for _ in 0..10 {
        bench.add("4M, new owners", 4 * M, 0)?;
    }
    bench.state();
    bench.add("1M, owners unknown, runs not merged", M, UNKNOWN_ACTIVITY)?;
    bench.add("1M, new owners", M, 0)?;
    bench.oldest("duplicates found in files", M / 4)?;
    bench.merges = true;
    bench.settle("merged")?;
    bench.state();
    bench.add("1M, owners unknown, merged", M, UNKNOWN_ACTIVITY)?;
    bench.oldest("duplicates found in files", M / 4)?;
    bench.settle("written")?;
    let start = Instant::now();
    drop(bench);
    let window = Window::open(&dir.join("runs"), Arc::new(RealDisk), Options::default(), START_US)?;
    println!("reopened {} ids in {:?}", window.len(), start.elapsed());
    Ok(())
}

struct Bench {
    window: Window,
    n_added: u64,
    /// Whether background work goes beyond flushes. It is not part of the figures: another thread does it.
    merges: bool,
}

/// Uniform keys, as a keyed hash gives them.
fn key(i: u64) -> u128 {
    let mix = |mut z: u64| {
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    };
    let hi = mix(i.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    (u128::from(hi) << 64) | u128::from(mix(hi ^ i))
}

impl Bench {
    fn open(
        dir: &Path,
        generation_ids: usize,
        resident_max_ids: usize,
    ) -> Result<Self, Box<dyn Error>> {
        let options = Options {
            generation_ids,
            resident_max_ids,
            unflushed_max_ids: 64 * M,
            ..Options::default()
        };
        Ok(Self {
            window: Window::open(dir, Arc::new(RealDisk), options, START_US)?,
            n_added: 0,
            merges: true,
        })
    }

    fn add(&mut self, name: &str, n: usize, activity: u64) -> Result<(), Box<dyn Error>> {
        let first = self.n_added;
        self.n_added += n as u64;
        self.batches(name, first, n, activity, Outcome::New)
    }

    fn again(&mut self, name: &str, n: usize) -> Result<(), Box<dyn Error>> {
        self.batches(
            name,
            self.n_added - n as u64,
            n,
            UNKNOWN_ACTIVITY,
            Outcome::Duplicate { conflict: false },
        )
    }

    fn oldest(&mut self, name: &str, n: usize) -> Result<(), Box<dyn Error>> {
        self.batches(name, 0, n, UNKNOWN_ACTIVITY, Outcome::Duplicate { conflict: false })
    }

    fn batches(
        &mut self,
        name: &str,
        first: u64,
        n: usize,
        activity: u64,
        expected: Outcome,
    ) -> Result<(), Box<dyn Error>> {
        let mut keys = Vec::with_capacity(BATCH);
        let mut n_wrong = 0;
        let mut nanos = Vec::new();
        for batch in (first..first + n as u64).step_by(BATCH) {
            keys.clear();
            keys.extend((batch..(batch + BATCH as u64).min(first + n as u64)).map(key));
            let start = Instant::now();
            for key in &keys {
                self.window.prefetch(*key, activity);
            }
            for key in &keys {
                let mut bits = activity;
                let outcome =
                    self.window.check_and_add(*key, 1, START_US, START_US, batch, &mut bits)?;
                n_wrong += usize::from(outcome != expected);
            }
            nanos.push(start.elapsed().as_nanos() as f64);
            if self.window.needs_flush() {
                self.work()?;
            }
        }
        if n_wrong != 0 {
            return Err(format!("{n_wrong} ids of `{name}` were decided wrong").into());
        }
        nanos.sort_by(f64::total_cmp);
        let mean = nanos.iter().sum::<f64>() / n as f64;
        let median = nanos[nanos.len() / 2] / BATCH as f64;
        let (p999, worst) = (nanos[nanos.len() * 999 / 1000] / 1e6, nanos[nanos.len() - 1] / 1e6);
        println!(
            "{name}: median {median:.1}, mean {mean:.1} ns/id; batches p999 {p999:.2}, worst {worst:.2} ms"
        );
        Ok(())
    }

    fn work(&mut self) -> Result<(), Box<dyn Error>> {
        while self.merges || self.window.needs_flush() {
            let Some(task) = self.window.next_task(START_US) else { break };
            let done = task.run(&mut |_| {});
            self.window.finish(done)?;
        }
        Ok(())
    }

    fn settle(&mut self, name: &str) -> Result<(), Box<dyn Error>> {
        let start = Instant::now();
        self.window.force_freeze(self.n_added);
        self.work()?;
        println!("{name}: {:?}", start.elapsed());
        Ok(())
    }

    fn state(&self) {
        let n = self.window.len();
        let (memory, disk) = (self.window.resident_bytes(), self.window.disk_bytes());
        let per_id = |bytes: u64| bytes as f64 / n as f64;
        println!(
            "  {n} ids: {memory} B memory, {:.1} an id; {disk} B disk, {:.1} an id",
            per_id(memory),
            per_id(disk)
        );
    }
}
