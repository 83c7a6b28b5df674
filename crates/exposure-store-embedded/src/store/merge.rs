//! Merging one record, the same in a commit and in a replay.

use exposure_core::{Admitted, Effects, Limits};
use exposure_store::{Origin, StoredDuplicate};

use super::{Prepared, State};
use crate::frame::Status;
use crate::intern::Texts;
use crate::state::apply_event;

/// What merging a record decided.
#[derive(Clone, Debug, Default)]
pub(crate) struct Merged {
    pub effects: Effects,
    pub links_changed: bool,
    /// The records before it on its profile and its device.
    pub previous: u64,
    pub previous_device: u64,
}

/// Which parts of the state a record is still to be merged into; all of them in a commit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts {
    pub raw: bool,
    pub device: bool,
    pub ledger: bool,
}

impl Parts {
    pub(crate) const ALL: Self = Self { raw: true, device: true, ledger: true };
}

/// The numbers of the profiles a record touches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numbered {
    pub raw: u32,
    pub device: Option<u32>,
}

/// Merges a record whose status is decided.
#[expect(clippy::too_many_arguments, reason = "the parts of one record, of which each is needed")]
pub(crate) fn merge_record(
    state: &mut State,
    texts: &Texts,
    origin: &Origin,
    event: &Admitted<'_>,
    keys: &Prepared,
    at: Numbered,
    position: u64,
    status: Status,
    parts: Parts,
    limits: &Limits,
) -> Merged {
    let mut merged = Merged { previous: u64::MAX, previous_device: u64::MAX, ..Merged::default() };
    if parts.ledger {
        count(state, origin, keys, status);
    }
    if status == Status::Erased {
        return merged;
    }
    if parts.raw {
        let shard = state.shard_mut(keys.raw);
        if let Some((profile, long)) = shard.parts(at.raw) {
            let before = profile.memory();
            merged.previous = std::mem::replace(&mut profile.last, position);
            profile.referenced = true;
            if status == Status::Merged {
                profile.name_again(event.raw().as_str());
                let applied = apply_event(
                    profile,
                    long,
                    texts,
                    event,
                    keys.insert_text,
                    keys.own.as_ref(),
                    &keys.extra,
                );
                for effect in applied.own.into_iter().chain(applied.extra) {
                    merged.effects.push(effect);
                }
            } else {
                profile.more().duplicates.get_or_insert_default().add(
                    limits.duplicates_kept,
                    StoredDuplicate {
                        insert_id: event.insert_id.map_or("", |id| id.as_str()).into(),
                        received: origin.received,
                        flag: event.exposed().map(|(flag, ..)| flag.as_str().into()),
                        conflict: status == Status::Conflict,
                        library: event.library.into(),
                    },
                );
            }
            let after = profile.memory();
            shard.resized(before, after);
        }
    }
    if let (Some(key), Some(number), Some(user)) = (keys.device, at.device, event.ids.user()) {
        if parts.device {
            let shard = state.shard_mut(key);
            if let Some((profile, _)) = shard.parts(number) {
                let before = profile.memory();
                merged.previous_device = std::mem::replace(&mut profile.last, position);
                profile.referenced = true;
                if status == Status::Merged {
                    profile.name_again(event.ids.device().map_or("", |device| device.as_str()));
                    let links = &mut profile.more().links;
                    merged.links_changed =
                        links.add(user.as_str(), event.time, limits.users_per_device);
                }
                let after = profile.memory();
                shard.resized(before, after);
            }
        }
        if parts.raw && status == Status::Merged {
            add_device(state, keys, at.raw, event);
        }
    }
    if parts.ledger && status == Status::Merged {
        for change in keys.own.iter().filter(|_| event.own_write().is_some()).chain(&keys.extra) {
            if !change.variant.is_none() {
                state.ledger.flag(origin.project, change.flag);
            }
        }
    }
    merged
}

fn count(state: &mut State, origin: &Origin, keys: &Prepared, status: Status) {
    let ledger = &mut state.ledger;
    match status {
        Status::Merged => {
            let key = crate::state::UsageKey {
                project: origin.project,
                day: origin.received.day(),
                kind: keys.kind,
                event_type: keys.event_type,
                key: origin.key,
                library: keys.library,
            };
            ledger.count(key, origin.received);
            ledger.events.add(keys.hash);
            ledger.n_events += 1;
        }
        Status::Duplicate | Status::Conflict => {
            let received = Some(origin.received);
            ledger.sender(origin.project, keys.library, received).duplicates += 1;
        }
        // It is counted among the rejects.
        Status::Erased => {}
    }
}

/// Notes a device with its user. Both sides of a link are told, each in its own shard.
fn add_device(state: &mut State, keys: &Prepared, number: u32, event: &Admitted<'_>) {
    let Some(device) = event.ids.device() else { return };
    let shard = state.shard_mut(keys.raw);
    if let Some((profile, _)) = shard.parts(number) {
        let held = profile.more.as_ref().is_some_and(|more| {
            // The latest one is the likeliest.
            more.devices.iter().rev().any(|id| **id == *device.as_str())
        });
        if !held {
            let before = profile.memory();
            profile.more().devices.push(device.as_str().into());
            let after = profile.memory();
            shard.resized(before, after);
        }
    }
}
