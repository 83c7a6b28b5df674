use super::common::key_value;
use super::fault::Fault;
use super::reader::{Known, Reader, delimited, fixed_32, fixed_64, integer};
use crate::otlp::collector::{Collector, Nanos};
use crate::otlp::evaluation::{Evaluation, is_of_span, is_of_span_event};

const SPAN_EVENTS: u64 = delimited(11);

/// A `Span`: it may be an evaluation, and each of its events may.
pub(super) fn span<'b>(
    (message, depth): (&'b [u8], u32),
    into: &mut Collector<'_, 'b>,
) -> Result<(), Fault> {
    const TRACE_ID: u64 = delimited(1);
    const SPAN_ID: u64 = delimited(2);
    const TRACE_STATE: u64 = delimited(3);
    const PARENT_SPAN_ID: u64 = delimited(4);
    const NAME: u64 = delimited(5);
    const KIND: u64 = integer(6);
    const START_TIME: u64 = fixed_64(7);
    const END_TIME: u64 = fixed_64(8);
    const ATTRIBUTES: u64 = delimited(9);
    const DROPPED_ATTRIBUTES: u64 = integer(10);
    const DROPPED_EVENTS: u64 = integer(12);
    const LINKS: u64 = delimited(13);
    const DROPPED_LINKS: u64 = integer(14);
    const STATUS: u64 = delimited(15);
    const FLAGS: u64 = fixed_32(16);
    const KNOWN: Known = Known::new(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
    let mut evaluation = Evaluation::default();
    let (mut start_time, mut end_time) = (0, 0);
    let (mut name, mut span_id) = ("", &[][..]);
    let mut has_events = false;
    let mut reader = Reader::new(message);
    while let Some(key) = reader.key()? {
        match key {
            TRACE_ID | PARENT_SPAN_ID => drop(reader.bytes()?),
            SPAN_ID => span_id = reader.bytes()?,
            TRACE_STATE => drop(reader.text()?),
            NAME => name = reader.text()?,
            KIND | DROPPED_ATTRIBUTES | DROPPED_EVENTS | DROPPED_LINKS => drop(reader.varint()?),
            START_TIME => start_time = reader.eight_bytes()?,
            END_TIME => end_time = reader.eight_bytes()?,
            ATTRIBUTES => {
                let (name, value) = key_value(reader.message(depth)?)?;
                evaluation.attribute(name, value, into.options);
            }
            SPAN_EVENTS => {
                reader.message(depth)?;
                has_events = true;
            }
            LINKS => link(reader.message(depth)?)?,
            STATUS => status(reader.message(depth)?)?,
            FLAGS => drop(reader.four_bytes()?),
            key => reader.skip(key, KNOWN, depth)?,
        }
    }
    let time = Nanos::new(start_time).or(Nanos::new(end_time));
    if is_of_span(name) {
        into.add(&evaluation, time, span_id);
    }
    if !has_events {
        return Ok(());
    }
    // The span's id and time may stand behind its events, and are needed for them.
    let mut reader = Reader::new(message);
    while let Some(key) = reader.key()? {
        match key {
            SPAN_EVENTS => event(reader.message(depth)?, time, span_id, into)?,
            // Nothing is known here: all of it was judged above.
            key => reader.skip(key, Known::new(&[]), depth)?,
        }
    }
    Ok(())
}

/// A span's `Event`.
fn event<'b>(
    (message, depth): (&'b [u8], u32),
    span_time: Nanos,
    span_id: &'b [u8],
    into: &mut Collector<'_, 'b>,
) -> Result<(), Fault> {
    const TIME: u64 = fixed_64(1);
    const NAME: u64 = delimited(2);
    const ATTRIBUTES: u64 = delimited(3);
    const DROPPED: u64 = integer(4);
    const KNOWN: Known = Known::new(&[1, 2, 3, 4]);
    let mut evaluation = Evaluation::default();
    let (mut time, mut name) = (0, "");
    let mut reader = Reader::new(message);
    while let Some(key) = reader.key()? {
        match key {
            TIME => time = reader.eight_bytes()?,
            NAME => name = reader.text()?,
            ATTRIBUTES => {
                let (name, value) = key_value(reader.message(depth)?)?;
                evaluation.attribute(name, value, into.options);
            }
            DROPPED => drop(reader.varint()?),
            key => reader.skip(key, KNOWN, depth)?,
        }
    }
    if is_of_span_event(name) {
        into.add(&evaluation, Nanos::new(time).or(span_time), span_id);
    }
    Ok(())
}

/// A span's `Link`: nothing of it is kept.
fn link((message, depth): (&[u8], u32)) -> Result<(), Fault> {
    const TRACE_ID: u64 = delimited(1);
    const SPAN_ID: u64 = delimited(2);
    const TRACE_STATE: u64 = delimited(3);
    const ATTRIBUTES: u64 = delimited(4);
    const DROPPED: u64 = integer(5);
    const FLAGS: u64 = fixed_32(6);
    const KNOWN: Known = Known::new(&[1, 2, 3, 4, 5, 6]);
    let mut reader = Reader::new(message);
    while let Some(key) = reader.key()? {
        match key {
            TRACE_ID | SPAN_ID => drop(reader.bytes()?),
            TRACE_STATE => drop(reader.text()?),
            ATTRIBUTES => drop(key_value(reader.message(depth)?)?),
            DROPPED => drop(reader.varint()?),
            FLAGS => drop(reader.four_bytes()?),
            key => reader.skip(key, KNOWN, depth)?,
        }
    }
    Ok(())
}

/// A span's `Status`: nothing of it is kept.
fn status((message, depth): (&[u8], u32)) -> Result<(), Fault> {
    const MESSAGE: u64 = delimited(2);
    const CODE: u64 = integer(3);
    const KNOWN: Known = Known::new(&[2, 3]);
    let mut reader = Reader::new(message);
    while let Some(key) = reader.key()? {
        match key {
            MESSAGE => drop(reader.text()?),
            CODE => drop(reader.varint()?),
            key => reader.skip(key, KNOWN, depth)?,
        }
    }
    Ok(())
}
