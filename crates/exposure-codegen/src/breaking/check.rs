use std::collections::BTreeMap;

use prost_types::FileDescriptorSet;

use super::{enums, messages, methods};
use crate::finding::Finding;
use crate::walk::{Element, Kind, elements};

/// Lists every change from `baseline` to `current` that an older peer would trip over.
pub fn breaking(baseline: &FileDescriptorSet, current: &FileDescriptorSet) -> Vec<Finding> {
    let current: BTreeMap<String, Element<'_>> = elements(current)
        .into_iter()
        .filter(|element| !matches!(element.kind, Kind::File))
        .map(|element| (element.full_name.clone(), element))
        .collect();
    let mut report = Report { findings: Vec::new() };
    for old in elements(baseline) {
        let rule = match old.kind {
            Kind::Message(_) => "MESSAGE_NO_DELETE",
            Kind::Enum(_) => "ENUM_NO_DELETE",
            Kind::Service(_) => "SERVICE_NO_DELETE",
            Kind::Method(_) => "RPC_NO_DELETE",
            // Fields and values are compared by number, with what they are in.
            Kind::File | Kind::Field(_) | Kind::Oneof(_) | Kind::Value(..) => continue,
        };
        let Some(new) = current.get(&old.full_name) else {
            report.add(&old, rule, "is gone; deprecate it instead");
            continue;
        };
        match (old.kind, new.kind) {
            (Kind::Message(before), Kind::Message(after)) => {
                messages::compare(before, after, new, &mut report);
            }
            (Kind::Enum(before), Kind::Enum(after)) => {
                enums::compare(before, after, new, &mut report);
            }
            (Kind::Method(before), Kind::Method(after)) => {
                methods::compare(before, after, new, &mut report);
            }
            (Kind::Service(_), Kind::Service(_)) => {}
            _ => report.add(new, rule, "is another kind of element now"),
        }
    }
    report.findings.sort();
    report.findings
}

/// What was found so far.
#[derive(Debug)]
pub(super) struct Report {
    findings: Vec<Finding>,
}

impl Report {
    pub(super) fn add(&mut self, element: &Element<'_>, rule: &'static str, message: &str) {
        self.findings.push(Finding {
            file: element.file.name().to_owned(),
            line: element.line(),
            rule,
            message: format!("`{}` {message}", element.full_name),
        });
    }

    /// Reports that something of an element is not what it was.
    pub(super) fn same<T: PartialEq + std::fmt::Debug>(
        &mut self,
        element: &Element<'_>,
        rule: &'static str,
        what: &str,
        before: &T,
        after: &T,
    ) {
        if before != after {
            self.add(element, rule, &format!("changes {what} from {before:?} to {after:?}"));
        }
    }
}
