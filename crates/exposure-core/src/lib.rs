//! The rules of exposure tracking, as pure functions and types.
//!
//! An **exposure** says that a user saw a variant of a flag. This crate knows what that
//! means: which events are admitted ([`admit`]), what an event writes ([`Write`]), which
//! write wins ([`Version`], [`Register`]), whom a write belongs to ([`Links`]), and how an
//! answer is explained ([`explain`]). It does no I/O, reads no clock and draws no random
//! numbers: the same input gives the same output, always.
//!
//! The way of one event: a transport or a format makes an [`Incoming`], [`admit`] turns it
//! into an [`Admitted`] (or a [`Rejection`]), a store merges its writes and judges each
//! with [`Effect::judge`], and the sender gets an [`Outcome`].
//!
//! ```
//! use exposure_core::{admit, Admission, Body, Dialect, Exposure, Incoming, Rules, Timestamp};
//!
//! let incoming = Incoming {
//!     user_id: Some("user-1"),
//!     body: Body::Exposure(Exposure { flag_key: Some("checkout"), variant: Some("on"), ..Exposure::default() }),
//!     ..Incoming::default()
//! };
//! let rules = Rules::new(Dialect::Native, Timestamp::from_millis(1_700_000_000_000).unwrap());
//! let Ok(Admission::Event(event)) = admit(&incoming, &rules) else { panic!() };
//! assert_eq!(event.writes().next().unwrap().flag.as_str(), "checkout");
//! ```

mod admit;
mod admitted;
mod code;
mod effect;
mod event;
pub mod explain;
mod ids;
pub mod json;
mod limits;
mod links;
mod metadata;
pub mod names;
mod outcome;
mod profile;
mod register;
mod resolve;
mod rules;
mod seen;
mod text;
mod time;
mod version;

pub use admit::{Admission, admit};
pub use admitted::{Admitted, Subject};
pub use code::ErrorCode;
pub use effect::Effect;
pub use event::{Body, EventTime, Exposure, Incoming, Kind, PropertyChange};
pub use ids::{Ids, Owner, RawId, parse_owner};
pub use limits::Limits;
pub use links::{Link, Links, Ownership};
pub use metadata::{Metadata, MetadataError};
pub use outcome::{Effects, Note, Notes, Outcome, Rejection};
pub use profile::{DeviceLinks, LinkSpan, ProfileState, Settled};
pub use register::{Register, Registers};
pub use resolve::{AnonymousWrite, DeviceShare, user_registers};
pub use rules::{Dialect, Rules, correct_skew, effective_time};
pub use seen::{Seen, SeenKey, SeenTable};
pub use text::{DeviceId, ExperimentKey, FlagKey, InsertId, UserId, Variant};
pub use time::Timestamp;
pub use version::{Change, Version, Write};
