//! The names that events and properties are stored and shown with.

/// Event type of an exposure.
pub const EXPOSURE: &str = "[Experiment] Exposure";
/// Event type of an impression.
pub const IMPRESSION: &str = "[Experiment] Impression";
/// Event type of an assignment.
pub const ASSIGNMENT: &str = "[Experiment] Assignment";
/// Property of an exposure: the flag.
pub const FLAG_KEY: &str = "[Experiment] Flag Key";
/// Property of an exposure: the variant.
pub const VARIANT: &str = "[Experiment] Variant";
/// Property of an exposure: the run.
pub const EXPERIMENT_KEY: &str = "[Experiment] Experiment Key";
/// What the user property of a flag begins with.
pub const PROPERTY_PREFIX: &str = "[Experiment] ";
/// The value an unset is shown with.
pub const UNSET_VALUE: &str = "-";

/// The user property of a flag: `[Experiment] <flag_key>`.
pub fn property(flag_key: &str) -> String {
    format!("{PROPERTY_PREFIX}{flag_key}")
}

/// The flag of a user property, if it is one of ours.
pub fn flag_of_property(property: &str) -> Option<&str> {
    property.strip_prefix(PROPERTY_PREFIX).filter(|flag| !flag.is_empty())
}
