//! Where exposures go.
//!
//! A provider implements [`ExposureProvider`]: a batch in, one [`Delivery`] for each exposure out.
//! It needs no queue, no retries and no care for its neighbors: each provider of a client has a
//! queue, a thread and a circuit breaker of its own, and a panic in it is caught.
//!
//! ```
//! use exposure_client::provider::{Batch, Delivery, ExposureProvider, SendError, async_trait};
//!
//! /// Prints exposures as lines.
//! struct Lines;
//!
//! #[async_trait]
//! impl ExposureProvider for Lines {
//!     fn name(&self) -> &str {
//!         "lines"
//!     }
//!
//!     async fn send(&self, batch: &Batch) -> Result<Vec<Delivery>, SendError> {
//!         for exposure in batch.exposures() {
//!             println!("{} {:?}", exposure.flag_key, exposure.variant);
//!         }
//!         Ok(batch.all(Delivery::Delivered))
//!     }
//! }
//! ```
//!
//! What the answers mean:
//!
//! | answer | what happens |
//! |---|---|
//! | `Ok`, [`Delivery::Delivered`] | the exposure has ended well here |
//! | `Ok`, [`Delivery::Retry`] | it alone is sent again, after the time given or a backoff |
//! | `Ok`, [`Delivery::Rejected`] | it has ended: dropped, counted as `rejected` |
//! | `Ok`, fewer answers than exposures | those without one are sent again |
//! | `Err`, [`SendError::Unavailable`] | all of it is sent again, after the time given or a backoff; enough of these in a row, and a single batch tries the ground before the rest follows |
//! | `Err`, [`SendError::TooLarge`] | it is sent again in halves; a single exposure is rejected |
//! | a panic | the exposures are sent again one by one; what panics three times alone is dropped |
//! | no answer within the attempt's timeout | as unavailable |
//!
//! An exposure can come more than once, always with the same
//! [`insert_id`](crate::Exposure::insert_id): hand that on, so that the receiver can tell. The
//! order in which exposures come means nothing; `time` and `sequence` do.

mod backoff;
mod batch;
mod breaker;
mod contract;
#[cfg(any(feature = "amplitude", feature = "grpc", feature = "segment"))]
mod key_watch;
mod log;
mod memory;

#[cfg(feature = "amplitude")]
pub mod amplitude;
#[cfg(feature = "grpc")]
pub mod grpc;
#[cfg(feature = "segment")]
pub mod segment;

#[cfg(any(feature = "amplitude", feature = "segment"))]
pub use crate::http::HttpProviderError;
#[cfg(feature = "amplitude")]
pub use amplitude::{AmplitudeProvider, AmplitudeProviderBuilder};
pub use async_trait::async_trait;
pub(crate) use backoff::{Backoff, Jitter};
pub use batch::Batch;
pub(crate) use breaker::{Breaker, LONGEST_ASKED, Leave};
pub use contract::{BatchLimits, Delivery, ExposureProvider, SendError};
#[cfg(feature = "grpc")]
pub use grpc::{GrpcProvider, GrpcProviderBuilder};
#[cfg(any(feature = "amplitude", feature = "grpc", feature = "segment"))]
pub(crate) use key_watch::KeyWatch;
pub use log::LogProvider;
pub use memory::{MemoryProvider, Reply};
#[cfg(feature = "segment")]
pub use segment::{SegmentProvider, SegmentProviderBuilder};
