use std::path::Path;

use exposure_core::{EventTime, Timestamp};
use exposure_formats::{Arena, Export, ExportedEvent};
use exposure_proto::v1;
use exposure_service::Clock as _;
use indicatif::ProgressBar;
use xxhash_rust::xxh3::xxh3_64;

use super::batch::{Batch, Batcher, Shared};
use super::convert::{Read, library, sent, wire_dialect};
use super::input::{self, Input};
use super::insert_id::Derived;
use super::lines::Lines;
use super::state::Mark;
use crate::failure::{Failure, Result};
use crate::system::SystemClock;

/// A file of lines, read as a stream.
pub(super) struct Exported<'f> {
    lines: Lines<Input>,
    export: Export,
    path: &'f Path,
    now: Timestamp,
}

/// How long a line may be: far more than an event may have.
const MAX_LINE_BYTES: usize = 4 << 20;

impl<'f> Exported<'f> {
    /// Opens a file behind the marked line, which must be what it was.
    pub(super) fn open(
        path: &'f Path,
        export: Export,
        from: Mark,
        bar: &ProgressBar,
    ) -> Result<Self> {
        let wrong =
            |cause: &dyn std::fmt::Display| Failure::usage(format!("{}: {cause}", path.display()));
        let input = input::open(path, from.last, bar).map_err(|cause| wrong(&cause))?;
        let mut lines = Lines::new(input, from.last, MAX_LINE_BYTES);
        if from.position > 0 {
            let last = lines.next().map_err(|cause| wrong(&cause))?;
            let is_known =
                last.is_some_and(|it| it.end == from.position && xxh3_64(it.bytes) == from.check);
            if !is_known {
                return Err(wrong(
                    &"it is not the file any more that the state of the import tells of",
                ));
            }
        }
        Ok(Self { lines, export, path, now: SystemClock.now() })
    }

    /// Reads the lines to the end. Whatever is wrong with one, it is one event.
    pub(super) fn read(
        &mut self,
        derived: &Derived,
        mut put: impl FnMut(Batch) -> Result<()>,
    ) -> Result<()> {
        let mut batcher = Batcher::default();
        let mut shared = Shared {
            library: String::new(),
            options: v1::ImportOptions {
                min_id_length: i32::try_from(self.export.min_id_chars()).ok(),
                received_us: None,
                dialect: wire_dialect(self.export.dialect()).into(),
            },
        };
        let ended = loop {
            let line = match self.lines.next() {
                Ok(Some(line)) => line,
                Ok(None) => break Ok(()),
                Err(cause) => {
                    break Err(Failure::failed(format!("{}: {cause}", self.path.display())));
                }
            };
            let arena = Arena::new();
            let ExportedEvent { event, received } = if line.is_too_long {
                self.export.too_long(line.bytes, MAX_LINE_BYTES, &arena)
            } else {
                self.export.read(line.bytes, &arena)
            };
            let received =
                received.filter(|&it| (Timestamp::EARLIEST_EVENT..=self.now).contains(&it));
            shared.options.received_us = received.map(|it| receipt(it, &event).as_micros());
            library(&event, "").clone_into(&mut shared.library);
            let sent = sent(&event, received.unwrap_or(self.now), || {
                Some(derived.insert_id(line.start, 0, line.bytes))
            });
            let check = xxh3_64(line.bytes);
            let mark = Mark { position: line.end, last: line.start, check };
            if let Some(full) = batcher.add(&shared, sent) {
                put(full)?;
            }
            batcher.mark(mark);
        };
        // What was read before a fault is sent as well.
        if let Some(last) = batcher.take() {
            put(last)?;
        }
        ended
    }
}

/// The receipt that an event is sent with: to the second, so that neighbors share a request.
/// Where it could decide something, because the event has no time before it, it is exact.
fn receipt(received: Timestamp, read: &Read<'_>) -> Timestamp {
    const SECOND: i64 = 1_000_000;
    let micros = received.as_micros();
    let second = Timestamp::from_micros(micros - micros.rem_euclid(SECOND));
    let is_decided = match read {
        Ok(event) => match event.time {
            EventTime::At(time) => {
                (Timestamp::EARLIEST_EVENT..=second).contains(&time) && event.sent.is_none()
            }
            EventTime::Missing | EventTime::OutOfRange => false,
        },
        Err(_) => true,
    };
    if is_decided && second >= Timestamp::EARLIEST_EVENT { second } else { received }
}

#[cfg(test)]
mod tests {
    use exposure_core::Incoming;

    use super::*;

    #[test]
    fn receipts_are_rounded_where_they_decide_nothing() {
        let at = Timestamp::from_micros;
        let received = at(1_700_000_000_900_000);
        let second = at(1_700_000_000_000_000);
        for (time, expected) in [
            (EventTime::At(at(1_700_000_000_000_000)), second),
            (EventTime::At(at(1_700_000_000_000_001)), received),
            (EventTime::At(at(1_800_000_000_000_000)), received),
            (EventTime::At(at(5)), received),
            (EventTime::Missing, received),
            (EventTime::OutOfRange, received),
        ] {
            let event = Incoming { time, ..Incoming::default() };
            assert_eq!(receipt(received, &Ok(event)), expected, "{time:?}");
        }
        let skewed =
            Incoming { time: EventTime::At(at(7)), sent: Some(at(8)), ..Incoming::default() };
        assert_eq!(receipt(received, &Ok(skewed)), received);
    }
}
