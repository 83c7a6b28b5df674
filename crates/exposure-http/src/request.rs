//! What all requests share: the application, the bounds, the body.

use std::fmt;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use exposure_core::ErrorCode;
use exposure_service::{Handle, Result, ServiceError};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::connection::Peer;
use crate::error::Failure;
use crate::foreign::{self, ProtocolMeter};
use crate::meter::Meter;
use crate::{Probes, Settings};

/// What every request has at hand.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) handle: Handle,
    pub(crate) settings: Arc<Settings>,
    pub(crate) probes: Probes,
    pub(crate) protocols: Arc<ProtocolMeter>,
    meter: Meter,
    room: Arc<Semaphore>,
}

impl Shared {
    pub(crate) fn new(handle: Handle, settings: Settings, probes: Probes) -> Self {
        let room = Semaphore::new(settings.max_requests.clamp(1, Semaphore::MAX_PERMITS));
        let protocols = Arc::new(ProtocolMeter::new());
        Self {
            handle,
            settings: Arc::new(settings),
            probes,
            protocols,
            meter: Meter::new(paths()),
            room: Arc::new(room),
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Keeps a request within the bounds, and counts it.
pub(crate) async fn bounded(
    State(shared): State<Shared>,
    path: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let path = shared.meter.path(path.as_ref().map_or("", MatchedPath::as_str));
    let told = |error| {
        // A sender's SDK must be able to read this too.
        if exposure_formats::PATHS.contains(&path.name) {
            foreign::failed(path.name, &error, &shared.settings)
        } else {
            Failure::from(error).into_response()
        }
    };
    let response = match enter(&shared, request.extensions().get::<Peer>()) {
        Err(error) => told(error),
        Ok(_permit) => {
            match tokio::time::timeout(shared.settings.request_timeout, next.run(request)).await {
                Ok(response) => response,
                Err(_) => told(overdue(&shared.settings)),
            }
        }
    };
    path.count(response.status().as_u16(), started);
    response
}

fn enter<'s>(shared: &'s Shared, peer: Option<&Peer>) -> Result<tokio::sync::SemaphorePermit<'s>> {
    let exhausted = |what: &str, bound: usize| {
        let message = format!("{bound} {what}, which is as many as may be; try again later");
        ServiceError::exhausted(message, shared.settings.retry_after)
    };
    if peer.is_some_and(|peer| peer.is_surplus) {
        return Err(exhausted("connections are open", shared.settings.max_connections));
    }
    let max_requests = shared.settings.max_requests;
    shared
        .room
        .try_acquire()
        .map_err(|_| exhausted("requests wait for their answers", max_requests))
}

fn overdue(settings: &Settings) -> ServiceError {
    let message = format!(
        "the request took longer than {} ms; what of it was stored is not known",
        settings.request_timeout.as_millis()
    );
    ServiceError {
        retry_after: Some(settings.retry_after),
        ..ServiceError::new(ErrorCode::Unavailable, message)
    }
}

/// The body of a request, if it is not too long.
pub(crate) async fn whole_body(request: Request, max_bytes: usize) -> Result<Bytes> {
    match Limited::new(request.into_body(), max_bytes).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(ServiceError::new(
            ErrorCode::BatchTooLarge,
            format!("the body has more than {max_bytes} bytes; send less at once"),
        )),
        Err(error) => {
            Err(ServiceError::new(ErrorCode::Invalid, format!("the body broke off: {error}")))
        }
    }
}

/// The paths of our own.
const OWN_PATHS: [&str; 9] = [
    "/healthz",
    "/readyz",
    "/metrics",
    "/v1/exposures",
    "/v1/properties",
    "/v1/explain",
    "/v1/flags",
    "/v1/flags/{flag_key}/exposures",
    "/v1/usage",
];

/// Every path that is counted by itself.
fn paths() -> impl Iterator<Item = &'static str> {
    OWN_PATHS.iter().chain(exposure_formats::PATHS).copied()
}
