//! Captures of real senders through a running server.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::process::{Server, run};

/// Every event of the captures.
const EVENTS: u64 = 131;
/// Events that an SDK sent again under the `insert_id` it had sent them with.
const AGAIN: u64 = 2;

fn captures() -> Vec<String> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/captures");
    let mut files: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path().to_str().unwrap().to_owned())
        .filter(|path| path.contains("/amplitude-"))
        .collect();
    files.sort();
    assert_eq!(files.len(), 7);
    files
}

fn import(server: &Server) -> Value {
    let files = captures();
    let files: Vec<_> = files.iter().map(String::as_str).collect();
    server.json(&[&["import", "--format", "amplitude"], &files[..]].concat())
}

#[test]
fn importing_twice_with_a_kill_in_between_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let server = Server::start(&data);
    let first = import(&server);
    assert_eq!(first["events"], EVENTS);
    assert_eq!(
        (&first["accepted"], &first["duplicate"]),
        (&(EVENTS - AGAIN).into(), &AGAIN.into())
    );
    let properties = |server: &Server| {
        let mut lines: Vec<_> =
            server.output(&["export", "properties"]).lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    let before = properties(&server);
    assert!(!before.is_empty());
    server.kill();

    let server = Server::start(&data);
    let second = import(&server);
    assert_eq!((&second["accepted"], &second["duplicate"]), (&0.into(), &EVENTS.into()));
    assert_eq!(properties(&server), before);
    let usage: u64 = server
        .output(&["export", "usage"])
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["events"].as_u64().unwrap())
        .sum();
    assert_eq!(usage, EVENTS - AGAIN);
}

#[test]
fn what_can_not_be_read_is_counted_by_reason() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("data"));
    let body = dir.path().join("body.json");
    fs::write(
        &body,
        r#"{"api_key": "k", "events": [
            {"event_type": "$exposure", "user_id": "user-1", "event_properties": {"flag_key": "f", "variant": "on"}},
            {"event_type": "$exposure", "user_id": "abc", "event_properties": {"flag_key": "f", "variant": "on"}},
            {"user_id": "user-2"}, 7]}"#,
    )
    .unwrap();
    let summary = server.json(&["import", "--format", "amplitude", body.to_str().unwrap()]);
    assert_eq!((&summary["accepted"], &summary["rejected"]), (&1.into(), &3.into()));
    let reasons: Vec<_> = summary["reasons"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| format!("{} {}", it["code"].as_str().unwrap(), it["field"].as_str().unwrap()))
        .collect();
    assert!(reasons.contains(&"TOO_SHORT user_id".to_owned()), "{reasons:?}");
    assert!(reasons.contains(&"MISSING event_type".to_owned()), "{reasons:?}");

    let broken = dir.path().join("broken.json");
    fs::write(
        &broken,
        r#"{"requests": [{"t_ms": 1, "method": "POST", "path": "/batch", "body": "{"}]}"#,
    )
    .unwrap();
    let args = ["import", "--format", "amplitude", broken.to_str().unwrap()];
    let (code, stdout, _) = run(&mut server.command(&args));
    assert_eq!(code, 1, "{stdout}");
    assert!(stdout.contains("unreadable: "), "{stdout}");
}
