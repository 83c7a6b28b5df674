//! What workers measured, and the report.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Events that were acknowledged, and how long requests took.
#[derive(Clone, Debug)]
pub struct Tally {
    n_events: u64,
    latencies: Histogram<u64>,
}

impl Tally {
    /// Nothing yet.
    pub fn new() -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        // From a microsecond to five minutes, to three digits.
        Ok(Self { n_events: 0, latencies: Histogram::new_with_bounds(1000, 300_000_000_000, 3)? })
    }

    /// A request with `n_events` was answered after `latency`.
    pub fn answered(&mut self, n_events: u64, latency: Duration) {
        self.n_events += n_events;
        self.latencies.saturating_record(latency.as_nanos() as u64);
    }

    /// Takes in what another worker measured.
    pub fn add(&mut self, other: &Self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        self.n_events += other.n_events;
        Ok(self.latencies.add(&other.latencies)?)
    }

    fn quantile_ms(&self, quantile: f64) -> f64 {
        (self.latencies.value_at_quantile(quantile) as f64 / 1000.0).round() / 1000.0
    }
}

/// The report in the members that `exposure load --json` has, on one line.
pub fn report(tally: &Tally, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs_f64();
    serde_json::json!({
        "events": tally.n_events,
        "seconds": (seconds * 1000.0).round() / 1000.0,
        "events_per_s": (tally.n_events as f64 / seconds.max(1e-9)).round(),
        "p50_ms": tally.quantile_ms(0.5),
        "p99_ms": tally.quantile_ms(0.99),
        "max_ms": tally.quantile_ms(1.0),
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tallies_add_up() {
        let (mut one, mut other) = (Tally::new().unwrap(), Tally::new().unwrap());
        one.answered(1000, Duration::from_millis(2));
        other.answered(500, Duration::from_millis(4));
        one.add(&other).unwrap();
        let report: serde_json::Value =
            serde_json::from_str(&report(&one, Duration::from_secs(3))).unwrap();
        assert_eq!((&report["events"], &report["events_per_s"]), (&1500.into(), &500.0.into()));
        assert!(report["max_ms"].as_f64() > report["p50_ms"].as_f64());
    }
}
