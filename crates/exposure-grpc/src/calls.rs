use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

use exposure_proto::ingest_server::IngestServer;
use exposure_service::{Arrival, Beginning, Caller, Handle, Scope, ServiceError};
use http_body::Body as _;
use subtle::ConstantTimeEq as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tonic::body::Body;
use tonic::codegen::http::HeaderMap;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::service::Routes;
use tonic::{Code, Status};

use crate::Settings;
use crate::auth::{authenticate, key_of};
use crate::connection::Peer;
use crate::deadline::timeout;
use crate::error::{explained, late, status};
use crate::ingest::{IngestTransport, Intake};
use crate::meter::Meter;
use crate::method::{INGEST_PREFIX, ONE_USER, OTLP_PREFIX, PREFIX, UNARY_INGEST, method_name};
use crate::receiving::Receiving;

/// Every call of every connection: bounds, deadlines, reasons, metrics, and the way to the
/// service. Ingest goes there straight, past the router.
#[derive(Clone, Debug)]
pub(crate) struct Calls {
    handle: Handle,
    intake: Arc<Intake>,
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
        intake: Arc<Intake>,
        ingest: IngestServer<IngestTransport>,
        routes: Routes,
        settings: Settings,
    ) -> Self {
        let room = Semaphore::new(settings.max_calls.clamp(1, Semaphore::MAX_PERMITS));
        let receiving = Receiving::new(&settings);
        Self {
            handle,
            intake,
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
        peer: Peer,
        is_intake: bool,
    ) -> Result<(OwnedSemaphorePermit, Option<Beginning>), Status> {
        let refusal = |what: &str, bound: usize| {
            let message = format!("{bound} {what}, which is as many as may be; try again later");
            status(&ServiceError::exhausted(message, self.settings.retry_after))
        };
        if peer.is_surplus {
            return Err(refusal("connections are open", self.settings.max_connections));
        }
        let room = Arc::clone(&self.room).try_acquire_owned();
        let place =
            room.map_err(|_| refusal("calls wait for their answers", self.settings.max_calls))?;
        // Its message is looked at again when it is whole.
        let begun = is_intake.then(|| self.handle.begin()).transpose();
        Ok((place, begun.map_err(|error| status(&error))?))
    }

    /// A call that may take its time: the connection goes on beside it.
    fn apart(&self, request: http::Request<Body>) -> BoxFuture<http::Response<Body>, Infallible> {
        let answer = self.routes.clone().call(request);
        Box::pin(async move {
            match apart(answer).await {
                Ok(answer) => answer,
                Err(failed) => Ok(failed.into_http()),
            }
        })
    }
}

/// What a call of a small batch holds while it is under way.
#[derive(Debug)]
pub(crate) struct Admitted {
    /// When its client stops waiting.
    pub(crate) deadline: Instant,
    _place: OwnedSemaphorePermit,
    _arrival: Arrival,
}

/// A key and who sends it.
#[derive(Clone, Debug)]
pub(crate) struct Key {
    secret: Box<str>,
    caller: Caller,
}

impl Key {
    /// Whether a call was sent with this key.
    pub(crate) fn is_of(&self, headers: &HeaderMap) -> bool {
        key_of(headers).is_ok_and(|key| key.as_bytes().ct_eq(self.secret.as_bytes()).into())
    }

    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }
}

/// The answer to a call.
pub(crate) type Answer = BoxFuture<http::Response<Body>, Infallible>;

impl Calls {
    /// Lets a small batch of so many bytes in, past all machinery; `known` is its key, where the
    /// call before was of the same.
    pub(crate) fn admit(
        &self,
        peer: Peer,
        headers: &HeaderMap,
        n_bytes: usize,
        known: Option<&Key>,
        started: Instant,
    ) -> Result<(Admitted, Option<Key>), Status> {
        let (place, _) = self.enter(peer, false)?;
        let limit = self.settings.call_timeout;
        let limit = timeout(headers).map_or(limit, |timeout| timeout.min(limit));
        let admitted = || {
            let key = match known {
                Some(_) => {
                    self.handle.authenticated_again();
                    None
                }
                None => Some(self.key(headers)?),
            };
            Ok((self.handle.arrive(n_bytes)?, key))
        };
        let (arrival, key) = admitted().map_err(|error: ServiceError| status(&error))?;
        Ok((Admitted { deadline: started + limit, _place: place, _arrival: arrival }, key))
    }

    fn key(&self, headers: &HeaderMap) -> Result<Key, ServiceError> {
        let secret = key_of(headers)?;
        let caller = authenticate(&self.handle, secret, Scope::Ingest)?;
        Ok(Key { secret: secret.into(), caller })
    }

    /// What answers small batches.
    pub(crate) fn intake(&self) -> Arc<Intake> {
        Arc::clone(&self.intake)
    }

    /// Counts a batch that was answered.
    pub(crate) fn count(&self, code: Code, started: Instant) {
        self.meter.count(method_name(UNARY_INGEST), code, started);
    }

    /// Answers any call of a peer.
    pub(crate) fn call(&self, peer: Peer, request: http::Request<Body>) -> Answer {
        let started = Instant::now();
        let path = request.uri().path();
        let method = method_name(path);
        let is_ours = path.starts_with(PREFIX) || path.starts_with(OTLP_PREFIX);
        let is_ingest = path.starts_with(INGEST_PREFIX);
        let is_intake = path == UNARY_INGEST || path.starts_with(OTLP_PREFIX);
        let entered = self.enter(peer, is_intake);
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
        let answer: BoxFuture<_, Infallible> = if is_ingest {
            self.ingest.clone().call(request)
        } else if method == ONE_USER {
            // Done sooner than another task would get going.
            Box::pin(self.routes.clone().call(request))
        } else {
            self.apart(request)
        };
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

/// Work in a task of its own, which ends with whoever waits for it.
pub(crate) async fn apart<T: Send + 'static>(
    work: impl Future<Output = T> + Send + 'static,
) -> Result<T, Status> {
    struct Owned<T>(JoinHandle<T>);
    impl<T> Drop for Owned<T> {
        fn drop(&mut self) {
            self.0.abort();
        }
    }
    let mut task = Owned(tokio::spawn(work));
    (&mut task.0).await.map_err(|_| Status::internal("the call ended by a mistake of the server"))
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
