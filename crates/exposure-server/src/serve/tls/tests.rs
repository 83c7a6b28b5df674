use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;

use super::files::Files;
use super::{Protocol, Tls};
use crate::serve::socket::{Secure, Socket};

/// A certificate for `localhost` and its key, in files; what the files hold.
fn write_pair(files: &Files) -> CertificateDer<'static> {
    let pair = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(&files.certificate, pair.cert.pem()).unwrap();
    fs::write(&files.key, pair.signing_key.serialize_pem()).unwrap();
    pair.cert.der().clone()
}

fn files(dir: &Path) -> Files {
    Files { certificate: dir.join("certificate.pem"), key: dir.join("key.pem") }
}

fn connector(trusted: &CertificateDer<'static>, alpn: &[&[u8]]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    TlsConnector::from(Arc::new(config))
}

/// A socket of the server, and the client's end of it.
async fn pair(secure: &Secure) -> (Socket, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (socket, _) = listener.accept().await.unwrap();
    (Socket::new(socket, Some(secure)), client)
}

fn localhost() -> ServerName<'static> {
    ServerName::try_from("localhost").unwrap()
}

/// Whether a client that trusts this certificate alone gets through to the server.
async fn is_served(secure: &Secure, trusted: &CertificateDer<'static>) -> bool {
    let (mut socket, client) = pair(secure).await;
    let server = tokio::spawn(async move {
        // Fails with the handshake.
        let _written = socket.write_all(b"hello").await;
        let _ended = socket.shutdown().await;
    });
    let mut text = String::new();
    let read = match connector(trusted, &[]).connect(localhost(), client).await {
        Ok(mut stream) => stream.read_to_string(&mut text).await.is_ok(),
        Err(_) => false,
    };
    server.await.unwrap();
    read && text == "hello"
}

const LONG: Duration = Duration::from_mins(1);

#[tokio::test]
async fn a_changed_certificate_is_taken_and_a_bad_one_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let files = files(dir.path());
    let first = write_pair(&files);
    let tls = Tls::from_files(files.clone()).unwrap();
    let secure = tls.secure(Protocol::Http1, LONG);
    assert!(is_served(&secure, &first).await);

    // Files of one moment have one stamp: theirs must not be this moment's.
    let mut age = 1;
    let mut touch = || {
        age += 1;
        let file = fs::File::options().append(true).open(&files.certificate).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(age)).unwrap();
        tls.refresh();
    };
    let second = write_pair(&files);
    touch();
    assert!(is_served(&secure, &second).await);
    assert!(!is_served(&secure, &first).await);

    for damage in
        ["", "no certificate", "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n"]
    {
        fs::write(&files.certificate, damage).unwrap();
        touch();
        assert!(is_served(&secure, &second).await, "{damage}");
    }
    // The certificate was renewed, its key not yet.
    let key = fs::read(&files.key).unwrap();
    let third = write_pair(&files);
    let next_key = fs::read(&files.key).unwrap();
    fs::write(&files.key, key).unwrap();
    touch();
    assert!(is_served(&secure, &second).await);
    fs::write(&files.key, next_key).unwrap();
    touch();
    assert!(is_served(&secure, &third).await);
}

#[tokio::test]
async fn the_first_byte_tells_what_is_spoken() {
    let dir = tempfile::tempdir().unwrap();
    let files = files(dir.path());
    let trusted = write_pair(&files);
    let secure = Tls::from_files(files).unwrap().secure(Protocol::Http2, LONG);

    let (mut socket, mut client) = pair(&secure).await;
    client.write_all(b"GET / HTTP/1.1").await.unwrap();
    let mut text = [0; 14];
    socket.read_exact(&mut text).await.unwrap();
    assert_eq!(&text, b"GET / HTTP/1.1");
    socket.write_all(b"answer").await.unwrap();
    socket.shutdown().await.unwrap();
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer, "answer");

    // Nothing at all is the end of a plain one.
    let (mut socket, client) = pair(&secure).await;
    drop(client);
    assert_eq!(socket.read(&mut text).await.unwrap(), 0);

    for (offered, agreed) in [(&[][..], None), (&[&b"h2"[..], b"x"], Some(&b"h2"[..]))] {
        let (mut socket, client) = pair(&secure).await;
        let server = tokio::spawn(async move { socket.write_all(b"hello").await });
        let stream = connector(&trusted, offered).connect(localhost(), client).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), agreed);
        server.await.unwrap().unwrap();
    }
    let (mut socket, client) = pair(&secure).await;
    let server = tokio::spawn(async move { socket.write_all(b"hello").await });
    let refused = connector(&trusted, &[b"http/1.1"]).connect(localhost(), client).await;
    assert!(refused.is_err());
    assert!(server.await.unwrap().is_err());

    let (mut socket, mut client) = pair(&secure).await;
    client.write_all(b"\x16\x03\x01\x00\x05hello").await.unwrap();
    assert!(socket.read(&mut text).await.is_err());
    // It stays so.
    assert!(socket.read(&mut text).await.is_err());
    assert!(socket.write(b"x").await.is_err());
    socket.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_client_that_says_nothing_is_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let files = files(dir.path());
    write_pair(&files);
    let secure = Tls::from_files(files).unwrap().secure(Protocol::Http1, Duration::from_millis(20));
    for said in [&b""[..], b"\x16", b"\x16\x03\x01\x02\x00\x01"] {
        let (mut socket, mut client) = pair(&secure).await;
        client.write_all(said).await.unwrap();
        let error = socket.read(&mut [0]).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::TimedOut, "{said:?}");
    }
}
