//! What a source answers with.

mod metadata;
mod value;

pub use metadata::{Metadata, MetadataError};
pub use value::{Origin, Variant, VariantBuilder};
