//! Where the protocol, its baseline and the generated code lie.

use std::path::{Path, PathBuf};

/// The places that code generation reads and writes.
#[derive(Clone, Debug)]
pub struct Layout {
    /// The root of the protocol files: a file's package is its directory below this one.
    pub proto: PathBuf,
    /// The descriptor set that wire compatibility is measured against.
    pub baseline: PathBuf,
    /// The directory that holds generated code and nothing else.
    pub generated: PathBuf,
}

impl Layout {
    /// The layout of the repository that this crate was built in.
    pub fn of_this_repository() -> Self {
        Self::below(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
    }

    /// The layout of a repository with this root.
    pub fn below(root: &Path) -> Self {
        Self {
            proto: root.join("proto"),
            baseline: root.join("proto/baseline/exposure.binpb"),
            generated: root.join("crates/exposure-proto/src/generated"),
        }
    }
}
