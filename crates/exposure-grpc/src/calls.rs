use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use exposure_proto::ingest_server::IngestServer;
use exposure_service::{Beginning, Handle, ServiceError};
use http_body::Body as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tonic::body::Body;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::service::Routes;
use tonic::{Code, Status};

use crate::Settings;
use crate::connection::Peer;
use crate::deadline::timeout;
use crate::error::{explained, late, status};
use crate::ingest::IngestTransport;
use crate::meter::Meter;
use crate::method::{INGEST_PREFIX, OTLP_PREFIX, PREFIX, UNARY_INGEST, method_name};
use crate::receiving::Receiving;

/// Every call of every connection: bounds, deadlines, reasons, metrics, and the way to the
/// service. Ingest goes there straight, past the router.
#[derive(Clone, Debug)]
pub(crate) struct Calls {
    handle: Handle,
    ingest: IngestServer<IngestTransport>,
    routes: Routes,
    room: Arc<Semaphore>,
    receiving: Receiving,
    meter: Meter,
    settings: Arc<Settings>,
}

impl Calls {
    pub(crate) fn new(
        handle: Handle,
        ingest: IngestServer<IngestTransport>,
        routes: Routes,
        settings: Settings,
    ) -> Self {
        let room = Semaphore::new(settings.max_calls.clamp(1, Semaphore::MAX_PERMITS));
        let receiving = Receiving::new(&settings);
        Self {
            handle,
            ingest,
            routes,
            room: Arc::new(room),
            receiving,
            meter: Meter::new(),
            settings: Arc::new(settings),
        }
    }

    /// A place among the calls of the server, unless a bound is reached.
    fn enter(
        &self,
        peer: Option<&Peer>,
        is_intake: bool,
    ) -> Result<(OwnedSemaphorePermit, Option<Beginning>), Status> {
        let refusal = |what: &str, bound: usize| {
            let message = format!("{bound} {what}, which is as many as may be; try again later");
            status(&ServiceError::exhausted(message, self.settings.retry_after))
        };
        if peer.is_some_and(|peer| peer.is_surplus) {
            return Err(refusal("connections are open", self.settings.max_connections));
        }
        let room = Arc::clone(&self.room).try_acquire_owned();
        let place =
            room.map_err(|_| refusal("calls wait for their answers", self.settings.max_calls))?;
        // Its message is looked at again when it is whole.
        let begun = is_intake.then(|| self.handle.begin()).transpose();
        Ok((place, begun.map_err(|error| status(&error))?))
    }
}

impl Service<http::Request<Body>> for Calls {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let started = Instant::now();
        let path = request.uri().path();
        let method = method_name(path);
        let is_ours = path.starts_with(PREFIX) || path.starts_with(OTLP_PREFIX);
        let is_ingest = path.starts_with(INGEST_PREFIX);
        let is_intake = path == UNARY_INGEST || path.starts_with(OTLP_PREFIX);
        let entered = self.enter(request.extensions().get::<Peer>(), is_intake);
        let (permit, begun) = match entered {
            Ok(entered) => entered,
            Err(refused) => {
                let meter = self.meter.clone();
                let drained = drain(request.into_body());
                drop(tokio::spawn(tokio::time::timeout(self.settings.call_timeout, drained)));
                return Box::pin(async move {
                    meter.count(method, refused.code(), started);
                    Ok(refused.into_http())
                });
            }
        };
        let limit = self.settings.call_timeout;
        let limit = timeout(request.headers()).map_or(limit, |timeout| timeout.min(limit));
        // Begun before the one below us, which answers with another code, and asked before it.
        let sleep = tokio::time::sleep(limit);
        let (mut head, body) = request.into_parts();
        let (body, held) = self.receiving.count(body, begun);
        head.extensions.insert(held);
        let request = http::Request::from_parts(head, body);
        let answer: BoxFuture<_, Infallible> =
            if is_ingest { self.ingest.call(request) } else { Box::pin(self.routes.call(request)) };
        let meter = self.meter.clone();
        Box::pin(async move {
            let response = tokio::select! {
                biased;
                response = answer => response?,
                () = sleep => late().into_http(),
            };
            // What streams from here on has bounds of its own.
            drop(permit);
            let response = if is_ours { with_reason(response) } else { response };
            meter.count(method, code_of(&response), started);
            Ok(response)
        })
    }
}

/// Reads what is left of a body that nobody wants: its client has an answer already, and a stream
/// that is reset in the middle counts towards the end of its connection.
async fn drain(mut body: Body) {
    while let Some(Ok(_)) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {}
}

/// Gives what the machinery refused by itself a reason of ours.
fn with_reason(response: http::Response<Body>) -> http::Response<Body> {
    let has_failed = response.headers().get("grpc-status").is_some_and(|code| code != "0");
    if !has_failed || response.headers().contains_key("grpc-status-details-bin") {
        return response;
    }
    match Status::from_header_map(response.headers()) {
        Some(status) => explained(status).into_http(),
        None => response,
    }
}

fn code_of(response: &http::Response<Body>) -> Code {
    // An answer that goes on carries its status in the trailers; it has begun well.
    response.headers().get("grpc-status").map_or(Code::Ok, |code| Code::from_bytes(code.as_bytes()))
}
