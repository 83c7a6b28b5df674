//! Delimits JSON in one pass, without recursion: for the hot path, where most of what a sender
//! says is passed over.
//!
//! It accepts what `serde_json` accepts where that ignores a value, and nothing else; what exactly
//! is wrong with the rest is for `serde_json` to tell.

mod blocks;
mod reader;
mod span;

pub use reader::{Malformed, Reader};
pub use span::Span;
