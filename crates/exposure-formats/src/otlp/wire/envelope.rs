//! What is around log records and spans, which is the same for both: a request, its
//! resources, their scopes.

use super::fault::Fault;
use super::reader::{Known, MAX_DEPTH, Reader, delimited};
use super::{common, logs, traces};
use crate::BodyError;
use crate::otlp::Signal;
use crate::otlp::collector::Collector;
use crate::otlp::library::Library;

/// Reads an export request.
pub(in crate::otlp) fn read<'b>(
    signal: Signal,
    message: &'b [u8],
    into: &mut Collector<'_, 'b>,
) -> Result<(), BodyError> {
    let read = match signal {
        Signal::Logs => request(message, into, logs::record),
        Signal::Traces => request(message, into, traces::span),
    };
    read.map_err(|fault| fault.within(message))
}

fn request<'b, F>(message: &'b [u8], into: &mut Collector<'_, 'b>, each: F) -> Result<(), Fault>
where
    F: Copy + Fn((&'b [u8], u32), &mut Collector<'_, 'b>) -> Result<(), Fault>,
{
    const RESOURCES: u64 = delimited(1);
    const KNOWN: Known = Known::new(&[1]);
    let mut reader = Reader::new(message);
    while let Some(key) = reader.key()? {
        match key {
            RESOURCES => of_resource(reader.message(MAX_DEPTH)?, into, each)?,
            key => reader.skip(key, KNOWN, MAX_DEPTH)?,
        }
    }
    Ok(())
}

/// `ResourceLogs` or `ResourceSpans`. The resource may stand behind its scopes, and is read first.
fn of_resource<'b, F>(
    (message, depth): (&'b [u8], u32),
    into: &mut Collector<'_, 'b>,
    each: F,
) -> Result<(), Fault>
where
    F: Copy + Fn((&'b [u8], u32), &mut Collector<'_, 'b>) -> Result<(), Fault>,
{
    let mut sdk = Library::default();
    each_part((message, depth), |part| common::resource(part, &mut sdk), |_| Ok(()))?;
    into.begin_resource(sdk);
    each_part((message, depth), |_| Ok(()), |scope| of_scope(scope, into, each))
}

/// `ScopeLogs` or `ScopeSpans`, likewise.
fn of_scope<'b, F>(
    (message, depth): (&'b [u8], u32),
    into: &mut Collector<'_, 'b>,
    each: F,
) -> Result<(), Fault>
where
    F: Fn((&'b [u8], u32), &mut Collector<'_, 'b>) -> Result<(), Fault>,
{
    let mut scope = Library::default();
    each_part((message, depth), |part| common::scope(part, &mut scope), |_| Ok(()))?;
    into.begin_scope(scope);
    each_part((message, depth), |_| Ok(()), |record| each(record, into))
}

/// The two levels have the same fields: what they are of, and what they hold.
fn each_part<'b>(
    (message, depth): (&'b [u8], u32),
    mut of: impl FnMut((&'b [u8], u32)) -> Result<(), Fault>,
    mut held: impl FnMut((&'b [u8], u32)) -> Result<(), Fault>,
) -> Result<(), Fault> {
    const OF: u64 = delimited(1);
    const HELD: u64 = delimited(2);
    const SCHEMA_URL: u64 = delimited(3);
    const KNOWN: Known = Known::new(&[1, 2, 3]);
    let mut reader = Reader::new(message);
    while let Some(key) = reader.key()? {
        match key {
            OF => of(reader.message(depth)?)?,
            HELD => held(reader.message(depth)?)?,
            SCHEMA_URL => drop(reader.text()?),
            key => reader.skip(key, KNOWN, depth)?,
        }
    }
    Ok(())
}
