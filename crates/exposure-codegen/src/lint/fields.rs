//! Fields are of types that every language has.

use prost_types::field_descriptor_proto::Type;

use super::check::Report;
use crate::walk::{Element, Kind};

pub(super) fn check(element: &Element<'_>, report: &mut Report) {
    let Kind::Field(field) = element.kind else { return };
    let is_unsigned =
        matches!(field.r#type(), Type::Uint32 | Type::Uint64 | Type::Fixed32 | Type::Fixed64);
    report.expect(!is_unsigned, element, "FIELD_SIGNED", || {
        "is unsigned, which not every language has; use int32 or int64".to_owned()
    });
    report.expect(field.r#type() != Type::Group, element, "FIELD_NO_GROUP", || {
        "is a group; use a message".to_owned()
    });
}
