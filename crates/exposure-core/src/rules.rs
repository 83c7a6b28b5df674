use crate::{EventTime, Limits, Note, Notes, Timestamp};

/// Which sender's customs hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dialect {
    /// Our own gRPC and JSON: an empty variant is an error, a bad id rejects.
    #[default]
    Native,
    /// Amplitude's paths: ids of at least five characters, an empty variant is none, a bad id rejects.
    Amplitude,
    /// Every other sender: a bad id beside a good one is dropped, an empty variant is none.
    Foreign,
}

/// What admission depends on besides the event.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// The sender's customs.
    pub dialect: Dialect,
    /// When the request arrived.
    pub received: Timestamp,
    /// The shortest id, in characters. Default 5 for Amplitude, else 1.
    pub min_id_chars: usize,
    /// How far in the future an event may lie, in microseconds. Default ten minutes.
    pub max_future_skew_micros: i64,
}

impl Rules {
    /// The default rules of a dialect for a request received now.
    pub const fn new(dialect: Dialect, received: Timestamp) -> Self {
        let min_id_chars = match dialect {
            Dialect::Amplitude => Limits::AMPLITUDE_MIN_ID_CHARS,
            Dialect::Native | Dialect::Foreign => 1,
        };
        Self {
            dialect,
            received,
            min_id_chars,
            max_future_skew_micros: Limits::MAX_FUTURE_SKEW_MICROS,
        }
    }
}

/// The time that counts: the event's own, unless it is missing, impossible or too far ahead.
#[inline]
pub fn effective_time(
    time: EventTime,
    sent: Option<Timestamp>,
    rules: &Rules,
) -> (Timestamp, Notes) {
    let mut notes = Notes::default();
    let own = match time {
        EventTime::Missing => {
            notes.insert(Note::TimeMissing);
            return (rules.received, notes);
        }
        EventTime::OutOfRange => {
            notes.insert(Note::TimeSuspect);
            return (rules.received, notes);
        }
        EventTime::At(time) => time,
    };
    if own < Timestamp::EARLIEST_EVENT {
        notes.insert(Note::TimeSuspect);
        return (rules.received, notes);
    }
    let own = sent.map_or(own, |sent| correct_skew(own, sent, rules.received));
    if own > rules.received.plus_micros(rules.max_future_skew_micros) {
        notes.insert(Note::ClockClamped);
        return (rules.received, notes);
    }
    (own, notes)
}

/// The event's time on our clock: `received - (sent - time)`, with the sender's clock for the latter two.
pub fn correct_skew(time: Timestamp, sent: Timestamp, received: Timestamp) -> Timestamp {
    received.plus_micros(sent.since(time).saturating_neg())
}
