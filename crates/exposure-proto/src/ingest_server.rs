//! The server of `IngestService` over bytes: the shape of the generated one, without its
//! messages.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use tonic::body::Body as ResponseBody;
use tonic::codec::{CompressionEncoding, EnabledCompressionEncodings};
use tonic::codegen::{Body, BoxFuture, Service, StdError, async_trait, http, tokio_stream};
use tonic::server::{Grpc, NamedService, StreamingService, UnaryService};
use tonic::{Request, Response, Status, Streaming};

use crate::codec::RawBytes;

/// What takes in events: [`crate::decode`] reads the requests, [`crate::answer`] writes the
/// answers.
#[async_trait]
pub trait IngestBytes: Send + Sync + 'static {
    /// The answers of a stream: encoded `IngestStreamResponse`s.
    type Answers: tokio_stream::Stream<Item = Result<Bytes, Status>> + Send + 'static;

    /// Answers an encoded `IngestRequest` with an encoded `IngestResponse`.
    async fn ingest(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Status>;

    /// Answers a stream of encoded `IngestStreamRequest`s.
    async fn ingest_stream(
        &self,
        requests: Request<Streaming<Bytes>>,
    ) -> Result<Response<Self::Answers>, Status>;
}

/// Serves [`IngestBytes`] as `exposure.v1.IngestService`.
#[derive(Debug)]
pub struct IngestServer<T> {
    inner: Arc<T>,
    accept: EnabledCompressionEncodings,
    send: EnabledCompressionEncodings,
    max_request_bytes: Option<usize>,
}

impl<T> IngestServer<T> {
    /// Serves `inner`, with neither compression nor another limit than tonic's 4 MiB.
    pub fn new(inner: T) -> Self {
        Self {
            inner: Arc::new(inner),
            accept: EnabledCompressionEncodings::default(),
            send: EnabledCompressionEncodings::default(),
            max_request_bytes: None,
        }
    }

    /// Accepts requests in this encoding. Default: none but identity.
    #[must_use]
    pub fn accept_compressed(mut self, encoding: CompressionEncoding) -> Self {
        self.accept.enable(encoding);
        self
    }

    /// Compresses answers with this encoding where the client supports it. Default: none.
    #[must_use]
    pub fn send_compressed(mut self, encoding: CompressionEncoding) -> Self {
        self.send.enable(encoding);
        self
    }

    /// Limits one message after decompression, in bytes. Default: 4 MiB.
    #[must_use]
    pub fn max_request_bytes(mut self, limit: usize) -> Self {
        self.max_request_bytes = Some(limit);
        self
    }

    fn grpc(&self) -> Grpc<RawBytes> {
        Grpc::new(RawBytes)
            .apply_compression_config(self.accept, self.send)
            .apply_max_message_size_config(self.max_request_bytes, None)
    }
}

impl<T> Clone for IngestServer<T> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            accept: self.accept,
            send: self.send,
            max_request_bytes: self.max_request_bytes,
        }
    }
}

impl<T> NamedService for IngestServer<T> {
    const NAME: &'static str = crate::v1::ingest_service_server::SERVICE_NAME;
}

impl<T, B> Service<http::Request<B>> for IngestServer<T>
where
    T: IngestBytes,
    B: Body + Send + 'static,
    B::Error: Into<StdError> + Send + 'static,
{
    type Response = http::Response<ResponseBody>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let mut grpc = self.grpc();
        let inner = Arc::clone(&self.inner);
        match request.uri().path() {
            "/exposure.v1.IngestService/Ingest" => {
                Box::pin(async move { Ok(grpc.unary(Unary(inner), request).await) })
            }
            "/exposure.v1.IngestService/IngestStream" => {
                Box::pin(async move { Ok(grpc.streaming(Stream(inner), request).await) })
            }
            _ => Box::pin(async { Ok(Status::unimplemented("").into_http()) }),
        }
    }
}

struct Unary<T>(Arc<T>);

impl<T: IngestBytes> UnaryService<Bytes> for Unary<T> {
    type Response = Bytes;
    type Future = BoxFuture<Response<Bytes>, Status>;

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let inner = Arc::clone(&self.0);
        Box::pin(async move { inner.ingest(request).await })
    }
}

struct Stream<T>(Arc<T>);

impl<T: IngestBytes> StreamingService<Bytes> for Stream<T> {
    type Response = Bytes;
    type ResponseStream = T::Answers;
    type Future = BoxFuture<Response<T::Answers>, Status>;

    fn call(&mut self, requests: Request<Streaming<Bytes>>) -> Self::Future {
        let inner = Arc::clone(&self.0);
        Box::pin(async move { inner.ingest_stream(requests).await })
    }
}
