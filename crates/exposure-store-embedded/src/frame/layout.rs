//! The layout of an event record, as the module's documentation tells it.

/// Bytes that every record has.
pub(super) const FIXED: usize = 25;

pub(super) const AT_LENGTH: usize = 0;
pub(super) const AT_PARTS: usize = 2;
pub(super) const AT_IN_FRAME: usize = 4;
pub(super) const AT_STATUS: usize = 6;
pub(super) const AT_EFFECT: usize = 7;
pub(super) const AT_PREVIOUS: usize = 8;
pub(super) const AT_TIME: usize = 16;
pub(super) const AT_KIND: usize = 20;
pub(super) const AT_LENGTHS: usize = 21;
/// Of a record with both ids.
pub(super) const AT_PREVIOUS_DEVICE: usize = FIXED;

/// Beside the status: its device got a new user, or a user a longer span.
pub(super) const LINKS_CHANGED: u8 = 1 << 2;
pub(super) const STATUS: u8 = LINKS_CHANGED - 1;

/// Texts of a record: user, device, flag or event type, variant, insert id, experiment key, library.
pub(super) const N_TEXTS: usize = 7;
/// The first ones have their lengths in every record.
pub(super) const N_FIXED_TEXTS: usize = FIXED - AT_LENGTHS;

// The parts a record has.
pub(super) const USER: u16 = 1;
pub(super) const DEVICE: u16 = 1 << 1;
pub(super) const EXPOSURE: u16 = 1 << 2;
pub(super) const VARIANT: u16 = 1 << 3;
pub(super) const NO_WRITE: u16 = 1 << 4;
/// The insert id as sixteen bytes.
pub(super) const INSERT_UUID: u16 = 1 << 5;
/// The insert id as a text.
pub(super) const INSERT_TEXT: u16 = 1 << 6;
pub(super) const EXPERIMENT_KEY: u16 = 1 << 7;
/// A library that is not the frame's.
pub(super) const LIBRARY: u16 = 1 << 8;
pub(super) const NOTES: u16 = 1 << 9;
pub(super) const SEQUENCE: u16 = 1 << 10;
/// The whole time: it is far from the frame's.
pub(super) const TIME: u16 = 1 << 11;
pub(super) const PAYLOAD: u16 = 1 << 12;
pub(super) const EXTRA: u16 = 1 << 13;
/// Lengths or a place that need more bytes than they have.
pub(super) const WIDE: u16 = 1 << 14;
/// In every record. In the records of the first kind of frame it would be a bit of the length, which no log allows.
pub(super) const COMPACT: u16 = 1 << 15;

pub(super) const BOTH: u16 = USER | DEVICE;
/// Parts with numbers of their own in front of the texts, which few records have.
pub(super) const SELDOM: u16 =
    WIDE | TIME | SEQUENCE | NOTES | INSERT_TEXT | EXPERIMENT_KEY | LIBRARY;
