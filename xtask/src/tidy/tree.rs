//! The text files of the tree, read once.

use std::fs;
use std::path::Path;

use anyhow::Context as _;

/// What is read; everything else in the tree is data.
const EXTENSIONS: &[&str] = &["rs", "md", "toml", "proto", "py", "txt", "ini", "sh", "yml", "yaml"];
/// Files without an extension that are read all the same.
const NAMES: &[&str] = &[".ci/run", ".gitignore", "Cargo.lock"];
/// Hidden directories that are the project's own.
const HIDDEN: &[&str] = &[".ci", ".cargo", ".changes", ".github"];
/// Directories that tools make.
const MADE: &[&str] = &["target", "node_modules", "__pycache__"];

/// A file: its path below the root with `/` between its parts, and its text.
#[derive(Debug)]
pub(super) struct File {
    pub(super) path: String,
    pub(super) text: String,
}

impl File {
    /// The last part of the path.
    pub(super) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }
}

/// All files, ordered by path.
#[derive(Debug)]
pub(super) struct Tree {
    files: Vec<File>,
    /// Every path in the tree, read or not, directories included: what a link may point to.
    paths: Vec<String>,
}

impl Tree {
    /// Reads the tree below `root`.
    pub(super) fn read(root: &Path) -> anyhow::Result<Self> {
        let mut tree = Self { files: Vec::new(), paths: Vec::new() };
        tree.walk(root, "")?;
        tree.files.sort_by(|one, other| one.path.cmp(&other.path));
        tree.paths.sort();
        Ok(tree)
    }

    /// A tree of given files.
    #[cfg(test)]
    pub(super) fn of(files: &[(&str, &str)]) -> Self {
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| File { path: (*path).to_owned(), text: (*text).to_owned() })
            .collect();
        let mut paths: Vec<String> = Vec::new();
        for file in &files {
            let ends = file.path.match_indices('/').map(|(at, _)| at).chain([file.path.len()]);
            paths.extend(ends.map(|end| file.path[..end].to_owned()));
        }
        paths.sort();
        Self { files, paths }
    }

    fn walk(&mut self, directory: &Path, prefix: &str) -> anyhow::Result<()> {
        let entries = fs::read_dir(directory)
            .with_context(|| format!("failed to list {}", directory.display()))?;
        for entry in entries {
            let entry = entry?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let path = format!("{prefix}{name}");
            let kind = entry.file_type()?;
            if kind.is_dir() {
                let hidden = name.starts_with('.') && !HIDDEN.contains(&name.as_str());
                let made =
                    MADE.contains(&name.as_str()) || (prefix.is_empty() && is_made_at_root(&name));
                if !hidden && !made {
                    self.walk(&entry.path(), &format!("{path}/"))?;
                    self.paths.push(path);
                }
            } else if kind.is_file() {
                if EXTENSIONS.iter().any(|extension| has_extension(&name, extension))
                    || NAMES.contains(&path.as_str())
                {
                    let text = fs::read_to_string(entry.path())
                        .with_context(|| format!("failed to read {path} as text"))?;
                    self.files.push(File { path: path.clone(), text });
                }
                self.paths.push(path);
            }
        }
        Ok(())
    }

    /// All files.
    pub(super) fn files(&self) -> &[File] {
        &self.files
    }

    /// How many files were read.
    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    /// The file at a path.
    pub(super) fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Whether there is a file or directory at a path; the empty path is the root.
    pub(super) fn holds(&self, path: &str) -> bool {
        path.is_empty() || self.paths.binary_search_by(|held| held.as_str().cmp(path)).is_ok()
    }

    /// Every path below a directory.
    pub(super) fn below<'a>(&'a self, directory: &'a str) -> impl Iterator<Item = &'a str> {
        self.paths.iter().filter_map(move |path| path.strip_prefix(directory)?.strip_prefix('/'))
    }

    /// The files with a name.
    pub(super) fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a File> {
        self.files.iter().filter(move |file| file.name() == name)
    }

    /// The files with an extension.
    pub(super) fn with_extension<'a>(
        &'a self,
        extension: &'a str,
    ) -> impl Iterator<Item = &'a File> {
        self.files.iter().filter(move |file| has_extension(&file.path, extension))
    }
}

/// Whether a path ends in `.extension`.
pub(super) fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path).extension().is_some_and(|found| found == extension)
}

/// Build directories and a server's data, which .gitignore names at the root.
fn is_made_at_root(name: &str) -> bool {
    name == "data" || name.starts_with("target-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_this_tree() {
        let tree = Tree::read(&crate::workspace::root()).unwrap();
        assert!(tree.file("xtask/src/tidy/tree.rs").is_some());
        assert!(tree.file(".ci/run").is_some());
        assert!(
            tree.holds("Cargo.lock") && tree.holds("xtask/src") && !tree.holds("xtask/src/none.rs")
        );
        assert!(!tree.files().iter().any(|file| file.path.starts_with("target")));
    }

    #[test]
    fn knows_files_and_their_directories() {
        let tree = Tree::of(&[("docs/adr/0001-a.md", ""), ("README.md", "")]);
        assert!(
            tree.holds("docs")
                && tree.holds("docs/adr")
                && tree.holds("README.md")
                && tree.holds("")
        );
        assert!(!tree.holds("doc"));
        assert_eq!(tree.below("docs/adr").collect::<Vec<_>>(), ["0001-a.md"]);
    }
}
