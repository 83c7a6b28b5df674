use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use exposure_store_embedded::log::Durability;

use super::bounds;
use super::resolve::Resolved;
use super::value::{Secret, Size, Value};
use crate::failure::Result;

/// One setting: its flag is `--a-b`, its variable `EXPOSURE_A_B`, its key in the file `a_b`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spec {
    /// Its key in the file.
    pub(crate) name: &'static str,
    /// What it is, for the help.
    pub(crate) help: &'static str,
    /// What stands for its value in the help.
    pub(crate) value_name: &'static str,
    /// Its value where nothing gives one; empty is none.
    pub(crate) default: &'static str,
    /// Whether its value must not be shown.
    pub(crate) is_secret: bool,
}

/// One table, so that the flag, the variable, the key, the help and the type never differ.
macro_rules! settings {
    ($($(#[doc = $help:literal])+ $name:ident: $type:ty = $default:literal;)+) => {
        /// What a server is told.
        #[derive(Clone, Debug)]
        pub(crate) struct Settings {
            $($(#[doc = $help])+ pub(crate) $name: $type,)+
        }

        /// All settings, in the order in which they are shown.
        pub(crate) const SPECS: &[Spec] = &[$(Spec {
            name: stringify!($name),
            help: concat!($($help),+),
            value_name: <$type as Value>::NAME,
            default: $default,
            is_secret: <$type as Value>::SECRET,
        }),+];

        impl Settings {
            /// The values of resolved settings.
            pub(crate) fn new(resolved: &Resolved) -> Result<Self> {
                let settings = Self { $($name: resolved.value(stringify!($name), <$type>::parse)?,)+ };
                bounds::check(&settings, resolved)?;
                Ok(settings)
            }
        }
    };
}

settings! {
    /// The data directory; made if it is not there.
    data_dir: PathBuf = "./data";
    /// Where gRPC listens; port 0 takes a free one.
    grpc: SocketAddr = "127.0.0.1:7070";
    /// Where HTTP listens; port 0 takes a free one.
    http: SocketAddr = "127.0.0.1:7071";
    /// The certificate that TLS is served with, and those above it, as PEM; plain text is served beside it.
    tls_cert: Option<PathBuf> = "";
    /// The private key of that certificate, as PEM.
    tls_key: Option<PathBuf> = "";
    /// A key with all scopes of project `default`, beside those that were made.
    api_key: Secret = "";
    /// What is logged to standard error, by level and target.
    log: String = "info";
    /// Threads that serve; 0 is one for each core, at least 2.
    threads: usize = "0";
    /// When an event is acknowledged: fsync, or none.
    durability: Durability = "fsync";
    /// Memory for profiles; the ones not used lately stay on disk.
    memory_limit: Size = "4GiB";
    /// Memory and disk for insert ids together; past it intake is refused.
    dedupe_max_bytes: Size = "64GiB";
    /// How long an insert id is remembered.
    dedupe_window: Duration = "7d";
    /// How long the newest events may wait in the log until they stand in files.
    convert_every: Duration = "10s";
    /// How long stored events are kept, by receive time.
    retention: Duration = "400d";
    /// Bytes a second that background work may write.
    background_rate: Size = "128MiB";
    /// Bytes of log after which a checkpoint begins.
    checkpoint_after: Size = "512MiB";
    /// Bytes of log that the change feed keeps at least.
    feed_keeps: Size = "1GiB";
    /// Bytes of log not yet turned into stored events, past which intake is refused.
    max_unconverted: Size = "16GiB";
    /// Bytes of one request, after decompression.
    max_message_bytes: Size = "16MiB";
    /// Bytes of all requests that are being stored at one moment.
    max_in_flight_bytes: Size = "256MiB";
    /// How long a request may take for all that came before it, by the pace of late; past it intake is refused.
    max_wait: Duration = "100ms";
    /// Events of one request.
    max_batch_events: usize = "10000";
    /// Connections open at one moment, over gRPC and over HTTP each.
    max_connections: usize = "1024";
    /// Calls that wait for their answer at one moment.
    max_calls: usize = "4096";
    /// Ingest streams open at one moment.
    max_streams: usize = "256";
    /// Batches that a stream may have sent without an acknowledgement.
    stream_credit: usize = "32";
    /// Change feeds that are watched at one moment.
    max_watches: usize = "1000";
    /// Clients of a project whose accounts are kept, those that reported last.
    max_reporting_clients: usize = "10000";
    /// Flags that a project may have, unless it has its own bound.
    max_flags: usize = "1500";
    /// Users seen on a device past which it is a shared one.
    max_device_users: usize = "1000";
    /// How far in the future an event may lie.
    max_future_skew: Duration = "10m";
    /// Attributes of an OTLP evaluation that hold the device's id, the likeliest first, by commas.
    otlp_device_attributes: Vec<String> = "device.id,app.device_id";
    /// Attributes of an OTLP evaluation that hold the experiment's key, the likeliest first, by commas.
    otlp_experiment_attributes: Vec<String> = "app.experiment_key";
    /// How long a call may take, where its client sets no deadline.
    call_timeout: Duration = "60s";
    /// How long calls may go on after the server was told to stop.
    drain: Duration = "10s";
}
