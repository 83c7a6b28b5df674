use std::time::Duration;

use exposure_formats::Options;

/// The bounds of the transport. Past each of them the answer is an error, never growth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Bytes of one message, after decompression. Default 16 MiB.
    pub max_message_bytes: usize,
    /// Bytes of all messages that are being received and not whole yet. Default 256 MiB.
    pub max_receiving_bytes: usize,
    /// Property writes over all events of one request. Default 100,000.
    pub max_batch_writes: usize,
    /// Batches that one stream may have sent without an acknowledgement, 1 to 1024. Default 32.
    pub stream_credit: u32,
    /// Ingest streams open at one moment. Default 256.
    pub max_ingest_streams: usize,
    /// How long a stream's client may leave its answers unread. Default 60 seconds.
    pub stream_stall: Duration,
    /// Connections open at one moment; one that comes later is told to try again. Default 1024.
    pub max_connections: usize,
    /// Calls of one connection at one moment; HTTP/2 holds the client to it. Default 256.
    pub max_connection_calls: u32,
    /// Calls of all connections that wait for their answer at one moment. Default 4096.
    pub max_calls: usize,
    /// How long a call may take until its answer begins, where its client sets no shorter
    /// deadline. Default 60 seconds.
    pub call_timeout: Duration,
    /// How long calls may go on after the server was told to stop. Default 20 seconds.
    pub drain_timeout: Duration,
    /// How often an idle connection is asked whether it is still there. Default 30 seconds.
    pub keepalive_interval: Duration,
    /// How long a connection may take to answer that. Default 20 seconds.
    pub keepalive_timeout: Duration,
    /// What one call may send ahead of being read, in bytes. Default 1 MiB.
    pub stream_window_bytes: u32,
    /// What all calls of one connection may send ahead of being read, in bytes. Default 4 MiB.
    pub connection_window_bytes: u32,
    /// What a client that met a bound is told to wait. Default 500 ms.
    pub retry_after: Duration,
    /// How what senders export over OTLP is read.
    pub formats: Options,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_message_bytes: 16 * 1024 * 1024,
            max_receiving_bytes: 256 * 1024 * 1024,
            max_batch_writes: 100_000,
            stream_credit: 32,
            max_ingest_streams: 256,
            stream_stall: Duration::from_mins(1),
            max_connections: 1024,
            max_connection_calls: 256,
            max_calls: 4096,
            call_timeout: Duration::from_mins(1),
            drain_timeout: Duration::from_secs(20),
            keepalive_interval: Duration::from_secs(30),
            keepalive_timeout: Duration::from_secs(20),
            stream_window_bytes: 1024 * 1024,
            connection_window_bytes: 4 * 1024 * 1024,
            retry_after: Duration::from_millis(500),
            formats: Options::default(),
        }
    }
}
