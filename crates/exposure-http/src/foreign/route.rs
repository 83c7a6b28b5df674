use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use exposure_formats::{
    Answer, Arena, BodyError, Failure, Headers, InflateError, Protocol, Stored, Upload,
    max_body_bytes, setup,
};
use exposure_service::{Caller, IngestRequest, Refused, Scope, ServiceError};
use http::HeaderMap;

use super::body::{BodyFault, inflated};
use super::failure::{answer_of, failure_of};
use crate::connection::Peer;
use crate::error;
use crate::request::Shared;

/// Takes in what another vendor's SDK sends, and answers as that SDK needs it.
pub(crate) async fn foreign(State(shared): State<Shared>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let is_secured = parts.extensions.get::<Peer>().is_some_and(|peer| peer.security.is_set());
    let headers = TextHeaders { headers: &parts.headers, is_secured };
    let path = parts.uri.path();
    let mut request = exposure_formats::Request {
        method: parts.method.as_str(),
        path,
        query: parts.uri.query().unwrap_or_default(),
        headers: &headers,
        body: &[],
        received: shared.handle.now(),
    };
    if let Some(answer) = setup::answer(&request) {
        return answer_of(answer);
    }
    let max_bytes = max_body_bytes(path, shared.settings.max_body_bytes);
    let coding = headers.get("content-encoding").unwrap_or_default();
    let body = match inflated(body, coding, max_bytes).await {
        Ok(body) => body,
        Err(fault) => return broken(&request, &fault),
    };
    request.body = &body;
    let Some(protocol) = Protocol::of(&request) else {
        return error::unknown_path().await.into_response();
    };
    answer_of(take(&shared, protocol, &request).await)
}

/// Reads, checks and stores the events of a request.
async fn take(
    shared: &Shared,
    protocol: Protocol,
    request: &exposure_formats::Request<'_>,
) -> Answer {
    let arena = Arena::new();
    let upload = match protocol.read_with(request, &shared.settings.formats, &arena) {
        Ok(upload) => upload,
        Err(error) => return protocol.failed(&Failure::Unreadable(&error)),
    };
    if protocol.max_events().is_some_and(|max_events| upload.events.len() > max_events) {
        return protocol.failed(&Failure::TooLarge("it has too many events; split it"));
    }
    let (caller, key) = match caller(shared, &upload) {
        Ok(found) => found,
        Err(None) => return protocol.failed(&Failure::NoKey),
        Err(Some((error, key))) => {
            return failed(shared, protocol, &upload, &error, key);
        }
    };
    let _arrival = match shared.handle.arrive(request.body.len()) {
        Ok(arrival) => arrival,
        Err(error) => return failed(shared, protocol, &upload, &error, key),
    };
    let ingest = IngestRequest {
        dialect: protocol.dialect(),
        library: upload.library,
        bytes: request.body.len(),
        min_id_chars: upload.min_id_chars,
        ..IngestRequest::default()
    };
    let events = upload.events.iter().map(|event| event.as_ref().copied().map_err(refused));
    let stored = match shared.handle.prepare(&caller, &ingest, events) {
        Ok(prepared) => {
            if let Some(answer) = protocol.refusal(prepared.refused()) {
                // What was refused can still be looked at; the answer stands either way.
                if let Err(error) = shared.handle.commit(prepared.without_events()).await {
                    tracing::warn!(%error, "the refused events of a request were not kept");
                }
                return answer;
            }
            shared.handle.commit(prepared).await
        }
        Err(error) => Err(error),
    };
    match stored {
        Ok(receipt) => {
            shared.protocols.answered(protocol.name(), receipt.outcomes());
            protocol.accepted(&Stored {
                request,
                outcomes: receipt.outcomes(),
                names: &upload.names,
            })
        }
        Err(error) => failed(shared, protocol, &upload, &error, key),
    }
}

/// The answer to a request that the service refused as a whole.
fn failed(
    shared: &Shared,
    protocol: Protocol,
    upload: &Upload<'_>,
    error: &ServiceError,
    key: &str,
) -> Answer {
    protocol.failed(&failure_of(error, &upload.whom(), key, &shared.settings))
}

/// The caller by the first key of the request that is a project's; else what was wrong with the
/// first one, or nothing where there is none.
fn caller<'b>(
    shared: &Shared,
    upload: &Upload<'b>,
) -> Result<(Caller, &'b str), Option<(ServiceError, &'b str)>> {
    let mut fault = None;
    for &key in &upload.keys {
        let caller = shared.handle.authenticate(key);
        match caller.and_then(|caller| caller.require(Scope::Ingest).map(|()| caller)) {
            Ok(caller) => return Ok((caller, key)),
            Err(error) => fault = fault.or(Some((error, key))),
        }
    }
    Err(fault)
}

fn refused<'b>(refused: &exposure_formats::Refused<'b>) -> Refused<'b> {
    Refused {
        rejection: refused.rejection.clone(),
        user_id: refused.user_id,
        device_id: refused.device_id,
        event: refused.event.as_bytes(),
        library: refused.library,
    }
}

/// The answer to a body that did not come whole.
fn broken(request: &exposure_formats::Request<'_>, fault: &BodyFault) -> Response {
    let message = fault.to_string();
    let error = BodyError::Broken(message.clone());
    let failure = match fault {
        BodyFault::Inflate(InflateError::TooLarge { .. }) => Failure::TooLarge(&message),
        BodyFault::Inflate(InflateError::Broken { .. }) | BodyFault::BrokeOff(_) => {
            Failure::Unreadable(&error)
        }
    };
    match Protocol::of(request) {
        Some(protocol) => answer_of(protocol.failed(&failure)),
        None => answer_of(Answer::of_failure(&failure)),
    }
}

/// Headers whose values are text, and the scheme where the connection itself knows it.
struct TextHeaders<'h> {
    headers: &'h HeaderMap,
    is_secured: bool,
}

impl Headers for TextHeaders<'_> {
    fn get(&self, name: &str) -> Option<&str> {
        if self.is_secured && name == "x-forwarded-proto" {
            return Some("https");
        }
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}
