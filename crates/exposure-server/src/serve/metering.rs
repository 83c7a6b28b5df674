use exposure_service::Handle;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::failure::{Failure, Result};

/// What the metrics facade is told, as Prometheus reads it.
#[derive(Clone, Debug)]
pub(super) struct Metering {
    recorded: PrometheusHandle,
}

/// Seconds, from one hop within the machine to the patience of a person.
const SECONDS: [f64; 12] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.5, 2.5, 10.0];
const EVENTS: [f64; 6] = [1.0, 10.0, 100.0, 1000.0, 10_000.0, 100_000.0];

impl Metering {
    /// Begins to record for the whole process.
    pub(super) fn start() -> Result<Self> {
        // Buckets take fixed memory; the summaries that would be made without them do not.
        let recorded = PrometheusBuilder::new()
            .set_buckets(&SECONDS)
            .and_then(|builder| {
                builder.set_buckets_for_metric(Matcher::Suffix("_events".to_owned()), &EVENTS)
            })
            .map_err(Failure::failed)?
            .install_recorder()
            .map_err(Failure::failed)?;
        Ok(Self { recorded })
    }

    /// All metrics as text, the store's figures as they are now.
    pub(super) fn render(&self, handle: &Handle) -> String {
        for (name, value) in handle.store_figures() {
            metrics::gauge!(format!("exposure_store_{name}")).set(value as f64);
        }
        for (name, value) in handle.intake_figures() {
            metrics::gauge!(format!("exposure_intake_{name}")).set(value as f64);
        }
        self.recorded.render()
    }

    /// Folds what was recorded; has to be done now and then.
    pub(super) fn fold(&self) {
        self.recorded.run_upkeep();
    }
}
