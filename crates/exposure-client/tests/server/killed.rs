//! A program that is killed while it tracks, again and again over one outbox on disk: on the
//! server is, once, every exposure that it had counted as tracked.
//!
//! The program is this test binary, started again for one test. `EXPOSURE_KILL_ROUNDS` says how
//! many times (default 6).

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use exposure_client::provider::GrpcProvider;
use exposure_client::{ExposureClient, InMemorySource, Tracked, User, Variant};
use exposure_testkit::TestServer;
use serde_json::Value;

const ROUND: &str = "EXPOSURE_KILL_ROUND";
const SERVER: &str = "EXPOSURE_KILL_SERVER";
const OUTBOX: &str = "EXPOSURE_KILL_OUTBOX";
const PROGRAM: &str = "killed::the_program_that_is_killed";

fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).and_then(|text| text.into_string().ok())
}

fn client(url: &str, outbox: &str, is_write_through: bool) -> ExposureClient {
    let source = InMemorySource::new();
    source.set("f", Variant::new("on"));
    let provider = GrpcProvider::builder(url).api_key(TestServer::KEY).max_events(50);
    let builder = ExposureClient::builder(source)
        .linger(Duration::from_millis(1))
        .outbox(outbox)
        .provider(provider.build().unwrap());
    let builder = if is_write_through { builder.write_through() } else { builder };
    builder.build().unwrap()
}

/// Does nothing unless it was started to be killed: tracks a user after the other, and says each
/// when it counts as tracked.
#[test]
fn the_program_that_is_killed() {
    let Some(round) = variable(ROUND).and_then(|round| round.parse::<u64>().ok()) else { return };
    let (url, outbox) = (variable(SERVER).unwrap(), variable(OUTBOX).unwrap());
    // Half of the rounds wait for each exposure, the others for a few at once.
    let is_write_through = round.is_multiple_of(2);
    let client = client(&url, &outbox, is_write_through);
    let mut out = std::io::stdout().lock();
    for number in (0_u64..).step_by(5) {
        let users: Vec<String> =
            (number..number + 5).map(|n| format!("user-{round}-{n}")).collect();
        for user in &users {
            let tracked = client.exposure(&User::new(user.as_str()), "f");
            assert_eq!(tracked, Tracked::Queued);
            if is_write_through {
                writeln!(out, "tracked {user}").unwrap();
            }
        }
        if !is_write_through {
            client.blocking().synced();
            for user in &users {
                writeln!(out, "tracked {user}").unwrap();
            }
        }
        out.flush().unwrap();
    }
}

fn start(round: u64, server: &TestServer, outbox: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", PROGRAM, "--nocapture", "--test-threads", "1"])
        .envs([(ROUND, round.to_string()), (SERVER, server.grpc()), (OUTBOX, outbox.to_owned())])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Runs the program, kills it after a while, and tells whom it had tracked.
fn kill_one(round: u64, server: &TestServer, outbox: &str) -> BTreeSet<String> {
    let mut program = start(round, server, outbox);
    let output = program.stdout.take().unwrap();
    // The first line says that it has begun; then it may live for up to 60 ms.
    let (tell, told) = std::sync::mpsc::channel();
    let reader = thread::spawn(move || {
        let mut tracked = BTreeSet::new();
        let mut lines = BufReader::new(output);
        let mut line = String::new();
        while lines.read_line(&mut line).unwrap_or(0) > 0 {
            // A line that was cut off in the middle was not said.
            if let Some(user) =
                line.strip_prefix("tracked ").and_then(|user| user.strip_suffix('\n'))
            {
                tracked.insert(user.to_owned());
                let _ = tell.send(());
            }
            line.clear();
        }
        tracked
    });
    told.recv_timeout(Duration::from_mins(1)).unwrap();
    thread::sleep(Duration::from_micros(round.wrapping_mul(7919) % 60_000));
    program.kill().unwrap();
    program.wait().unwrap();
    reader.join().unwrap()
}

#[test]
fn what_was_tracked_is_there_once_whenever_the_program_is_killed() {
    if variable(ROUND).is_some() {
        return;
    }
    let n_rounds = variable("EXPOSURE_KILL_ROUNDS").and_then(|n| n.parse().ok()).unwrap_or(6);
    let server = TestServer::start().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let outbox = directory.path().to_str().unwrap();
    let mut tracked = BTreeSet::new();
    for round in 0..n_rounds {
        tracked.append(&mut kill_one(round, &server, outbox));
    }
    // What the last one left is sent by whoever comes next.
    let report = client(&server.grpc(), outbox, false).blocking().shutdown(Duration::from_mins(1));
    assert!(report.is_complete() && report.account.closes(), "{report:?}");
    assert_eq!(report.account.dropped.total(), 0, "{report:?}");

    let flags = server.get("/v1/flags").unwrap();
    let on = &flags["flags"][0]["variants"]["on"];
    let (profiles, exposures) = (on["profiles"].as_u64(), on["exposures"].as_u64());
    assert_eq!(profiles, exposures, "some exposure is there twice");
    let n_there = exposures.unwrap();
    assert!(tracked.len() as u64 <= n_there, "{} tracked, {n_there} there", tracked.len());
    for user in &tracked {
        let properties = server.get(&format!("/v1/properties?user_id={user}")).unwrap();
        assert_eq!(properties["properties"]["[Experiment] f"], Value::from("on"), "{user} is lost");
    }
    eprintln!("{n_rounds} kills: {} tracked, {n_there} there", tracked.len());
    assert!(!tracked.is_empty());
}
