use std::collections::VecDeque;

use exposure_proto::v1;
use exposure_proto::v1::event_outcome::Result as Outcome;
use exposure_proto::v1::ingest_service_client::IngestServiceClient;
use exposure_proto::v1::ingest_stream_response::Message;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Request;
use tonic::transport::Channel;

use super::journal::Sent;
use crate::process::KEY;

/// Makes events whose registers all clients share, so that they race.
#[derive(Debug)]
pub(super) struct Maker {
    pub(super) round: u64,
    pub(super) client: u64,
    pub(super) start_us: i64,
    pub(super) random: Random,
    pub(super) n_made: u64,
}

/// Clients of one round.
pub(super) const CLIENTS: u64 = 3;
const USERS: u64 = 12;
const FLAGS: u64 = 4;

impl Maker {
    fn batch(&mut self) -> Vec<Sent> {
        let n_events = 1 + self.random.below(25);
        (0..n_events).map(|_| self.sent()).collect()
    }

    fn sent(&mut self) -> Sent {
        self.n_made += 1;
        let Self { round, client, n_made, .. } = *self;
        let variant = self.random.below(8);
        Sent {
            user: format!("round-{round}-user-{}", self.random.below(USERS)),
            flag: format!("flag-{}", self.random.below(FLAGS)),
            variant: (variant > 0).then(|| format!("variant-{variant}")),
            // No two events have one time, and what comes later in a client is later.
            time_us: self.start_us + (n_made * CLIENTS + client) as i64,
            insert_id: format!("{round}-{client}-{n_made}"),
            is_acknowledged: false,
            is_visible: false,
        }
    }
}

pub(super) fn keyed<T>(message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("x-api-key", KEY.parse().unwrap());
    request
}

pub(super) fn request(events: &[Sent]) -> v1::IngestRequest {
    let events = events.iter().map(Sent::event).collect();
    v1::IngestRequest { events, library: Some("crash/1".to_owned()), ..Default::default() }
}

/// Sends batches in calls until the server is gone.
pub(super) async fn calls(channel: Channel, mut maker: Maker) -> Vec<Sent> {
    let mut client = IngestServiceClient::new(channel);
    let mut journal = Vec::new();
    loop {
        let mut batch = maker.batch();
        let answer = client.ingest(keyed(request(&batch))).await;
        if let Ok(answer) = &answer {
            acknowledge(&mut batch, &answer.get_ref().outcomes);
        }
        journal.append(&mut batch);
        if answer.is_err() {
            return journal;
        }
    }
}

/// Sends batches in a stream, several unanswered, until the server is gone.
pub(super) async fn stream(channel: Channel, mut maker: Maker) -> Vec<Sent> {
    let (sender, receiver) = mpsc::channel(64);
    let mut client = IngestServiceClient::new(channel);
    let mut journal = Vec::new();
    let Ok(answers) = client.ingest_stream(keyed(ReceiverStream::new(receiver))).await else {
        return journal;
    };
    let mut answers = answers.into_inner();
    let mut under_way = VecDeque::<(i64, Vec<Sent>)>::new();
    let (mut credit, mut next) = (0, 1);
    while let Ok(Some(answer)) = answers.message().await {
        match answer.message.unwrap() {
            Message::Credit(more) => credit += more.batch_count,
            Message::Acknowledgement(acknowledgement) => {
                let (id, mut batch) = under_way.pop_front().unwrap();
                assert_eq!(acknowledgement.batch_id, id, "out of order");
                acknowledge(&mut batch, &acknowledgement.outcomes);
                journal.append(&mut batch);
            }
            Message::Refusal(refusal) => panic!("{refusal:?}"),
        }
        while credit > 0 && under_way.len() < 6 {
            let batch = maker.batch();
            let message = v1::IngestStreamRequest { batch_id: next, batch: Some(request(&batch)) };
            // A message that can not be sent any more was not sent.
            if sender.send(message).await.is_ok() {
                under_way.push_back((next, batch));
            }
            next += 1;
            credit -= 1;
        }
    }
    journal.extend(under_way.into_iter().flat_map(|(_, batch)| batch));
    journal
}

fn acknowledge(batch: &mut [Sent], outcomes: &[v1::EventOutcome]) {
    assert_eq!(batch.len(), outcomes.len());
    for (sent, outcome) in batch.iter_mut().zip(outcomes) {
        let Some(Outcome::Accepted(accepted)) = &outcome.result else {
            panic!("{sent:?}: {outcome:?}");
        };
        sent.is_acknowledged = true;
        let visible = [v1::EffectKind::Set, v1::EffectKind::Unset];
        sent.is_visible = accepted.effects.iter().any(|effect| visible.contains(&effect.kind()));
    }
}

/// Numbers that a seed decides.
#[derive(Clone, Debug)]
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((u128::from(self.0) * u128::from(bound)) >> 64) as u64
    }
}
