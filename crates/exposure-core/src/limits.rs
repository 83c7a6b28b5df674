/// The bounds of one project. The defaults are those of the rules; every one is a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Flags a project may have. Default 1500.
    pub flags: usize,
    /// Distinct event types counted by name, the rest is `(other)`. Default 2000.
    pub event_types: usize,
    /// Distinct sender libraries counted by name, the rest is `(other)`. Default 200.
    pub libraries: usize,
    /// Users seen on a device past which it is a shared one. Default 1000.
    pub users_per_device: usize,
    /// Rejected events kept with their reason. Default 10,000.
    pub rejects_kept: usize,
    /// Duplicates kept for explain, of one profile. Default 10.
    pub duplicates_kept: usize,
}

impl Limits {
    /// The most characters an id, key or variant may have.
    pub const TEXT_CHARS: usize = 1024;
    /// The most bytes `metadata` may have: 64 KiB.
    pub const METADATA_BYTES: usize = 64 * 1024;
    /// The deepest `metadata` may nest.
    pub const METADATA_DEPTH: usize = 40;
    /// How far in the future an event may lie before it is clamped: 10 minutes, in microseconds.
    pub const MAX_FUTURE_SKEW_MICROS: i64 = 600_000_000;
    /// The shortest id on Amplitude's paths.
    pub const AMPLITUDE_MIN_ID_CHARS: usize = 5;
    /// The name of what is past a limit on names.
    pub const OTHER: &'static str = "(other)";
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            flags: 1500,
            event_types: 2000,
            libraries: 200,
            users_per_device: 1000,
            rejects_kept: 10_000,
            duplicates_kept: 10,
        }
    }
}
