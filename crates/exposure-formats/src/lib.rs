//! Foreign bodies to exposure events, and outcomes to foreign answers. Pure.
//!
//! A request is read in two steps, because events borrow their text: an [`Arena`] has room for
//! what must be unescaped, and a [`Protocol`] reads the events of a [`Request`]. An event that
//! can not be read is [`Refused`] by itself, with the field at fault; the others stand.
//!
//! ```
//! use exposure_core::{Rules, Timestamp, admit};
//! use exposure_formats::{Arena, Protocol, Request};
//!
//! let body = br#"{"api_key": "key", "events": [{"event_type": "$exposure", "user_id": "user-1",
//!     "event_properties": {"flag_key": "checkout", "variant": "on"}}]}"#;
//! let received = Timestamp::from_micros(1_780_000_000_000_000);
//! let request = Request {
//!     method: "POST", path: "/2/httpapi", query: "", headers: &(), body, received,
//! };
//! let protocol = Protocol::of(&request).expect("a path of Amplitude's");
//!
//! let arena = Arena::new();
//! let upload = protocol.read(&request, &arena)?;
//! assert_eq!(upload.keys, ["key"]);
//! let rules = Rules::new(protocol.dialect(), received);
//! for event in &upload.events {
//!     let incoming = event.as_ref().expect("readable");
//!     assert!(admit(incoming, &rules).is_ok());
//! }
//! # Ok::<(), exposure_formats::BodyError>(())
//! ```
//!
//! It is not: a server (who may send, what was sent before), and it does no I/O.

mod answer;
mod body_error;
mod export;
mod options;
mod paths;
mod protocol;
mod refused;
mod request;
mod upload;

pub mod amplitude;
pub mod capture;
pub mod growthbook;
mod inflate;
mod json;
pub mod otlp;
pub mod posthog;
pub mod segment;
pub mod setup;
mod vocabulary;

pub use answer::{Answer, Failure, Whom};
pub use body_error::BodyError;
pub use export::{Export, ExportedEvent};
pub use inflate::{InflateError, Inflater, inflate, is_plain};
pub use json::replace_lone_surrogates;
pub use options::Options;
pub use paths::{PATHS, max_body_bytes};
pub use protocol::{Protocol, Stored};
pub use refused::Refused;
pub use request::{Arena, Headers, Request};
pub use upload::Upload;
