//! What the log holds: frames, one for each commit, documents and erasures among them.
//!
//! | kind | body |
//! |---|---|
//! | events | origin, then event records, then rejects |
//! | document | name, version, bytes |
//! | erasure | profiles with what is left of them |
//! | retirement | what retention folds into profiles, and how far it is |
//!
//! A frame begins with its length (u32, all of it), its kind and the number of records. Event records
//! hold the *decided* outcome, so replay decides nothing, and the position of the record before
//! on the same profile: one profile's recent events are a chain through the log.
//! All numbers are little endian. Kinds and layouts never change meaning; a new one gets a new number.

mod bytes;
mod document;
mod erasure;
mod event;
mod header;
mod reject;
mod retirement;
mod settled;

pub(crate) use bytes::{Cursor, Malformed, put_bytes32, put_text16};
pub(crate) use document::{decode_document, encode_document, put_document, take_document};
pub(crate) use erasure::{Erasure, decode_erasure, encode_erasure};
pub(crate) use event::{EventRecord, NO_POSITION, Patch, Status, encode_event};
pub(crate) use header::{
    EVENTS_HEADER, FRAME_MIN, FrameKind, FrameRef, FrameWriter, decode_origin,
};
pub(crate) use reject::{decode_reject, encode_reject};
pub(crate) use retirement::{Fold, Left, Retirement, decode_retirement, encode_retirement};
pub(crate) use settled::{put_registers, put_settled, take_registers, take_settled};
