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
    for (name, n_ids, generation, resident) in [
        ("4M, in the active table", 4 * M, 4 * M, 32 * M),
        ("16M, one table", 16 * M, 16 * M, 32 * M),
    ] {
        let mut bench =
            Bench::open(&dir.join(name.replace([' ', ','], "_")), generation, resident)?;
        bench.add(name, n_ids / 2, 0)?;
        bench.add("  the second half, new owners", n_ids / 2, 0)?;
        bench.again("  again, all duplicates", M)?;
        bench.state();
    }
    let mut bench = Bench::open(&dir.join("runs"), 4 * M, 16 * M)?;
    for _ in 0..10 {
        bench.add("4M new, new owners", 4 * M, 0)?;
        bench.flush("  written as a run")?;
    }
    bench.state();
    bench.add("1M new, owners unknown, 10 runs", M, UNKNOWN_ACTIVITY)?;
    bench.add("1M new, new owners, 10 runs", M, 0)?;
    bench.again("recent duplicates, owners unknown", M)?;
    bench.oldest("duplicates found in files", M / 4)?;
    bench.settle("merged")?;
    bench.state();
    bench.add("1M new, owners unknown, merged", M, UNKNOWN_ACTIVITY)?;
    bench.oldest("duplicates found in files", M / 4)?;
    bench.state();
    bench.settle("")?;
    let start = Instant::now();
    let covered = bench.window.covered_position();
    let dir = dir.join("runs");
    drop(bench);
    let window = Window::open(&dir, Arc::new(RealDisk), Options::default(), START_US)?;
    println!("reopened {} ids, covered {covered}, in {:?}", window.len(), start.elapsed());
    Ok(())
}

struct Bench {
    window: Window,
    n_added: u64,
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
        Ok(Self { window: Window::open(dir, Arc::new(RealDisk), options, START_US)?, n_added: 0 })
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
        let (mut n_wrong, mut worst) = (0, 0);
        let mut nanos = 0;
        for batch in (first..first + n as u64).step_by(BATCH) {
            keys.clear();
            keys.extend((batch..(batch + BATCH as u64).min(first + n as u64)).map(key));
            let start = Instant::now();
            self.window.prefetch(keys.iter().map(|key| (*key, activity)));
            for key in &keys {
                let mut bits = activity;
                let outcome =
                    self.window.check_and_add(*key, 1, START_US, START_US, batch, &mut bits)?;
                n_wrong += usize::from(outcome != expected);
            }
            let took = start.elapsed().as_nanos();
            nanos += took;
            worst = took.max(worst);
        }
        if n_wrong != 0 {
            return Err(format!("{n_wrong} ids of `{name}` were decided wrong").into());
        }
        println!(
            "{name}: {:.1} ns/id, worst batch {:.2} ms",
            nanos as f64 / n as f64,
            worst as f64 / 1e6
        );
        Ok(())
    }

    fn flush(&mut self, name: &str) -> Result<(), Box<dyn Error>> {
        let start = Instant::now();
        let before = self.window.len();
        self.window.force_freeze(self.n_added);
        while self.window.needs_flush() {
            let Some(task) = self.window.next_task(START_US) else { break };
            let done = task.run(&mut |_| {});
            self.window.finish(done)?;
        }
        println!("{name}: {:?} for {before} ids in all", start.elapsed());
        Ok(())
    }

    fn settle(&mut self, name: &str) -> Result<(), Box<dyn Error>> {
        let start = Instant::now();
        while let Some(task) = self.window.next_task(START_US) {
            let done = task.run(&mut |_| {});
            self.window.finish(done)?;
        }
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
