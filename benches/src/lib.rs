//! The benches of exposure, and what generators of load for other servers have in common.

pub mod peer;
