use std::borrow::Cow;
use std::fmt;

use crate::{Effect, ErrorCode};

/// What became of one event. Every event gets exactly one, in the order of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Stored, with one effect for each of its writes, in their order.
    Accepted {
        /// What each write did.
        effects: Effects,
        /// What the sender should know.
        notes: Notes,
    },
    /// Seen before within the window: no effect.
    Duplicate {
        /// Whether the content differs from the first one's.
        conflict: bool,
    },
    /// Not stored.
    Rejected(Rejection),
}

/// The effects of an event's writes. One write, the common case, needs no allocation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Effects {
    /// The event makes no write.
    #[default]
    None,
    /// The effect of its one write.
    One(Effect),
    /// The effects of its writes, in their order.
    Many(Vec<Effect>),
}

impl Effects {
    /// The effects in order.
    pub fn as_slice(&self) -> &[Effect] {
        match self {
            Self::None => &[],
            Self::One(effect) => std::slice::from_ref(effect),
            Self::Many(effects) => effects,
        }
    }

    /// Adds the effect of the next write.
    pub fn push(&mut self, effect: Effect) {
        match self {
            Self::None => *self = Self::One(effect),
            Self::One(first) => *self = Self::Many(vec![*first, effect]),
            Self::Many(effects) => effects.push(effect),
        }
    }
}

/// Something worth knowing about an accepted event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Note {
    /// Its time lay too far in the future: the receive time counts.
    ClockClamped,
    /// It had no time: the receive time counts.
    TimeMissing,
    /// Its time can not be right (before 2000, or out of range): the receive time counts.
    TimeSuspect,
    /// It carried properties or operations that are not kept.
    IgnoredProperties,
}

impl Note {
    /// Every note.
    pub const ALL: [Self; 4] =
        [Self::ClockClamped, Self::TimeMissing, Self::TimeSuspect, Self::IgnoredProperties];

    /// The name in answers, in lower snake case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClockClamped => "clock_clamped",
            Self::TimeMissing => "time_missing",
            Self::TimeSuspect => "time_suspect",
            Self::IgnoredProperties => "ignored_properties",
        }
    }
}

/// A set of notes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Notes(u8);

impl Notes {
    /// Adds a note.
    pub const fn insert(&mut self, note: Note) {
        self.0 |= 1 << note as u8;
    }

    /// Whether the note is there.
    pub const fn contains(self, note: Note) -> bool {
        self.0 & (1 << note as u8) != 0
    }

    /// The notes in a fixed order.
    pub fn iter(self) -> impl Iterator<Item = Note> {
        Note::ALL.into_iter().filter(move |&note| self.contains(note))
    }

    /// The set as bits, for storing.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// The set with these bits; unknown ones are dropped.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits & 0b1111)
    }
}

/// Why an event was not stored: the field, what was wrong with it, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejection {
    /// The reason, from the one list.
    pub code: ErrorCode,
    /// The field as its sender names it.
    pub field: Cow<'static, str>,
    /// What was wrong and what would be right, for people.
    pub message: Cow<'static, str>,
}

impl Rejection {
    /// A rejection of a field.
    pub fn new(
        code: ErrorCode,
        field: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self { code, field: field.into(), message: message.into() }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: `{}` {}", self.code, self.field, self.message)
    }
}

impl std::error::Error for Rejection {}
