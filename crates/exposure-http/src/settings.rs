use std::time::Duration;

use exposure_formats::Options;

/// The bounds of the transport. Past each of them the answer is an error, never growth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Bytes of one body. Default 16 MiB.
    pub max_body_bytes: usize,
    /// Connections open at one moment; one that comes later is told to try again. Default 1024.
    pub max_connections: usize,
    /// Requests that wait for their answer at one moment. Default 1024.
    pub max_requests: usize,
    /// How long a request may take, its body included. Default 30 seconds.
    pub request_timeout: Duration,
    /// How long a client may take to send the head of a request; an idle connection ends after
    /// it too. Default 60 seconds.
    pub head_timeout: Duration,
    /// How long requests may go on after the server was told to stop. Default 20 seconds.
    pub drain_timeout: Duration,
    /// What a client that met a bound is told to wait. Default one second.
    pub retry_after: Duration,
    /// How the bodies of senders are read.
    pub formats: Options,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_body_bytes: 16 * 1024 * 1024,
            max_connections: 1024,
            max_requests: 1024,
            request_timeout: Duration::from_secs(30),
            head_timeout: Duration::from_mins(1),
            drain_timeout: Duration::from_secs(20),
            retry_after: Duration::from_secs(1),
            formats: Options::default(),
        }
    }
}
