//! Every expected lint says why it is expected.

use super::finding::Finding;
use super::source::Source;

/// Finds `#[expect(…)]` and `#![expect(…)]` without a reason.
pub(super) fn check(source: &Source<'_>) -> Vec<Finding> {
    if source.is_generated() {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let mut offset = 0;
    for (line, number) in source.text.split_inclusive('\n').zip(1..) {
        let start = line.trim_start();
        if start.starts_with("#[expect(") || start.starts_with("#![expect(") {
            let from = source.text.get(offset..).unwrap_or_default();
            let attribute = from.split_once(")]").map_or(from, |(attribute, _)| attribute);
            if !attribute.contains("reason = \"") || attribute.contains("reason = \"\"") {
                let place = format!("{}:{number}", source.path);
                findings.push(Finding::failure(place, "expects a lint without `reason = \"…\"`"));
            }
        }
        offset += line.len();
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(text: &str) -> Vec<String> {
        check(&Source::new("a.rs", text)).into_iter().map(|finding| finding.place).collect()
    }

    #[test]
    fn a_reason_is_enough() {
        let none: [&str; 0] = [];
        assert_eq!(
            places(
                "#![expect(a, reason = \"b\")]\n    #[expect(\n    a,\n    reason = \"b (c)\"\n)]\nfn x() {}\n"
            ),
            none
        );
        assert_eq!(places("// #[expect(a)]\nlet x = y.expect(\"z\");\n"), none);
    }

    #[test]
    fn no_reason_is_found() {
        let text =
            ["fn x() {}", "#[expect(dead_code)]", "fn y() {}", "#![expect(a, reason = \"\")]"]
                .join("\n")
                + "\n#[expect(\n    a,\n)]\n#[expect(b, reason = \"c\")]\n";
        assert_eq!(places(&text), ["a.rs:2", "a.rs:4", "a.rs:5"]);
    }
}
