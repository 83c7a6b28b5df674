use prost_types::EnumDescriptorProto;

use super::check::Report;
use super::reserved::Reserved;
use crate::walk::Element;

pub(super) fn compare(
    before: &EnumDescriptorProto,
    after: &EnumDescriptorProto,
    element: &Element<'_>,
    report: &mut Report,
) {
    let reserved = Reserved::of_enum(after);
    reserved.keeps(&Reserved::of_enum(before), element, report);
    for old in &before.value {
        match after.value.iter().find(|new| new.number() == old.number()) {
            Some(new) => report.same(
                element,
                "ENUM_VALUE_SAME_NAME",
                &format!("the name of value {}", old.number()),
                &old.name(),
                &new.name(),
            ),
            None => {
                reserved.deleted("ENUM_VALUE_NO_DELETE", old.number(), old.name(), element, report);
            }
        }
    }
}
