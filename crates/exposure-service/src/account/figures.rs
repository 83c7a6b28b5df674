use std::collections::BTreeMap;

use exposure_core::{Limits, Timestamp};

use super::DropCounts;

/// What became of what was tracked, by one client or by all of a sender's.
///
/// Of one client `tracked = delivered + deduplicated + dropped.total() + pending`; so it is of
/// a sum, as long as no count comes near what 64 bits hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountFigures {
    /// Evaluations that were exposures, new or repeated.
    pub tracked: u64,
    /// Exposures that every required provider acknowledged.
    pub delivered: u64,
    /// Repeats of what was delivered.
    pub deduplicated: u64,
    /// What some required provider will never have.
    pub dropped: DropCounts,
    /// What was under way at the report.
    pub pending: u64,
    /// Those of `tracked` that an earlier run left on disk, and may hold as pending.
    pub recovered: u64,
    /// The parts of the providers, by name.
    pub providers: BTreeMap<Box<str>, ProviderFigures>,
}

/// What became of what one provider was to have: offered = delivered + dropped + pending.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProviderFigures {
    /// Whether any client requires it for delivery.
    pub required: bool,
    /// What it was to have.
    pub offered: u64,
    /// What it acknowledged.
    pub delivered: u64,
    /// What it will never have.
    pub dropped: DropCounts,
    /// What it had not answered for.
    pub pending: u64,
}

/// The last accounts of all clients of one sender library, added up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SenderAccount {
    /// Clients that are added up.
    pub clients: usize,
    /// Clients that were left out for others that reported later.
    pub evicted: u64,
    /// Accounts that were ignored, because they could not be true.
    pub ignored: u64,
    /// When the last account came that was not ignored.
    pub last_report: Option<Timestamp>,
    /// The sums.
    pub figures: AccountFigures,
}

impl AccountFigures {
    /// The share that was lost, 0 to 1: dropped of all that came to an end, 0 where nothing did.
    ///
    /// What is tracked is no base for it: what an earlier run left on disk is tracked twice,
    /// and comes to an end once.
    pub fn loss_share(&self) -> f64 {
        let dropped = self.dropped.total();
        let ended = self.delivered.saturating_add(self.deduplicated).saturating_add(dropped);
        if ended == 0 { 0.0 } else { dropped as f64 / ended as f64 }
    }

    /// Adds another account to this sum.
    pub(super) fn add(&mut self, other: &Self) {
        for (held, count) in [
            (&mut self.tracked, other.tracked),
            (&mut self.delivered, other.delivered),
            (&mut self.deduplicated, other.deduplicated),
            (&mut self.pending, other.pending),
            (&mut self.recovered, other.recovered),
        ] {
            *held = held.saturating_add(count);
        }
        self.dropped.add_all(&other.dropped);
        for (name, part) in &other.providers {
            self.add_provider(name, part);
        }
    }

    pub(super) fn add_provider(&mut self, name: &str, part: &ProviderFigures) {
        if let Some(held) = self.providers.get_mut(name) {
            return held.add(part);
        }
        let is_full = MAX_PROVIDERS <= self.providers.len();
        let name = if is_full { Limits::OTHER } else { name };
        self.providers.entry(name.into()).or_default().add(part);
    }
}

/// Providers that a sum tells apart; what comes later is `(other)`. Clients name them as they
/// like, and each may name others.
const MAX_PROVIDERS: usize = 64;

impl ProviderFigures {
    fn add(&mut self, other: &Self) {
        self.required |= other.required;
        for (held, count) in [
            (&mut self.offered, other.offered),
            (&mut self.delivered, other.delivered),
            (&mut self.pending, other.pending),
        ] {
            *held = held.saturating_add(count);
        }
        self.dropped.add_all(&other.dropped);
    }
}
