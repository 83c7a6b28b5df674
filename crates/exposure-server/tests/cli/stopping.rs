//! SIGTERM: what was received is finished, and nothing waits for those who never end.

use std::io::Write as _;
use std::net::TcpStream;
use std::process::Stdio;

use rustix::process::Signal;

use crate::process::Server;

#[test]
fn sigterm_under_load_finishes_what_was_received() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let mut server = Server::start(&data);
    // Watchers and streams stay open until the server ends them.
    let tail =
        server.command(&["tail"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let load =
        ["load", "--mode", "stream", "--batch", "5", "--users", "20", "--duration", "60", "--json"];
    let load = server.command(&load).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let accepted = || {
        let (_, metrics) = server.get("/metrics");
        let line = metrics.lines().find(|line| line.starts_with("exposure_events_total"));
        line.is_some_and(|line| !line.ends_with(" 0"))
    };
    while !accepted() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    server.signal(Signal::TERM);
    assert_eq!(server.wait().code(), Some(0), "{}", server.log());
    assert!(!server.log().contains("cut off"), "{}", server.log());
    for child in [tail, load] {
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(stderr.starts_with("exposure: "), "{stderr}");
    }

    // Each one that was counted is there: as many registers as were written, and one total.
    let server = Server::start(&data);
    let senders = server.json(&["flags", "--senders"]);
    let usage = server.output(&["export", "usage"]);
    let usage: serde_json::Value = serde_json::from_str(usage.lines().next().unwrap()).unwrap();
    assert_eq!(senders["senders"][0]["accepted"], usage["events"]);
    assert_eq!(server.stop(), 0);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Server::start(&dir.path().join("data"));
    // A request that never ends keeps the first one waiting.
    let mut held = TcpStream::connect(&server.http).unwrap();
    let key = &server.key;
    write!(held, "POST /v1/exposures HTTP/1.1\r\nhost: x\r\nx-api-key: {key}\r\n").unwrap();
    write!(held, "content-length: 100\r\n\r\n{{").unwrap();
    assert_eq!(server.get("/healthz").0, 200);
    server.signal(Signal::TERM);
    while !server.log().contains("stopping: ") {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    server.signal(Signal::INT);
    assert_eq!(server.wait().code(), Some(1), "{}", server.log());
}
