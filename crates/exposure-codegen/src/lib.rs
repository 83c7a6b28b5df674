//! Compiles the protocol definitions into the checked-in code.
//!
//! The protocol is compiled by [`compile`] without `protoc`, turned into Rust by [`generate`],
//! and compared with, or written over, the checked-in files by [`drift`].
//! [`lint`] keeps its style, and [`breaking`] its compatibility with the [`baseline`].
//!
//! ```
//! let layout = exposure_codegen::layout::Layout::of_this_repository();
//! let descriptors = exposure_codegen::compile::compile(&layout.proto)?;
//! assert!(exposure_codegen::lint::lint(&descriptors).is_empty());
//! # Ok::<(), anyhow::Error>(())
//! ```

pub mod layout;

pub mod compile;

pub mod generate;

pub mod drift;

pub mod lint;

pub mod baseline;

pub mod breaking;

mod finding;
mod walk;

pub use finding::Finding;
