use crate::Version;

/// What a write did to the register it landed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// It won, and the visible value is now its variant.
    Set,
    /// It won, and the visible value is gone.
    Unset,
    /// It won or equals the winner, and the visible value did not change.
    Same,
    /// It lost.
    Stale,
    /// The store can not tell.
    Unknown,
}

impl Effect {
    /// The name in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Set => "set",
            Self::Unset => "unset",
            Self::Same => "same",
            Self::Stale => "stale",
            Self::Unknown => "unknown",
        }
    }

    /// Whether the visible value changed.
    pub const fn is_change(self) -> bool {
        matches!(self, Self::Set | Self::Unset)
    }

    /// Judges a write against what the register held.
    pub fn judge(held: Option<&Version<'_>>, new: &Version<'_>) -> Self {
        if held.is_some_and(|held| new < held) {
            return Self::Stale;
        }
        let before = held.and_then(|held| held.change.variant());
        match new.change.variant() {
            after if after == before => Self::Same,
            Some(_) => Self::Set,
            None => Self::Unset,
        }
    }
}
