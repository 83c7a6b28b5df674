//! Metrics, through the facade: without a recorder they cost nothing.

use std::time::Duration;

use exposure_core::Outcome;
use metrics::{Counter, Histogram, counter, histogram};

use crate::account::Reported;

/// What is counted with every request, looked up by name once: a lookup costs as much as the
/// decoding of a small request.
#[derive(Clone)]
pub(crate) struct Meter {
    accepted: Counter,
    duplicate: Counter,
    rejected: Counter,
    commit_seconds: Histogram,
    batch_events: Histogram,
    keys_valid: Counter,
    keys_refused: Counter,
    accounts_kept: Counter,
    accounts_outdated: Counter,
    accounts_ignored: Counter,
}

impl Meter {
    /// With the recorder that is installed by now.
    pub(crate) fn new() -> Self {
        let outcome =
            |outcome: &'static str| counter!("exposure_events_total", "outcome" => outcome);
        let keys =
            |result: &'static str| counter!("exposure_authentications_total", "result" => result);
        let accounts = |outcome: &'static str| counter!("exposure_client_accounts_total", "outcome" => outcome);
        Self {
            accepted: outcome("accepted"),
            duplicate: outcome("duplicate"),
            rejected: outcome("rejected"),
            commit_seconds: histogram!("exposure_commit_seconds"),
            batch_events: histogram!("exposure_batch_events"),
            keys_valid: keys("valid"),
            keys_refused: keys("refused"),
            accounts_kept: accounts("kept"),
            accounts_outdated: accounts("outdated"),
            accounts_ignored: accounts("ignored"),
        }
    }

    /// Counts a batch that was answered.
    pub(crate) fn batch(&self, outcomes: &[Outcome], elapsed: Duration) {
        let (mut accepted, mut duplicates, mut rejected) = (0_u64, 0, 0);
        for outcome in outcomes {
            match outcome {
                Outcome::Accepted { .. } => accepted += 1,
                Outcome::Duplicate { .. } => duplicates += 1,
                Outcome::Rejected(rejection) => {
                    rejected += 1;
                    counter!("exposure_events_rejected_total", "code" => rejection.code.as_str())
                        .increment(1);
                }
            }
        }
        let counts =
            [(&self.accepted, accepted), (&self.duplicate, duplicates), (&self.rejected, rejected)];
        for (counter, n_events) in counts.into_iter().filter(|(_, n_events)| *n_events > 0) {
            counter.increment(n_events);
        }
        self.commit_seconds.record(elapsed.as_secs_f64());
        self.batch_events.record(outcomes.len() as f64);
    }

    /// Counts the account of a client.
    pub(crate) fn account(&self, reported: Reported) {
        let counter = match reported {
            Reported::Kept => &self.accounts_kept,
            Reported::Outdated => &self.accounts_outdated,
            Reported::Ignored => &self.accounts_ignored,
        };
        counter.increment(1);
    }

    /// Counts authentications.
    pub(crate) fn authenticated(&self, is_valid: bool) {
        let counter = if is_valid { &self.keys_valid } else { &self.keys_refused };
        counter.increment(1);
    }
}

/// Counts a call that was refused for want of room.
pub(crate) fn refused(bound: &'static str) {
    metrics::counter!("exposure_refused_total", "bound" => bound).increment(1);
}

/// Follows the number of watches.
pub(crate) fn watches(change: f64) {
    metrics::gauge!("exposure_watches").increment(change);
}

/// Measures a query.
pub(crate) fn query(name: &'static str, elapsed: Duration) {
    metrics::histogram!("exposure_query_seconds", "query" => name).record(elapsed.as_secs_f64());
}
