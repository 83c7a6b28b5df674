use super::{Endpoint, form, upload};
use crate::{Arena, BodyError, Request, Upload};

/// Reads the events of a request to one of Amplitude's paths, and one more than may be.
///
/// # Errors
/// If the body as a whole can not be read. A single bad event is an `Err` among the events.
pub fn read<'b>(
    endpoint: Endpoint,
    request: &Request<'b>,
    max_events: usize,
    arena: &'b Arena,
) -> Result<Upload<'b>, BodyError> {
    match endpoint {
        Endpoint::HttpApi | Endpoint::Batch => upload::read(request.body, max_events, arena),
        Endpoint::Identify => form::identify(request, max_events, arena),
        Endpoint::GroupIdentify => form::group_identify(request, max_events, arena),
        Endpoint::Legacy => form::legacy(request, max_events, arena),
    }
}
