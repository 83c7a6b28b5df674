//! The load generator against a real server: what it says it sent is what the server counted.

use serde_json::Value;

use crate::process::Server;

fn load(server: &Server, args: &[&str]) -> Value {
    let args =
        [&["load", "--users", "50", "--flags", "4", "--connections", "2", "--threads", "1"], args]
            .concat();
    server.json(&args)
}

#[test]
fn counts_match_in_every_mode() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("data"));
    let http = server.http.as_str();
    for args in [
        &["--mode", "unary", "--batch", "7", "--in-flight", "3", "--duration", "0.2"][..],
        &["--mode", "amplitude", "--http", http, "--batch", "10", "--duration", "0.2"],
        &["--mode", "stream", "--batch", "50", "--streams", "2", "--duration", "200ms"],
        &[
            "--mode",
            "unary",
            "--batch",
            "1",
            "--rate",
            "200",
            "--read-rate",
            "50",
            "--duration",
            "0.3",
        ],
    ] {
        let report = load(&server, args);
        assert!(report["events"].as_u64().unwrap() > 0, "{report}");
        assert_eq!(
            (&report["counts_match"], &report["rejected"]),
            (&true.into(), &0.into()),
            "{report}"
        );
        assert_eq!(report["read_p99_ms"].is_number(), args.contains(&"--read-rate"), "{report}");
        for member in [
            "mode",
            "batch",
            "in_flight",
            "streams",
            "seconds",
            "events_per_s",
            "p50_ms",
            "p99_ms",
            "max_ms",
        ] {
            assert!(!report[member].is_null(), "{member}: {report}");
        }
    }
}

#[test]
fn a_preload_writes_each_register_once() {
    for mode in ["unary", "stream", "amplitude"] {
        let dir = tempfile::tempdir().unwrap();
        let server = Server::start(&dir.path().join("data"));
        let args = ["--preload", "--mode", mode, "--batch", "33", "--http", &server.http];
        let report = load(&server, &args);
        assert_eq!(
            (&report["events"], &report["counts_match"]),
            (&200.into(), &true.into()),
            "{report}"
        );
        assert_eq!(server.output(&["export", "properties"]).lines().count(), 200);
    }
}
