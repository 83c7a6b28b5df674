//! What Segment writes to buckets and warehouses, and RudderStack like it: one call a line, with
//! the times that its server added.

use exposure_core::EventTime;

use super::event::{self, Around};
use crate::json::pick;
use crate::vocabulary::{known_time, time};
use crate::{Arena, ExportedEvent};

/// Reads one call of an archive.
///
/// Its `timestamp` is corrected for skew already. One without it is corrected here, by when it
/// was sent and received.
pub(crate) fn read<'b>(json: &'b str, arena: &'b Arena) -> ExportedEvent<'b> {
    let times = pick(json, arena, ["timestamp", "receivedAt"]).unwrap_or_default();
    let [corrected, received] = times;
    let received = known_time(received, arena);
    let around = Around { are_archived: true, ..Around::default() };
    let event = event::read(json, 0, &around, arena).map(|mut event| {
        let corrected = time(corrected, arena);
        if matches!(corrected, EventTime::At(_)) {
            event.time = corrected;
            event.sent = None;
        }
        // Without the receipt there is nothing to correct by.
        event.sent = event.sent.filter(|_| received.is_some());
        event
    });
    ExportedEvent { event, received }
}
