//! What the tests of several crates share: clocks, vectors, a store that is read the slow way.
//!
//! Random histories, the naive model and the suite that every store runs are in
//! [`exposure_store::suite`], where the authors of other stores find them too; the names used
//! most are repeated here.

mod clock;
mod resolve;
pub mod vectors;

pub use clock::ManualClock;
pub use exposure_store::suite::{block_on, history, model::Model};
pub use resolve::{owner_of, properties};
