//! Files stay short enough to hold one idea.

use super::finding::Finding;
use super::source::Source;

/// Production lines from which on a file is looked at.
const WARN_OVER: usize = 400;
/// Production lines no file exceeds.
const FAIL_OVER: usize = 600;

/// Counts production lines, blank ones apart.
pub(super) fn check(source: &Source<'_>) -> Vec<Finding> {
    if source.is_generated() || source.is_test() {
        return Vec::new();
    }
    let n_lines =
        source.production_lines().iter().filter(|(_, line)| !line.trim().is_empty()).count();
    let message = format!(
        "{n_lines} production lines: split it by idea ({WARN_OVER} is long, {FAIL_OVER} the end)"
    );
    if n_lines > FAIL_OVER {
        vec![Finding::failure(source.path, message)]
    } else if n_lines > WARN_OVER {
        vec![Finding::warning(source.path, message)]
    } else {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Weight;
    use super::*;

    fn weights(path: &str, n_lines: usize, tail: &str) -> Vec<Weight> {
        let text = format!("{}{tail}", "let x = 1;\n\n".repeat(n_lines));
        check(&Source::new(path, &text)).into_iter().map(|finding| finding.weight).collect()
    }

    #[test]
    fn long_files_warn_and_longer_ones_fail() {
        let long_tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "let y = 2;\n".repeat(900));
        assert_eq!(weights("crates/a/src/lib.rs", 400, &long_tests), []);
        assert_eq!(weights("crates/a/src/lib.rs", 401, ""), [Weight::Warning]);
        assert_eq!(weights("crates/a/src/lib.rs", 600, ""), [Weight::Warning]);
        assert_eq!(weights("crates/a/src/lib.rs", 601, ""), [Weight::Failure]);
    }

    #[test]
    fn tests_benches_and_generated_files_may_be_long() {
        for path in ["crates/a/tests/all.rs", "benches/src/lib.rs", "crates/a/src/generated/a.rs"] {
            assert_eq!(weights(path, 700, ""), [], "{path}");
        }
    }
}
