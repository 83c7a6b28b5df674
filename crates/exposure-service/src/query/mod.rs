//! Questions: who has which property and why, who saw what, and how much came in.

mod buckets;
mod cache;
mod day;
mod duplicates;
mod explain;
mod explain_write;
mod flags;
mod profiles;
mod properties;
mod scan;
mod series;
mod series_count;
mod usage;

pub(crate) use cache::FlagCache;
pub use day::{format_day, parse_day};
pub use duplicates::{DuplicateEvent, DuplicateSummary};
pub use explain::Explanation;
pub use explain_write::{ExplainedEvent, ExplainedLink, ExplainedWrite, LostWrite};
pub use flags::{FlagSummary, VariantSummary};
pub use profiles::{ProfileBasis, ProfileEntry, ProfileQuery};
pub use properties::{ProfileProperties, ProfileRef, Property};
pub use series::{Bucket, BucketVariant, FlagExposures, Interval, SeriesQuery};
pub use usage::UsageLine;
