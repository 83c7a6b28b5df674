//! The servers of `LogsService` and `TraceService`: the shape of generated ones, over bytes.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use exposure_formats::otlp::Signal;
use exposure_proto::codec::RawBytes;
use exposure_service::Handle;
use tonic::body::Body;
#[cfg(any(feature = "gzip", feature = "zstd"))]
use tonic::codec::CompressionEncoding;
use tonic::codec::EnabledCompressionEncodings;
use tonic::codegen::{BoxFuture, Service, http};
use tonic::server::{Grpc, NamedService, UnaryService};
use tonic::{Request, Response, Status};

use super::export::Exports;
use crate::Settings;

/// A service with the one method `Export`.
pub(crate) trait Exported: Send + Sync + 'static {
    /// What is exported.
    const SIGNAL: Signal;
    /// The name of the service.
    const SERVICE: &str;
    /// The path of its method.
    const PATH: &str;
}

/// `LogsService`.
#[derive(Debug)]
pub(crate) enum Logs {}

/// `TraceService`.
#[derive(Debug)]
pub(crate) enum Traces {}

impl Exported for Logs {
    const SIGNAL: Signal = Signal::Logs;
    const SERVICE: &str = "opentelemetry.proto.collector.logs.v1.LogsService";
    const PATH: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
}

impl Exported for Traces {
    const SIGNAL: Signal = Signal::Traces;
    const SERVICE: &str = "opentelemetry.proto.collector.trace.v1.TraceService";
    const PATH: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
}

/// Serves one of them.
#[derive(Debug)]
pub(crate) struct ExportServer<S> {
    exports: Arc<Exports>,
    accept: EnabledCompressionEncodings,
    send: EnabledCompressionEncodings,
    max_message_bytes: usize,
    service: PhantomData<S>,
}

impl<S> ExportServer<S> {
    pub(crate) fn new(handle: Handle, settings: &Settings) -> Self {
        Self {
            exports: Arc::new(Exports::new(handle, settings)),
            accept: EnabledCompressionEncodings::default(),
            send: EnabledCompressionEncodings::default(),
            max_message_bytes: settings.max_message_bytes,
            service: PhantomData,
        }
    }

    #[cfg(any(feature = "gzip", feature = "zstd"))]
    pub(crate) fn accept_compressed(mut self, encoding: CompressionEncoding) -> Self {
        self.accept.enable(encoding);
        self
    }

    #[cfg(any(feature = "gzip", feature = "zstd"))]
    pub(crate) fn send_compressed(mut self, encoding: CompressionEncoding) -> Self {
        self.send.enable(encoding);
        self
    }
}

impl<S> Clone for ExportServer<S> {
    fn clone(&self) -> Self {
        Self {
            exports: Arc::clone(&self.exports),
            accept: self.accept,
            send: self.send,
            max_message_bytes: self.max_message_bytes,
            service: PhantomData,
        }
    }
}

impl<S: Exported> NamedService for ExportServer<S> {
    const NAME: &'static str = S::SERVICE;
}

impl<S: Exported> Service<http::Request<Body>> for ExportServer<S> {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<Self::Response, Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        if request.uri().path() != S::PATH {
            return Box::pin(async { Ok(Status::unimplemented("").into_http()) });
        }
        let mut grpc = Grpc::new(RawBytes)
            .apply_compression_config(self.accept, self.send)
            .apply_max_message_size_config(Some(self.max_message_bytes), None);
        let export = Export { exports: Arc::clone(&self.exports), signal: S::SIGNAL };
        Box::pin(async move { Ok(grpc.unary(export, request).await) })
    }
}

struct Export {
    exports: Arc<Exports>,
    signal: Signal,
}

impl UnaryService<Bytes> for Export {
    type Response = Bytes;
    type Future = BoxFuture<Response<Bytes>, Status>;

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let (exports, signal) = (Arc::clone(&self.exports), self.signal);
        Box::pin(async move { exports.export(signal, request).await })
    }
}
