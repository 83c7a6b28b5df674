//! Finding what events touch, in phases: memory is asked for long before it is read, so that the
//! waits for it overlap. Events of a batch land anywhere in the state, and one wait takes longer
//! than all the work on an event.

use exposure_core::{Admitted, Ids, RawId};
use exposure_store::ProjectId;

use super::merge::Numbered;
use super::{Prepared, State};
use crate::keys::ProfileKey;
use crate::prefetch::Ahead;

/// Finds or makes the profiles that events touch, none of which may be cold, and asks for the
/// memory that merging the events will read.
///
/// Call it for some ten events at a time, so that what came is still in the nearest cache.
pub(crate) fn locate<'e>(
    state: &mut State,
    project: ProjectId,
    events: impl Iterator<Item = (&'e Prepared, &'e Admitted<'e>)> + Clone,
) -> Vec<Numbered> {
    let n_events = events.size_hint().0;
    let mut ahead = Ahead::with_capacity(4 * n_events);
    let keys = || events.clone().flat_map(|(keys, _)| std::iter::once(keys.raw).chain(keys.device));
    for key in keys() {
        ahead.add(state.shard(key).index_line(key));
    }
    ahead.ask();
    let mut guesses = Vec::with_capacity(2 * n_events);
    for key in keys() {
        let shard = state.shard(key);
        let guess = shard.guess(key);
        if let Some(slot) = guess.and_then(|number| shard.slot(number)) {
            ahead.add_two(slot);
        }
        guesses.push(guess);
    }
    ahead.ask();
    let mut guesses = guesses.into_iter();
    let mut numbered = Vec::with_capacity(n_events);
    let mut inserts = Vec::with_capacity(n_events);
    for (keys, event) in events {
        let mut number = |key, id| {
            let guess = guesses.next().flatten();
            confirm(state, key, guess).unwrap_or_else(|| state.number(key, project, id))
        };
        let at = Numbered {
            raw: number(keys.raw, event.raw()),
            device: match (keys.device, event.ids) {
                (Some(key), Ids::Both(_, device)) => {
                    Some(number(key, RawId::Device(device.as_str())))
                }
                _ => None,
            },
        };
        if let Some(own) = &keys.own
            && let Some(profile) = state.shard(keys.raw).get(at.raw)
            && let Some(cell) = profile.held_cell(own.flag)
        {
            ahead.add_two(cell);
        }
        if let Some((key, _)) = keys.insert {
            let (owner, number) = insert_owner(keys, at);
            let activity = state.shard(owner).get(number).map_or(0, |profile| profile.activity);
            inserts.push((key, activity));
        }
        numbered.push(at);
    }
    ahead.ask();
    state.window.prefetch(inserts);
    numbered
}

/// The guess, if that profile is of this key.
fn confirm(state: &State, key: ProfileKey, guess: Option<u32>) -> Option<u32> {
    guess.filter(|&number| state.shard(key).get(number).is_some_and(|profile| profile.key == key))
}

/// Whose insert ids these are: the device's, or the user's where there is no device.
pub(crate) fn insert_owner(keys: &Prepared, at: Numbered) -> (ProfileKey, u32) {
    match (keys.device, at.device) {
        (Some(key), Some(number)) => (key, number),
        _ => (keys.raw, at.raw),
    }
}
