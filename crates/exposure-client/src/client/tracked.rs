use crate::DropReason;

/// What tracking made of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tracked {
    /// It is no exposure: an unknown flag, a fallback for one, `trackExposure: false`.
    Nothing,
    /// It repeats the exposure that was queued last for this user, flag and run.
    Repeat,
    /// It is a new exposure, and is under way.
    Queued,
    /// It is an exposure that could not be taken.
    Dropped(DropReason),
}
