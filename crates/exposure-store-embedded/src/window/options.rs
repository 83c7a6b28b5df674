//! Settings of the window.

use super::Error;

/// Buckets in a window; one more is kept, the one that is running out.
pub(super) const BUCKETS: u64 = 64;

/// Settings of the window, checked when it is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// How long an id is remembered, in microseconds. Default 7 days, at least 64 ms.
    pub window_us: u64,
    /// Ids in a generation before it is frozen and written. Default 4 Mi, 64 to 256 Mi.
    pub generation_ids: usize,
    /// Ids of written generations that stay in memory besides, so that a retry needs no read. Default 8 Mi.
    /// About 34 bytes each.
    pub resident_max_ids: usize,
    /// Ids that may wait to be written before new ones are refused. Default 32 Mi, at least `generation_ids`.
    pub unflushed_max_ids: usize,
    /// Memory and disk together, in bytes; past it new ids are refused. Default 64 GiB.
    /// A merge in progress may use up to as much disk again as its inputs for a while.
    pub dedupe_max_bytes: u64,
    /// Runs of one size that are merged into the next. Default 8, 2 to 16. A bucket's front filter answers for many
    /// runs as fast as for one, and a closed bucket is merged anyway, so merging early gains little.
    pub merge_fan_in: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            window_us: 7 * 24 * 3600 * 1_000_000,
            generation_ids: 4 << 20,
            resident_max_ids: 8 << 20,
            unflushed_max_ids: 32 << 20,
            dedupe_max_bytes: 64 << 30,
            merge_fan_in: 8,
        }
    }
}

impl Options {
    pub(super) fn check(&self) -> Result<(), Error> {
        let wrong = |name, value, must| Err(Error::Setting { name, value, must });
        if !(64_000..=u64::MAX / 4).contains(&self.window_us) {
            return wrong("window_us", self.window_us, "at least 64000");
        }
        if !(64..=256 << 20).contains(&self.generation_ids) {
            return wrong("generation_ids", self.generation_ids as u64, "64 to 268435456");
        }
        if self.unflushed_max_ids < self.generation_ids {
            return wrong(
                "unflushed_max_ids",
                self.unflushed_max_ids as u64,
                "at least generation_ids",
            );
        }
        if !(2..=16).contains(&self.merge_fan_in) {
            return wrong("merge_fan_in", self.merge_fan_in as u64, "2 to 16");
        }
        Ok(())
    }

    /// Width of a bucket in microseconds: rounded up, so that 64 of them never fall short of the window.
    pub(super) fn width_us(&self) -> u64 {
        self.window_us.div_ceil(BUCKETS)
    }

    /// The window in the milliseconds that receive times are compared in, rounded up.
    pub(super) fn reach_ms(&self) -> u64 {
        self.window_us.div_ceil(1000)
    }
}
