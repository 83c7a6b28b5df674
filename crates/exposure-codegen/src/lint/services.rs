//! Each method has its own request and response, and lists come in pages.

use std::collections::BTreeMap;

use prost_types::DescriptorProto;

use super::check::Report;
use crate::walk::{Element, Kind};

pub(super) fn check(elements: &[Element<'_>], report: &mut Report) {
    let messages: BTreeMap<String, &DescriptorProto> = elements
        .iter()
        .filter_map(|element| match element.kind {
            Kind::Message(message) => Some((format!(".{}", element.full_name), message)),
            _ => None,
        })
        .collect();
    let mut used: BTreeMap<&str, &str> = BTreeMap::new();
    for element in elements {
        match element.kind {
            Kind::Service(service) => {
                report.expect(
                    service.name().ends_with("Service"),
                    element,
                    "SERVICE_SUFFIX",
                    || "does not end in `Service`".to_owned(),
                );
            }
            Kind::Method(method) => {
                standard_name(element, "RPC_REQUEST_STANDARD_NAME", "Request", report);
                standard_name(element, "RPC_RESPONSE_STANDARD_NAME", "Response", report);
                for message in [method.input_type(), method.output_type()] {
                    let user = used.insert(message, method.name());
                    report.expect(user.is_none(), element, "RPC_REQUEST_RESPONSE_UNIQUE", || {
                        format!("uses `{message}`, as does `{}`", user.unwrap_or_default())
                    });
                }
                if method.name().starts_with("List") {
                    paged(
                        element,
                        method.input_type(),
                        &["page_size", "page_token"],
                        &messages,
                        report,
                    );
                    paged(element, method.output_type(), &["next_page_token"], &messages, report);
                }
            }
            _ => {}
        }
    }
}

fn standard_name(element: &Element<'_>, rule: &'static str, suffix: &str, report: &mut Report) {
    let Kind::Method(method) = element.kind else { return };
    let found = if suffix == "Request" { method.input_type() } else { method.output_type() };
    let found = found.rsplit('.').next().unwrap_or_default();
    let expected = format!("{}{suffix}", method.name());
    report.expect(found == expected, element, rule, || format!("uses `{found}`, not `{expected}`"));
}

fn paged(
    element: &Element<'_>,
    message: &str,
    fields: &[&str],
    messages: &BTreeMap<String, &DescriptorProto>,
    report: &mut Report,
) {
    let Some(descriptor) = messages.get(message) else { return };
    for name in fields {
        let has = descriptor.field.iter().any(|field| field.name() == *name);
        report.expect(has, element, "RPC_LIST_PAGED", || {
            format!("lists without pages: `{message}` has no `{name}`")
        });
    }
}
