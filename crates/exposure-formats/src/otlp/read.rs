use super::collector::Collector;
use super::{Encoding, Endpoint, Options, Signal, json, wire};
use crate::request::header_keys;
use crate::{Arena, BodyError, Request, Upload};

/// Reads the evaluations of a request to one of the paths of OTLP.
///
/// # Errors
/// If the body as a whole can not be read.
pub fn read<'b>(
    endpoint: Endpoint,
    request: &Request<'b>,
    max_events: usize,
    options: &Options,
    arena: &'b Arena,
) -> Result<Upload<'b>, BodyError> {
    let Endpoint { signal, request: encoding, .. } = endpoint;
    let upload = read_message(signal, encoding, request.body, max_events, options, arena)?;
    Ok(Upload { keys: header_keys(request, arena), ..upload })
}

/// Reads the evaluations of an export request, which names no key itself: up to `max_events`,
/// and one more where there are too many.
///
/// # Errors
/// If the message as a whole can not be read.
pub fn read_message<'b>(
    signal: Signal,
    encoding: Encoding,
    message: &'b [u8],
    max_events: usize,
    options: &Options,
    arena: &'b Arena,
) -> Result<Upload<'b>, BodyError> {
    let mut collector = Collector::new(max_events, options, arena);
    match encoding {
        Encoding::Protobuf => wire::read(signal, message, &mut collector)?,
        Encoding::Json => json::read(signal, message, &mut collector)?,
    }
    Ok(Upload { events: collector.into_events(), ..Upload::default() })
}
