//! Pages of lists, and positions in the feed.

mod listing;
mod position;
mod token;

pub(crate) use listing::Bounds;
pub use listing::{Listing, Page};
pub use position::Position;
pub(crate) use position::Resume;
pub(crate) use token::{Query, Writer};
