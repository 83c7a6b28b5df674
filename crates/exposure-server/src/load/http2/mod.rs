//! As much of HTTP/2 as a client needs that makes the same call again and again: frames, what they
//! announce, heads of requests as bytes made once, and heads of answers, which are looked at only
//! where they are not those of the answer before.

mod answers;
mod fields;
mod frame;
mod huffman;
mod request;
mod settings;

pub(super) use answers::Answers;
pub(super) use frame::{Frame, Kind, flag, put_head, put_number};
pub(super) use request::Heads;
pub(super) use settings::{MAX_FRAME_BYTES, Settings, WINDOW_BYTES};
