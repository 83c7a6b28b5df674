//! The words of the rules as enum values of the protocol.

use exposure_core::explain::Lost;
use exposure_core::{Effect, Note};

use crate::v1;

/// An effect on the wire.
pub const fn wire_effect(effect: Effect) -> v1::EffectKind {
    match effect {
        Effect::Set => v1::EffectKind::Set,
        Effect::Unset => v1::EffectKind::Unset,
        Effect::Same => v1::EffectKind::Same,
        Effect::Stale => v1::EffectKind::Stale,
        Effect::Unknown => v1::EffectKind::Unknown,
    }
}

/// A note on the wire.
pub const fn wire_note(note: Note) -> v1::Note {
    match note {
        Note::ClockClamped => v1::Note::ClockClamped,
        Note::TimeMissing => v1::Note::TimeMissing,
        Note::TimeSuspect => v1::Note::TimeSuspect,
        Note::IgnoredProperties => v1::Note::IgnoredProperties,
    }
}

/// Why a write lost, on the wire.
pub const fn wire_lost(lost: Lost) -> v1::LostReason {
    match lost {
        Lost::Older => v1::LostReason::Older,
        Lost::Tie => v1::LostReason::Tie,
        Lost::Stale => v1::LostReason::Stale,
    }
}
