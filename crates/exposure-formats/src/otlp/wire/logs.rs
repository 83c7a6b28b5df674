use super::common::{any_value, key_value};
use super::fault::Fault;
use super::reader::{Known, Reader, delimited, fixed_32, fixed_64, integer};
use crate::otlp::collector::{Collector, Nanos};
use crate::otlp::evaluation::Evaluation;
use crate::otlp::value::Value;

/// A `LogRecord`.
pub(super) fn record<'b>(
    (message, depth): (&'b [u8], u32),
    into: &mut Collector<'_, 'b>,
) -> Result<(), Fault> {
    const TIME: u64 = fixed_64(1);
    const SEVERITY_NUMBER: u64 = integer(2);
    const SEVERITY_TEXT: u64 = delimited(3);
    const BODY: u64 = delimited(5);
    const ATTRIBUTES: u64 = delimited(6);
    const DROPPED: u64 = integer(7);
    const FLAGS: u64 = fixed_32(8);
    const TRACE_ID: u64 = delimited(9);
    const SPAN_ID: u64 = delimited(10);
    const OBSERVED_TIME: u64 = fixed_64(11);
    const EVENT_NAME: u64 = delimited(12);
    const KNOWN: Known = Known::new(&[1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12]);
    let mut evaluation = Evaluation::default();
    let (mut time, mut observed_time) = (0, 0);
    let (mut body, mut event_name, mut span_id) = (Value::Absent, "", &[][..]);
    let mut reader = Reader::new(message);
    while let Some(key) = reader.key()? {
        match key {
            TIME => time = reader.eight_bytes()?,
            SEVERITY_NUMBER | DROPPED => drop(reader.varint()?),
            SEVERITY_TEXT => drop(reader.text()?),
            BODY => any_value(reader.message(depth)?, &mut body)?,
            ATTRIBUTES => {
                let (name, value) = key_value(reader.message(depth)?)?;
                evaluation.attribute(name, value, into.options);
            }
            FLAGS => drop(reader.four_bytes()?),
            TRACE_ID => drop(reader.bytes()?),
            SPAN_ID => span_id = reader.bytes()?,
            OBSERVED_TIME => observed_time = reader.eight_bytes()?,
            EVENT_NAME => event_name = reader.text()?,
            key => reader.skip(key, KNOWN, depth)?,
        }
    }
    if evaluation.is_of_record(event_name) {
        evaluation.body(body);
        into.add(&evaluation, Nanos::new(time).or(Nanos::new(observed_time)), span_id);
    }
    Ok(())
}
