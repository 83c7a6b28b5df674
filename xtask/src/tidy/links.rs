//! Links between the documents lead somewhere.

use super::finding::Finding;
use super::tree::{File, Tree, has_extension};

/// Checks every link of every Markdown file that stays in the tree: the file, and the heading where one is named.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.with_extension("md") {
        for (number, target) in targets(&file.text) {
            if let Some(message) = judge(tree, file, &target) {
                findings.push(Finding::failure(format!("{}:{number}", file.path), message));
            }
        }
    }
    findings
}

fn judge(tree: &Tree, from: &File, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) =
        target.split_once('#').map_or((target, None), |(path, anchor)| (path, Some(anchor)));
    let path = if path.is_empty() { Some(from.path.clone()) } else { resolve(&from.path, path) };
    let Some(path) = path.filter(|path| tree.holds(path)) else {
        return Some(format!("links to `{target}`, which is not there"));
    };
    let anchor = anchor?;
    // Lines of source files (`#L10`) are left alone.
    let document = tree.file(&path).filter(|file| has_extension(&file.path, "md"))?;
    let missing = !headings(&document.text).iter().any(|heading| heading == anchor);
    missing.then(|| format!("links to `{target}`, but {path} has no such heading"))
}

/// A relative path seen from a file; nothing when it leaves the tree.
fn resolve(from: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    if path.starts_with('/') {
        parts.clear();
    }
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            _ => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// Link targets with their line numbers: `[text](target)` and `[name]: target`.
fn targets(text: &str) -> Vec<(usize, String)> {
    let mut targets = Vec::new();
    for (number, line) in prose(text) {
        let line = without_code(line);
        for (at, _) in line.match_indices("](") {
            let target = line[at + 2..].split(')').next().unwrap_or_default();
            // A title may follow: `(target "title")`.
            targets
                .extend(target.split_whitespace().next().map(|target| (number, target.to_owned())));
        }
        if let Some((name, target)) = line.trim_start().split_once("]:")
            && name.starts_with('[')
            && !name.starts_with("[^")
        {
            targets
                .extend(target.split_whitespace().next().map(|target| (number, target.to_owned())));
        }
    }
    targets
}

/// The anchors of a document's headings, as forges make them; the second of two equal ones ends in `-1`.
fn headings(text: &str) -> Vec<String> {
    let mut anchors: Vec<String> = Vec::new();
    for (_, line) in prose(text) {
        let Some(title) = line.strip_prefix('#').map(|rest| rest.trim_start_matches('#')) else {
            continue;
        };
        let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
        let slug: String = title.trim().to_lowercase().chars().filter(kept).collect();
        let slug = slug.replace(' ', "-");
        let n_before = anchors.iter().filter(|anchor| **anchor == slug).count();
        anchors.push(if n_before == 0 { slug } else { format!("{slug}-{n_before}") });
    }
    anchors
}

/// Lines outside fenced code, with their numbers.
fn prose(text: &str) -> Vec<(usize, &str)> {
    let mut fenced = false;
    let mut lines = Vec::new();
    for (line, number) in text.lines().zip(1..) {
        let fence = line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~");
        if fence {
            fenced = !fenced;
        } else if !fenced {
            lines.push((number, line));
        }
    }
    lines
}

/// A line without its `inline code`.
fn without_code(line: &str) -> String {
    line.split('`').step_by(2).collect::<Vec<_>>().join("`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(text: &str) -> Vec<String> {
        let other = "# The way of an event\n\n## Why?\n## Why?\n```\n# no heading\n```\n";
        let tree = Tree::of(&[
            ("docs/a.md", text),
            ("docs/b.md", other),
            ("README.md", ""),
            ("crates/x/src/lib.rs", ""),
        ]);
        check(&tree).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn links_that_lead_somewhere_are_fine() {
        let none: [&str; 0] = [];
        let good = "# Here\n[a](b.md) [b](../README.md) [c](b.md#the-way-of-an-event) [d](b.md#why-1) [e](#here)\n\
                    [f](../crates/x) [g](../crates/x/src/lib.rs#L3) [h](https://example.com/x) [i](/README.md)\n\
                    [j]: b.md \"title\"\n`[k](none.md)`\n```\n[l](none.md)\n```\n";
        assert_eq!(messages(good), none);
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        for link in [
            "[a](c.md)",
            "[a](../../x.md)",
            "[a](b.md#no-heading)",
            "[a](#there)",
            "[a]: c.md",
            "`x` [a](c.md)",
        ] {
            let messages = messages(&format!("# Here\n{link}\n"));
            assert_eq!(messages.len(), 1, "{link}: {messages:?}");
        }
    }
}
