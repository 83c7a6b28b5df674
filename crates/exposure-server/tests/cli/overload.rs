//! More than the server can take: some of it is stored, the rest is refused and says when to come again, and nothing
//! waits in memory meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::Duration;

use exposure_proto::v1;
use exposure_proto::v1::event_outcome::Result as Outcome;
use exposure_proto::v1::ingest_service_client::IngestServiceClient;
use exposure_proto::v1::ingest_stream_response::Message;
use serde_json::Value;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::{Channel, Endpoint};
use tonic::{Code, Request, Status};

use crate::process::{KEY, Server};

/// Calls at once, events of each, and bytes of an event: many times of what may be under way, in bytes that are sooner
/// sent than they are checked and written to a disk.
const CALLS: usize = 150;
const EVENTS: usize = 20;
const BYTES: usize = 20_000;
/// Batches of each stream, within its credit, and streams.
const BATCHES: usize = 30;
const STREAMS: usize = 10;
/// Memory that the server may take beside what it takes under a load that just saturates it: the buffers of many more
/// connections, what is under way, and what the allocator keeps of it. A server that lets all of the open loops in takes
/// gigabytes.
const MEMORY: u64 = 512 << 20;

fn keyed<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("x-api-key", KEY.parse().unwrap());
    request
}

fn batch(name: &str) -> v1::IngestRequest {
    let text = format!("{{\"text\":\"{}\"}}", "x".repeat(BYTES));
    let event = |at: usize| {
        let exposure = v1::Exposure {
            flag_key: Some(format!("flag-{}", at % 4)),
            variant: Some("on".to_owned()),
            metadata: Some(text.clone().into()),
            ..v1::Exposure::default()
        };
        v1::Event {
            user_id: Some(format!("user-{at}")),
            insert_id: Some(format!("an-id-as-long-as-they-are-{name}-{at}")),
            body: Some(v1::event::Body::Exposure(exposure)),
            ..v1::Event::default()
        }
    };
    let events = (0..EVENTS).map(event).collect();
    v1::IngestRequest { events, library: Some("overload/1".to_owned()), ..Default::default() }
}

fn check_outcomes(outcomes: &[v1::EventOutcome]) {
    assert_eq!(outcomes.len(), EVENTS);
    let are_new = outcomes.iter().all(|it| matches!(it.result, Some(Outcome::Accepted(_))));
    assert!(are_new, "what was refused was stored: {outcomes:?}");
}

fn check_refusal(status: &Status) {
    use tonic_types::StatusExt as _;
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    let details = status.get_error_details();
    let delay = details.retry_info().and_then(|info| info.retry_delay);
    assert!(delay.is_some_and(|delay| delay > Duration::ZERO), "{status:?}");
}

async fn connect(server: &Server) -> Channel {
    Endpoint::from_shared(server.grpc.clone()).unwrap().connect().await.unwrap()
}

/// Sends all of these at once, each in a call; returns those that were refused.
async fn calls(channels: &[Channel], numbers: &[usize]) -> Vec<usize> {
    let mut calls = JoinSet::new();
    for (&number, channel) in numbers.iter().zip(channels.iter().cycle()) {
        let mut client = IngestServiceClient::new(channel.clone());
        calls.spawn(async move {
            let answer = client.ingest(keyed(batch(&format!("call-{number}")))).await;
            (number, answer.map(tonic::Response::into_inner))
        });
    }
    let mut refused = Vec::new();
    while let Some(ended) = calls.join_next().await {
        match ended.unwrap() {
            (_, Ok(answer)) => check_outcomes(&answer.outcomes),
            (number, Err(status)) => {
                check_refusal(&status);
                refused.push(number);
            }
        }
    }
    refused
}

/// Sends all batches at once in a stream, and the refused ones again; returns how often one was refused.
async fn stream(channel: Channel, stream: usize) -> usize {
    let (batches, receiver) = mpsc::channel(2 * BATCHES);
    let request = keyed(ReceiverStream::new(receiver));
    let answers = IngestServiceClient::new(channel).ingest_stream(request).await;
    let mut answers = answers.unwrap().into_inner();
    let (mut waiting, mut credit): (Vec<_>, _) = ((0..BATCHES as i64).rev().collect(), 0);
    let (mut n_stored, mut n_refused) = (0, 0);
    while n_stored < BATCHES {
        while credit > 0
            && let Some(batch_id) = waiting.pop()
        {
            let batch = Some(batch(&format!("stream-{stream}-{batch_id}")));
            batches.send(v1::IngestStreamRequest { batch_id, batch }).await.unwrap();
            credit -= 1;
        }
        match answers.message().await.unwrap().unwrap().message.unwrap() {
            Message::Credit(more) => credit += more.batch_count,
            Message::Acknowledgement(it) => {
                check_outcomes(&it.outcomes);
                n_stored += 1;
            }
            Message::Refusal(it) => {
                assert_eq!(it.code(), v1::ErrorCode::ResourceExhausted, "{it:?}");
                assert!(it.retry_delay_ms.is_some_and(|delay| delay > 0), "{it:?}");
                n_refused += 1;
                waiting.push(it.batch_id);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
    n_refused
}

/// Events that the server counted of what this test sent itself.
fn n_events(server: &Server) -> u64 {
    let senders = server.json(&["flags", "--senders"]);
    let all = senders["senders"].as_array().unwrap();
    let sender = all.iter().find(|it| it["library"] == "overload/1");
    sender.unwrap_or_else(|| panic!("{senders}"))["received"].as_u64().unwrap()
}

/// Everything once, by calls and by streams, whatever it takes.
async fn everything_once(server: &Server) {
    let mut channels = Vec::new();
    for _ in 0..5 {
        channels.push(connect(server).await);
    }
    let mut left: Vec<_> = (0..CALLS).collect();
    let mut n_rounds = 0;
    while !left.is_empty() {
        let refused = calls(&channels, &left).await;
        assert!(refused.len() < left.len(), "nothing is taken at all");
        left = refused;
        n_rounds += 1;
    }
    assert!(n_rounds > 1, "{CALLS} calls at once are no overload");
    let mut streams = JoinSet::new();
    for (number, channel) in (0..STREAMS).zip(channels.iter().cycle()) {
        streams.spawn(stream(channel.clone(), number));
    }
    let n_refused: usize = streams.join_all().await.into_iter().sum();
    assert!(n_refused > 0, "{STREAMS} streams are no overload");
    eprintln!("overload: calls in {n_rounds} rounds, {n_refused} batches of streams refused");
}

/// Memory of a server without its window of insert ids, which holds every event that was accepted.
fn resident_bytes(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let resident = line.split_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024;
    let (_, metrics) = server.get("/metrics");
    let window = metrics
        .lines()
        .find_map(|line| line.strip_prefix("exposure_store_window_resident_bytes "))
        .unwrap();
    resident.saturating_sub(window.parse::<f64>().unwrap() as u64)
}

/// Ends a watch, also where what is watched panics.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The most memory that a server has while something goes on.
fn most_memory<T>(server: &Server, goes_on: impl FnOnce() -> T) -> (T, u64) {
    let is_over = AtomicBool::new(false);
    scope(|scope| {
        let watching = scope.spawn(|| {
            let mut most = 0;
            while !is_over.load(Ordering::Relaxed) {
                most = most.max(resident_bytes(server));
                sleep(Duration::from_millis(20));
            }
            most
        });
        let over = Over(&is_over);
        let result = goes_on();
        drop(over);
        (result, watching.join().unwrap())
    })
}

fn load(server: &Server, args: &[&str]) -> Value {
    let common = ["load", "--users", "50", "--flags", "4", "--connections", "10"];
    server.json(&[&common[..], args].concat())
}

#[test]
fn what_is_too_much_is_refused_and_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    // Without files of events, whose making takes memory whenever it begins.
    let args = ["--api-key", KEY, "--convert-every", "1d", "--max-wait", "20ms"];
    let server = Server::start_with(&dir.path().join("data"), &args);
    let saturated = ["--batch", "1000", "--in-flight", "8", "--duration", "1.5"];
    let (_, usual) = most_memory(&server, || load(&server, &saturated));
    let ((), most) = most_memory(&server, || {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        runtime.block_on(everything_once(&server));
        assert_eq!(n_events(&server), ((CALLS + STREAMS * BATCHES) * EVENTS) as u64);
        let open = ["--open-loop", "--rate", "2000000", "--batch", "1000", "--duration", "3"];
        for mode in [&["--mode", "unary"][..], &["--mode", "stream", "--streams", "40"]] {
            let report = load(&server, &[&open[..], mode].concat());
            assert_eq!(report["counts_match"], true, "{report}");
            assert_eq!(report["unknown_events"], 0, "{report}");
            for what in ["accepted_batches", "refused_batches"] {
                assert!(report[what].as_u64().unwrap() > 0, "{what}: {report}");
                eprintln!("overload: {} {what}", report[what]);
            }
        }
    });
    eprintln!("overload: {usual} bytes of memory when saturated, {most} at most");
    assert!(most < usual + MEMORY, "{usual} bytes of memory when saturated, {most} at most");
    // What is not too much is taken as before.
    let args = ["--batch", "10", "--in-flight", "2", "--duration", "0.2"];
    let report = load(&server, &args);
    assert_eq!(report["counts_match"], true, "{report}");
    assert!(report["events"].as_u64().unwrap() > 0, "{report}");
    assert_eq!(server.get("/readyz").0, 200);
    assert_eq!(server.stop(), 0);
}
