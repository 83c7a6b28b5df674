//! From protocol files to descriptors, in pure Rust.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use prost_types::FileDescriptorSet;

/// Compiles every `.proto` file below `root`, with comments and positions.
///
/// # Errors
/// Fails if there is no file, one cannot be read, or one is no valid protocol definition.
pub fn compile(root: &Path) -> Result<FileDescriptorSet> {
    let mut files = Vec::new();
    collect(root, &mut files)?;
    ensure!(!files.is_empty(), "no .proto file below {}", root.display());
    files.sort();
    let mut compiler = protox::Compiler::new([root])?;
    compiler.include_source_info(true).include_imports(true);
    compiler.open_files(&files).with_context(|| format!("compiling {}", root.display()))?;
    let mut set = compiler.file_descriptor_set();
    set.file.sort_by(|a, b| a.name().cmp(b.name()));
    Ok(set)
}

/// The same descriptors without comments and positions, as they are embedded and compared.
pub fn strip(mut set: FileDescriptorSet) -> FileDescriptorSet {
    for file in &mut set.file {
        file.source_code_info = None;
    }
    set
}

fn collect(directory: &Path, into: &mut Vec<PathBuf>) -> Result<()> {
    let entries = std::fs::read_dir(directory)
        .with_context(|| format!("reading directory {}", directory.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, into)?;
        } else if path.extension().is_some_and(|extension| extension == "proto") {
            into.push(path);
        }
    }
    Ok(())
}
