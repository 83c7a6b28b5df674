//! The generated messages, clients and servers of package `exposure.v1`.
//!
//! What each of them means is written at the protocol's own elements, whose comments they carry.

// An `expect` would be unfulfilled wherever a feature leaves clients or servers out.
#[allow(
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::all,
    clippy::pedantic,
    clippy::clone_on_ref_ptr,
    missing_docs,
    unnameable_types,
    unreachable_pub,
    unused_qualifications,
    reason = "generated code answers to its generator"
)]
#[rustfmt::skip]
#[path = "generated/exposure.v1.rs"]
mod generated;

pub use generated::*;
