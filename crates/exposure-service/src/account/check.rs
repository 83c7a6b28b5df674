use std::fmt;

use super::report::{ReportedAccount, ReportedProvider};
use super::{AccountFigures, DropCounts, DropReason, ProviderFigures};

/// Why an account can not be true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nonsense {
    ClientId,
    Lists,
    ProviderName,
    Negative,
    Sum,
    ProviderSum,
}

/// The most characters of a client's id, and of a provider's name.
const NAME_CHARS: usize = 64;
/// The most providers of a client.
const PROVIDERS: usize = 16;
/// The most counts by reason in one list.
const REASONS: usize = 32;

impl ReportedAccount<'_> {
    pub(super) fn check(&self) -> Result<AccountFigures, Nonsense> {
        if !is_name(self.client_id) {
            return Err(Nonsense::ClientId);
        }
        if self.is_cut || PROVIDERS < self.providers.len() {
            return Err(Nonsense::Lists);
        }
        let mut figures = AccountFigures {
            tracked: count(self.tracked)?,
            delivered: count(self.delivered)?,
            deduplicated: count(self.deduplicated)?,
            dropped: drop_counts(&self.dropped)?,
            pending: count(self.pending)?,
            recovered: count(self.recovered)?,
            ..AccountFigures::default()
        };
        let parts = [figures.delivered, figures.deduplicated, figures.pending];
        let is_closed = closes(figures.tracked, &parts, &figures.dropped);
        if !is_closed || figures.tracked < figures.recovered {
            return Err(Nonsense::Sum);
        }
        for provider in &self.providers {
            figures.add_provider(provider.name, &provider.check()?);
        }
        Ok(figures)
    }
}

impl ReportedProvider<'_> {
    fn check(&self) -> Result<ProviderFigures, Nonsense> {
        if !is_name(self.name) {
            return Err(Nonsense::ProviderName);
        }
        let figures = ProviderFigures {
            required: self.required,
            offered: count(self.offered)?,
            delivered: count(self.delivered)?,
            dropped: drop_counts(&self.dropped)?,
            pending: count(self.pending)?,
        };
        let parts = [figures.delivered, figures.pending];
        if closes(figures.offered, &parts, &figures.dropped) {
            Ok(figures)
        } else {
            Err(Nonsense::ProviderSum)
        }
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.chars().nth(NAME_CHARS).is_none()
        && !text.chars().any(char::is_control)
}

fn count(count: i64) -> Result<u64, Nonsense> {
    u64::try_from(count).map_err(|_| Nonsense::Negative)
}

fn drop_counts(reported: &[(DropReason, i64)]) -> Result<DropCounts, Nonsense> {
    if REASONS < reported.len() {
        return Err(Nonsense::Lists);
    }
    let mut counts = DropCounts::default();
    for &(reason, dropped) in reported {
        counts.add(reason, count(dropped)?);
    }
    Ok(counts)
}

/// Each part is less than 2^63, and what was dropped saturates far past every total.
fn closes(total: u64, parts: &[u64], dropped: &DropCounts) -> bool {
    let parts = parts.iter().copied().chain([dropped.total()]);
    u128::from(total) == parts.map(u128::from).sum::<u128>()
}

impl fmt::Display for Nonsense {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ClientId => "`client_id` must have 1 to 64 characters, none of them a control",
            Self::Lists => "it may have up to 16 providers, and up to 32 counts by reason in each list",
            Self::ProviderName => "a provider's `name` must have 1 to 64 characters, none of them a control",
            Self::Negative => "a count is negative",
            Self::Sum => {
                "`tracked_count` must be the sum of delivered, deduplicated, dropped and pending, and at least `recovered_count`"
            }
            Self::ProviderSum => {
                "a provider's `offered_count` must be the sum of delivered, dropped and pending"
            }
        })
    }
}
