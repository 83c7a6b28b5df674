use exposure_core::{Incoming, Rejection};

use super::member;
use crate::Arena;

/// Reads both ids of an event. One that can not be an id is dropped beside one that can; without
/// one it is the fault of the event.
pub(crate) fn ids<'b>(
    event: &mut Incoming<'b>,
    user_id: Option<&'b str>,
    device_id: Option<&'b str>,
    arena: &'b Arena,
) -> Result<(), Rejection> {
    let user = member::id("user_id", user_id, arena);
    let device = member::id("device_id", device_id, arena);
    event.user_id = present(user.as_ref().ok().copied().flatten());
    event.device_id = present(device.as_ref().ok().copied().flatten());
    if event.user_id.is_none() && event.device_id.is_none() {
        user?;
        device?;
    }
    Ok(())
}

/// The first of some members that is an id; else the first that is there at all.
pub(crate) fn first_id<'b>(
    members: impl IntoIterator<Item = Option<&'b str>>,
    arena: &'b Arena,
) -> Option<&'b str> {
    let mut first = None;
    for json in members.into_iter().flatten() {
        if present(member::id("", Some(json), arena).ok().flatten()).is_some() {
            return Some(json);
        }
        first = first.or(Some(json));
    }
    first
}

fn present(id: Option<&str>) -> Option<&str> {
    id.filter(|id| !id.is_empty())
}
