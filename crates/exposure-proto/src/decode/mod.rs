//! The fast batch decoder: ingest requests read in place, without a copy and without an
//! allocation for each event.
//!
//! It accepts exactly the bytes that the generated code accepts, and reads the same values
//! from them; it is several times as fast because text stays where it was received.
//!
//! ```
//! use exposure_proto::decode::{DecodeLimits, IngestRequestRef};
//!
//! let bytes = [0x0a, 0x08, 0x0a, 0x06, b'u', b's', b'e', b'r', b'-', b'1'];
//! let request = IngestRequestRef::decode(&bytes, DecodeLimits::default())?;
//! assert_eq!(request.events[0].user_id, Some("user-1"));
//! # Ok::<(), exposure_proto::decode::DecodeError>(())
//! ```

mod account;
mod body;
mod buffers;
mod error;
mod event;
#[cfg(feature = "test-util")]
mod fuzz;
mod limits;
mod owned;
mod reader;
mod request;
mod stream;

pub use account::{ClientAccountRef, DroppedCountRef, ProviderAccountRef};
pub use body::{AssignmentRef, BodyRef, ExposureRef, IdentifyRef, OutcomeRef, UnreadRef};
pub use buffers::DecodeBuffers;
pub use error::{DecodeError, DecodeErrorKind};
pub use event::EventRef;
#[cfg(feature = "test-util")]
pub use fuzz::fuzz_logic;
pub use limits::DecodeLimits;
pub use request::{ImportOptionsRef, IngestRequestRef};
pub use stream::IngestStreamRequestRef;
