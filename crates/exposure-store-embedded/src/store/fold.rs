//! Putting into profiles what retention folds, the same in a step and in a replay.

use exposure_core::{Owner, Settled};

use super::State;
use crate::frame::{Fold, Retirement};
use crate::intern::{Full, Interner, Texts};
use crate::state::{Ledger, absorb, empty, intern_texts};

/// Gives the texts of a fold numbers; needed before it is applied.
pub(crate) fn intern_fold(fold: &Fold, interner: &Interner) -> Result<(), Full> {
    intern_texts(&fold.gained, interner)?;
    if let Some(left) = &fold.left {
        intern_texts(&left.held, interner)?;
        let folded = Settled { registers: left.folded.clone(), ..Settled::default() };
        intern_texts(&folded, interner)?;
    }
    Ok(())
}

/// Applies a fold to its profile, which must be in memory or nowhere.
pub(crate) fn apply_fold(state: &mut State, texts: &Texts, fold: &Fold) {
    let number = state.number(fold.key, fold.project, fold.owner.as_raw());
    let shard = state.shard_mut(fold.key);
    let Some((profile, long)) = shard.parts(number) else { return };
    let before = profile.memory();
    profile.referenced = true;
    profile.unsaved = true;
    profile.name_again(fold.owner.as_raw().as_str());
    match fold.owner {
        Owner::User(_) => absorb(profile, long, texts, &fold.gained),
        Owner::Device(_) => {
            if !fold.gained.is_empty() {
                let settled = profile.more().settled.get_or_insert_default();
                settled.registers.merge_all(&fold.gained.registers);
                settled.seen.add_all(&fold.gained.seen);
            }
        }
    }
    if let Some(left) = &fold.left {
        empty(profile, long);
        absorb(profile, long, texts, &left.held);
        let more = profile.more();
        more.folded_until = left.until;
        if !left.folded.is_empty() {
            more.folded.get_or_insert_default().merge_all(&left.folded);
        }
    }
    let after = profile.memory();
    shard.resized(before, after);
}

/// Takes what is gone out of the counts, and moves the horizon.
pub(crate) fn count_retired(ledger: &mut Ledger, retirement: &Retirement) {
    ledger.events.remove(retirement.removed);
    ledger.n_events = ledger.n_events.saturating_sub(retirement.n_removed);
    ledger.is_retiring = retirement.horizon == 0;
    ledger.retired = ledger.retired.max(retirement.horizon);
    ledger.arrivals.forget(ledger.retired);
}
