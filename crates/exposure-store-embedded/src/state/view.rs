//! A profile as the port shows it, and its part of the state hash.

use exposure_core::{
    Change, DeviceLinks, ProfileState, Registers, Seen, SeenKey, SeenTable, Version,
};
use exposure_store::{StateHash, StateHasher, raw_hash, text_hash};

use super::cell::{Cell, SeenCell};
use super::insert_text::LongTexts;
use super::profile::Profile;
use crate::intern::Texts;

/// The profile with its texts.
pub(crate) fn profile_state(profile: &Profile, texts: &Texts, long: &LongTexts) -> ProfileState {
    let mut registers = Registers::default();
    let mut seen = SeenTable::default();
    for cell in &profile.cells {
        if cell.has_register() {
            let mut buffer = [0; 36];
            let insert = cell.insert();
            let variant = (!cell.variant.is_none()).then(|| texts.text(cell.variant));
            let version = Version {
                time: cell.time,
                sequence: cell.sequence,
                change: Change::to_variant(variant),
                experiment_key: texts.text(cell.run()),
                insert_id: insert.text(long, &mut buffer),
            };
            registers.merge(texts.text(cell.flag), &version);
        }
    }
    for cell in seen_cells(profile) {
        let variant = (!cell.variant.is_none()).then(|| texts.text(cell.variant).into());
        let key = SeenKey {
            flag: texts.text(cell.flag).into(),
            experiment_key: texts.text(cell.run).into(),
            variant,
        };
        seen.add(key, times(&cell));
    }
    let more = profile.more.as_deref();
    ProfileState {
        id: profile.owner(),
        registers,
        seen,
        settled: more.and_then(|more| more.settled.as_deref().cloned()).unwrap_or_default(),
        devices: more.map_or_else(Vec::new, |more| more.devices.clone()),
        links: more.map_or(DeviceLinks::None, |more| more.links.clone()),
        erased_until: more.and_then(|more| more.erased_until),
    }
}

/// The sum of the hashes of the profile's records.
pub(crate) fn hash_profile(profile: &Profile, texts: &Texts, long: &LongTexts) -> StateHash {
    let raw = raw_hash(profile.raw());
    let mut sum = StateHash::default();
    for cell in profile.cells.iter().filter(|cell| cell.has_register()) {
        let mut buffer = [0; 36];
        let insert = cell.insert();
        sum.add(StateHasher::register_parts(
            profile.project,
            raw,
            texts.hash(cell.flag),
            cell.time,
            cell.sequence,
            texts.hash(cell.variant),
            text_hash(texts.text(cell.run())),
            text_hash(insert.text(long, &mut buffer)),
        ));
    }
    for seen in seen_cells(profile) {
        sum.add(StateHasher::seen_parts(
            profile.project,
            raw,
            texts.hash(seen.flag),
            text_hash(texts.text(seen.run)),
            texts.hash(seen.variant),
            times(&seen),
        ));
    }
    if let Some(more) = &profile.more {
        sum.add_links(profile.project, &profile.id, &more.links);
        if let Some(settled) = &more.settled {
            sum.add_settled(profile.project, profile.raw(), settled);
        }
    }
    sum
}

fn seen_cells(profile: &Profile) -> impl Iterator<Item = SeenCell> + '_ {
    let more = profile.more.iter().flat_map(|more| more.seen.iter().copied());
    profile.cells.iter().filter_map(Cell::seen).chain(more)
}

fn times(cell: &SeenCell) -> Seen {
    Seen { first: cell.first, last: cell.last, count: u64::from(cell.count) }
}
