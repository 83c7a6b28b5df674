use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::client::ClientOptions;
use crate::units::parse_span;

/// What load to generate.
#[derive(Clone, Debug, Args)]
pub(crate) struct Options {
    /// Calls of one batch each, streams of batches, or uploads of an Amplitude SDK over HTTP
    #[arg(long, value_enum, default_value_t = Mode::Unary)]
    pub(super) mode: Mode,
    /// Events of one batch
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub(super) batch: u64,
    /// Calls under way at one moment, or batches under way on each stream; each upload under way
    /// has a connection of its own [default: 8, and 4096 in an open loop]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=4096))]
    pub(super) in_flight: Option<u64>,
    /// Streams
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=1024))]
    pub(super) streams: u64,
    /// Connections that calls or streams are spread over
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=1024))]
    pub(super) connections: u64,
    /// How long; a number alone is seconds
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = duration)]
    pub(super) duration: Duration,
    /// Events a second to aim at, however the server keeps up [default: as many as it takes]
    #[arg(long, value_name = "EV/S")]
    pub(super) rate: Option<u64>,
    /// Send each batch when it is due, whatever became of those before; what is refused is counted,
    /// and not sent again
    #[arg(long, requires = "rate", conflicts_with = "preload")]
    pub(super) open_loop: bool,
    /// Users
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1..=9_999_999_999))]
    pub(super) users: u64,
    /// Flags
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=1500))]
    pub(super) flags: u64,
    /// Draw users by Zipf's law with this exponent, from 0.01 to 0.99, as of what few use much and
    /// many little [default: each as likely as any other]
    #[arg(long, value_name = "THETA", value_parser = exponent, conflicts_with = "preload")]
    pub(super) zipf: Option<f64>,
    /// A file of API keys, one to a line, that calls take in turn; counts are not compared then
    #[arg(long, value_name = "FILE")]
    pub(super) keys: Option<PathBuf>,
    /// Users times flags, in place of the number of users
    #[arg(long, value_name = "N", conflicts_with = "users")]
    pub(super) registers: Option<u64>,
    /// Write every register once, as fast as possible, and end
    #[arg(long)]
    pub(super) preload: bool,
    /// Reads of one user's properties a second, with a thread and a connection of their own
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) read_rate: u64,
    /// Where the server listens for HTTP, for uploads
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:7071")]
    pub(super) http: String,
    /// Do not compare counts: for a server that keeps none
    #[arg(long, hide = true)]
    pub(super) unchecked: bool,
    /// Threads of the generator
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=256))]
    pub(super) threads: u64,
    #[command(flatten)]
    pub(super) client: ClientOptions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Mode {
    /// Calls of one batch each
    Unary,
    /// Streams of batches
    Stream,
    /// Uploads of an Amplitude SDK over HTTP, of events as browsers send them
    Amplitude,
}

impl Options {
    /// Calls, or batches of each stream, under way at one moment.
    pub(super) fn n_in_flight(&self) -> u64 {
        self.in_flight.unwrap_or(if self.open_loop { 4096 } else { 8 })
    }

    /// Users, once the number of registers was asked for.
    pub(super) fn n_users(&self) -> u64 {
        self.registers.map_or(self.users, |registers| registers.div_ceil(self.flags).max(1))
    }
}

fn exponent(text: &str) -> Result<f64, String> {
    let theta = text.parse::<f64>().ok().filter(|theta| (0.01..=0.99).contains(theta));
    theta.ok_or_else(|| "give a number from 0.01 to 0.99".to_owned())
}

fn duration(text: &str) -> Result<Duration, String> {
    match text.parse::<f64>() {
        Ok(seconds) => Duration::try_from_secs_f64(seconds).map_err(|_| "give seconds".to_owned()),
        Err(_) => parse_span(text),
    }
}
