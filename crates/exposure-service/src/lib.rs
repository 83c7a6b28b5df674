//! The application: intake, queries, change feed, usage, explain.
//!
//! Everything goes through a [`Handle`]: cheap to clone, safe to share, and free of any
//! runtime. It knows no transport and no particular store; time and randomness are injected
//! through [`Clock`] and [`Entropy`].
//!
//! A transport authenticates once ([`Handle::authenticate`] gives a [`Caller`]), asks the
//! caller for the scope that its method needs ([`Caller::require`]), and passes the caller
//! on: what a caller can see is its own project and nothing else.

mod account;
mod admin;
mod auth;
mod clock;
mod error;
mod handle;
mod intake;
mod meter;
mod ownership;
mod page;
mod project;
mod query;
mod settings;
mod watch;

pub use account::{
    AccountFigures, DropCounts, DropReason, ProviderFigures, ReportedAccount, ReportedProvider,
    SenderAccount,
};
pub use admin::{
    Erasure, ProjectInfo, ProjectSettings, RejectFilter, RejectedEvent, Sender, SenderFigures,
    ServerInfo,
};
pub use auth::{ApiKey, Caller, NewApiKey, NewProject, Scope, Scopes};
pub use clock::{Clock, Entropy};
pub use error::{Result, ServiceError};
pub use handle::{Bootstrap, Handle};
pub use intake::{Arrival, Beginning, IngestRequest, Prepared, Receipt, Refused};
pub use page::{Listing, Page, Position};
pub use query::{
    Bucket, BucketVariant, DuplicateEvent, DuplicateSummary, ExplainedEvent, ExplainedLink,
    ExplainedWrite, Explanation, FlagExposures, FlagSummary, Interval, LostWrite, ProfileBasis,
    ProfileEntry, ProfileProperties, ProfileQuery, ProfileRef, Property, SeriesQuery, UsageLine,
    VariantSummary, format_day, parse_day,
};
pub use settings::Settings;
pub use watch::{ChangeCause, Watch, WatchEntry, WatchFrom, WatchItem};
