use std::fmt;

/// A moment: microseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The earliest time an event can have: before 2000-01-01 a sender's clock, or its unit, is wrong.
    pub const EARLIEST_EVENT: Self = Self(946_684_800_000_000);
    /// The least value: before every event.
    pub const MIN: Self = Self(i64::MIN);
    /// The greatest value: after every event.
    pub const MAX: Self = Self(i64::MAX);
    const DAY: i64 = 86_400_000_000;

    /// From microseconds since the epoch.
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// From milliseconds since the epoch; `None` where they do not fit.
    pub const fn from_millis(millis: i64) -> Option<Self> {
        match millis.checked_mul(1000) {
            Some(micros) => Some(Self(micros)),
            None => None,
        }
    }

    /// Microseconds since the epoch.
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// Milliseconds since the epoch, rounded down.
    pub const fn as_millis(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// Days since the epoch in UTC, rounded down.
    pub const fn day(self) -> i64 {
        self.0.div_euclid(Self::DAY)
    }

    /// The first moment of a day, counted in days since the epoch in UTC.
    pub const fn start_of_day(day: i64) -> Self {
        Self(day.saturating_mul(Self::DAY))
    }

    /// This moment `micros` later, or the greatest one there is.
    #[must_use]
    pub const fn plus_micros(self, micros: i64) -> Self {
        Self(self.0.saturating_add(micros))
    }

    /// Microseconds from `earlier` to this moment, negative when it is later.
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Eight bytes whose comparison equals that of the times.
    pub const fn to_ordered_bytes(self) -> [u8; 8] {
        ((self.0 as u64) ^ (1 << 63)).to_be_bytes()
    }

    /// The time that [`to_ordered_bytes`](Self::to_ordered_bytes) encoded.
    pub const fn from_ordered_bytes(bytes: [u8; 8]) -> Self {
        Self((u64::from_be_bytes(bytes) ^ (1 << 63)) as i64)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} us", self.0)
    }
}
