//! Merges one event into the profiles it touches: `Max` for registers and last exposures,
//! `Min` for first ones, `AddOnce` for links.

use std::cmp::Ordering;

use exposure_core::{Admitted, Change as CoreChange, Effect, Register, Timestamp, Version};

use super::cell::{Cell, NewVersion, SeenCell};
use super::insert_text::{InsertText, LongTexts};
use super::profile::Profile;
use crate::intern::{TextId, Texts};

/// A write with its texts as numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    pub flag: TextId,
    /// None unsets.
    pub variant: TextId,
    pub run: TextId,
}

/// What merging an event did to the profile it names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Applied {
    pub own: Option<Effect>,
    pub extra: Vec<Effect>,
}

/// An insert id, and how a cell keeps it where that needs no place of its own.
#[derive(Clone, Copy)]
struct InsertId<'a> {
    text: &'a str,
    packed: Option<InsertText>,
}

/// Merges an event into the profile it names.
pub(crate) fn apply_event(
    profile: &mut Profile,
    long: &mut LongTexts,
    texts: &Texts,
    event: &Admitted<'_>,
    packed: Option<InsertText>,
    own: Option<&Change>,
    extra: &[Change],
) -> Applied {
    let insert_id = InsertId { text: event.insert_id.map_or("", |id| id.as_str()), packed };
    let mut applied = Applied::default();
    if let Some(own) = own {
        let folded = event.own_write().is_some()
            && profile.more.as_ref().is_some_and(|more| more.folded.is_some());
        if folded {
            applied.own = Some(merge(profile, long, texts, event, insert_id, own));
        }
        let cell = profile.cell(own.flag);
        if event.own_write().is_some() && !folded {
            let new = new_version(event, own);
            applied.own = Some(merge_cell(cell, long, texts, &new, insert_id));
        }
        if let Some(spilled) = see(cell, own, event.time) {
            see_more(profile, spilled, event.time);
        }
    }
    for change in extra {
        applied.extra.push(merge(profile, long, texts, event, insert_id, change));
    }
    applied
}

const fn new_version(event: &Admitted<'_>, change: &Change) -> NewVersion {
    NewVersion {
        time: event.time,
        sequence: event.sequence,
        variant: change.variant,
        run: change.run,
    }
}

/// Merges a write where registers were folded, as those may be greater than what the cell holds.
fn merge(
    profile: &mut Profile,
    long: &mut LongTexts,
    texts: &Texts,
    event: &Admitted<'_>,
    insert_id: InsertId<'_>,
    change: &Change,
) -> Effect {
    let new = new_version(event, change);
    let folded = folded_leads(profile, long, texts, change.flag).map(|held| {
        let version = version(texts, &new, insert_id.text);
        Effect::judge(Some(&held.version()), &version)
    });
    let judged = merge_cell(profile.cell(change.flag), long, texts, &new, insert_id);
    folded.unwrap_or(judged)
}

/// The register of a folded write, where it is greater than the one in the cell.
fn folded_leads<'p>(
    profile: &'p Profile,
    long: &LongTexts,
    texts: &Texts,
    flag: TextId,
) -> Option<&'p Register> {
    let register = profile.more.as_ref()?.folded.as_ref()?.get(texts.text(flag))?;
    let cell = profile.held_cell(flag).filter(|cell| cell.has_register());
    let leads = cell.is_none_or(|cell| {
        let held = NewVersion {
            time: cell.time,
            sequence: cell.sequence,
            variant: cell.variant,
            run: cell.run(),
        };
        let mut buffer = [0; 36];
        register.version() > version(texts, &held, cell.insert().text(long, &mut buffer))
    });
    leads.then_some(register)
}

fn version<'t>(texts: &'t Texts, new: &NewVersion, insert_id: &'t str) -> Version<'t> {
    let variant = (!new.variant.is_none()).then(|| texts.text(new.variant));
    Version {
        time: new.time,
        sequence: new.sequence,
        change: CoreChange::to_variant(variant),
        experiment_key: texts.text(new.run),
        insert_id,
    }
}

fn merge_cell(
    cell: &mut Cell,
    long: &mut LongTexts,
    texts: &Texts,
    new: &NewVersion,
    insert_id: InsertId<'_>,
) -> Effect {
    let order = if cell.has_register() {
        cell.compare(new, insert_id.text, texts, long)
    } else {
        Ordering::Greater
    };
    match order {
        Ordering::Less => Effect::Stale,
        Ordering::Equal => Effect::Same,
        Ordering::Greater => {
            let before = cell.variant;
            cell.insert().release(long);
            let packed = insert_id.packed;
            cell.put(new, packed.unwrap_or_else(|| InsertText::pack(insert_id.text, long)));
            if before == new.variant {
                Effect::Same
            } else if new.variant.is_none() {
                Effect::Unset
            } else {
                Effect::Set
            }
        }
    }
}

/// Counts an exposure in the cell; `Some` where another one is counted there.
fn see(cell: &mut Cell, change: &Change, time: Timestamp) -> Option<SeenCell> {
    let new = SeenCell {
        flag: change.flag,
        run: change.run,
        variant: change.variant,
        count: 0,
        first: Timestamp::MAX,
        last: Timestamp::MIN,
    };
    match cell.seen() {
        Some(mut held) if held.variant == new.variant && held.run == new.run => {
            held.add(time);
            cell.put_seen(held);
            None
        }
        Some(_) => Some(new),
        None => {
            let mut first = new;
            first.add(time);
            cell.put_seen(first);
            None
        }
    }
}

fn see_more(profile: &mut Profile, new: SeenCell, time: Timestamp) {
    let more = profile.more();
    let same = |held: &&mut SeenCell| {
        held.flag == new.flag && held.variant == new.variant && held.run == new.run
    };
    if let Some(held) = more.seen.iter_mut().find(same) {
        held.add(time);
        return;
    }
    let mut first = new;
    first.add(time);
    more.seen.push(first);
}
