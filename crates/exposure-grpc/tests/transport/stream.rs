//! `IngestStream`: credit, order, half-close, cancellation, clients that misbehave.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use exposure_grpc::Settings;
use exposure_proto::codec::RawBytes;
use exposure_proto::v1;
use exposure_proto::v1::ingest_stream_response::Message;
use exposure_service::Scope;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::{Code, Status, Streaming};

use crate::world::{World, exposure, keyed, reason, with_key};

pub(crate) struct Client {
    pub(crate) batches: mpsc::Sender<v1::IngestStreamRequest>,
    answers: Streaming<v1::IngestStreamResponse>,
}

impl Client {
    pub(crate) async fn open(world: &World) -> Self {
        Self::open_with(world, crate::world::KEY).await.unwrap()
    }

    pub(crate) async fn open_with(world: &World, key: &str) -> Result<Self, Status> {
        let (batches, receiver) = mpsc::channel(2000);
        let request = with_key(ReceiverStream::new(receiver), key);
        let answers = world.ingest().await.ingest_stream(request).await?.into_inner();
        Ok(Self { batches, answers })
    }

    pub(crate) async fn send(&self, batch_id: i64, users: &[&str]) {
        let events = users.iter().map(|user| exposure(user, "f", Some("on"))).collect();
        let batch = Some(v1::IngestRequest { events, ..Default::default() });
        self.batches.send(v1::IngestStreamRequest { batch_id, batch }).await.unwrap();
    }

    pub(crate) async fn answer(&mut self) -> Result<Option<Message>, Status> {
        let answer = tokio::time::timeout(Duration::from_secs(10), self.answers.message()).await;
        Ok(answer.expect("an answer")?.map(|answer| answer.message.unwrap()))
    }

    pub(crate) async fn credit(&mut self) -> i32 {
        match self.answer().await.unwrap().unwrap() {
            Message::Credit(credit) => credit.batch_count,
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn acknowledged(&mut self) -> (i64, usize) {
        match self.answer().await.unwrap().unwrap() {
            Message::Acknowledgement(ack) => (ack.batch_id, ack.outcomes.len()),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn refused(&mut self) -> v1::Refusal {
        match self.answer().await.unwrap().unwrap() {
            Message::Refusal(refusal) => refusal,
            other => panic!("{other:?}"),
        }
    }
}

/// Waits until so many commits have begun: without a clock, because they come of themselves.
pub(crate) async fn begun(world: &World, n_commits: usize) {
    while world.store.begun.load(Ordering::SeqCst) < n_commits {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn batches_are_stored_together_and_acknowledged_in_order() {
    let world = World::new().await;
    let mut client = Client::open(&world).await;
    assert_eq!(client.credit().await, 32);
    world.store.hold("slow");
    client.send(7, &["slow"]).await;
    client.send(-3, &["a", "b"]).await;
    client.send(7, &[]).await;
    // The second one is stored while the first one waits, and still answered after it.
    while world.store.ended.load(Ordering::SeqCst) < 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.store.begun.load(Ordering::SeqCst), 2);
    world.store.release("slow");
    assert_eq!(client.acknowledged().await, (7, 1));
    assert_eq!(client.acknowledged().await, (-3, 2));
    assert_eq!(client.acknowledged().await, (7, 0));
    // Half-closed: the rest is answered, and then the stream ends well.
    world.store.hold("last");
    client.send(1, &["last"]).await;
    drop(std::mem::replace(&mut client.batches, mpsc::channel(1).0));
    begun(&world, 3).await;
    world.store.release("last");
    assert_eq!(client.acknowledged().await, (1, 1));
    assert_eq!(client.answer().await.unwrap(), None);
}

#[tokio::test]
async fn credit_comes_back_with_answers() {
    let settings = Settings { stream_credit: 4, ..Settings::default() };
    let world = World::with(settings, exposure_service::Settings::default()).await;
    let mut client = Client::open(&world).await;
    let mut credit = client.credit().await;
    assert_eq!(credit, 4);
    let (mut sent, mut answered) = (0, 0);
    while answered < 50 {
        while credit > 0 && sent < 50 {
            client.send(sent, &["u"]).await;
            sent += 1;
            credit -= 1;
        }
        assert!(sent - answered <= 4);
        match client.answer().await.unwrap().unwrap() {
            Message::Acknowledgement(ack) => {
                assert_eq!(ack.batch_id, answered);
                answered += 1;
            }
            Message::Credit(more) => credit += more.batch_count,
            Message::Refusal(refusal) => panic!("{refusal:?}"),
        }
    }
}

#[tokio::test]
async fn more_batches_than_credit_end_the_stream() {
    let settings = Settings { stream_credit: 2, ..Settings::default() };
    let world = World::with(settings, exposure_service::Settings::default()).await;
    let mut client = Client::open(&world).await;
    assert_eq!(client.credit().await, 2);
    world.store.hold("slow");
    for batch_id in 0..3 {
        client.send(batch_id, &["slow"]).await;
    }
    begun(&world, 2).await;
    world.store.release("slow");
    // What was within the credit is answered first.
    let mut answers = Vec::new();
    let status = loop {
        match client.answer().await {
            Ok(answer) => answers.push(answer.unwrap()),
            Err(status) => break status,
        }
    };
    assert_eq!(
        (status.code(), reason(&status)),
        (Code::ResourceExhausted, "RESOURCE_EXHAUSTED".into())
    );
    let acknowledged =
        answers.iter().filter(|answer| matches!(answer, Message::Acknowledgement(_)));
    assert_eq!(acknowledged.count(), 2);
}

#[tokio::test]
async fn a_client_that_never_reads_is_not_read_from() {
    let settings = Settings {
        stream_credit: 128,
        stream_stall: Duration::from_millis(200),
        stream_window_bytes: 64 * 1024,
        ..Settings::default()
    };
    let world = World::with(settings, exposure_service::Settings::default()).await;
    let channel = world.channel().await;
    let mut grpc = tonic::client::Grpc::new(channel);
    grpc.ready().await.unwrap();
    let path = PathAndQuery::from_static("/exposure.v1.IngestService/IngestStream");
    let (batches, receiver) = mpsc::channel::<Bytes>(1);
    let request = keyed(ReceiverStream::new(receiver));
    let mut answers = grpc.streaming(request, path, RawBytes).await.unwrap().into_inner();
    // Each answer is longer than what a pipe and a window take together in a few hundred.
    let events = vec![exposure(&"u".repeat(1000), "null", Some("")); 200];
    let batch = Some(v1::IngestRequest { events, ..Default::default() });
    let message = v1::IngestStreamRequest { batch_id: 1, batch };
    let message = Bytes::from(prost::Message::encode_to_vec(&message));
    // It sends until nothing moves any more.
    let mut sent = 0;
    let still = Duration::from_millis(500);
    while let Ok(Ok(())) = tokio::time::timeout(still, batches.send(message.clone())).await {
        sent += 1;
        assert!(sent < 2000, "it reads on and on");
    }
    let begun = world.store.begun.load(Ordering::SeqCst);
    // The window, as many answers that wait, and what the pipe and the client's own window hold.
    assert!(begun < 800, "{begun} batches were taken from a client that reads nothing");
    // Once it reads, it finds what it was sent, and then why there is no more.
    let status = loop {
        match answers.message().await {
            Ok(Some(_)) => {}
            Ok(None) => panic!("a stream that was cut off ended well"),
            Err(status) => break status,
        }
    };
    assert_eq!(
        (status.code(), reason(&status)),
        (Code::ResourceExhausted, "RESOURCE_EXHAUSTED".into())
    );
}

#[tokio::test]
async fn a_cancelled_stream_ends_and_gives_its_place_back() {
    let settings = Settings { max_ingest_streams: 1, ..Settings::default() };
    let world = World::with(settings, exposure_service::Settings::default()).await;
    let mut client = Client::open(&world).await;
    assert_eq!(client.credit().await, 32);
    let second = Client::open_with(&world, crate::world::KEY).await.err().unwrap();
    assert_eq!(
        (second.code(), reason(&second)),
        (Code::ResourceExhausted, "RESOURCE_EXHAUSTED".into())
    );
    world.store.hold("slow");
    client.send(1, &["slow"]).await;
    begun(&world, 1).await;
    drop(client);
    // What the store was given is stored all the same.
    world.store.release("slow");
    while world.store.ended.load(Ordering::SeqCst) < 1 {
        tokio::task::yield_now().await;
    }
    let mut again = loop {
        match Client::open_with(&world, crate::world::KEY).await {
            Ok(client) => break client,
            Err(status) => assert_eq!(status.code(), Code::ResourceExhausted),
        }
    };
    assert_eq!(again.credit().await, 32);
    again.send(2, &["u"]).await;
    assert_eq!(again.acknowledged().await, (2, 1));
}

#[tokio::test]
async fn a_batch_that_can_not_be_taken_is_refused_alone() {
    let service = exposure_service::Settings { max_batch_events: 2, ..Default::default() };
    let world = World::with(Settings::default(), service).await;
    let mut client = Client::open(&world).await;
    client.credit().await;
    client.send(1, &["a", "b", "c"]).await;
    let refusal = client.refused().await;
    assert_eq!((refusal.batch_id, refusal.code()), (1, v1::ErrorCode::BatchTooLarge));
    assert_eq!(refusal.retry_delay_ms, None);
    client.batches.send(v1::IngestStreamRequest { batch_id: 2, batch: None }).await.unwrap();
    let refusal = client.refused().await;
    assert_eq!((refusal.batch_id, refusal.code()), (2, v1::ErrorCode::Missing));
    world.store.fail_with(Some(exposure_store::Error::Exhausted {
        what: "the log is full".into(),
        retry_after: Duration::from_millis(70),
    }));
    client.send(3, &["a"]).await;
    let refusal = client.refused().await;
    assert_eq!((refusal.batch_id, refusal.code()), (3, v1::ErrorCode::ResourceExhausted));
    assert_eq!(refusal.retry_delay_ms, Some(70));
    world.store.fail_with(None);
    client.send(4, &["a"]).await;
    assert_eq!(client.acknowledged().await, (4, 1));
}

#[tokio::test]
async fn what_befalls_every_batch_ends_the_stream() {
    let world = World::new().await;
    let poisoned = exposure_store::Error::Poisoned { cause: "no space".into() };
    // A store that stopped.
    let mut client = Client::open(&world).await;
    client.credit().await;
    world.store.fail_with(Some(poisoned));
    client.send(1, &["a"]).await;
    let status = client.answer().await.unwrap_err();
    assert_eq!((status.code(), reason(&status)), (Code::Unavailable, "UNAVAILABLE".into()));
    world.store.fail_with(None);
    // A key that was revoked in between.
    let (id, secret) = world.key_of("", &[Scope::Ingest]).await;
    let mut client = Client::open_with(&world, &secret).await.unwrap();
    client.credit().await;
    client.send(1, &["a"]).await;
    assert_eq!(client.acknowledged().await, (1, 1));
    let admin = world.handle.authenticate(crate::world::KEY).unwrap();
    let id = exposure_store::KeyId(id.parse().unwrap());
    world.handle.revoke_api_key(&admin, id).await.unwrap();
    client.send(2, &["a"]).await;
    let status = client.answer().await.unwrap_err();
    assert_eq!((status.code(), reason(&status)), (Code::Unauthenticated, "UNAUTHENTICATED".into()));
    // An import with a key that may not.
    let key = world.key(&[Scope::Ingest]).await;
    let mut client = Client::open_with(&world, &key).await.unwrap();
    client.credit().await;
    let batch = v1::IngestRequest {
        import_options: Some(v1::ImportOptions::default()),
        ..Default::default()
    };
    let message = v1::IngestStreamRequest { batch_id: 1, batch: Some(batch) };
    client.batches.send(message).await.unwrap();
    let status = client.answer().await.unwrap_err();
    assert_eq!(
        (status.code(), reason(&status)),
        (Code::PermissionDenied, "PERMISSION_DENIED".into())
    );
}

#[tokio::test]
async fn bytes_that_are_no_message_end_the_stream_after_what_came_before() {
    let world = World::new().await;
    let mut grpc = tonic::client::Grpc::new(world.channel().await);
    grpc.ready().await.unwrap();
    let good = v1::IngestStreamRequest { batch_id: 5, batch: Some(v1::IngestRequest::default()) };
    let good = Bytes::from(prost::Message::encode_to_vec(&good));
    let messages = [good, Bytes::from_static(b"\x12\xff\x01")];
    let path = PathAndQuery::from_static("/exposure.v1.IngestService/IngestStream");
    let request = keyed(tokio_stream::iter(messages));
    let mut answers = grpc.streaming(request, path, RawBytes).await.unwrap().into_inner();
    let mut n_answers = 0;
    let status = loop {
        match answers.message().await {
            Ok(answer) => n_answers += usize::from(answer.is_some()),
            Err(status) => break status,
        }
    };
    assert_eq!(n_answers, 2, "the credit and one acknowledgement");
    assert_eq!((status.code(), reason(&status)), (Code::InvalidArgument, "INVALID".into()));
}

#[tokio::test]
async fn a_deadline_ends_a_stream() {
    let world = World::new().await;
    let (_batches, receiver) = mpsc::channel::<Bytes>(1);
    let mut grpc = tonic::client::Grpc::new(world.channel().await);
    grpc.ready().await.unwrap();
    let path = PathAndQuery::from_static("/exposure.v1.IngestService/IngestStream");
    let mut request = keyed(ReceiverStream::new(receiver));
    request.metadata_mut().insert("grpc-timeout", "100m".parse().unwrap());
    let mut answers = grpc.streaming(request, path, RawBytes).await.unwrap().into_inner();
    answers.message().await.unwrap().unwrap();
    assert_eq!(answers.message().await.unwrap_err().code(), Code::DeadlineExceeded);
}
