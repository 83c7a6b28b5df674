//! Exposures to Segment's HTTP tracking API, or to whatever speaks it.

mod answer;
mod builder;
mod calls;
mod segment_provider;
mod time;

pub use builder::SegmentProviderBuilder;
pub use segment_provider::SegmentProvider;
