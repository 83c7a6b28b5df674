use exposure_core::{Admitted, Effects, ErrorCode, Timestamp};

use crate::{KeyId, ProjectId};

/// How long an insert id is known: seven days, in microseconds, from the commit that brought
/// it. A store may keep it up to a day longer.
pub const INSERT_ID_WINDOW_MICROS: i64 = 7 * 86_400_000_000;

/// What one request brings: admitted events and rejected ones, durable together.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// Where it comes from.
    pub origin: Origin,
    /// The events, borrowed from the request.
    pub events: &'a [Admitted<'a>],
    /// What was refused, for the rejected-event log.
    pub rejects: &'a [Reject<'a>],
}

/// Where a batch comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The tenant.
    pub project: ProjectId,
    /// The key it was sent with.
    pub key: KeyId,
    /// When it was received; of an import, originally.
    pub received: Timestamp,
    /// The server's clock at the commit: insert ids expire by it.
    pub now: Timestamp,
}

/// A refused event.
#[derive(Clone, Copy, Debug)]
pub struct Reject<'a> {
    /// Why.
    pub code: ErrorCode,
    /// The field.
    pub field: &'a str,
    /// What was wrong and what would be right.
    pub message: &'a str,
    /// The user it named, or empty; an erase finds it by this.
    pub user: &'a str,
    /// The device it named, or empty.
    pub device: &'a str,
    /// The event as it came, as far as it is kept: at most 1 KiB.
    pub event: &'a [u8],
    /// The sender library, or empty.
    pub library: &'a str,
}

impl<'a> Reject<'a> {
    /// Of an event whose user or device was erased at or after its time: without the ids and the
    /// event, of which nothing may be kept.
    pub fn erased(event: &Admitted<'a>) -> Self {
        Self {
            code: ErrorCode::Erased,
            field: if event.raw().is_user() { "user_id" } else { "device_id" },
            message: "was erased at or after the time of this event",
            user: "",
            device: "",
            event: &[],
            library: event.library,
        }
    }
}

/// What became of one record of a batch, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Committed {
    /// It was new: merged, with an effect for each of its writes.
    Merged(Effects),
    /// Its insert id was seen within the window.
    Duplicate {
        /// Whether its content differs from the first one's.
        conflict: bool,
    },
    /// Whom it names ([`Admitted::raw`]) was erased at or after its time: not stored.
    ///
    /// Decided before its insert id is looked at. The store counts it as a reject with
    /// [`ErrorCode::Erased`], and keeps that without the ids and the event.
    Erased,
}
