//! Calls that come with one read: stored together, and each with an answer of its own.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use exposure_core::ErrorCode;
use exposure_proto::v1;
use exposure_proto::v1::event_outcome::Result as Outcome;
use exposure_service::Scope;
use h2::client::{ResponseFuture, SendRequest};
use prost::Message;
use tonic::codegen::http::{HeaderMap, Request};
use tonic::{Code, Status};

use crate::stream::begun;
use crate::world::{KEY, World, exposure, reason};

/// A connection whose calls all go out with one write.
struct Client {
    calls: SendRequest<Bytes>,
    /// Writes and reads, once it is let.
    connection: Option<h2::client::Connection<tokio::io::DuplexStream>>,
}

impl Client {
    async fn new(world: &World) -> Self {
        let (calls, connection) = h2::client::handshake(world.pipe()).await.unwrap();
        Self { calls, connection: Some(connection) }
    }

    fn send(&mut self, key: &str, timeout: Option<&str>, message: &[u8]) -> ResponseFuture {
        let mut request = Request::post("http://pipe.invalid/exposure.v1.IngestService/Ingest")
            .header("content-type", "application/grpc")
            .header("te", "trailers")
            .header("authorization", format!("Bearer {key}"));
        if let Some(timeout) = timeout {
            request = request.header("grpc-timeout", timeout);
        }
        let (answer, mut body) = self.calls.send_request(request.body(()).unwrap(), false).unwrap();
        let mut framed = BytesMut::new();
        framed.put_u8(0);
        framed.put_u32(message.len() as u32);
        framed.put_slice(message);
        body.send_data(framed.freeze(), true).unwrap();
        answer
    }

    fn events(&mut self, events: Vec<v1::Event>) -> ResponseFuture {
        let request = v1::IngestRequest { events, ..Default::default() };
        self.send(KEY, None, &request.encode_to_vec())
    }

    /// Lets everything go out.
    fn go(&mut self) {
        let connection = self.connection.take().unwrap();
        drop(tokio::spawn(async move { drop(connection.await) }));
    }
}

fn status_of(headers: &HeaderMap) -> Option<Status> {
    Status::from_header_map(headers).filter(|status| status.code() != Code::Ok)
}

async fn outcomes(answer: ResponseFuture) -> Result<Vec<Outcome>, Status> {
    let response = answer.await.map_err(|error| Status::from_error(error.into()))?;
    if let Some(status) = status_of(response.headers()) {
        return Err(status);
    }
    let (mut body, mut data) = (response.into_body(), BytesMut::new());
    while let Some(piece) = body.data().await {
        data.extend_from_slice(&piece.unwrap());
    }
    let trailers = body.trailers().await.unwrap().unwrap();
    assert_eq!(trailers.get("grpc-status").unwrap(), "0");
    let answer = v1::IngestResponse::decode(&data[5..]).unwrap();
    Ok(answer.outcomes.into_iter().map(|outcome| outcome.result.unwrap()).collect())
}

fn is_accepted(outcomes: &Result<Vec<Outcome>, Status>) -> bool {
    matches!(outcomes.as_deref(), Ok([Outcome::Accepted(_)]))
}

#[tokio::test]
async fn what_comes_together_is_stored_together() {
    let world = World::new().await;
    world.send(vec![exposure("u", "f", Some("on"))]).await;
    let before = world.store.begun.load(std::sync::atomic::Ordering::SeqCst);
    let mut client = Client::new(&world).await;
    let with_id = |user: &str| v1::Event {
        insert_id: Some("the-same".into()),
        device_id: Some("d".into()),
        ..exposure(user, "f", Some("on"))
    };
    let mut answers: Vec<_> = (0..20)
        .map(|number| client.events(vec![exposure(&format!("u{number}"), "f", Some("on"))]))
        .collect();
    answers.push(client.events(vec![with_id("u")]));
    answers.push(client.events(vec![with_id("u")]));
    client.go();
    let mut results = Vec::new();
    for answer in answers {
        results.push(outcomes(answer).await);
    }
    let last = results.pop().unwrap().unwrap();
    assert!(matches!(last[..], [Outcome::Duplicate(_)]), "{last:?}");
    assert!(results.iter().all(is_accepted), "{results:?}");
    let commits = world.store.begun.load(std::sync::atomic::Ordering::SeqCst) - before;
    assert_eq!(commits, 1);
}

#[tokio::test]
async fn what_one_call_lacks_is_none_of_the_others() {
    let world = World::new().await;
    let reader = world.key(&[Scope::Read]).await;
    let sender = world.key(&[Scope::Ingest]).await;
    world.project("other").await;
    let (_, other) = world.key_of("other", &[Scope::Ingest]).await;
    let good =
        v1::IngestRequest { events: vec![exposure("u", "f", Some("on"))], ..Default::default() };
    let refused = v1::IngestRequest {
        events: vec![exposure("", "f", Some("on")), exposure("u", "f", Some("on"))],
        ..Default::default()
    };
    let good = good.encode_to_vec();
    // Twice: the first time the flag is new, the second time it is known.
    for _ in 0..2 {
        let mut client = Client::new(&world).await;
        let cases: [(&str, &[u8], Result<usize, ErrorCode>); 11] = [
            (KEY, &good, Ok(1)),
            ("wrong", &good, Err(ErrorCode::Unauthenticated)),
            (KEY, &good, Ok(1)),
            (KEY, b"\xff", Err(ErrorCode::Invalid)),
            (&reader, &good, Err(ErrorCode::PermissionDenied)),
            (&sender, &good, Ok(1)),
            (&other, &good, Ok(1)),
            (KEY, &[], Ok(0)),
            (KEY, &refused.encode_to_vec(), Ok(2)),
            (KEY, &good, Ok(1)),
            (&sender, &good, Ok(1)),
        ];
        let sent: Vec<_> = cases
            .iter()
            .map(|(key, message, expected)| (client.send(key, None, message), expected))
            .collect();
        client.go();
        for (number, (answer, expected)) in sent.into_iter().enumerate() {
            match (outcomes(answer).await, expected) {
                (Ok(outcomes), Ok(n_outcomes)) => {
                    assert_eq!(outcomes.len(), *n_outcomes, "{number}");
                    let n_refused = outcomes.iter().filter(|it| matches!(it, Outcome::Rejected(_)));
                    assert_eq!(n_refused.count(), usize::from(*n_outcomes == 2), "{number}");
                }
                (Err(status), Err(code)) => {
                    assert_eq!(reason(&status), code.as_str(), "{number}");
                }
                (outcome, _) => panic!("{number}: {outcome:?}"),
            }
        }
    }
}

#[tokio::test]
async fn each_has_a_deadline_and_an_end_of_its_own() {
    let world = World::new().await;
    world.send(vec![exposure("u", "f", Some("on"))]).await;
    let before = world.store.begun.load(std::sync::atomic::Ordering::SeqCst);
    world.store.hold("slow");
    let mut client = Client::new(&world).await;
    let request = |user: &str| {
        let events = vec![exposure(user, "f", Some("on"))];
        v1::IngestRequest { events, ..Default::default() }.encode_to_vec()
    };
    let slow = client.send(KEY, None, &request("slow"));
    let short = client.send(KEY, Some("20m"), &request("a"));
    let dropped = client.send(KEY, None, &request("b"));
    let longer = client.send(KEY, Some("1H"), &request("c"));
    client.go();
    begun(&world, before + 1).await;
    drop(dropped);
    let late = outcomes(short).await.unwrap_err();
    assert_eq!(late.code(), Code::DeadlineExceeded);
    world.store.release("slow");
    for answer in [slow, longer] {
        let outcomes = outcomes(answer).await;
        assert!(is_accepted(&outcomes), "{outcomes:?}");
    }
}

#[tokio::test]
async fn a_call_that_was_reset_has_no_place() {
    let settings = exposure_grpc::Settings { max_calls: 2, ..Default::default() };
    let world = World::with(settings, exposure_service::Settings::default()).await;
    world.store.hold("slow");
    let mut client = Client::new(&world).await;
    let event = || vec![exposure("slow", "f", Some("on"))];
    let (first, second) = (client.events(event()), client.events(event()));
    client.go();
    begun(&world, 1).await;
    let refused = outcomes(client.events(event())).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    drop(first);
    // Its place is another's, as soon as the server has heard of it.
    let third = loop {
        let mut answer = client.events(event());
        match tokio::time::timeout(Duration::from_millis(20), &mut answer).await {
            Ok(refused) => assert!(status_of(refused.unwrap().headers()).is_some()),
            Err(_) => break answer,
        }
    };
    world.store.release("slow");
    for answer in [second, third] {
        let outcomes = outcomes(answer).await;
        assert!(is_accepted(&outcomes), "{outcomes:?}");
    }
}

#[tokio::test]
async fn a_store_that_fails_fails_all_of_them() {
    let world = World::new().await;
    world.send(vec![exposure("u", "f", Some("on"))]).await;
    world.store.fail_with(Some(exposure_store::Error::Exhausted {
        what: "the disk".into(),
        retry_after: Duration::from_secs(3),
    }));
    let mut client = Client::new(&world).await;
    let answers: Vec<_> =
        (0..3).map(|_| client.events(vec![exposure("u", "f", Some("on"))])).collect();
    client.go();
    for answer in answers {
        let status = outcomes(answer).await.unwrap_err();
        assert_eq!(reason(&status), "RESOURCE_EXHAUSTED");
    }
}
