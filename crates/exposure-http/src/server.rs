use std::io;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::routing::{get, post};
use exposure_formats::PATHS;
use exposure_service::Handle;
use futures::{Stream, StreamExt as _};
use http::Method;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName};
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tower::ServiceExt;
use tower_http::cors::{Any, CorsLayer};

use crate::connection::{Bound, Connection, accept};
use crate::error::{unknown_method, unknown_path};
use crate::foreign::{self, foreign};
use crate::probes::{healthz, metrics, readyz};
use crate::read::{explain, flag_exposures, flags, properties, usage};
use crate::request::{Shared, bounded};
use crate::track::track;
use crate::{Probes, Settings};

/// Our own JSON, probes and metrics, ready to serve connections.
#[derive(Debug)]
pub struct Server {
    router: Router,
    settings: Settings,
}

impl Server {
    /// Puts the paths over the application.
    pub fn new(handle: &Handle, settings: Settings, probes: Probes) -> Self {
        let shared = Shared::new(handle.clone(), settings.clone(), probes);
        let own = Router::new()
            .route("/v1/exposures", post(track).fallback(unknown_method).layer(cors()))
            .route("/v1/properties", get(properties).fallback(unknown_method))
            .route("/v1/explain", get(explain).fallback(unknown_method))
            .route("/v1/flags", get(flags).fallback(unknown_method))
            .route("/v1/flags/{flag_key}/exposures", get(flag_exposures).fallback(unknown_method))
            .route("/v1/usage", get(usage).fallback(unknown_method))
            .route("/healthz", get(healthz).fallback(unknown_method))
            .route("/readyz", get(readyz).fallback(unknown_method))
            .route("/metrics", get(metrics).fallback(unknown_method));
        let senders = PATHS.iter().fold(Router::new(), |router, path| {
            router.route(path, get(foreign).post(foreign).fallback(unknown_method))
        });
        let router = own
            .merge(senders.layer(foreign::cors()))
            .fallback(unknown_path)
            .layer(axum::middleware::from_fn_with_state(shared.clone(), bounded))
            .with_state(shared);
        Self { router, settings }
    }

    /// The paths alone, for a server of one's own.
    pub fn into_router(self) -> Router {
        self.router
    }

    /// Serves what a socket accepts until `shutdown`, and then finishes what was received, as
    /// far as the drain timeout lets it.
    pub async fn serve(self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        self.serve_connections(accept(listener), shutdown).await;
    }

    /// Serves given connections until `shutdown`, and then finishes what was received, as far
    /// as the drain timeout lets it. An error among them is none of the others'.
    pub async fn serve_connections(
        self,
        incoming: impl Stream<Item = io::Result<impl Connection>> + Send,
        shutdown: impl Future<Output = ()>,
    ) {
        let bound = Bound::new(self.settings.max_connections);
        let graceful = GracefulShutdown::new();
        tokio::pin!(shutdown);
        let mut incoming = Box::pin(incoming);
        loop {
            let accepted = tokio::select! {
                accepted = incoming.next() => accepted,
                () = &mut shutdown => break,
            };
            match accepted {
                Some(Ok(io)) => self.connect(io, &bound, &graceful),
                Some(Err(error)) => tracing::debug!(%error, "a connection failed"),
                None => break,
            }
        }
        // Whoever connects from here on is refused, and not left waiting.
        drop(incoming);
        if tokio::time::timeout(self.settings.drain_timeout, graceful.shutdown()).await.is_err() {
            tracing::warn!("requests were cut off at the end of the drain timeout");
        }
    }

    fn connect(&self, io: impl Connection, bound: &Bound, graceful: &GracefulShutdown) {
        let Some((permit, peer)) = bound.admit(io.security()) else {
            metrics::counter!("exposure_http_connections_closed_total").increment(1);
            return;
        };
        let is_surplus = peer.is_surplus;
        let router = self.router.clone().map_request(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(peer.clone());
            request
        });
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.settings.head_timeout)
            // A connection past the bound is there for one answer.
            .keep_alive(!is_surplus)
            .serve_connection(TokioIo::new(io), TowerToHyperService::new(router));
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection failed");
            }
            drop(permit);
        });
    }
}

/// Pages of any site may send events; what they read back is the outcome and nothing else.
fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(Any)
        .allow_methods([Method::POST])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE, HeaderName::from_static("x-api-key")])
        .max_age(Duration::from_hours(24))
}
