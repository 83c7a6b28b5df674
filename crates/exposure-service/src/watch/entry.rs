use exposure_core::{Owner, Timestamp};

use crate::{Position, Property};

/// Where a watch begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum WatchFrom {
    /// With the present state, and then what changes.
    Snapshot,
    /// After an entry of an earlier watch, or after the position of an answer.
    Cursor(Position),
    /// With the oldest change that is kept.
    Beginning,
    /// With the next change.
    #[default]
    Now,
}

/// One entry of a watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchItem {
    /// Resumes after this entry; `None` within a snapshot, which begins anew.
    pub cursor: Option<Position>,
    /// The entry.
    pub entry: WatchEntry,
}

/// What an entry of a watch says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WatchEntry {
    /// A property of the snapshot.
    Snapshot {
        /// Whose.
        profile: Owner,
        /// The property.
        property: Property,
    },
    /// The snapshot is complete; what follows are changes.
    SnapshotDone {
        /// How many properties it had.
        entries: u64,
    },
    /// A visible value changed.
    Change {
        /// Whose.
        profile: Owner,
        /// The flag.
        flag_key: Box<str>,
        /// The variant that is visible now; `None` where the property is gone.
        variant: Option<Box<str>>,
        /// The effective time of the write that decides now; where none is left, of the event
        /// that took it away.
        time: Timestamp,
        /// The run of the flag, where that write named one.
        experiment_key: Option<Box<str>>,
        /// What moved it.
        cause: ChangeCause,
    },
    /// A profile was erased: all of it that a write at or before the time decided is gone.
    Erased {
        /// Whose.
        profile: Owner,
        /// The time.
        until: Timestamp,
    },
    /// Nothing visible happened up to the cursor.
    Progress,
}

/// What moved a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ChangeCause {
    /// A write to it won.
    Write,
    /// A link gave writes of a device to another profile.
    Link,
}

impl ChangeCause {
    /// The name in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Link => "link",
        }
    }
}
