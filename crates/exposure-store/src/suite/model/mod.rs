//! The naive model: a list of what arrived, and every answer by brute force over it.
//!
//! It follows the rules word by word and shares no code with any store, nor with the
//! registers, links and ownership of the core, so that it is a second opinion on them.

mod counts;
mod explain;
mod exposures;
mod hash;
mod known;
mod owners;
mod profiles;
mod replay;

pub use explain::{Explained, LostWrite};
pub use exposures::{Bucket, FlagExposures, VariantBucket, VariantExposures};
pub use known::{Exposed, Known, Rank};
pub use profiles::{RawProfile, Spans};
pub use replay::Model;
