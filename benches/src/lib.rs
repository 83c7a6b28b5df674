//! The benches of exposure.
