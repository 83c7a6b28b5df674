//! TLS and plain text on one port, over HTTP and over gRPC.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use exposure_proto::v1;
use exposure_proto::v1::admin_service_client::AdminServiceClient;
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};
use tokio_rustls::TlsConnector;
use tonic::transport::Endpoint;

use crate::configuration::check;
use crate::process::{KEY, Server};

/// A certificate for `localhost` and its key, as files.
fn pair(dir: &Path, name: &str) -> (PathBuf, PathBuf, CertificateDer<'static>) {
    let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let (certificate, key) = (dir.join(format!("{name}.pem")), dir.join(format!("{name}.key")));
    fs::write(&certificate, pair.cert.pem()).unwrap();
    fs::write(&key, pair.signing_key.serialize_pem()).unwrap();
    (certificate, key, pair.cert.der().clone())
}

fn client(trusted: &CertificateDer<'static>, alpn: &str) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![alpn.into()];
    Arc::new(config)
}

fn localhost() -> ServerName<'static> {
    ServerName::try_from("localhost").unwrap()
}

/// The JSON that a request is answered over TLS.
fn request(server: &Server, trusted: &CertificateDer<'static>, line: &str, body: &str) -> Value {
    let connection = ClientConnection::new(client(trusted, "http/1.1"), localhost()).unwrap();
    let mut stream = StreamOwned::new(connection, TcpStream::connect(&server.http).unwrap());
    write!(
        stream,
        "{line} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: Bearer {KEY}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 "), "{answer}");
    serde_json::from_str(body).unwrap()
}

#[test]
fn both_ports_speak_tls_and_plain_text() {
    let dir = tempfile::tempdir().unwrap();
    let (certificate, key, trusted) = pair(dir.path(), "server");
    let files = ["--tls-cert", certificate.to_str().unwrap(), "--tls-key", key.to_str().unwrap()];
    let args = [&["--api-key", KEY], &files[..]].concat();
    let server = Server::start_with(&dir.path().join("data"), &args);

    let body = json!({"exposures": [{"user_id": "u", "flag_key": "f", "variant": "on"}]});
    let answer = request(&server, &trusted, "POST /v1/exposures", &body.to_string());
    assert_eq!(answer["results"][0]["outcome"], "accepted");
    let read = request(&server, &trusted, "GET /v1/properties?user_id=u", "");
    assert_eq!(read["properties"], json!({"[Experiment] f": "on"}));
    // Who asks where to send is sent back the way it came.
    let settings = request(&server, &trusted, "GET /v1/projects/k/settings", "");
    assert_eq!(settings["integrations"]["Segment.io"]["protocol"], "https");
    let settings: Value = serde_json::from_str(&server.get("/v1/projects/k/settings").1).unwrap();
    assert_eq!(settings["integrations"]["Segment.io"]["protocol"], "http");
    // The probes over plain HTTP, the command line over plain gRPC.
    assert_eq!(server.get("/readyz").0, 200);
    assert_eq!(server.json(&["user", "--user", "u"]), read);

    let grpc = server.grpc.strip_prefix("http://").unwrap().to_owned();
    let config = client(&trusted, "h2");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let info = runtime.block_on(async {
        let connector = tower::service_fn(move |_| {
            let (grpc, connector) = (grpc.clone(), TlsConnector::from(Arc::clone(&config)));
            async move {
                let socket = tokio::net::TcpStream::connect(grpc).await?;
                let stream = connector.connect(localhost(), socket).await?;
                assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
                Ok::<_, std::io::Error>(TokioIo::new(stream))
            }
        });
        let endpoint = Endpoint::from_static("http://localhost");
        let channel = endpoint.connect_with_connector(connector).await.unwrap();
        let mut request = tonic::Request::new(v1::GetServerInfoRequest::default());
        request.metadata_mut().insert("x-api-key", KEY.parse().unwrap());
        AdminServiceClient::new(channel).get_server_info(request).await.unwrap().into_inner()
    });
    assert_eq!(info.version, env!("CARGO_PKG_VERSION"));

    // What is neither ends, and harms nobody.
    for garbage in [&b"\x16\x03\x01\x00\x05hello"[..], b"\x00\x01\x02\r\n\r\n", b"\x16"] {
        for port in [&server.http, server.grpc.strip_prefix("http://").unwrap()] {
            let mut socket = TcpStream::connect(port).unwrap();
            socket.write_all(garbage).unwrap();
            socket.shutdown(std::net::Shutdown::Write).unwrap();
            let mut answer = Vec::new();
            // Whatever it is told, or cut off.
            let _read = socket.read_to_end(&mut answer);
            assert!(!answer.starts_with(b"HTTP/1.1 200"));
        }
    }
    assert_eq!(server.get("/readyz").0, 200);
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_certificate_that_can_not_be_used_is_named_with_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let (certificate, key, _) = pair(dir.path(), "first");
    let (_, other_key, _) = pair(dir.path(), "second");
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let (certificate, key, other_key) = (text(&certificate), text(&key), text(&other_key));
    let missing = text(&dir.path().join("missing.pem"));
    let empty = text(&dir.path().join("empty.pem"));
    fs::write(&empty, "").unwrap();
    let damaged = text(&dir.path().join("damaged.pem"));
    fs::write(&damaged, "-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n").unwrap();
    let hollow = text(&dir.path().join("hollow.pem"));
    fs::write(&hollow, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    let odd = text(&dir.path().join("odd.key"));
    fs::write(&odd, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n").unwrap();
    for (certificate, key, expected) in [
        (&missing, &key, &["`tls_cert`", "missing.pem", "No such file"][..]),
        (&certificate, &missing, &["`tls_key`", "missing.pem", "No such file"]),
        (&empty, &key, &["`tls_cert`", "empty.pem", "no certificate as PEM"]),
        (&key, &key, &["`tls_cert`", "first.key", "no certificate as PEM"]),
        (&damaged, &key, &["`tls_cert`", "damaged.pem", "no PEM"]),
        (&hollow, &key, &["`tls_cert`", "hollow.pem", "damaged certificate"]),
        (&certificate, &empty, &["`tls_key`", "empty.pem", "no private key as PEM"]),
        (&certificate, &certificate, &["`tls_key`", "first.pem", "no private key as PEM"]),
        (&certificate, &odd, &["`tls_key`", "odd.key", "can not be used"]),
        (&certificate, &other_key, &["`tls_key`", "second.key", "is not the key of", "first.pem"]),
    ] {
        check(&["serve", "--tls-cert", certificate, "--tls-key", key], &[], expected);
    }
    check(&["serve", "--tls-cert", &certificate], &[], &["`tls_key`", "together with tls_cert"]);
    check(&["serve"], &[("EXPOSURE_TLS_KEY", &key)], &["`tls_cert`", "together with tls_key"]);
}
