//! No path of somebody's machine stands in the tree.

use super::finding::Finding;
use super::source::{Source, is_test_path};
use super::tree::{File, has_extension};

/// Top directories that differ from machine to machine.
const DIRECTORIES: &[&str] = &["work", "home", "root", "tmp"];

/// Finds absolute paths below such directories, tests apart.
pub(super) fn check(file: &File) -> Vec<Finding> {
    if is_test_path(&file.path) {
        return Vec::new();
    }
    let lines: Vec<(usize, &str)> = if has_extension(&file.path, "rs") {
        Source::new(&file.path, &file.text).production_lines()
    } else {
        (1..).zip(file.text.lines()).collect()
    };
    let mut findings = Vec::new();
    for (number, line) in lines {
        if let Some(directory) = DIRECTORIES.iter().find(|directory| names(line, directory)) {
            let place = format!("{}:{number}", file.path);
            findings.push(Finding::failure(
                place,
                format!("names `/{directory}/…`, a path of one machine"),
            ));
        }
    }
    findings
}

/// Whether a line names an absolute path below a top directory: one that does not go on from a word, as in a URL.
fn names(line: &str, directory: &str) -> bool {
    let path = format!("/{directory}/");
    line.match_indices(&path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|before| !before.is_alphanumeric() && !"._-/}*$)".contains(before))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(path: &str, text: &str) -> Vec<String> {
        let file = File { path: path.to_owned(), text: text.to_owned() };
        check(&file).into_iter().map(|finding| finding.place).collect()
    }

    #[test]
    fn absolute_paths_are_found() {
        for line in [
            "cd /work/src",
            "let d = \"/tmp/x\";",
            "[a](/home/me/b)",
            "path=/root/.cargo",
            "`/tmp/data`",
        ] {
            assert_eq!(places("docs/a.md", &format!("# A\n{line}\n")), ["docs/a.md:2"], "{line}");
        }
    }

    #[test]
    fn relative_paths_urls_and_tests_are_fine() {
        let none: [&str; 0] = [];
        for line in [
            "cd ./work/src",
            "see https://example.com/home/page",
            "a/tmp/b",
            "$X/tmp/b",
            "/var/lib/exposure/",
        ] {
            assert_eq!(places("docs/a.md", line), none, "{line}");
        }
        assert_eq!(places("crates/a/tests/b.rs", "\"/tmp/x\""), none);
        assert_eq!(
            places("crates/a/src/b.rs", "fn a() {}\n#[cfg(test)]\nmod tests {\n\"/tmp/x\"\n"),
            none
        );
        assert_eq!(places("crates/a/src/b.rs", "\"/tmp/x\"\n"), ["crates/a/src/b.rs:1"]);
    }
}
