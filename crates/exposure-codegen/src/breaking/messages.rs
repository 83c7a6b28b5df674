use prost_types::{DescriptorProto, FieldDescriptorProto};

use super::check::Report;
use super::reserved::Reserved;
use crate::walk::{Element, is_synthetic};

pub(super) fn compare(
    before: &DescriptorProto,
    after: &DescriptorProto,
    element: &Element<'_>,
    report: &mut Report,
) {
    let reserved = Reserved::of_message(after);
    reserved.keeps(&Reserved::of_message(before), element, report);
    for old in &before.field {
        let Some(new) = after.field.iter().find(|new| new.number() == old.number()) else {
            reserved.deleted("FIELD_NO_DELETE", old.number(), old.name(), element, report);
            continue;
        };
        let what = |what: &str| format!("the {what} of field {} (`{}`)", old.number(), old.name());
        report.same(element, "FIELD_SAME_NAME", &what("name"), &old.name(), &new.name());
        report.same(
            element,
            "FIELD_SAME_JSON_NAME",
            &what("JSON name"),
            &old.json_name(),
            &new.json_name(),
        );
        let kind = |field: &FieldDescriptorProto| (field.r#type(), field.type_name().to_owned());
        report.same(element, "FIELD_SAME_TYPE", &what("type"), &kind(old), &kind(new));
        let cardinality = |field: &FieldDescriptorProto| (field.label(), field.proto3_optional());
        report.same(
            element,
            "FIELD_SAME_CARDINALITY",
            &what("cardinality"),
            &cardinality(old),
            &cardinality(new),
        );
        report.same(
            element,
            "FIELD_SAME_ONEOF",
            &what("oneof"),
            &oneof(before, old),
            &oneof(after, new),
        );
    }
}

fn oneof<'a>(message: &'a DescriptorProto, field: &FieldDescriptorProto) -> Option<&'a str> {
    let index = usize::try_from(field.oneof_index?).ok()?;
    let oneof = message.oneof_decl.get(index)?;
    (!is_synthetic(message, index)).then(|| oneof.name())
}
