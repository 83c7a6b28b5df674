//! `mod.rs` holds declarations, re-exports and documentation: logic has a file with a name.

use super::finding::Finding;
use super::source::Source;

/// Reads a `mod.rs` item by item up to the first that is no declaration.
pub(super) fn check(source: &Source<'_>) -> Vec<Finding> {
    // `tests/common/mod.rs` is how cargo wants helpers of integration tests to be laid out.
    if source.name() != "mod.rs" || source.is_generated() || source.is_test() {
        return Vec::new();
    }
    let code = without_comments(source.text);
    let mut rest = code.as_str();
    loop {
        rest = rest.trim_start();
        if rest.is_empty() {
            return Vec::new();
        }
        let Some(end) = item_end(rest) else {
            let line = 1 + code[..code.len() - rest.len()].matches('\n').count();
            let place = format!("{}:{line}", source.path);
            return vec![Finding::failure(
                place,
                "mod.rs holds only `mod`, `use` and docs: move this to a named file",
            )];
        };
        rest = rest.get(end..).unwrap_or_default();
    }
}

/// Where an attribute, a `mod x;` or a `use` ends; nothing for any other item.
fn item_end(code: &str) -> Option<usize> {
    if code.starts_with('#') {
        return attribute_end(code);
    }
    let end = code.find(';')?;
    let mut words = code[..end].split_whitespace();
    let mut word = words.next()?;
    if word.starts_with("pub") {
        // `pub(in path)` is two words.
        while word.contains('(') && !word.contains(')') {
            word = words.next()?;
        }
        word = words.next()?;
    }
    let declares = match word {
        "mod" => !code[..end].contains('{'),
        "use" => true,
        _ => false,
    };
    declares.then_some(end + 1)
}

/// Where the brackets of an attribute close, strings in it apart.
fn attribute_end(code: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    for (at, character) in code.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if in_string => escaped = true,
            '"' => in_string = !in_string,
            '[' if !in_string => depth += 1,
            ']' if !in_string => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}

/// The text without line comments, its lines kept. A `mod.rs` that keeps the rule has no string with `//` in it.
fn without_comments(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    for line in text.lines() {
        code.push_str(line.split("//").next().unwrap_or_default());
        code.push('\n');
    }
    code
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(path: &str, text: &str) -> Vec<String> {
        check(&Source::new(path, text)).into_iter().map(|finding| finding.place).collect()
    }

    #[test]
    fn declarations_and_reexports_are_fine() {
        let text = "//! Docs.\n#![doc = include_str!(\"a]b.md\")]\n\n/// Ids.\npub mod ids;\nmod time; // why\n\
                    #[cfg(test)]\nmod tests;\n#[rustfmt::skip]\npub(crate) use ids::{\n    Device,\n    User,\n};\n\
                    pub(in crate::a) use time::Micros;\nuse time::Millis;\n";
        assert_eq!(places("crates/a/src/b/mod.rs", text), Vec::<String>::new());
        assert_eq!(places("crates/a/src/b.rs", "fn logic() {}"), Vec::<String>::new());
        assert_eq!(places("crates/a/tests/common/mod.rs", "fn helper() {}"), Vec::<String>::new());
    }

    #[test]
    fn anything_else_is_found_where_it_stands() {
        for item in [
            "fn logic() {}",
            "pub struct Id;",
            "const LIMIT: u32 = 1;",
            "mod inline { pub fn a() {} }",
            "mod inline { use super::x; }",
            "impl Id {}",
            "include!(\"x.rs\");",
        ] {
            let text = format!("//! Docs.\nmod ids;\n{item}\n");
            assert_eq!(
                places("crates/a/src/b/mod.rs", &text),
                ["crates/a/src/b/mod.rs:3"],
                "{item}"
            );
        }
    }
}
