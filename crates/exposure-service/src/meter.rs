//! Metrics, through the facade: without a recorder they cost nothing.

use std::time::Duration;

use exposure_core::Outcome;

/// Counts a batch that was answered.
pub(crate) fn batch(outcomes: &[Outcome], elapsed: Duration) {
    let (mut accepted, mut duplicates, mut rejected) = (0_u64, 0, 0);
    for outcome in outcomes {
        match outcome {
            Outcome::Accepted { .. } => accepted += 1,
            Outcome::Duplicate { .. } => duplicates += 1,
            Outcome::Rejected(rejection) => {
                rejected += 1;
                metrics::counter!("exposure_events_rejected_total", "code" => rejection.code.as_str())
                    .increment(1);
            }
        }
    }
    let counter = |outcome: &'static str, n_events: u64| {
        if n_events > 0 {
            metrics::counter!("exposure_events_total", "outcome" => outcome).increment(n_events);
        }
    };
    counter("accepted", accepted);
    counter("duplicate", duplicates);
    counter("rejected", rejected);
    metrics::histogram!("exposure_commit_seconds").record(elapsed.as_secs_f64());
    metrics::histogram!("exposure_batch_events").record(outcomes.len() as f64);
}

/// Counts a call that was refused for want of room.
pub(crate) fn refused(bound: &'static str) {
    metrics::counter!("exposure_refused_total", "bound" => bound).increment(1);
}

/// Counts authentications.
pub(crate) fn authenticated(valid: bool) {
    let result = if valid { "valid" } else { "refused" };
    metrics::counter!("exposure_authentications_total", "result" => result).increment(1);
}

/// Follows the number of watches.
pub(crate) fn watches(change: f64) {
    metrics::gauge!("exposure_watches").increment(change);
}

/// Measures a query.
pub(crate) fn query(name: &'static str, elapsed: Duration) {
    metrics::histogram!("exposure_query_seconds", "query" => name).record(elapsed.as_secs_f64());
}
