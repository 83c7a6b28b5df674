//! Merges registers and exposures, as retention folds them, into a profile.

use std::cmp::Ordering;

use exposure_core::Settled;

use super::cell::{NewVersion, SeenCell};
use super::insert_text::{InsertText, LongTexts};
use super::profile::Profile;
use super::view::profile_state;
use crate::intern::{Full, Interner, TextId, Texts};

/// Gives every text a number, before the locks are taken that [`absorb`] is called under.
pub(crate) fn intern_texts(part: &Settled, interner: &Interner) -> Result<(), Full> {
    for (flag, register) in part.registers.iter() {
        let version = register.version();
        interner.intern(flag)?;
        interner.intern(version.change.variant().unwrap_or(""))?;
        interner.intern(version.experiment_key)?;
    }
    for (key, _) in part.seen.iter() {
        interner.intern(&key.flag)?;
        interner.intern(key.variant.as_deref().unwrap_or(""))?;
        interner.intern(&key.experiment_key)?;
    }
    Ok(())
}

/// Merges a part into the registers and exposures of a profile. Its texts must have numbers.
pub(crate) fn absorb(profile: &mut Profile, long: &mut LongTexts, texts: &Texts, part: &Settled) {
    let number = |text: &str| texts.find(text).unwrap_or(TextId::NONE);
    for (flag, register) in part.registers.iter() {
        let version = register.version();
        let new = NewVersion {
            time: version.time,
            sequence: version.sequence,
            variant: version.change.variant().map_or(TextId::NONE, number),
            run: number(version.experiment_key),
        };
        let cell = profile.cell(number(flag));
        let is_greater = !cell.has_register()
            || cell.compare(&new, version.insert_id, texts, long) == Ordering::Greater;
        if is_greater {
            cell.insert().release(long);
            cell.put(&new, InsertText::pack(version.insert_id, long));
        }
    }
    for (key, seen) in part.seen.iter() {
        let new = SeenCell {
            flag: number(&key.flag),
            run: number(&key.experiment_key),
            variant: key.variant.as_deref().map_or(TextId::NONE, number),
            count: u32::try_from(seen.count).unwrap_or(u32::MAX),
            first: seen.first,
            last: seen.last,
        };
        add_seen(profile, new);
    }
}

fn add_seen(profile: &mut Profile, new: SeenCell) {
    let same = |held: &SeenCell| {
        held.flag == new.flag && held.run == new.run && held.variant == new.variant
    };
    let cell = profile.cell(new.flag);
    match cell.seen() {
        None => cell.put_seen(new),
        Some(held) if same(&held) => cell.put_seen(both(held, new)),
        Some(_) => {
            let more = profile.more();
            match more.seen.iter_mut().find(|held| same(held)) {
                Some(held) => *held = both(*held, new),
                None => more.seen.push(new),
            }
        }
    }
}

fn both(held: SeenCell, new: SeenCell) -> SeenCell {
    SeenCell {
        first: held.first.min(new.first),
        last: held.last.max(new.last),
        count: held.count.saturating_add(new.count),
        ..held
    }
}

/// Takes the registers and exposures out of a profile.
pub(crate) fn empty(profile: &mut Profile, long: &mut LongTexts) {
    profile.cells.iter().for_each(|cell| cell.insert().release(long));
    profile.cells = Box::default();
    profile.flags.clear();
    if let Some(more) = &mut profile.more {
        more.seen.clear();
    }
}

/// The registers and exposures of a profile.
pub(crate) fn settled_of(profile: &Profile, texts: &Texts, long: &LongTexts) -> Settled {
    let state = profile_state(profile, texts, long);
    Settled { registers: state.registers, seen: state.seen }
}
