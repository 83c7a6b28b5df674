//! What a check has to say.

use std::fmt;

/// Whether a finding fails the task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    Warning,
    Failure,
}

/// One place that breaks a rule: where, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    pub(super) weight: Weight,
    /// A path below the root, with a line where there is one; or a crate's name.
    pub(super) place: String,
    pub(super) message: String,
}

impl Finding {
    /// A finding that fails the task.
    pub(super) fn failure(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { weight: Weight::Failure, place: place.into(), message: message.into() }
    }

    /// A finding to look at.
    pub(super) fn warning(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { weight: Weight::Warning, place: place.into(), message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let weight = match self.weight {
            Weight::Warning => "warning",
            Weight::Failure => "error",
        };
        write!(f, "{weight}: {}: {}", self.place, self.message)
    }
}
