use prost_types::FileDescriptorSet;

use super::{casing, comments, enums, fields, files, services};
use crate::finding::Finding;
use crate::walk::{Element, elements};

/// Lists every violation of style, by file and line.
pub fn lint(descriptors: &FileDescriptorSet) -> Vec<Finding> {
    let elements = elements(descriptors);
    let mut report = Report::default();
    for element in &elements {
        files::check(element, &mut report);
        casing::check(element, &mut report);
        comments::check(element, &mut report);
        enums::check(element, &mut report);
        fields::check(element, &mut report);
    }
    services::check(&elements, &mut report);
    report.findings.sort();
    report.findings
}

/// What was found so far.
#[derive(Debug, Default)]
pub(super) struct Report {
    findings: Vec<Finding>,
}

impl Report {
    /// Reports an element if `holds` is not so.
    pub(super) fn expect(
        &mut self,
        holds: bool,
        element: &Element<'_>,
        rule: &'static str,
        right: impl FnOnce() -> String,
    ) {
        if !holds {
            self.findings.push(Finding {
                file: element.file.name().to_owned(),
                line: element.line(),
                rule,
                message: format!("`{}` {}", element.full_name, right()),
            });
        }
    }
}
