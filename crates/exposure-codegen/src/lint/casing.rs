//! How names are written.

use super::check::Report;
use crate::walk::{Element, Kind};

pub(super) fn check(element: &Element<'_>, report: &mut Report) {
    let name = element.kind.name();
    let (rule, holds, form) = match element.kind {
        Kind::File => return,
        Kind::Message(_) => ("MESSAGE_PASCAL_CASE", is_pascal(name), "PascalCase"),
        Kind::Enum(_) => ("ENUM_PASCAL_CASE", is_pascal(name), "PascalCase"),
        Kind::Service(_) => ("SERVICE_PASCAL_CASE", is_pascal(name), "PascalCase"),
        Kind::Method(_) => ("RPC_PASCAL_CASE", is_pascal(name), "PascalCase"),
        Kind::Field(_) => ("FIELD_LOWER_SNAKE_CASE", is_lower_snake(name), "lower_snake_case"),
        Kind::Oneof(_) => ("ONEOF_LOWER_SNAKE_CASE", is_lower_snake(name), "lower_snake_case"),
        Kind::Value(..) => {
            ("ENUM_VALUE_UPPER_SNAKE_CASE", is_lower_snake(&lower(name)), "UPPER_SNAKE_CASE")
        }
    };
    report.expect(holds, element, rule, || format!("is not written in {form}"));
}

/// Whether a name consists of lower-case words with single underscores between them.
pub(super) fn is_lower_snake(name: &str) -> bool {
    name.split('_').all(|word| {
        !word.is_empty() && word.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9'))
    }) && name.starts_with(|first: char| first.is_ascii_lowercase())
}

/// `ErrorCode` as `ERROR_CODE`.
pub(super) fn upper_snake(pascal: &str) -> String {
    let mut snake = String::new();
    for letter in pascal.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_uppercase());
    }
    snake
}

fn is_pascal(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
        && !name.as_bytes().windows(3).any(|three| three.iter().all(u8::is_ascii_uppercase))
}

/// An upper-case name in lower case; one that is not upper-case is spoiled.
fn lower(name: &str) -> String {
    if name.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return String::new();
    }
    name.to_ascii_lowercase()
}
