//! What Amplitude's Export API gives back: one event a line, as it was stored.

use exposure_core::Incoming;

use super::event::{self, Members, Shape};
use crate::json::each_member;
use crate::vocabulary::{known_time, refused};
use crate::{Arena, ExportedEvent};

/// Ids were checked when the event was taken in, under bounds that the export does not tell.
const MIN_ID_CHARS: usize = 1;

/// Reads one event of an export.
///
/// `event_time` is the time that Amplitude orders events by; it is in UTC and not marked so. An
/// event that was sent without an `insert_id` has the `uuid` it was stored under.
pub(crate) fn read<'b>(json: &'b str, arena: &'b Arena) -> ExportedEvent<'b> {
    let (mut members, mut own) = (Members::default(), Own::default());
    let read = each_member(json, arena, |name, json| match name {
        "event_type" => members.event_type = Some(json),
        "user_id" => members.user_id = Some(json),
        "device_id" => members.device_id = Some(json),
        "event_id" => members.event_id = Some(json),
        "library" => members.library = Some(json),
        "event_properties" => members.event_properties = Some(json),
        "user_properties" => members.user_properties = Some(json),
        "event_time" => own.event_time = said(json),
        "client_event_time" => own.client_event_time = said(json),
        "server_received_time" => own.received = said(json),
        "server_upload_time" => own.uploaded = said(json),
        "$insert_id" | "insert_id" => own.insert_id = said(json),
        "uuid" => own.uuid = said(json),
        _ => {}
    });
    members.time = own.event_time.or(own.client_event_time);
    members.insert_id = own.insert_id.or(own.uuid);
    let received = known_time(own.received, arena).or_else(|| known_time(own.uploaded, arena));

    let mut event = Incoming::default();
    let filled = match read {
        Ok(()) => members.fill(&mut event, Shape::Exported, arena),
        Err(_) => Err(event::no_object()),
    };
    let event = match filled {
        Ok(()) => Ok(event),
        Err(rejection) => {
            let mut refused = refused(&event, rejection, json);
            event::ids_first(&mut refused, MIN_ID_CHARS);
            Err(refused)
        }
    };
    ExportedEvent { event, received }
}

/// The members that an export has other names for, or of which one stands in for another.
#[derive(Default)]
struct Own<'b> {
    event_time: Option<&'b str>,
    client_event_time: Option<&'b str>,
    received: Option<&'b str>,
    uploaded: Option<&'b str>,
    insert_id: Option<&'b str>,
    uuid: Option<&'b str>,
}

/// Exports have `null` or nothing where there is nothing.
fn said(json: &str) -> Option<&str> {
    Some(json).filter(|json| !matches!(*json, "null" | "\"\""))
}
