//! breaking
