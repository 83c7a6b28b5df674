//! Enum values are prefixed, and zero says nothing.

use super::casing::upper_snake;
use super::check::Report;
use crate::walk::{Element, Kind};

pub(super) fn check(element: &Element<'_>, report: &mut Report) {
    match element.kind {
        Kind::Enum(enumeration) => {
            let options = enumeration.options.as_ref();
            let aliases = options.is_some_and(prost_types::EnumOptions::allow_alias);
            report.expect(!aliases, element, "ENUM_NO_ALLOW_ALIAS", || {
                "gives one number two names".to_owned()
            });
        }
        Kind::Value(value, enumeration) => {
            let prefix = format!("{}_", upper_snake(enumeration.name()));
            report.expect(value.name().starts_with(&prefix), element, "ENUM_VALUE_PREFIX", || {
                format!("does not begin with `{prefix}`")
            });
            let is_unspecified = value.name().ends_with("_UNSPECIFIED");
            report.expect(
                (value.number() == 0) == is_unspecified,
                element,
                "ENUM_ZERO_VALUE_SUFFIX",
                || "breaks that zero, and zero alone, ends in `_UNSPECIFIED`".to_owned(),
            );
        }
        _ => {}
    }
}
