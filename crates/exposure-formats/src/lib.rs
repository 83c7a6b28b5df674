//! Foreign bodies to exposure events, and outcomes to foreign answers. Pure.
//!
//! A body is read in two steps, because events borrow their text: [`JsonBody`] holds the
//! text (and what of it had to be unescaped), and a format reads the events in it. An event
//! that can not be read is [`Refused`] by itself, with the field at fault; the others stand.
//!
//! ```
//! use exposure_core::{Dialect, Rules, Timestamp, admit};
//! use exposure_formats::{JsonBody, amplitude::Upload};
//!
//! let body = JsonBody::new(br#"{"api_key": "key", "events": [{"event_type": "$exposure",
//!     "user_id": "user-1", "event_properties": {"flag_key": "checkout", "variant": "on"}}]}"#);
//! let upload = Upload::parse(&body)?;
//! assert_eq!(upload.api_key(), Some("key"));
//!
//! let rules = Rules::new(Dialect::Amplitude, Timestamp::EARLIEST_EVENT);
//! for event in upload.events() {
//!     let incoming = event.as_ref().expect("readable");
//!     assert!(admit(incoming, &rules).is_ok());
//! }
//! # Ok::<(), exposure_formats::BodyError>(())
//! ```
//!
//! It is not: a server (who may send, what was sent before) and not a decompressor.

pub mod amplitude;
mod body_error;
pub mod capture;
mod json;
mod refused;

pub use body_error::BodyError;
pub use json::{JsonBody, replace_lone_surrogates};
pub use refused::Refused;
