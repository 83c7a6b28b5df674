//! Merges runs: which ones, and how.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use super::Error;
use super::run::Run;
use super::run_writer::RunWriter;

/// Most runs merged at once; each holds a read buffer of half a mebibyte.
const MAX_INPUTS: usize = 16;
/// Runs below this many ids count as one size.
const SMALLEST: usize = 1 << 12;

/// Writes all ids of `inputs` in order.
pub(super) fn merge_into(inputs: &[Arc<Run>], writer: &mut RunWriter<'_>) -> Result<(), Error> {
    let mut readers: Vec<_> = inputs.iter().map(Run::reader).collect();
    let mut heads = BinaryHeap::new();
    for (i, reader) in readers.iter_mut().enumerate() {
        heads.extend(reader.next_id()?.map(|id| Reverse((id, i))));
    }
    while let Some(mut head) = heads.peek_mut() {
        let Reverse((id, i)) = *head;
        writer.push(id)?;
        match readers[i].next_id()? {
            Some(next) => *head = Reverse((next, i)),
            None => {
                std::collections::binary_heap::PeekMut::pop(head);
            }
        }
    }
    Ok(())
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
