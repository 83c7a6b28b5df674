//! Numbers and names that were used once and are never used again.

use std::ops::RangeInclusive;

use prost_types::{DescriptorProto, EnumDescriptorProto};

use super::check::Report;
use crate::walk::Element;

/// What a message or an enum reserves.
#[derive(Debug)]
pub(super) struct Reserved<'a> {
    ranges: Vec<RangeInclusive<i32>>,
    names: &'a [String],
}

impl<'a> Reserved<'a> {
    pub(super) fn of_message(message: &'a DescriptorProto) -> Self {
        // A message's ranges end before their end, those of an enum with it.
        let ranges = message.reserved_range.iter();
        let ranges = ranges.map(|range| range.start()..=range.end().saturating_sub(1)).collect();
        Self { ranges, names: &message.reserved_name }
    }

    pub(super) fn of_enum(enumeration: &'a EnumDescriptorProto) -> Self {
        let ranges = enumeration.reserved_range.iter();
        let ranges = ranges.map(|range| range.start()..=range.end()).collect();
        Self { ranges, names: &enumeration.reserved_name }
    }

    /// Reports what was reserved `before` and no longer is.
    pub(super) fn keeps(&self, before: &Self, element: &Element<'_>, report: &mut Report) {
        for range in &before.ranges {
            if !self.covers(range) {
                let message = format!("no longer reserves {} to {}", range.start(), range.end());
                report.add(element, "RESERVED_NO_DELETE", &message);
            }
        }
        for name in before.names.iter().filter(|name| !self.names.contains(name)) {
            report.add(element, "RESERVED_NO_DELETE", &format!("no longer reserves `{name}`"));
        }
    }

    /// Reports something deleted whose number or name could be used again.
    pub(super) fn deleted(
        &self,
        rule: &'static str,
        number: i32,
        name: &str,
        element: &Element<'_>,
        report: &mut Report,
    ) {
        if !self.covers(&(number..=number)) {
            report.add(element, rule, &format!("deletes {number} without reserving it"));
        }
        if !self.names.iter().any(|reserved| reserved == name) {
            report.add(element, rule, &format!("deletes `{name}` without reserving it"));
        }
    }

    /// Whether a range is reserved, be it by several ranges together.
    fn covers(&self, range: &RangeInclusive<i32>) -> bool {
        let mut next = *range.start();
        loop {
            let Some(covering) = self.ranges.iter().find(|held| held.contains(&next)) else {
                return false;
            };
            if range.end() <= covering.end() {
                return true;
            }
            next = covering.end().saturating_add(1);
        }
    }
}
