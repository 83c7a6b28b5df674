//! The storage port: three merges, an in-memory reference, and the conformance suite.
