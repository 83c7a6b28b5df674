use crate::{Metadata, Timestamp};

/// An event as its sender said it: nothing checked yet, text borrowed from the request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Incoming<'a> {
    /// The user. Empty is absent.
    pub user_id: Option<&'a str>,
    /// The device. Empty is absent.
    pub device_id: Option<&'a str>,
    /// When it happened, on the sender's clock.
    pub time: EventTime,
    /// When it was sent, on the same clock, where the rules correct for skew by it.
    pub sent: Option<Timestamp>,
    /// Orders events of one time. 0 where the sender gives none.
    pub sequence: i64,
    /// Makes a retry harmless. Empty is absent.
    pub insert_id: Option<&'a str>,
    /// What happened.
    pub body: Body<'a>,
    /// Properties set or unset beside it, as flag keys without the `[Experiment] ` prefix.
    pub changes: &'a [PropertyChange<'a>],
    /// Whether it carried properties or operations that are not kept.
    pub ignored_properties: bool,
    /// The sender library and its version, such as `amplitude-ts/2.47.1`. Empty is unknown.
    pub library: &'a str,
}

/// The time an event names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EventTime {
    /// It names none.
    #[default]
    Missing,
    /// It names one.
    At(Timestamp),
    /// It names a number that does not fit a time.
    OutOfRange,
}

/// What happened.
#[derive(Clone, Copy, Debug)]
pub enum Body<'a> {
    /// A user saw a variant.
    Exposure(Exposure<'a>),
    /// A user was assigned; the flags are in `changes`.
    Assignment {
        /// The event's own properties, JSON or empty.
        payload: &'a [u8],
    },
    /// Who somebody is; properties are in `changes`.
    Identify {
        /// Identify, group or alias.
        kind: Kind,
        /// The event's own properties, JSON or empty.
        payload: &'a [u8],
    },
    /// Any other event.
    Outcome {
        /// Track, page or screen.
        kind: Kind,
        /// Its type; required.
        event_type: Option<&'a str>,
        /// The event's own properties, JSON or empty.
        payload: &'a [u8],
    },
    /// Says nothing that is kept, such as an evaluation that failed or one that is told by
    /// another event too: accepted, and neither stored nor metered.
    Ignored,
}

impl Default for Body<'_> {
    fn default() -> Self {
        Self::Outcome { kind: Kind::Track, event_type: None, payload: &[] }
    }
}

/// The parts of an exposure.
#[derive(Clone, Copy, Debug, Default)]
pub struct Exposure<'a> {
    /// The flag; required.
    pub flag_key: Option<&'a str>,
    /// The variant; absent unsets.
    pub variant: Option<&'a str>,
    /// The run of the flag. Empty is absent.
    pub experiment_key: Option<&'a str>,
    /// What else the sender said, with the two members the rules look at.
    pub metadata: Metadata<'a>,
    /// Whether it is an impression.
    pub impression: bool,
}

/// One property set or unset, its flag key not checked yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PropertyChange<'a> {
    /// The flag key, without the `[Experiment] ` prefix.
    pub flag_key: &'a str,
    /// The variant to set; `None` unsets.
    pub variant: Option<&'a str>,
}

/// What an event is metered as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Kind {
    /// A user saw a variant.
    Exposure = 0,
    /// The same, from a web experiment.
    Impression = 1,
    /// A user was assigned.
    Assignment = 2,
    /// Who somebody is.
    Identify = 3,
    /// Whom somebody belongs to.
    Group = 4,
    /// Two ids of one user.
    Alias = 5,
    /// Any other event.
    #[default]
    Track = 6,
    /// A page was seen.
    Page = 7,
    /// A screen was seen.
    Screen = 8,
}

impl Kind {
    /// Every kind, by its stored number.
    pub const ALL: [Self; 9] = [
        Self::Exposure,
        Self::Impression,
        Self::Assignment,
        Self::Identify,
        Self::Group,
        Self::Alias,
        Self::Track,
        Self::Page,
        Self::Screen,
    ];

    /// The kind of a stored number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number)).copied()
    }

    /// The name in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exposure => "exposure",
            Self::Impression => "impression",
            Self::Assignment => "assignment",
            Self::Identify => "identify",
            Self::Group => "group",
            Self::Alias => "alias",
            Self::Track => "track",
            Self::Page => "page",
            Self::Screen => "screen",
        }
    }

    /// Whether it counts as volume: only outcome events do.
    pub const fn is_billable(self) -> bool {
        matches!(self, Self::Track | Self::Page | Self::Screen)
    }

    /// Whether it is an exposure or an impression.
    pub const fn is_exposure(self) -> bool {
        matches!(self, Self::Exposure | Self::Impression)
    }
}
