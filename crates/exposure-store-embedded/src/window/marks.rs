use super::Window;
use super::activity::mark;

/// Marks the owners of ids that a replay brings, wherever the ids themselves are added.
///
/// Its clock is that of the commits, which never runs backward. An id stands in the bucket that it shows, or in that
/// of the window at opening if that is later.
#[derive(Clone, Debug)]
pub struct Marks {
    width_us: u64,
    clock_us: u64,
    /// The clock of the window when it was opened. It says where an id is put and nothing of its age: what ran out
    /// must not become young again.
    opened_us: u64,
    /// Of each run found when opening: the greatest position in it, and its bucket; ascending.
    opened_runs: Vec<(u64, u64)>,
}

impl Window {
    /// The marks of a window that was just opened.
    pub fn marks(&self) -> Marks {
        let width_us = self.options.width_us();
        let runs = self.buckets.runs();
        let mut opened_runs: Vec<_> =
            runs.map(|run| (run.span.last_position, run.span.bucket(width_us))).collect();
        opened_runs.sort_unstable();
        Marks { width_us, clock_us: 0, opened_us: self.clock_us(), opened_runs }
    }
}

impl Marks {
    /// Moves the clock on to that of a record.
    pub fn advance(&mut self, now_us: i64) {
        self.clock_us = u64::try_from(now_us).unwrap_or(0).max(self.clock_us);
    }

    /// What the clock shows: the insertion time of the record's id, microseconds since 1970.
    pub const fn clock_us(&self) -> u64 {
        self.clock_us
    }

    /// Marks the owner of an id that is added at the time of the clock. The bitmap must be marked even if the owner's
    /// state is of a later position than the record.
    pub fn mark_added(&self, activity: &mut u64) {
        *activity = mark(*activity, self.clock_us.max(self.opened_us) / self.width_us);
    }

    /// Marks the owner of a record whose id may be in a run already, so that it is looked for there. Before
    /// [`mark_added`](Self::mark_added) of the same record: buckets are marked in their order.
    ///
    /// For owners whose state is of an earlier position than the record: their bitmaps know nothing of it.
    pub fn mark_written(&self, position: u64, activity: &mut u64) {
        // Later positions never stand in earlier buckets, so the first run that reaches this far tells.
        let first = self.opened_runs.partition_point(|(last, _)| *last < position);
        if let Some((_, bucket)) = self.opened_runs.get(first) {
            *activity = mark(*activity, *bucket);
        }
    }
}
