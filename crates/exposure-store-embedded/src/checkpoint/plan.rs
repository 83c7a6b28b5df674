//! What of some shards is to be written: all, what changed, or nothing.
//!
//! Changes are written beside what is there, so that what did not change is not copied, until they are about half as
//! much as what they change: then everything is written anew, and what is dead goes.

use std::ops::Range;

use exposure_store::Error;

use super::sections::Held;
use super::write::SHARDS_PER_FILE;
use crate::state::{N_SECTIONS, N_SHARDS, Profile, Shard};
use crate::store::Inner;

/// Sections of a shard past which it is written whole.
const MOST_SECTIONS: usize = N_SECTIONS - 8;

/// Bytes of a profile past which it is not written for room alone.
const LARGE_PROFILE: usize = 16 << 20;

/// What somebody wants of the checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    /// One section of each shard, without anything that is dead.
    Whole,
    /// That the log can be let go of.
    Log,
    /// That profiles can leave memory, soon: writing everything is put off.
    Room {
        /// Commits wait meanwhile before they bring in others, unless everything has to be written.
        hold: bool,
    },
}

/// What is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Extent {
    Whole,
    Changes,
    Nothing,
}

/// What is to be written of shards that share their files.
pub(super) fn plan(
    inner: &Inner,
    shards: &Range<usize>,
    want: Want,
    homes: bool,
) -> Result<Extent, Error> {
    if want == Want::Whole {
        return Ok(Extent::Whole);
    }
    if matches!(want, Want::Room { .. }) {
        // Whoever waits for memory should not wait for a count.
        let held = inner.sections.extent(shards);
        let state = inner.state.lock();
        let mut of_all = shards.clone().map(|number| (number, &state.shards[number]));
        if held.must_be_whole() || of_all.clone().any(|(_, shard)| shard.holds_erased) {
            return Ok(Extent::Whole);
        }
        let any_due = of_all.any(|(number, shard)| {
            let position = inner.sections.position(number);
            shard.hot().any(|(number, profile)| is_due(shard, number, profile, position, homes))
        });
        return Ok(if any_due { Extent::Changes } else { Extent::Nothing });
    }
    let (mut n_due, mut n_profiles, mut must_be_whole) = (0, 0, false);
    for number in shards.clone() {
        let position = inner.sections.position(number);
        let state = inner.state.lock();
        inner.check_intact()?;
        let shard = &state.shards[number];
        let due = shard
            .hot()
            .filter(|&(number, profile)| is_due(shard, number, profile, position, homes));
        n_due += due.count() as u64;
        n_profiles += shard.len() as u64;
        must_be_whole |= shard.holds_erased;
    }
    let held = inner.sections.extent(shards);
    must_be_whole |= held.must_be_whole();
    // As large as others are on the average.
    let due = (held.whole + held.changes) * n_due / n_profiles.max(1);
    let changes = held.changes + due;
    if must_be_whole || changes > bearable(shards, held.whole) {
        Ok(Extent::Whole)
    } else if n_due == 0 {
        Ok(Extent::Nothing)
    } else {
        Ok(Extent::Changes)
    }
}

/// Whether a profile has to be among the changes behind a position; with `homes` also if it did not change, but it is
/// not known where it stands.
pub(super) fn is_due(
    shard: &Shard,
    number: u32,
    profile: &Profile,
    position: u64,
    homes: bool,
) -> bool {
    // What is so large may be beyond what a place can tell, and would be written again and again.
    profile.is_ahead(position)
        || (homes && !shard.has_home(number) && profile.memory() < LARGE_PROFILE)
}

impl Held {
    fn must_be_whole(&self) -> bool {
        self.whole == 0 || self.most_sections >= MOST_SECTIONS
    }
}

/// Whether shards have more changes beside them than is worth keeping.
pub(crate) fn is_worn(inner: &Inner, shards: &Range<usize>) -> bool {
    let held = inner.sections.extent(shards);
    held.changes > bearable(shards, held.whole)
}

/// Bytes of changes that may stand beside a whole: from a quarter to three quarters of it, so that not all shards are
/// written whole at the same time.
fn bearable(shards: &Range<usize>, whole: u64) -> u64 {
    let n_files = N_SHARDS / SHARDS_PER_FILE;
    let spread = (shards.start / SHARDS_PER_FILE * 32 / n_files) as u64;
    whole / 64 * (16 + spread)
}
