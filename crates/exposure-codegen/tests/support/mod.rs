//! Protocols written in a test.

use exposure_codegen::compile;
use prost_types::FileDescriptorSet;

/// Compiles one file below a temporary root.
pub(crate) fn compiled(path: &str, source: &str) -> FileDescriptorSet {
    let root = tempfile::tempdir().expect("a temporary directory");
    let file = root.path().join(path);
    std::fs::create_dir_all(file.parent().expect("a parent")).expect("a directory");
    std::fs::write(&file, source).expect("a file");
    compile::compile(root.path()).unwrap_or_else(|error| panic!("{error:#}\n{source}"))
}
