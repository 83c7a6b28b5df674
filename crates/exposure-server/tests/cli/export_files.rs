//! Exports of other vendors, read as streams of lines: plain, compressed, piped, and broken off.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::process::{Server, run};

const N_LINES: u64 = 6000;
/// One line of so many is none.
const BAD: u64 = 100;

/// Lines of Amplitude's, of a second of receipt each: some without any id of their own.
fn amplitude() -> String {
    (0..N_LINES).fold(String::new(), |mut text, n| {
        if n % BAD == BAD - 1 {
            text.push_str("{\"event_type\": \"cut o\n");
            return text;
        }
        let (hour, minute, second) = (n / 3600, n / 60 % 60, n % 60);
        let at = |micros: u32| {
            format!("2026-01-0{} {hour:02}:{minute:02}:{second:02}.{micros:06}", 1 + n % 3)
        };
        let mut line = json!({
            "event_type": "[Experiment] Exposure",
            "device_id": format!("device-{}", n % 97),
            "user_id": (n % 3 == 0).then(|| format!("user-{}", n % 53)),
            "event_time": at(1000),
            "server_received_time": at(500_000),
            "library": format!("amplitude-ts/2.{}", n / 2500),
            "event_properties": {"[Experiment] Flag Key": format!("flag-{}", n % 7)},
            "user_properties": {"[Experiment] flag-0": "of another event", "plan": "pro"},
        });
        if n % 5 > 0 {
            line["event_properties"]["[Experiment] Variant"] = format!("v{}", n % 4).into();
        }
        match n % 4 {
            0 => {}
            1 => line["uuid"] = format!("uuid-{n}").into(),
            _ => line["$insert_id"] = format!("i-{n}").into(),
        }
        writeln!(text, "{line}").unwrap();
        text
    })
}

fn segment(n_lines: u64) -> String {
    (0..n_lines).fold(String::new(), |mut text, n| {
        let line = json!({
            "type": "track", "event": "$exposure", "messageId": format!("m-{n}"),
            "anonymousId": format!("device-{n}"), "userId": null, "channel": "client",
            "properties": {"flag_key": "checkout", "variant": "on"},
            "context": {"library": {"name": "analytics.js", "version": "2.1.0"}},
            "originalTimestamp": "2026-01-01T05:00:00.000Z", "sentAt": "2026-01-01T05:00:01.000Z",
            "receivedAt": "2026-01-01T00:00:01.000Z", "timestamp": "2026-01-01T00:00:00.000Z",
        });
        writeln!(text, "{line}").unwrap();
        text
    })
}

/// What a server holds, but for rejected events and the times of receipt.
fn held(server: &Server) -> Vec<String> {
    let mut lines = Vec::new();
    for what in ["properties", "exposures", "usage"] {
        lines.extend(server.output(&["export", what]).lines().map(str::to_owned));
    }
    lines.sort();
    lines
}

fn n_exposures(server: &Server) -> u64 {
    let lines = server.output(&["export", "exposures"]);
    lines.lines().map(|it| count(&serde_json::from_str(it).unwrap(), "exposures")).sum()
}

fn count(summary: &Value, name: &str) -> u64 {
    summary[name].as_u64().unwrap()
}

fn compressed(text: &str, path: &Path) {
    // Two members, as pieces that were put together have.
    let middle = text.len() / 2;
    let (one, two) = text.as_bytes().split_at(middle);
    let mut out = File::create(path).unwrap();
    for part in [one, two] {
        let mut encoder = GzEncoder::new(out, Compression::fast());
        encoder.write_all(part).unwrap();
        out = encoder.finish().unwrap();
    }
}

/// Where the state says that the only file of the import stands.
fn position(state: &Path) -> u64 {
    let Ok(text) = fs::read_to_string(state) else { return 0 };
    let state: Value = serde_json::from_str(&text).unwrap();
    let file = state["files"].as_object().unwrap().values().next();
    file.map_or(0, |file| file["mark"]["position"].as_u64().unwrap())
}

/// Waits until the state has come so far, or the import has ended.
fn wait_for(state: &Path, at_least: u64, child: &mut Child) {
    while position(state) < at_least && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn path_of(path: &Path) -> &str {
    path.to_str().unwrap()
}

struct Files {
    dir: tempfile::TempDir,
    plain: PathBuf,
    gz: PathBuf,
    n_bytes: u64,
}

fn files() -> Files {
    let dir = tempfile::tempdir().unwrap();
    let text = amplitude();
    let (plain, gz) = (dir.path().join("events.json"), dir.path().join("events.json.gz"));
    fs::write(&plain, &text).unwrap();
    compressed(&text, &gz);
    Files { plain, gz, n_bytes: text.len() as u64, dir }
}

#[test]
fn an_import_killed_again_and_again_ends_as_one_that_was_not() {
    let files = files();
    let whole = Server::start(&files.dir.path().join("whole"));
    let format = ["import", "--format", "amplitude-export"];
    let summary = whole.json(&[&format[..], &[path_of(&files.plain)]].concat());
    assert_eq!(count(&summary, "events"), N_LINES);
    assert_eq!(count(&summary, "accepted"), N_LINES - N_LINES / BAD);
    assert_eq!(count(&summary, "rejected"), N_LINES / BAD);
    let expected = held(&whole);
    assert!(!expected.is_empty());

    for (name, path) in [("plain", &files.plain), ("gz", &files.gz)] {
        let server = Server::start(&files.dir.path().join(name));
        let state = files.dir.path().join(format!("{name}.state"));
        let args = [&format[..], &[path_of(path), "--resume", path_of(&state)]].concat();
        let mut n_kills = 0;
        for quarter in 1..=3 {
            let mut child =
                server.command(&args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            wait_for(&state, files.n_bytes * quarter / 5, &mut child);
            child.kill().unwrap();
            n_kills += u32::from(child.wait().unwrap().code().is_none());
        }
        assert!(n_kills > 0, "no import was caught in the middle");
        let summary = server.json(&args);
        assert_eq!(position(&state), files.n_bytes);
        assert_eq!(count(&summary, "events"), N_LINES);
        assert_eq!(count(&summary, "rejected"), N_LINES / BAD);
        let told = count(&summary, "accepted") + count(&summary, "duplicate");
        assert_eq!(told, N_LINES - N_LINES / BAD);
        assert_eq!(held(&server), expected, "{name}");

        // What is done is not sent again; without the state it is, and does nothing.
        assert_eq!(server.json(&args), summary);
        let again = server.json(&[&format[..], &[path_of(path)]].concat());
        assert_eq!(count(&again, "accepted"), 0);
        assert_eq!(count(&again, "duplicate"), N_LINES - N_LINES / BAD);
        assert_eq!(held(&server), expected, "{name}");
    }
}

#[test]
fn a_pipe_goes_on_where_it_broke_off() {
    let files = files();
    let server = Server::start(&files.dir.path().join("data"));
    let state = files.dir.path().join("state");
    let args = ["import", "--format", "amplitude-export", "--json", "-", "--resume"];
    let args = [&args[..], &[path_of(&state)]].concat();
    let bytes = fs::read(&files.gz).unwrap();
    let spawn = || {
        let mut command = server.command(&args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
    };
    let mut child = spawn();
    let mut pipe = child.stdin.take().unwrap();
    pipe.write_all(&bytes[..bytes.len() / 2]).unwrap();
    wait_for(&state, 1, &mut child);
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().code(), None);
    assert!((1..files.n_bytes).contains(&position(&state)));

    let mut child = spawn();
    child.stdin.take().unwrap().write_all(&bytes).unwrap();
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success());
    let summary: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(count(&summary, "events"), N_LINES);

    let whole = Server::start(&files.dir.path().join("whole"));
    whole.json(&["import", "--format", "amplitude-export", path_of(&files.plain)]);
    assert_eq!(held(&server), held(&whole));

    // Another pipe with the same bytes is another import: what had no id at all is new.
    let mut child = server
        .command(&["import", "--format", "amplitude-export", "--json", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&bytes).unwrap();
    let ended = child.wait_with_output().unwrap();
    let summary: Value = serde_json::from_slice(&ended.stdout).unwrap();
    let without_id = (0..N_LINES).filter(|n| n % BAD != BAD - 1 && n % 4 == 0).count() as u64;
    assert_eq!(count(&summary, "accepted"), without_id);
}

#[test]
fn a_server_that_restarts_meanwhile_costs_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let (server, text) = (Server::start(&data), segment(4000));
    let lines: Vec<_> = text.split_inclusive('\n').collect();
    let state = dir.path().join("state");
    let args = ["import", "--format", "segment-export", "--json", "-", "--resume", path_of(&state)];
    let mut child =
        server.command(&args).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    pipe.write_all(lines[..2000].concat().as_bytes()).unwrap();
    wait_for(&state, 1, &mut child);
    let grpc = server.grpc.strip_prefix("http://").unwrap().to_owned();
    server.kill();
    let server = Server::start_with(&data, &["--api-key", crate::process::KEY, "--grpc", &grpc]);
    pipe.write_all(lines[2000..].concat().as_bytes()).unwrap();
    drop(pipe);
    let ended = child.wait_with_output().unwrap();
    assert!(ended.status.success(), "{}", server.log());
    let summary: Value = serde_json::from_slice(&ended.stdout).unwrap();
    assert_eq!(count(&summary, "events"), 4000);
    assert_eq!(count(&summary, "rejected"), 0);
    assert_eq!(n_exposures(&server), 4000);
}

#[test]
fn what_is_wrong_with_a_file_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(&dir.path().join("data"));
    let (file, state) = (dir.path().join("events.json"), dir.path().join("state"));
    let args =
        ["import", "--format", "segment-export", path_of(&file), "--resume", path_of(&state)];
    fs::write(&file, segment(3)).unwrap();
    let summary = server.json(&args);
    assert_eq!((count(&summary, "events"), count(&summary, "accepted")), (3, 3));

    // It grew: only what is new is sent.
    fs::write(&file, segment(5)).unwrap();
    let summary = server.json(&args);
    assert_eq!((count(&summary, "events"), count(&summary, "accepted")), (5, 5));
    // It is another one.
    fs::write(&file, segment(5).replace("device-4", "device-5")).unwrap();
    let (code, _, stderr) = run(&mut server.command(&args));
    assert_eq!(code, 2);
    assert!(stderr.contains("not the file any more"), "{stderr}");
    fs::write(&file, "").unwrap();
    assert_eq!(run(&mut server.command(&args)).0, 2);

    fs::write(&file, "PK\x03\x04...").unwrap();
    let (code, _, stderr) = run(&mut server.command(&args[..4]));
    assert_eq!(code, 2);
    assert!(stderr.contains("ZIP"), "{stderr}");

    // What stands before the damage is sent.
    let cut = dir.path().join("cut.gz");
    compressed(&segment(2000), &cut);
    let bytes = fs::read(&cut).unwrap();
    fs::write(&cut, &bytes[..bytes.len() - 20]).unwrap();
    let (code, stdout, stderr) =
        run(&mut server.command(&["import", "--format", "segment-export", path_of(&cut)]));
    assert_eq!((code, stdout.as_str()), (1, ""), "{stderr}");
    assert!(stderr.contains("cut.gz"), "{stderr}");
    assert!(n_exposures(&server) > 1000);
}
