//! Where variants come from.

mod closure;
mod file;
mod memory;
mod variant_source;

pub use closure::source_fn;
pub use file::{FileSource, FileSourceError};
pub use memory::InMemorySource;
pub use variant_source::VariantSource;
