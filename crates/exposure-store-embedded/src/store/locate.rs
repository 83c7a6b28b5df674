//! Finding what events touch, in stages: memory is asked for long before it is read, so that the
//! waits for it overlap with the work on other events. Events of a batch land anywhere in the
//! state, and one wait takes longer than all the work on an event.

use std::ops::Range;

use exposure_core::{Admitted, Ids, RawId};
use exposure_store::ProjectId;

use super::merge::Numbered;
use super::{Prepared, State};
use crate::keys::ProfileKey;
use crate::prefetch;

/// Events whose memory is asked for together. Asking waits for the translation of the address, which misses as often
/// as the memory itself does; of those that follow each other closely, several are looked up at the same time.
const GROUP: usize = 8;
/// Room for what waits from one stage to the next: groups in three stages, and the one that is merged.
const RING: usize = 4 * GROUP;

/// Where an event's profile and device most likely are.
type Guesses = [Option<u32>; 2];

/// Takes the events of a frame, in groups, through the stages one behind the other: the line of the index, the slot of
/// the profile, the cell and the lines of the window, and then whoever merges it.
#[derive(Debug)]
pub(crate) struct Stagger {
    project: ProjectId,
    n_events: usize,
    next: usize,
    guesses: [Guesses; RING],
    numbered: [Numbered; RING],
}

impl Stagger {
    pub(crate) fn new(project: ProjectId, n_events: usize) -> Self {
        Self {
            project,
            n_events,
            next: 0,
            guesses: [[None; 2]; RING],
            numbered: [Numbered { raw: 0, device: None }; RING],
        }
    }

    /// The next event to merge, with its profiles found or made, none of which may be cold.
    pub(crate) fn next<'e>(
        &mut self,
        state: &mut State,
        event: impl Fn(usize) -> (&'e Prepared, &'e Admitted<'e>),
    ) -> Option<(usize, Numbered)> {
        let at = self.next;
        if at >= self.n_events {
            return None;
        }
        if at.is_multiple_of(GROUP) {
            for index in self.reached(3) {
                for key in keys(event(index).0) {
                    prefetch::line(state.shard(key).index_line(key));
                }
            }
            for index in self.reached(2) {
                self.guesses[index % RING] = guess(state, event(index).0);
            }
            for index in self.reached(1) {
                let (keys, event) = event(index);
                let guesses = self.guesses[index % RING];
                let numbered = number(state, self.project, keys, event, guesses);
                ask(state, keys, numbered);
                self.numbered[index % RING] = numbered;
            }
        }
        self.next += 1;
        Some((at, self.numbered[at % RING]))
    }

    /// The events that come to a stage now, which is so many groups ahead of merging. To begin with, all up to there.
    fn reached(&self, ahead: usize) -> Range<usize> {
        let begin = if self.next == 0 { 0 } else { self.next + ahead * GROUP };
        begin.min(self.n_events)..(self.next + (ahead + 1) * GROUP).min(self.n_events)
    }
}

fn keys(prepared: &Prepared) -> impl Iterator<Item = ProfileKey> {
    std::iter::once(prepared.raw).chain(prepared.device)
}

/// Guesses by the index alone, and asks for the slots.
fn guess(state: &State, prepared: &Prepared) -> Guesses {
    let guess = |key| {
        let shard = state.shard(key);
        let guess = shard.guess(key);
        if let Some(slot) = guess.and_then(|number| shard.slot(number)) {
            prefetch::value(slot);
        }
        guess
    };
    [guess(prepared.raw), prepared.device.and_then(guess)]
}

/// Finds or makes the profiles of an event.
fn number(
    state: &mut State,
    project: ProjectId,
    keys: &Prepared,
    event: &Admitted<'_>,
    [raw, device]: Guesses,
) -> Numbered {
    let mut number = |key, id, guess| {
        confirm(state, key, guess).unwrap_or_else(|| state.number(key, project, id))
    };
    Numbered {
        raw: number(keys.raw, event.raw(), raw),
        device: match (keys.device, event.ids) {
            (Some(key), Ids::Both(_, id)) => Some(number(key, RawId::Device(id.as_str()), device)),
            _ => None,
        },
    }
}

/// The guess, if that profile is of this key.
fn confirm(state: &State, key: ProfileKey, guess: Option<u32>) -> Option<u32> {
    guess.filter(|&number| state.shard(key).get(number).is_some_and(|profile| profile.key == key))
}

/// Asks for the cell and the lines of the window that merging will read.
fn ask(state: &State, keys: &Prepared, at: Numbered) {
    if let Some(own) = &keys.own
        && let Some(profile) = state.shard(keys.raw).get(at.raw)
        && let Some(cell) = profile.held_cell(own.flag)
    {
        prefetch::value(cell);
    }
    if let Some((key, _)) = keys.insert {
        let (owner, number) = insert_owner(keys, at);
        let activity = state.shard(owner).get(number).map_or(0, |profile| profile.activity);
        state.window.prefetch(key, activity);
    }
}

/// Whose insert ids these are: the device's, or the user's where there is no device.
pub(crate) fn insert_owner(keys: &Prepared, at: Numbered) -> (ProfileKey, u32) {
    match (keys.device, at.device) {
        (Some(key), Some(number)) => (key, number),
        _ => (keys.raw, at.raw),
    }
}
