use std::fmt;
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;

use crate::request::Shared;
use crate::senders::senders;

/// What the process says of itself: its metrics, and whether it takes requests.
#[derive(Clone)]
pub struct Probes {
    metrics: Arc<dyn Fn() -> String + Send + Sync>,
    unready: Arc<dyn Fn() -> Option<String> + Send + Sync>,
}

impl Probes {
    /// `metrics` renders the text that Prometheus reads. `unready` says why no requests should
    /// come at the moment, or `None`; that the store refuses writes is looked at anyway.
    pub fn new(
        metrics: impl Fn() -> String + Send + Sync + 'static,
        unready: impl Fn() -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self { metrics: Arc::new(metrics), unready: Arc::new(unready) }
    }
}

impl fmt::Debug for Probes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Probes").finish_non_exhaustive()
    }
}

/// The process runs. It depends on nothing: a restart would not heal a store.
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// Requests are welcome, or why they are not.
pub(crate) async fn readyz(State(shared): State<Shared>) -> Response {
    let unready = (shared.probes.unready)();
    let unready = unready.or_else(|| Some(shared.handle.write_refusal()?.message.into_owned()));
    match unready {
        None => "ready\n".into_response(),
        Some(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
    }
}

/// The metrics of the process.
pub(crate) async fn metrics(State(shared): State<Shared>) -> Response {
    let kind = [(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")];
    let mut text = (shared.probes.metrics)();
    text.push_str(&senders(&shared.handle).await);
    (kind, text).into_response()
}
