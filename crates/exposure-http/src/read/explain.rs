use axum::Json;
use axum::extract::State;
use exposure_service::{
    DuplicateEvent, ExplainedLink, ExplainedWrite, Explanation, ProfileRef, Scope,
};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::parameters::{Parameters, page};
use crate::auth::caller;
use crate::error::Failure;
use crate::request::Shared;
use crate::track::show_time;

#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    user_id: Option<String>,
    device_id: Option<String>,
    flag_key: Option<String>,
    page_size: Option<String>,
    page_token: Option<String>,
}

/// Why a profile has, or has not, a property.
#[derive(Debug, Serialize)]
pub(crate) struct Answer {
    profile: String,
    flag_key: Box<str>,
    variant: Option<Box<str>>,
    decided_by: Option<Write>,
    lost: Vec<Lost>,
    links: Vec<Link>,
    duplicates: Duplicates,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    shared_device_ids: Vec<Box<str>>,
    #[serde(skip_serializing_if = "String::is_empty")]
    next_page_token: String,
}

#[derive(Debug, Serialize)]
struct Write {
    variant: Option<Box<str>>,
    time: String,
    sequence: i64,
    experiment_key: Option<Box<str>>,
    insert_id: Option<Box<str>>,
    user_id: Option<Box<str>>,
    device_id: Option<Box<str>>,
    /// The rest is `null` where the stored event is past retention.
    event_kind: Option<&'static str>,
    received: Option<String>,
    key: Option<String>,
    library: Option<Box<str>>,
    metadata: Option<Box<RawValue>>,
}

#[derive(Debug, Serialize)]
struct Lost {
    #[serde(flatten)]
    write: Write,
    reason: &'static str,
}

#[derive(Debug, Serialize)]
struct Link {
    device_id: Box<str>,
    user_id: Box<str>,
    time: String,
}

#[derive(Debug, Serialize)]
struct Duplicates {
    count: u64,
    last: Vec<Duplicate>,
}

#[derive(Debug, Serialize)]
struct Duplicate {
    insert_id: Box<str>,
    received: String,
    conflict: bool,
}

/// `GET /v1/explain?user_id=&device_id=&flag_key=`
pub(crate) async fn explain(
    State(shared): State<Shared>,
    headers: HeaderMap,
    Parameters(asked): Parameters<Asked>,
) -> Result<Json<Answer>, Failure> {
    let caller = caller(&shared.handle, &headers, Scope::Read)?;
    let profile =
        ProfileRef { user_id: asked.user_id.as_deref(), device_id: asked.device_id.as_deref() };
    let page = page(asked.page_size.as_deref(), asked.page_token)?;
    let flag_key = asked.flag_key.unwrap_or_default();
    let explained = shared.handle.explain(&caller, profile, &flag_key, &page).await?;
    Ok(Json(answer(explained)))
}

fn answer(explained: Explanation) -> Answer {
    let lost = explained.lost.into_iter();
    let last = explained.duplicates.last.into_iter();
    Answer {
        profile: explained.profile.to_string(),
        flag_key: explained.flag_key,
        variant: explained.variant,
        decided_by: explained.decided_by.map(write),
        lost: lost
            .map(|lost| Lost { write: write(lost.write), reason: lost.reason.as_str() })
            .collect(),
        links: explained.links.into_iter().map(link).collect(),
        duplicates: Duplicates {
            count: explained.duplicates.count,
            last: last.map(duplicate).collect(),
        },
        shared_device_ids: explained.shared_devices,
        next_page_token: explained.next_page_token,
    }
}

fn write(of: ExplainedWrite) -> Write {
    let metadata = of.event.as_ref().and_then(|event| {
        let json = String::from_utf8(event.payload.to_vec()).ok()?;
        RawValue::from_string(json).ok()
    });
    let event = of.event;
    Write {
        variant: of.variant,
        time: show_time(of.time),
        sequence: of.sequence,
        experiment_key: of.experiment_key,
        insert_id: of.insert_id,
        user_id: of.user_id,
        device_id: of.device_id,
        event_kind: event.as_ref().map(|event| event.kind),
        received: event.as_ref().map(|event| show_time(event.received)),
        key: event.as_ref().map(|event| event.key.to_string()),
        library: event.map(|event| event.library).filter(|library| !library.is_empty()),
        metadata,
    }
}

fn link(link: ExplainedLink) -> Link {
    Link { device_id: link.device_id, user_id: link.user_id, time: show_time(link.time) }
}

fn duplicate(event: DuplicateEvent) -> Duplicate {
    Duplicate {
        insert_id: event.insert_id,
        received: show_time(event.received),
        conflict: event.conflict,
    }
}
