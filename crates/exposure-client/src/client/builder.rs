use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use exposure_core::Timestamp;

use super::ExposureClient;
use super::threads::Threads;
use crate::account::Drops;
use crate::engine::{Engine, Room};
use crate::flag_keys::FlagKeys;
use crate::member::{Lane, Pace, QueueBound};
use crate::outbox::{Disk, DiskOutbox, Left, Outbox, OutboxError, OutboxOptions, SystemDisk};
use crate::provider::{Backoff, ExposureProvider};
use crate::stamp::Stamper;
use crate::tracker::{Hasher, Tracker};
use crate::{Clock, Dropped, SystemClock, VariantSource};

/// Puts an [`ExposureClient`] together. [`build`](Self::build) checks it all.
pub struct ExposureClientBuilder {
    source: Arc<dyn VariantSource>,
    providers: Vec<(Box<dyn ExposureProvider>, bool)>,
    is_automatic: bool,
    marks: usize,
    queue: QueueBound,
    pace: Pace,
    backoff: Backoff,
    breaker_threshold: u32,
    on_drop: Option<crate::account::Callback>,
    clock: Arc<dyn Clock>,
    outbox: Option<PathBuf>,
    outbox_bytes: u64,
    is_write_through: bool,
    remembers: bool,
    disk: Arc<dyn Disk>,
}

/// Why a client was not built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Nothing would ever count as delivered.
    #[error("there is no required provider; add one with `provider`")]
    NoRequiredProvider,
    /// There are too many.
    #[error("there are {0} providers; a client has at most {most}", most = Room::MOST)]
    TooManyProviders(usize),
    /// Two have one name, so that the account could not tell them apart.
    #[error("two providers are named `{0}`; give each a name of its own")]
    NameTaken(String),
    /// A setting is outside of its bounds.
    #[error("`{name}` is {value}; it must be {bounds}")]
    OutOfBounds {
        /// The setting.
        name: &'static str,
        /// What it was set to.
        value: String,
        /// What it may be.
        bounds: &'static str,
    },
    /// The outbox on disk did not open.
    #[error("can not open the outbox: {0}")]
    Outbox(#[from] OutboxError),
    /// The system gave no thread, or no random number.
    #[error("can not start: {0}")]
    System(std::io::Error),
}

const MILLI: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_hours(1);
const SIX_DAYS: Duration = Duration::from_hours(6 * 24);

impl ExposureClientBuilder {
    pub(super) fn new(source: Arc<dyn VariantSource>) -> Self {
        Self {
            source,
            providers: Vec::new(),
            is_automatic: true,
            marks: 1_000_000,
            queue: QueueBound { n_events: 100_000, n_bytes: 64 << 20 },
            pace: Pace {
                linger: Duration::from_millis(100),
                attempt_timeout: Duration::from_secs(30),
                max_age: Duration::from_hours(6 * 24),
            },
            backoff: Backoff { first: Duration::from_millis(200), most: Duration::from_mins(1) },
            breaker_threshold: 5,
            on_drop: None,
            clock: Arc::new(SystemClock),
            outbox: None,
            outbox_bytes: 256 << 20,
            is_write_through: false,
            remembers: false,
            disk: Arc::new(SystemDisk),
        }
    }

    /// Adds a provider without whose acknowledgement an exposure is not delivered. At least one.
    #[must_use]
    pub fn provider(mut self, provider: impl ExposureProvider) -> Self {
        self.providers.push((Box::new(provider), true));
        self
    }

    /// Adds a provider that gets what it can: what it loses is in its own account alone.
    #[must_use]
    pub fn best_effort(mut self, provider: impl ExposureProvider) -> Self {
        self.providers.push((Box::new(provider), false));
        self
    }

    /// Turns tracking by [`variant`](ExposureClient::variant) off, which is on by default:
    /// [`exposure`](ExposureClient::exposure) alone tracks then.
    #[must_use]
    pub fn manual_tracking(mut self) -> Self {
        self.is_automatic = false;
        self
    }

    /// How many last exposures are remembered to know repeats by, each about 60 bytes: one for
    /// each user, flag and run. Past it the least recently used ones are forgotten, and would be
    /// sent once more. Default 1 million; from 1 to 100 million.
    #[must_use]
    pub fn remembered(mut self, exposures: usize) -> Self {
        self.marks = exposures;
        self
    }

    /// How many exposures may wait in memory for each provider, under way included; more are
    /// dropped and counted as `queue_full`, or wait in the [`outbox`](Self::outbox) alone where
    /// there is one, until each required provider has room. Default 100,000; at least 1.
    #[must_use]
    pub fn queue_events(mut self, events: usize) -> Self {
        self.queue.n_events = events;
        self
    }

    /// How many bytes of exposures may wait in memory for each provider. Default 64 MiB; at least 1.
    #[must_use]
    pub fn queue_bytes(mut self, bytes: usize) -> Self {
        self.queue.n_bytes = bytes;
        self
    }

    /// Keeps exposures in this directory until every required provider acknowledged them, so that
    /// they survive the end of the program, however it ends. Default: in memory alone.
    ///
    /// An exposure counts as tracked from when it is synced, which is a few milliseconds after the
    /// call, and many at once; [`synced`](ExposureClient::synced) waits for it. The directory is
    /// made if it is not there, and belongs to one client at a time.
    #[must_use]
    pub fn outbox(mut self, directory: impl Into<PathBuf>) -> Self {
        self.outbox = Some(directory.into());
        self
    }

    /// How many bytes the outbox on disk may take; more exposures are dropped and counted as
    /// `outbox_full`. Default 256 MiB; at least 1 MiB.
    #[must_use]
    pub fn outbox_bytes(mut self, bytes: u64) -> Self {
        self.outbox_bytes = bytes;
        self
    }

    /// Makes a call that tracks a new exposure return only when it is synced to the outbox on
    /// disk: for programs that may be stopped right after a call, as serverless ones are. Such a
    /// call blocks for the time of a sync; repeats do not. Needs an [`outbox`](Self::outbox).
    #[must_use]
    pub fn write_through(mut self) -> Self {
        self.is_write_through = true;
        self
    }

    /// Remembers over a clean end of the program what was delivered, so that the next run does not
    /// send it once more: a file beside the outbox, written by a shutdown and taken away when the
    /// client is built. After a crash nothing is remembered but what waits in the outbox. Needs an
    /// [`outbox`](Self::outbox). Default: not.
    #[must_use]
    pub fn remember_over_restarts(mut self) -> Self {
        self.remembers = true;
        self
    }

    /// How long a batch waits to fill. Default 100 ms; at most an hour.
    #[must_use]
    pub fn linger(mut self, linger: Duration) -> Self {
        self.pace.linger = linger;
        self
    }

    /// How long a provider may take over a batch before it is sent again. Default 30 s; from 1 ms
    /// to an hour.
    #[must_use]
    pub fn attempt_timeout(mut self, timeout: Duration) -> Self {
        self.pace.attempt_timeout = timeout;
        self
    }

    /// How long an exposure may wait, over restarts too, before it is dropped as `expired`.
    /// Default 6 days, which is also the most: receivers remember an insert id for 7 days, and a
    /// retry after that would count twice.
    #[must_use]
    pub fn max_age(mut self, age: Duration) -> Self {
        self.pace.max_age = age;
        self
    }

    /// How long to wait after a failure: from `first`, doubled with each further one, to `most`,
    /// and spread at random over the upper half of that. Default 200 ms to 60 s; from 1 ms to an
    /// hour. A longer time that a provider asks for is kept.
    #[must_use]
    pub fn backoff(mut self, first: Duration, most: Duration) -> Self {
        self.backoff = Backoff { first, most };
        self
    }

    /// How many failures in a row open a provider's circuit: from then on one small batch tries
    /// whether it is back, before the rest follows. Default 5; at least 1.
    #[must_use]
    pub fn breaker_threshold(mut self, failures: u32) -> Self {
        self.breaker_threshold = failures;
        self
    }

    /// Called for each exposure that is dropped, on the thread that drops it, which may be the
    /// caller's: it should be quick. Default: none; the log has a warning once for each reason.
    #[must_use]
    pub fn on_drop(mut self, callback: impl Fn(&Dropped<'_>) + Send + Sync + 'static) -> Self {
        self.on_drop = Some(Box::new(callback));
        self
    }

    /// Where times come from. Default: the machine's clock.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Checks the settings and starts the client.
    pub fn build(self) -> Result<ExposureClient, BuildError> {
        self.check()?;
        let random = |error| BuildError::System(std::io::Error::other(error));
        let seed = getrandom::u64().map_err(random)?;
        let client_id = getrandom::u64().map_err(random)?;
        let queue = self.queue;
        let (outbox, writer, left) = match self.outbox {
            None => (Outbox::Memory, None, Left::default()),
            Some(directory) => {
                let (outbox, writer, left) = DiskOutbox::open(OutboxOptions {
                    directory,
                    max_bytes: self.outbox_bytes,
                    is_write_through: self.is_write_through,
                    remembers: self.remembers,
                    held: queue,
                    disk: self.disk,
                })?;
                (Outbox::Disk(outbox), Some(writer), left)
            }
        };
        let Left { exposures: left, n_beyond, last, memory } = left;
        // Under another secret nothing of it would be known again.
        let seed = memory.as_ref().map_or(seed, |memory| memory.seed);
        let lanes = self.providers.into_iter();
        let lanes =
            lanes.map(|(provider, is_required)| Arc::new(Lane::new(provider, is_required, queue)));
        let engine = Arc::new(Engine {
            tracker: Tracker::new(self.marks, writer.is_some()),
            hasher: Hasher::new(seed),
            flag_keys: FlagKeys::default(),
            stamper: Stamper::new(client_id, last.unwrap_or(Timestamp::from_micros(0))),
            clock: self.clock,
            drops: Drops::new(self.on_drop),
            lanes: lanes.collect(),
            outbox,
            client_id,
            is_closed: AtomicBool::new(false),
        });
        for (key, variant) in memory.into_iter().flat_map(|memory| memory.delivered) {
            engine.tracker.remember(key, variant);
        }
        engine.tracker.found(n_beyond);
        for open in left {
            engine.recover(open);
        }
        let threads =
            Threads::start(&engine, self.pace, self.backoff, self.breaker_threshold, writer)
                .map_err(BuildError::System)?;
        Ok(ExposureClient::new(self.source, self.is_automatic, threads))
    }

    /// Writes the outbox to another kind of disk.
    #[cfg(test)]
    pub(crate) fn disk(mut self, disk: impl Disk + 'static) -> Self {
        self.disk = Arc::new(disk);
        self
    }

    fn check(&self) -> Result<(), BuildError> {
        if !self.providers.iter().any(|&(_, is_required)| is_required) {
            return Err(BuildError::NoRequiredProvider);
        }
        if Room::MOST < self.providers.len() {
            return Err(BuildError::TooManyProviders(self.providers.len()));
        }
        let mut names = std::collections::BTreeSet::new();
        for (provider, _) in &self.providers {
            if !names.insert(provider.name()) {
                return Err(BuildError::NameTaken(provider.name().to_owned()));
            }
        }
        let numbers = [
            ("remembered", self.marks, 1, 100_000_000, "from 1 to 100 million"),
            ("queue_events", self.queue.n_events, 1, usize::MAX, "at least 1"),
            ("queue_bytes", self.queue.n_bytes, 1, usize::MAX, "at least 1"),
            ("breaker_threshold", self.breaker_threshold as usize, 1, usize::MAX, "at least 1"),
        ];
        for (name, value, least, most, bounds) in numbers {
            if value < least || most < value {
                return Err(BuildError::OutOfBounds { name, value: value.to_string(), bounds });
            }
        }
        if self.outbox_bytes < 1 << 20 {
            let value = self.outbox_bytes.to_string();
            return Err(BuildError::OutOfBounds {
                name: "outbox_bytes",
                value,
                bounds: "at least 1 MiB",
            });
        }
        let of_outbox =
            [("write_through", self.is_write_through), ("remember_over_restarts", self.remembers)];
        for (name, is_set) in of_outbox {
            if is_set && self.outbox.is_none() {
                let value = "set without an outbox".into();
                return Err(BuildError::OutOfBounds { name, value, bounds: "used with `outbox`" });
            }
        }
        let times = [
            ("linger", self.pace.linger, Duration::ZERO, HOUR, "at most an hour"),
            ("attempt_timeout", self.pace.attempt_timeout, MILLI, HOUR, "from 1 ms to an hour"),
            ("max_age", self.pace.max_age, MILLI, SIX_DAYS, "from 1 ms to 6 days"),
            ("backoff.first", self.backoff.first, MILLI, HOUR, "from 1 ms to an hour"),
            ("backoff.most", self.backoff.most, MILLI, HOUR, "from 1 ms to an hour"),
        ];
        for (name, value, least, most, bounds) in times {
            if value < least || most < value {
                return Err(BuildError::OutOfBounds { name, value: format!("{value:?}"), bounds });
            }
        }
        Ok(())
    }
}

impl fmt::Debug for ExposureClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let providers: Vec<&str> =
            self.providers.iter().map(|(provider, _)| provider.name()).collect();
        f.debug_struct("ExposureClientBuilder")
            .field("providers", &providers)
            .field("is_automatic", &self.is_automatic)
            .field("queue", &self.queue)
            .field("pace", &self.pace)
            .finish_non_exhaustive()
    }
}
