use std::time::Duration;

use exposure_core::Limits;

/// The bounds of the application. Past each of them the answer is an error, never growth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The bounds of a project; a project may ask for fewer or more flags.
    pub limits: Limits,
    /// Events of one request. Default 10,000.
    pub max_batch_events: usize,
    /// Bytes of all requests that are being stored at one moment. Default 256 MiB.
    pub max_in_flight_bytes: usize,
    /// How long a request may take for all that came before it, by the pace of late; one that
    /// would take longer is refused. Default 100 ms.
    pub max_wait: Duration,
    /// What a sender that met these bounds is told to wait. Default 500 ms.
    pub retry_after: Duration,
    /// How far in the future an event may lie, in microseconds. Default ten minutes.
    pub max_future_skew_micros: i64,
    /// Projects of the server. Default 1000.
    pub max_projects: usize,
    /// API keys of the server, revoked ones too. Default 10,000.
    pub max_api_keys: usize,
    /// Clients of a project whose accounts are kept, those that reported last. Default 10,000.
    pub max_reporting_clients: usize,
    /// Change feeds that are watched at one moment. Default 1000.
    pub max_watches: usize,
    /// Queries that read all profiles of a project, running at one moment. Default 4.
    pub max_scans: usize,
    /// Profiles read for one page of a list before it ends early. Default 1,000,000.
    pub max_scanned_profiles: usize,
    /// Users or devices of one batch of reads. Default 1000.
    pub max_batch_reads: usize,
    /// How often an idle watch moves its cursor. Default 10 seconds.
    pub watch_progress: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            max_batch_events: 10_000,
            max_in_flight_bytes: 256 * 1024 * 1024,
            max_wait: Duration::from_millis(100),
            retry_after: Duration::from_millis(500),
            max_future_skew_micros: Limits::MAX_FUTURE_SKEW_MICROS,
            max_projects: 1000,
            max_api_keys: 10_000,
            max_reporting_clients: 10_000,
            max_watches: 1000,
            max_scans: 4,
            max_scanned_profiles: 1_000_000,
            max_batch_reads: 1000,
            watch_progress: Duration::from_secs(10),
        }
    }
}
