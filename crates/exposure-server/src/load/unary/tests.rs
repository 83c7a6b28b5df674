//! Callers against the HTTP/2 that servers have, and against what is none.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use exposure_core::{Effect, Effects, Notes, Outcome};
use exposure_proto::answer::AnswerEncoder;
use exposure_proto::v1;
use h2::server::{Builder, SendResponse};
use http::{HeaderMap, Request, Response};
use parking_lot::Mutex;
use prost::Message as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::time::Instant;

use super::caller::Caller;
use super::exchange;
use super::session::{PATH, Session};
use crate::load::http2::Heads;
use crate::load::pace::Pace;
use crate::load::source::{Plan, Source};
use crate::load::tally::Tally;

/// A server with these bounds, and callers of these numbers.
#[derive(Clone, Copy, Debug)]
struct Case {
    n_users: u64,
    n_events: usize,
    n_callers: u64,
    n_keys: usize,
    window: u32,
    table: u32,
    max_calls: u32,
    max_frame: u32,
    /// Bytes that are on their way at most.
    pipe: usize,
    /// Each call of so many is refused, before it is read.
    refused: usize,
}

const USUAL: Case = Case {
    n_users: 30,
    n_events: 7,
    n_callers: 3,
    n_keys: 1,
    window: 1 << 20,
    table: 4096,
    max_calls: 256,
    max_frame: 16_384,
    pipe: 1 << 20,
    refused: usize::MAX,
};

/// What the server was sent.
#[derive(Debug, Default)]
struct Seen {
    registers: Vec<(String, String)>,
    keys: BTreeSet<String>,
    n_calls: usize,
}

const N_FLAGS: u64 = 10;

fn key(number: usize) -> String {
    format!("Bearer a-key-{number}")
}

fn session(case: Case) -> Session {
    let plan = Arc::new(Plan::new(case.n_users, N_FLAGS, true));
    let start = Instant::now();
    let pace = Pace::new(start, start + Duration::from_hours(1), None);
    let callers = (0..case.n_callers).map(|number| {
        let source = Source::new(Arc::clone(&plan), number);
        Caller::new(source, pace, case.n_events, "load/1", number as usize)
    });
    let keys: Vec<String> = (0..case.n_keys).map(key).collect();
    let keys: Vec<&[u8]> = keys.iter().map(String::as_bytes).collect();
    let heads = Heads::new("a-host:7070", PATH.as_str(), "an-agent/1", &keys);
    Session::new(callers.collect(), heads, Tally::new(start).unwrap())
}

async fn serve(io: DuplexStream, case: Case, seen: Arc<Mutex<Seen>>) {
    let mut builder = Builder::new();
    builder.initial_window_size(case.window).header_table_size(case.table);
    builder.max_concurrent_streams(case.max_calls).max_frame_size(case.max_frame);
    let mut connection = builder.handshake::<_, Bytes>(io).await.unwrap();
    let mut ping = connection.ping_pong().unwrap();
    let pinged = tokio::spawn(async move { ping.ping(h2::Ping::opaque()).await });
    while let Some(Ok((request, respond))) = connection.accept().await {
        let n_calls = {
            let mut seen = seen.lock();
            seen.n_calls += 1;
            seen.n_calls
        };
        if n_calls % case.refused == 0 {
            refuse(respond);
        } else {
            tokio::spawn(answer(request, respond, Arc::clone(&seen)));
        }
    }
    pinged.await.unwrap().unwrap();
}

fn refuse(mut respond: SendResponse<Bytes>) {
    let head = Response::builder().header("content-type", "application/grpc");
    let head = head.header("grpc-status", "8").header("grpc-message", "no room, %C3%BCberall");
    respond.send_response(head.body(()).unwrap(), true).unwrap();
}

async fn answer(
    request: Request<h2::RecvStream>,
    mut respond: SendResponse<Bytes>,
    seen: Arc<Mutex<Seen>>,
) {
    assert_eq!(request.uri(), "http://a-host:7070/exposure.v1.IngestService/Ingest");
    let header = |name| request.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(
        ["content-type", "te", "user-agent"].map(header),
        ["application/grpc", "trailers", "an-agent/1"]
    );
    seen.lock().keys.insert(header("authorization"));
    let (mut body, mut bytes) = (request.into_body(), Vec::new());
    while let Some(part) = body.data().await {
        let part = part.unwrap();
        body.flow_control().release_capacity(part.len()).unwrap();
        bytes.extend_from_slice(&part);
    }
    let message = v1::IngestRequest::decode(&bytes[5..]).unwrap();
    let mut answer = AnswerEncoder::response(message.events.len());
    for event in message.events {
        let Some(v1::event::Body::Exposure(exposure)) = event.body else { panic!() };
        let flag = exposure.flag_key.unwrap();
        let effects = Effects::One(Effect::Set);
        answer.push(&Outcome::Accepted { effects, notes: Notes::default() }, [&*flag].into_iter());
        seen.lock().registers.push((event.user_id.unwrap(), flag));
    }
    let answer = answer.finish();
    let prefix = [&[0], &(answer.len() as u32).to_be_bytes()[..]].concat();
    let head = Response::builder().header("content-type", "application/grpc").body(()).unwrap();
    let mut stream = respond.send_response(head, false).unwrap();
    stream.send_data([&prefix, &answer[..]].concat().into(), false).unwrap();
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "0".parse().unwrap());
    stream.send_trailers(trailers).unwrap();
}

#[tokio::test]
async fn every_register_is_written_once_whatever_the_bounds() {
    let cases = [
        USUAL,
        Case { n_events: 1, n_callers: 64, ..USUAL },
        Case { n_keys: 3, max_calls: 1, ..USUAL },
        Case { table: 0, n_keys: 2, ..USUAL },
        Case { table: 100, window: 50, pipe: 1, ..USUAL },
        Case { refused: 17, window: 400, pipe: 7, ..USUAL },
        Case { n_users: 900, n_events: 1000, max_frame: 100_000, ..USUAL },
        Case { n_users: 900, n_events: 1000, window: 5000, refused: 4, ..USUAL },
        Case { n_users: 900, n_events: 1000, pipe: 100, n_callers: 1, ..USUAL },
    ];
    for case in cases {
        let (ours, theirs) = duplex(case.pipe);
        let seen = Arc::new(Mutex::new(Seen::default()));
        let server = tokio::spawn(serve(theirs, case, Arc::clone(&seen)));
        let tally = exchange::work(ours, session(case)).await.unwrap();
        server.await.unwrap();
        let seen = seen.lock();
        let distinct: BTreeSet<_> = seen.registers.iter().collect();
        let n_registers = (case.n_users * N_FLAGS) as usize;
        assert_eq!((seen.registers.len(), distinct.len()), (n_registers, n_registers), "{case:?}");
        assert_eq!(seen.keys, (0..case.n_keys).map(key).collect(), "{case:?}");
        assert_eq!(tally.outcomes.accepted, n_registers as u64, "{case:?}");
        assert_eq!(tally.n_answered(), n_registers.div_ceil(case.n_events) as u64, "{case:?}");
        assert_eq!(tally.retries as usize, seen.n_calls / case.refused, "{case:?}");
    }
}

/// The greeting of a server, and some bytes.
fn greeted(bytes: &[u8]) -> Vec<u8> {
    [b"\0\0\0\x04\0\0\0\0\0", bytes].concat()
}

#[tokio::test]
async fn a_server_that_answers_badly_is_told() {
    let cases = [
        (b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n".to_vec(), "is it a gRPC server"),
        (b"\0\0\x08\x06\0\0\0\0\x0012345678".to_vec(), "does not begin as HTTP/2 does"),
        (greeted(b"\0\0\x0a\x07\0\0\0\0\0\0\0\0\x01\0\0\0\x0bhm"), "ENHANCE_YOUR_CALM hm"),
        (greeted(b"\0\0\x08\x07\0\0\0\0\0\0\0\0\x01\0\0\0\0"), "ended a connection: NO_ERROR"),
        (greeted(b"\0\0\x04\x03\0\0\0\0\x01\0\0\0\x02"), "ended a call: INTERNAL_ERROR"),
        (greeted(b"\0\0\x04\x03\0\0\0\0\x01\0\0\x01\0"), "ended a call: 256"),
        (greeted(b"\0\0\x02\x03\0\0\0\0\x01\0\0"), "can not be read: Reset"),
        (greeted(b"\0\0\x01\x01\x04\0\0\0\x01\x8d"), "HTTP status 404"),
        (greeted(b"\0\0\x01\x01\x05\0\0\0\x01\x88"), "no `grpc-status`"),
        (greeted(b"\0\0\x01\x01\x05\0\0\0\x01\xbe"), "headers that can not be read"),
        (greeted(b"\0\0\x10\x01\x05\0\0\0\x01\x88\0\x0bgrpc-status\x010"), "one outcome for each"),
        (greeted(b"\0\0\x11\x01\x05\0\0\0\x01\x88\0\x0bgrpc-status\x0216"), "UNAUTHENTICATED"),
        (greeted(b"\0\0\x01\x01\0\0\0\0\x01\x88\0\0\0\x06\0\0\0\0\0"), "a part is missing"),
        (greeted(b"\0\0\x01\x01\0\0\0\0\x01\x88\0\0\x01\x09\x04\0\0\0\x01\xff"), "can not be read"),
        (greeted(b"\0\0\0\x09\x04\0\0\0\x01"), "can not be read: Continuation"),
        (greeted(b"\0\0\x06\0\0\0\0\0\x01\x01\0\0\0\x01x"), "no answer"),
        (greeted(b"\0\0\x06\0\0\0\0\0\x01\0\0\0\0\x01x"), "can not be read"),
        (greeted(b"\0\0\x05\0\x01\0\0\0\x01\0\0\0\0\0"), "no `grpc-status`"),
        (greeted(b"\0\0\0\x05\x04\0\0\0\x01"), "nobody asked for"),
        (greeted(b"\0\0\x03\x04\0\0\0\0\0abc"), "settings that are cut off"),
        (greeted(&[0xff; 100]), "is it a gRPC server"),
    ];
    for (mut bytes, why) in cases {
        // A call is under way once the server is known to be one: a stream that is not open is
        // nobody's.
        let at = bytes.len().min(9);
        let behind = bytes.split_off(at);
        let failure = told_late(&bytes, &behind).await;
        assert!(failure.contains(why), "{failure:?} is not {why:?}");
    }
    for bytes in [vec![], greeted(b""), greeted(b"\0\0\x08\x06\0\0\0\0\x0012345")] {
        let (ours, mut theirs) = duplex(1 << 20);
        theirs.write_all(&bytes).await.unwrap();
        drop(theirs);
        let failure = exchange::work(ours, session(USUAL)).await.unwrap_err().to_string();
        assert!(failure.contains("ended a connection"), "{failure}");
    }
}

/// Has the server send some bytes at first, and others once there is a call.
async fn told_late(first: &[u8], then: &[u8]) -> String {
    let (ours, mut theirs) = duplex(1 << 20);
    let work = exchange::work(ours, session(Case { n_callers: 1, ..USUAL }));
    let serve = async {
        theirs.write_all(first).await.unwrap();
        let mut bytes = Vec::new();
        // Preface, settings and window are shorter than that, a call is not.
        while first.starts_with(&greeted(b"")) && bytes.len() < 300 {
            theirs.read_buf(&mut bytes).await.unwrap();
        }
        theirs.write_all(then).await.unwrap();
        while theirs.read(&mut [0; 100]).await.unwrap_or(0) > 0 {}
    };
    let both = async { tokio::join!(work, serve).0 };
    let worked = tokio::time::timeout(Duration::from_mins(1), both).await.unwrap();
    worked.unwrap_err().to_string()
}
