//! Providers over TLS, to servers with a certificate that nobody else trusts.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use exposure_client::provider::{
    AmplitudeProvider, ExposureProvider, GrpcProvider, SegmentProvider,
};
use exposure_client::{ExposureClient, FlushReport, User, Variant, source_fn};
use exposure_proto::v1;
use exposure_proto::v1::event_outcome::Result as Outcome;
use exposure_proto::v1::ingest_service_server::{IngestService, IngestServiceServer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::{ServerConfig, pki_types::CertificateDer};
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Identity, Server, ServerTlsConfig};
use tonic::{Request, Response, Status, Streaming};

/// A certificate for `localhost`, and its key, as PEM.
fn certificate() -> (String, String) {
    let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    (pair.cert.pem(), pair.signing_key.serialize_pem())
}

/// Runs a server for as long as the process lives, and tells its port.
fn serve<F: Future<Output = ()>>(run: impl FnOnce(TcpListener) -> F + Send + 'static) -> u16 {
    let (tell, told) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            tell.send(listener.local_addr().unwrap().port()).unwrap();
            run(listener).await;
        });
    });
    told.recv().unwrap()
}

/// Says yes to whatever is posted.
fn https(certificate: &str, key: &str) -> u16 {
    let chain = vec![CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    serve(|listener| async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // Who does not trust it goes.
                let Ok(mut socket) = acceptor.accept(socket).await else { return };
                let mut request = Vec::new();
                while !is_whole(&request) {
                    let mut part = [0; 4096];
                    let n_bytes = socket.read(&mut part).await.unwrap();
                    request.extend_from_slice(&part[..n_bytes]);
                }
                let answer = "HTTP/1.1 200 OK\r\ncontent-length: 12\r\nconnection: close\r\n\r\n{\"code\":200}";
                socket.write_all(answer.as_bytes()).await.unwrap();
                socket.shutdown().await.unwrap();
            });
        }
    })
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.split("content-length: ").nth(1).unwrap();
    length.lines().next().unwrap().parse() == Ok(body.len())
}

struct Takes;

#[tonic::async_trait]
impl IngestService for Takes {
    type IngestStreamStream = tokio_stream::Pending<Result<v1::IngestStreamResponse, Status>>;

    async fn ingest(
        &self,
        request: Request<v1::IngestRequest>,
    ) -> Result<Response<v1::IngestResponse>, Status> {
        let taken = Some(Outcome::Accepted(v1::Accepted::default()));
        let outcome = v1::EventOutcome { result: taken };
        let outcomes = vec![outcome; request.get_ref().events.len()];
        Ok(Response::new(v1::IngestResponse { outcomes }))
    }

    async fn ingest_stream(
        &self,
        _requests: Request<Streaming<v1::IngestStreamRequest>>,
    ) -> Result<Response<Self::IngestStreamStream>, Status> {
        Err(Status::unimplemented("no streams here"))
    }
}

fn grpcs(certificate: &str, key: &str) -> u16 {
    let tls = ServerTlsConfig::new().identity(Identity::from_pem(certificate, key));
    serve(|listener| async move {
        let served = Server::builder()
            .tls_config(tls)
            .unwrap()
            .add_service(IngestServiceServer::new(Takes))
            .serve_with_incoming(TcpListenerStream::new(listener));
        served.await.unwrap();
    })
}

/// One exposure through a provider.
fn deliver(provider: impl ExposureProvider) -> FlushReport {
    let client = ExposureClient::builder(source_fn(|_, _| Some(Variant::new("on"))))
        .backoff(Duration::from_millis(1), Duration::from_millis(1))
        .provider(provider)
        .build()
        .unwrap();
    client.variant(&User::new("user-1"), "checkout");
    client.blocking().flush()
}

#[test]
fn a_certificate_is_trusted_where_it_is_given_and_nowhere_else() {
    let (certificate, key) = certificate();
    let (https, grpcs) = (https(&certificate, &key), grpcs(&certificate, &key));
    for is_given in [true, false] {
        let amplitude =
            AmplitudeProvider::builder("key").url(format!("https://localhost:{https}/2"));
        let segment = SegmentProvider::builder("key").url(format!("https://localhost:{https}/v1"));
        let grpc = GrpcProvider::builder(format!("https://localhost:{grpcs}"));
        let (amplitude, segment, grpc) = if is_given {
            (
                amplitude.root_certificates(&*certificate),
                segment.root_certificates(&*certificate),
                grpc.root_certificates(&*certificate),
            )
        } else {
            (amplitude, segment, grpc)
        };
        let reports = [
            deliver(amplitude.build().unwrap()),
            deliver(segment.build().unwrap()),
            deliver(grpc.build().unwrap()),
        ];
        for report in reports {
            let n_delivered = u64::from(is_given);
            assert_eq!(report.account.delivered, n_delivered, "{report:?}");
            assert_eq!(report.left, 1 - n_delivered, "{report:?}");
        }
    }
}

#[test]
fn what_is_no_certificate_is_refused() {
    for pem in ["", "no PEM", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"] {
        let amplitude = AmplitudeProvider::builder("key").root_certificates(pem);
        assert!(amplitude.build().is_err(), "{pem}");
        let grpc = GrpcProvider::builder("https://localhost:1").root_certificates(pem);
        assert!(grpc.build().is_err(), "{pem}");
    }
}
