//! What the log holds: frames, one for each commit, documents and erasures among them.
//!
//! | kind | body |
//! |---|---|
//! | events | origin, library, then event records, then rejects |
//! | document | name, version, bytes |
//! | erasure | profiles with what is left of them |
//! | retirement | what retention folds into profiles, and how far it is |
//! | events of version 1 | origin, then records of an older layout, then rejects; not written any more |
//!
//! A frame begins with its length (u32, all of it), its kind and the number of records. Event records
//! hold the *decided* outcome, so replay decides nothing, and the position of the record before
//! on the same profile: one profile's recent events are a chain through the log.
//!
//! An event's record names its library only where it is not the frame's, and is laid out so:
//!
//! | bytes | what | |
//! |---|---|---|
//! | 2 | length | lower half in a wide record |
//! | 2 | which parts it has | |
//! | 2 | place in the frame | lower half in a wide record |
//! | 1 | status, and whether links changed | patched |
//! | 1 | what its own write did | patched |
//! | 8 | the record before on its profile | patched |
//! | 4 | time less the frame's time of receipt, signed | |
//! | 1 | kind | |
//! | 4 | lengths of user, device, flag or event type, variant | |
//! | 8 | the record before on its device | with both ids; patched |
//! | 18 | upper halves of length and place, lengths of all texts | wide: of 64 KiB, or that far in its frame, or with a text of more than 255 bytes |
//! | 8 | the whole time | where the difference does not fit |
//! | 8 | sequence | unless 0 |
//! | 1 | notes | unless none |
//! | 1 each | lengths of insert id, experiment key, library | those it has |
//! | 16 | insert id | of a canonical UUID |
//! | | texts: user, device, flag or event type, variant, insert id, experiment key, library | |
//! | 4 + n | payload | unless empty |
//! | 4 + … | extra writes, then a byte for what each did | unless none; patched |
//!
//! All numbers are little endian. Kinds and layouts never change meaning; a new one gets a new number.

mod bytes;
mod document;
mod erasure;
mod event;
mod event_decode;
mod event_encode;
mod event_v1;
mod events;
mod header;
mod layout;
mod reject;
mod retirement;
mod settled;
mod sketch;

pub(crate) use bytes::{Cursor, Malformed, put_bytes32, put_text16};
pub(crate) use document::{decode_document, encode_document, put_document, take_document};
pub(crate) use erasure::{Erasure, decode_erasure, encode_erasure};
pub(crate) use event::{EventRecord, NO_POSITION, Status};
pub(crate) use event_encode::{Patch, encode_event};
pub(crate) use events::{
    EventsHead, HEAD_AT_MOST, InsertTexts, RECORD_MIN, Records, SPAN_AT_MOST, record_span,
};
pub(crate) use header::{FrameKind, FrameRef, FrameWriter};
pub(crate) use reject::{decode_reject, encode_reject};
pub(crate) use retirement::{Fold, Left, Retirement, decode_retirement, encode_retirement};
pub(crate) use settled::{put_registers, put_settled, take_registers, take_settled};
pub(crate) use sketch::Sketch;

#[cfg(test)]
mod tests;
