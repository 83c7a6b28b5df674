//! Merges runs: which ones, and how.

use std::sync::Arc;

use super::Error;
use super::run::Run;
use super::run_writer::RunWriter;
use super::slot::Slot;

/// Most runs merged at once; each holds a read buffer of half a mebibyte.
const MAX_INPUTS: usize = 16;
/// Runs below this many ids count as one size.
const SMALLEST: usize = 1 << 12;

/// Writes all ids of `inputs` in order.
///
/// What the inputs have up to a common key is put one after the other and sorted: the standard sort finds the sorted
/// stretches and merges them without a mispredicted branch for each id, as a heap has.
pub(super) fn merge_into(inputs: &[Arc<Run>], writer: &mut RunWriter<'_>) -> Result<(), Error> {
    let mut readers: Vec<_> = inputs.iter().map(Run::reader).collect();
    let mut stretch: Vec<Slot> = Vec::new();
    loop {
        let mut bound = None;
        for reader in &mut readers {
            let last = reader.piece()?.last().copied();
            bound = bound.into_iter().chain(last).min();
        }
        let Some(bound) = bound else { return Ok(()) };
        stretch.clear();
        for reader in &mut readers {
            stretch.extend_from_slice(reader.take_up_to(&bound));
        }
        stretch.sort();
        stretch.iter().try_for_each(|id| writer.push(*id))?;
    }
}

/// Which runs of a bucket to merge next; fewer than two mean none.
///
/// In a bucket that still fills, `fan_in` of one size are merged into one of the next size, so an id is written a
/// logarithmic number of times. A closed bucket is merged into one run, the smallest first.
pub(super) fn choose(mut runs: Vec<Arc<Run>>, fan_in: usize, closed: bool) -> Vec<Arc<Run>> {
    runs.sort_by_key(|run| (run.n_ids(), run.number()));
    if closed {
        runs.truncate(MAX_INPUTS);
        return runs;
    }
    let tier = |run: &Arc<Run>| (run.n_ids() / SMALLEST).max(1).ilog(fan_in);
    runs.chunk_by(|a, b| tier(a) == tier(b))
        .find(|same| fan_in <= same.len())
        .map(|same| same.iter().take(MAX_INPUTS).map(Arc::clone).collect())
        .unwrap_or_default()
}
