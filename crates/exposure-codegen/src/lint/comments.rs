//! Every element says what it is for.

use super::check::Report;
use crate::walk::{Element, Kind};

pub(super) fn check(element: &Element<'_>, report: &mut Report) {
    let rule = match element.kind {
        Kind::File => return,
        Kind::Message(_) => "COMMENT_MESSAGE",
        Kind::Field(_) => "COMMENT_FIELD",
        Kind::Oneof(_) => "COMMENT_ONEOF",
        Kind::Enum(_) => "COMMENT_ENUM",
        Kind::Value(..) => "COMMENT_ENUM_VALUE",
        Kind::Service(_) => "COMMENT_SERVICE",
        Kind::Method(_) => "COMMENT_RPC",
    };
    let comment = element.comment().unwrap_or_default().trim();
    report.expect(!comment.is_empty(), element, rule, || "has no comment before it".to_owned());
    if comment.is_empty() {
        return;
    }
    let verb = comment.split_whitespace().next().unwrap_or_default();
    let is_verb = verb.ends_with('s') && verb.starts_with(|first: char| first.is_ascii_uppercase());
    report.expect(is_verb, element, "COMMENT_VERB", || {
        format!("has a comment that begins with `{verb}`, not with a verb like `Names`")
    });
    report.expect(comment.ends_with('.'), element, "COMMENT_SENTENCE", || {
        "has a comment that does not end with a period".to_owned()
    });
}
