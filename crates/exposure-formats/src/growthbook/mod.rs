//! GrowthBook's ingestor: `/track`.

mod event;
mod upload;

pub use upload::{MAX_EVENTS, is_growthbook, read};
