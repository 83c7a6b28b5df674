use axum::Json;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use exposure_service::{IngestRequest, Refused, Scope};

use super::answer::Answer;
use super::body::{Body, text};
use super::exposure::Read;
use crate::auth::caller;
use crate::error::Failure;
use crate::request::{Shared, whole_body};

/// Stores exposures and answers with one outcome for each.
pub(crate) async fn track(
    State(shared): State<Shared>,
    request: Request,
) -> Result<Response, Failure> {
    // Whoever has no key has no body read either.
    let caller = caller(&shared.handle, request.headers(), Scope::Ingest)?;
    let body = whole_body(request, shared.settings.max_body_bytes).await?;
    let _arrival = shared.handle.arrive(body.len())?;
    let text = text(&body)?;
    let request = Body::parse(&text, shared.handle.settings().max_batch_events)?;
    let read: Vec<_> = request.exposures.iter().map(|json| (*json, Read::parse(json))).collect();
    let events = read.iter().map(|(json, read)| match read {
        Ok(read) => Ok(read.incoming()),
        Err(unread) => Err(Refused {
            rejection: unread.rejection.clone(),
            user_id: &unread.user_id,
            device_id: &unread.device_id,
            event: json.get().as_bytes(),
            library: "",
        }),
    });
    let ingest =
        IngestRequest { library: &request.library, bytes: body.len(), ..IngestRequest::default() };
    let receipt = shared.handle.ingest(&caller, &ingest, events).await?;
    Ok(Json(Answer::new(&receipt)).into_response())
}
