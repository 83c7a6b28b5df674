//! The load generator against a real server: what it says it sent is what the server counted.

use serde_json::Value;

use crate::process::{Server, run};

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
        &["--mode", "unary", "--batch", "7", "--zipf", "0.99", "--duration", "1.1"],
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
        let each_s = report["events_each_s"].as_array().unwrap();
        assert_eq!(each_s.len(), report["seconds"].as_f64().unwrap() as usize, "{report}");
        let n_events: u64 = each_s.iter().map(|events| events.as_u64().unwrap()).sum();
        assert!(n_events <= report["events"].as_u64().unwrap(), "{report}");
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

#[test]
fn keys_are_taken_in_turn() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("data"));
    let keys: Vec<String> = (0..2)
        .map(|_| {
            let made = server.json(&["keys", "create", "--scope", "ingest", "--name", "load"]);
            made["secret"].as_str().unwrap().to_owned()
        })
        .collect();
    let file = dir.path().join("keys");
    std::fs::write(&file, keys.join("\n")).unwrap();
    let file = file.to_str().unwrap();
    let args = ["--batch", "10", "--in-flight", "2", "--duration", "0.2", "--keys", file];
    let report = load(&server, &args);
    assert!(report["events"].as_u64().unwrap() > 0 && report["counts_match"].is_null(), "{report}");
    std::fs::write(dir.path().join("keys"), "not-a-key-of-this-server").unwrap();
    let mut refused = server.command(&[&["load", "--duration", "0.2"], &args[6..]].concat());
    assert_eq!(run(&mut refused).0, 1);
}
