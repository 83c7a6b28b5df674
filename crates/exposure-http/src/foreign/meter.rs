use std::fmt;

use exposure_core::Outcome;
use metrics::{Counter, counter};

/// Counts the events of requests by what they speak. Counters are looked up once, because a
/// lookup costs as much as the reading of a small request.
pub(crate) struct ProtocolMeter([(&'static str, [Counter; 3]); 5]);

/// As `Protocol::name` gives them.
const NAMES: [&str; 5] = ["amplitude", "growthbook", "otlp", "posthog", "segment"];

impl ProtocolMeter {
    /// With the recorder that is installed by now.
    pub(crate) fn new() -> Self {
        Self(NAMES.map(|name| {
            let outcomes = ["accepted", "duplicate", "rejected"];
            let counters = outcomes.map(|outcome| {
                counter!("exposure_protocol_events_total", "protocol" => name, "outcome" => outcome)
            });
            (name, counters)
        }))
    }

    /// Counts the events of a request that was answered.
    pub(crate) fn answered(&self, protocol: &str, outcomes: &[Outcome]) {
        let Some((_, counters)) = self.0.iter().find(|(name, _)| *name == protocol) else {
            return;
        };
        let mut counts = [0_u64; 3];
        for outcome in outcomes {
            let [accepted, duplicate, rejected] = &mut counts;
            let count = match outcome {
                Outcome::Accepted { .. } => accepted,
                Outcome::Duplicate { .. } => duplicate,
                Outcome::Rejected(_) => rejected,
            };
            *count += 1;
        }
        for (counter, n_events) in counters.iter().zip(counts) {
            if n_events > 0 {
                counter.increment(n_events);
            }
        }
    }
}

impl fmt::Debug for ProtocolMeter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProtocolMeter").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use exposure_core::Timestamp;
    use exposure_formats::{PATHS, Protocol, Request};

    use super::*;

    #[test]
    fn every_protocol_is_counted() {
        let mut found = Vec::new();
        for &path in PATHS {
            for body in [&b"{\"batch\": []}"[..], b"{\"events\": []}", b"[]"] {
                let request = Request {
                    method: "POST",
                    path,
                    query: if path.starts_with("/track") { "client_key=k" } else { "" },
                    headers: &(),
                    body,
                    received: Timestamp::EARLIEST_EVENT,
                };
                found.extend(Protocol::of(&request).map(Protocol::name));
            }
        }
        found.sort_unstable();
        found.dedup();
        assert_eq!(found, NAMES);
    }
}
