//! Coming up to profiles one at a time, in stages, as [`locate`](super::locate) does for the events of a commit: memory
//! is asked for long before it is read.

use exposure_core::RawId;
use exposure_store::ProjectId;

use super::{Prepared, State};
use crate::keys::ProfileKey;
use crate::prefetch;

/// How many profiles a profile's stages are apart.
const LAG: usize = 8;
const RING: usize = 2 * LAG;

/// A profile that a record touches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Touch {
    pub key: ProfileKey,
    /// The index of the record.
    pub record: usize,
    /// It is the record's device, and the record names a user too.
    pub is_device: bool,
}

/// Takes the profiles through the stages one behind the other: the line of the index, the slot of the profile, the
/// cell, and then whoever merges into it.
#[derive(Debug)]
pub(crate) struct Approach {
    project: ProjectId,
    n_touches: usize,
    lag: usize,
    step: usize,
    guesses: [Option<u32>; RING],
    numbers: [u32; RING],
}

impl Approach {
    pub(crate) fn new(project: ProjectId, n_touches: usize) -> Self {
        let lag = LAG.min(n_touches);
        Self { project, n_touches, lag, step: 0, guesses: [None; RING], numbers: [0; RING] }
    }

    /// The next profile, found or made, which must not be cold, and its number.
    pub(crate) fn next<'e>(
        &mut self,
        state: &mut State,
        touch: impl Fn(usize) -> (&'e Touch, RawId<'e>, &'e Prepared),
    ) -> Option<(usize, u32)> {
        loop {
            let step = self.step;
            self.step += 1;
            if step < self.n_touches {
                let key = touch(step).0.key;
                prefetch::line(state.shard(key).index_line(key));
            }
            if let Some(at) = self.behind(step, 1) {
                let key = touch(at).0.key;
                let shard = state.shard(key);
                let guess = shard.guess(key);
                if let Some(slot) = guess.and_then(|number| shard.slot(number)) {
                    prefetch::value(slot);
                }
                self.guesses[at % RING] = guess;
            }
            if let Some(at) = self.behind(step, 2) {
                let (touch, id, keys) = touch(at);
                let key = touch.key;
                let held = |number: &u32| {
                    state.shard(key).get(*number).is_some_and(|profile| profile.key == key)
                };
                let number = match self.guesses[at % RING].filter(held) {
                    Some(number) => number,
                    None => state.number(key, self.project, id),
                };
                if !touch.is_device
                    && let Some(own) = &keys.own
                    && let Some(profile) = state.shard(key).get(number)
                    && let Some(cell) = profile.held_cell(own.flag)
                {
                    prefetch::value(cell);
                }
                self.numbers[at % RING] = number;
            }
            if let Some(at) = self.behind(step, 3) {
                return Some((at, self.numbers[at % RING]));
            }
            if step >= self.n_touches + 3 * self.lag {
                return None;
            }
        }
    }

    /// The profile that is in a stage at this step, if one is.
    fn behind(&self, step: usize, stage: usize) -> Option<usize> {
        step.checked_sub(stage * self.lag).filter(|at| *at < self.n_touches)
    }
}
