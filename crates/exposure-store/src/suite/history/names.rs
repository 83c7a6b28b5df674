use exposure_core::Timestamp;

use crate::ProjectId;

/// The users of histories.
pub const USERS: [&str; 3] = ["ann", "bob", "cyn"];
/// The devices of histories. One is also the name of a user.
pub const DEVICES: [&str; 3] = ["d1", "d2", "ann"];
/// The flags of histories.
pub const FLAGS: [&str; 3] = ["flag", "flag-2", "é"];
/// The variants of histories.
pub const VARIANTS: [&str; 3] = ["off", "on", "oné"];
/// The experiment keys of histories; an empty one is an absent one.
pub const EXPERIMENTS: [&str; 3] = ["", "run-1", "run-2"];
/// The insert ids of histories; an empty one is an absent one.
pub const INSERT_IDS: [&str; 7] = ["", "i1", "i2", "i3", "i4", "i5", "i6"];
/// The projects of histories.
pub const PROJECTS: [ProjectId; 2] = [ProjectId(1), ProjectId(2)];
/// When histories begin.
pub const START: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);
