//! Decision records are numbered without holes.

use super::finding::Finding;
use super::tree::{Tree, has_extension};

const DIRECTORY: &str = "docs/adr";

/// Checks that the records are `0000-template.md`, `0001-….md`, `0002-….md` and so on.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut expected = 0;
    for name in
        tree.below(DIRECTORY).filter(|name| has_extension(name, "md") && !name.contains('/'))
    {
        let place = format!("{DIRECTORY}/{name}");
        match number(name) {
            None => findings
                .push(Finding::failure(place, "is not named like `0001-what-was-decided.md`")),
            Some(found) => {
                if found != expected {
                    findings
                        .push(Finding::failure(place, format!("should have number {expected:04}")));
                }
                expected = found + 1;
            }
        }
    }
    if expected == 0 {
        findings.push(Finding::failure(DIRECTORY, "holds no records"));
    }
    findings
}

fn number(name: &str) -> Option<u32> {
    let (number, slug) = name.strip_suffix(".md")?.split_once('-')?;
    let named = !slug.is_empty()
        && slug.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    let four_digits = number.len() == 4 && number.chars().all(|c| c.is_ascii_digit());
    (named && four_digits).then(|| number.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(names: &[&str]) -> Vec<String> {
        let paths: Vec<String> = names.iter().map(|name| format!("docs/adr/{name}")).collect();
        let files: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), "")).collect();
        check(&Tree::of(&files)).into_iter().map(|finding| finding.place).collect()
    }

    #[test]
    fn a_row_without_holes_is_fine() {
        let none: [&str; 0] = [];
        assert_eq!(
            places(&["0000-template.md", "0001-record-decisions.md", "0002-three-merges.md"]),
            none
        );
    }

    #[test]
    fn holes_twins_and_odd_names_are_found() {
        assert_eq!(places(&["0000-template.md", "0002-b.md", "0003-c.md"]), ["docs/adr/0002-b.md"]);
        assert_eq!(places(&["0000-template.md", "0001-a.md", "0001-b.md"]), ["docs/adr/0001-b.md"]);
        assert_eq!(places(&["0000-template.md", "1-a.md"]), ["docs/adr/1-a.md"]);
        assert_eq!(places(&["0000-template.md", "0001-Title.md"]), ["docs/adr/0001-Title.md"]);
        assert_eq!(places(&[]), ["docs/adr"]);
    }
}
