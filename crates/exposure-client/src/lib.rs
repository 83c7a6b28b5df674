//! Tracks experiment exposures by itself: never lost in silence, never doubled.
//!
//! An **exposure** says that a user saw a variant of a flag. This crate wraps where variants come
//! from, notices each one that is really used, decides whether that is a new exposure, and hands
//! it to any number of providers, with an account that always closes.
//!
//! ```
//! use std::time::Duration;
//!
//! use exposure_client::provider::MemoryProvider;
//! use exposure_client::{ExposureClient, InMemorySource, User, Variant};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let source = InMemorySource::new();
//! source.set("checkout", Variant::new("treatment"));
//!
//! let received = MemoryProvider::new(); // in earnest: `GrpcProvider`, or several
//! let client = ExposureClient::builder(source).provider(received.clone()).build()?;
//!
//! let user = User::new("user-1").with_device("device-1");
//! for _ in 0..1000 {
//!     client.variant(&user, "checkout"); // gives the variant, and tracks the exposure to it
//! }
//!
//! let report = client.blocking().shutdown(Duration::from_secs(5)); // or `client.shutdown(…).await`
//! assert_eq!(received.exposures().len(), 1);
//! assert_eq!((report.account.delivered, report.account.deduplicated), (1, 999));
//! # Ok(())
//! # }
//! ```
//!
//! # What is tracked
//!
//! [`ExposureClient::variant`] gives a variant and tracks; [`peek`](ExposureClient::peek) does not
//! track; [`exposure`](ExposureClient::exposure) tracks explicitly, and does so too where
//! [automatic tracking is off](ExposureClientBuilder::manual_tracking). [`decide`] says what an
//! evaluation is: a variant *sets*, the default variant or a fallback in its place *unsets*, and an
//! unknown flag or `trackExposure: false` is nothing. Whose exposure it is, is what the [`User`]
//! says at that moment.
//!
//! # What is a repeat
//!
//! An exposure is compared with the one that was *queued last* for the same user, device, flag and
//! run: A, A is one, A, B, A is three. One that is under way suppresses its repeats; if it ends
//! undelivered it is taken back, the next evaluation is an exposure again, and what it suppressed
//! is counted as lost with it. What is remembered is [bounded](ExposureClientBuilder::remembered),
//! and goes least recently used first.
//!
//! # Where exposures come from and go
//!
//! A [`VariantSource`] says who gets what: [`InMemorySource`], [`FileSource`], [`source_fn`], or
//! one of your own. An [`ExposureProvider`](provider::ExposureProvider) takes exposures somewhere;
//! the module [`provider`] tells how to write one, in twenty lines. Each provider has a thread, a
//! bounded queue and a circuit breaker of its own: a dead one slows no other. An exposure is
//! delivered when every [required](ExposureClientBuilder::provider) provider acknowledged it;
//! [best-effort](ExposureClientBuilder::best_effort) ones have no say in it.
//!
//! # What survives
//!
//! In memory, what was not delivered when the program ends is lost, and reported so. With an
//! [`outbox`](ExposureClientBuilder::outbox) on disk it is sent by the next run, also after a
//! crash: exposures are synced before they count as tracked, and each carries an insert id that
//! never changes, so that sending it again has no effect. The outbox may be larger than memory:
//! what the queues have [no room](ExposureClientBuilder::queue_events) for waits on disk alone, and
//! is read back in order. With several required providers it waits until each has room, so that
//! none loses anything; one that may not hold up the others for so long is to be
//! [best-effort](ExposureClientBuilder::best_effort).
//!
//! A key that a provider refuses is no reason to lose anything either: exposures wait until it is
//! put right, and the log warns once, as `key_refused`.
//!
//! # The account
//!
//! `tracked = delivered + deduplicated + dropped + pending`, always: [`Account`]. What is dropped
//! is counted by [`DropReason`], told to [`on_drop`](ExposureClientBuilder::on_drop), and warned of
//! in the log, once for each reason. An exposure server gets it with each batch, and after the last
//! one, and shows the loss of each sender.
//!
//! # What it is not
//!
//! It evaluates no flags, and it blocks no caller: no call but those of [`Blocking`] waits, unless
//! [`write_through`](ExposureClientBuilder::write_through) asks for it.
//!
//! # Features
//!
//! | feature | what |
//! |---|---|
//! | `grpc` (default) | the provider for an exposure server |
//! | `amplitude`, `segment` | the providers for their HTTP interfaces |
//! | `tls` | TLS for these |
//! | `tower` | a layer that tracks for the user of a request |

mod account;
mod client;
mod clock;
mod engine;
mod exposure;
mod flag_keys;
#[cfg(any(feature = "amplitude", feature = "segment"))]
mod http;
mod member;
mod outbox;
pub mod provider;
#[cfg(feature = "tower")]
mod request;
mod source;
mod stamp;
mod tracker;
mod user;
mod variant;

pub use account::{Account, DropCounts, DropReason, Dropped, ProviderAccount};
pub use client::{
    Blocking, BuildError, ExposureClient, ExposureClientBuilder, FlushReport, ShutdownReport,
    Tracked,
};
pub use clock::{Clock, SystemClock};
pub use exposure::{Exposure, ExposureKind, InsertId};
pub use exposure_core::Timestamp;
pub use outbox::OutboxError;
#[cfg(feature = "tower")]
pub use request::{ExposureLayer, ExposureService, RequestExposures};
pub use source::{FileSource, FileSourceError, InMemorySource, VariantSource, source_fn};
pub use tracker::{Decision, decide};
pub use user::User;
pub use variant::{Metadata, MetadataError, Origin, Variant, VariantBuilder};
