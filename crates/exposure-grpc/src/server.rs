use std::io;

use exposure_proto::ingest_server::IngestServer;
use exposure_proto::v1::admin_service_server::AdminServiceServer;
use exposure_proto::v1::exposure_query_service_server::ExposureQueryServiceServer;
use exposure_proto::v1::property_service_server::PropertyServiceServer;
use exposure_proto::v1::usage_service_server::UsageServiceServer;
use exposure_service::Handle;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_stream::Stream;
#[cfg(any(feature = "gzip", feature = "zstd"))]
use tonic::codec::CompressionEncoding;
use tonic::service::Routes;

use crate::admin::AdminTransport;
use crate::calls::Calls;
use crate::connection::accept;
use crate::drain::DrainSignal;
use crate::ingest::IngestTransport;
use crate::otlp::{ExportServer, Logs, Traces};
use crate::property::PropertyTransport;
use crate::query::QueryTransport;
use crate::serving::serve;
use crate::usage::UsageTransport;
use crate::{Health, Settings};

/// What the server says of itself in `GetServerInfo`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The version of the server.
    pub version: String,
    /// The name of the store behind it.
    pub store: String,
}

/// Why the server could not run.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The descriptors for reflection could not be read.
    #[error("the protocol's descriptors are damaged: {0}")]
    Reflection(#[from] tonic_reflection::server::Error),
}

/// All services of the protocol, health and reflection, ready to serve connections.
#[derive(Debug)]
pub struct Server {
    calls: Calls,
    settings: Settings,
    health: Health,
    drain: DrainSignal,
}

macro_rules! compressed {
    ($server:expr) => {{
        let server = $server;
        #[cfg(feature = "gzip")]
        let server = server
            .accept_compressed(CompressionEncoding::Gzip)
            .send_compressed(CompressionEncoding::Gzip);
        #[cfg(feature = "zstd")]
        let server = server
            .accept_compressed(CompressionEncoding::Zstd)
            .send_compressed(CompressionEncoding::Zstd);
        server
    }};
}

macro_rules! service {
    ($server:ident, $transport:expr, $settings:expr) => {
        compressed!($server::new($transport).max_decoding_message_size($settings.max_message_bytes))
    };
}

impl Server {
    /// Puts the services over the application.
    ///
    /// # Errors
    /// Fails if the protocol's own descriptors can not be read.
    pub fn new(
        handle: &Handle,
        settings: Settings,
        health: Health,
        about: About,
    ) -> Result<Self, ServeError> {
        let (signal, drain) = DrainSignal::new();
        let ingest = IngestTransport::new(handle.clone(), settings.clone(), drain.clone());
        let intake = ingest.intake();
        let ingest =
            compressed!(IngestServer::new(ingest).max_request_bytes(settings.max_message_bytes));
        let logs = compressed!(ExportServer::<Logs>::new(handle.clone(), &settings));
        let traces = compressed!(ExportServer::<Traces>::new(handle.clone(), &settings));
        let properties = PropertyTransport::new(handle.clone(), settings.clone(), drain);
        let reflection = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(exposure_proto::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .build_v1()?;
        let admin = AdminTransport::new(handle.clone(), &settings, about);
        let routes = Routes::new(service!(PropertyServiceServer, properties, settings))
            .add_service(service!(
                ExposureQueryServiceServer,
                QueryTransport::new(handle.clone()),
                settings
            ))
            .add_service(service!(
                UsageServiceServer,
                UsageTransport::new(handle.clone()),
                settings
            ))
            .add_service(service!(AdminServiceServer, admin, settings))
            .add_service(logs)
            .add_service(traces)
            .add_service(health.service())
            .add_service(reflection)
            .prepare();
        let calls = Calls::new(handle.clone(), intake, ingest, routes, settings.clone());
        Ok(Self { calls, settings, health, drain: signal })
    }

    /// Serves what a socket accepts until `shutdown`, and then finishes what was received.
    ///
    /// # Errors
    /// Fails if the transport does; never because of one connection.
    pub async fn serve(
        self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), ServeError> {
        self.serve_connections(accept(listener), shutdown).await
    }

    /// Serves given connections until `shutdown`, and then finishes what was received.
    ///
    /// From then on health says `NOT_SERVING`, nothing is accepted, streams end with
    /// `UNAVAILABLE` behind what they received, and calls have the drain timeout to end.
    ///
    /// # Errors
    /// Fails if the transport does; never because of one connection.
    pub async fn serve_connections<IO>(
        self,
        incoming: impl Stream<Item = io::Result<IO>>,
        shutdown: impl Future<Output = ()>,
    ) -> Result<(), ServeError>
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let Self { calls, settings, health, drain } = self;
        let (stopping, stopped) = tokio::sync::oneshot::channel();
        let stop = async {
            shutdown.await;
            health.not_serving().await;
            drain.send();
            health.close().await;
            // The receiver is below, and waits for nothing else.
            let _heard = stopping.send(());
        };
        let served = serve(calls, &settings, incoming, stop);
        let overdue = async {
            if stopped.await.is_err() {
                // The connections came to an end by themselves.
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(settings.drain_timeout).await;
        };
        tokio::select! {
            () = served => Ok(()),
            () = overdue => {
                tracing::warn!("calls were cut off at the end of the drain timeout");
                Ok(())
            }
        }
    }
}
