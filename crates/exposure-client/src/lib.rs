//! Tracks experiment exposures by itself: deduplicated, with an account that closes.

mod account;
mod client;
mod clock;
mod engine;
mod exposure;
#[cfg(feature = "_http")]
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
