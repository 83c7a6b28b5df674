//! Files are found by their package.

use super::casing::is_lower_snake;
use super::check::Report;
use crate::walk::{Element, Kind};

pub(super) fn check(element: &Element<'_>, report: &mut Report) {
    if !matches!(element.kind, Kind::File) {
        return;
    }
    let (package, path) = (element.file.package(), element.file.name());
    let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
    report.expect(!package.is_empty(), element, "PACKAGE_DEFINED", || {
        format!("is no package: `{path}` names none")
    });
    report.expect(
        package.split('.').all(is_lower_snake),
        element,
        "PACKAGE_LOWER_SNAKE_CASE",
        || "is not written in lower_snake.case".to_owned(),
    );
    report.expect(
        directory == package.replace('.', "/"),
        element,
        "PACKAGE_DIRECTORY_MATCH",
        || format!("is declared in directory `{directory}`"),
    );
    report.expect(has_version(package), element, "PACKAGE_VERSION_SUFFIX", || {
        "does not end in a version like `.v1`".to_owned()
    });
    let stem = name.strip_suffix(".proto").unwrap_or(name);
    report.expect(is_lower_snake(stem), element, "FILE_LOWER_SNAKE_CASE", || {
        format!("has a file `{name}` that is not written in lower_snake_case.proto")
    });
    report.expect(element.file.syntax() == "proto3", element, "SYNTAX_SPECIFIED", || {
        "is not written in proto3".to_owned()
    });
}

fn has_version(package: &str) -> bool {
    package
        .rsplit_once('.')
        .and_then(|(_, last)| last.strip_prefix('v'))
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}
