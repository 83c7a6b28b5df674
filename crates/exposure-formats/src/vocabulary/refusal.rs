use exposure_core::{Incoming, Rejection};

use crate::Refused;

/// The refusal of an event of which some was read before the fault.
#[cold]
pub(crate) fn refused<'b>(
    event: &Incoming<'b>,
    rejection: Rejection,
    json: &'b str,
) -> Refused<'b> {
    Refused {
        rejection,
        user_id: event.user_id.unwrap_or_default(),
        device_id: event.device_id.unwrap_or_default(),
        library: event.library,
        event: json,
    }
}
