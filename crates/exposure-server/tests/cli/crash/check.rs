use std::collections::BTreeMap;

use exposure_proto::v1;
use exposure_proto::v1::event_outcome::Result as Outcome;
use exposure_proto::v1::ingest_service_client::IngestServiceClient;
use exposure_proto::v1::property_service_client::PropertyServiceClient;
use exposure_proto::v1::usage_service_client::UsageServiceClient;
use tonic::transport::Channel;

use super::clients::{keyed, request};
use super::follow::{Properties, Round};
use super::journal::{Sent, histories};

/// What a directory must hold, from all rounds over it.
#[derive(Debug, Default)]
pub(super) struct Checker {
    /// Events that are there for certain, each once.
    n_events: i64,
}

impl Checker {
    /// Compares what is there with what was sent in the last round; returns how many events
    /// were there without having been acknowledged, and what happened.
    pub(super) async fn check<'j>(
        &mut self,
        channel: &Channel,
        journal: &'j [Sent],
    ) -> (i64, Round<'j>) {
        let (acknowledged, unknown): (Vec<_>, Vec<_>) =
            journal.iter().cloned().partition(|sent| sent.is_acknowledged);
        let n_there = usage(channel).await - self.n_events;
        let (least, most) = (acknowledged.len() as i64, journal.len() as i64);
        assert!((least..=most).contains(&n_there), "{least} <= {n_there} <= {most}");
        properties(channel, journal, false).await;

        // Sent again, what was acknowledged is a duplicate; of the rest, what was there.
        assert_eq!(duplicates(channel, &acknowledged).await, least, "acknowledged and lost");
        let survived = duplicates(channel, &unknown).await;
        assert_eq!(survived, n_there - least, "counted and not there, or there and not counted");
        self.n_events += most;
        assert_eq!(usage(channel).await, self.n_events, "each event once");
        let now = properties(channel, journal, true).await;
        let end = Sent {
            user: "the-end".to_owned(),
            flag: "flag-0".to_owned(),
            variant: Some(format!("of-{}", self.n_events)),
            time_us: journal.iter().map(|sent| sent.time_us).max().unwrap_or(0) + 1,
            insert_id: format!("end-{}", self.n_events),
            is_acknowledged: false,
            is_visible: true,
        };
        assert_eq!(duplicates(channel, std::slice::from_ref(&end)).await, 0);
        self.n_events += 1;
        (survived, Round { journal, end, now })
    }
}

/// How many of these events the server had already.
async fn duplicates(channel: &Channel, events: &[Sent]) -> i64 {
    let mut client = IngestServiceClient::new(channel.clone());
    let mut n_duplicates = 0;
    for batch in events.chunks(2000) {
        let answer = client.ingest(keyed(request(batch))).await.unwrap().into_inner();
        assert_eq!(answer.outcomes.len(), batch.len());
        for (outcome, sent) in answer.outcomes.iter().zip(batch) {
            match outcome.result.as_ref().unwrap() {
                Outcome::Duplicate(v1::Duplicate { conflict: false }) => n_duplicates += 1,
                Outcome::Accepted(_) => {}
                other => panic!("{sent:?}: {other:?}"),
            }
        }
    }
    n_duplicates
}

async fn usage(channel: &Channel) -> i64 {
    let request = v1::GetUsageRequest {
        start_day: "2000-01-01".to_owned(),
        end_day: "2999-12-31".to_owned(),
        ..Default::default()
    };
    let mut client = UsageServiceClient::new(channel.clone());
    let answer = client.get_usage(keyed(request)).await.unwrap().into_inner();
    assert!(answer.next_page_token.is_empty());
    answer.rows.iter().map(|row| row.event_count).sum()
}

/// Every property is what the latest write says: of all events, or of those that are known to
/// be there and some of the others.
async fn properties(channel: &Channel, journal: &[Sent], all_there: bool) -> Properties {
    let histories = histories(journal);
    let mut users: Vec<_> = histories.keys().map(|(user, _)| *user).collect();
    users.dedup();
    let profiles = users
        .iter()
        .map(|&user| v1::ProfileRef { user_id: Some(user.to_owned()), device_id: None });
    let request = v1::BatchGetUserPropertiesRequest { profiles: profiles.collect() };
    let mut client = PropertyServiceClient::new(channel.clone());
    let answer = client.batch_get_user_properties(keyed(request)).await.unwrap().into_inner();
    let mut found = BTreeMap::new();
    for (user, properties) in users.iter().zip(&answer.user_properties) {
        for property in &properties.properties {
            found.insert((*user, property.flag_key.as_str()), property);
        }
    }
    let now = found.iter().map(|((user, flag), property)| {
        (((*user).to_owned(), (*flag).to_owned()), Some(property.variant.clone()))
    });
    let now = now.collect();
    for (key, history) in &histories {
        let least = history.acknowledged.map_or(i64::MIN, |sent| sent.time_us);
        let latest = history.all.iter().max_by_key(|sent| sent.time_us).unwrap();
        let mut possible = history.all.iter().filter(|sent| {
            if all_there { sent.time_us == latest.time_us } else { least <= sent.time_us }
        });
        let property = found.remove(key);
        let is_explained = match property {
            Some(property) => possible.any(|sent| {
                sent.time_us == property.time_us && sent.variant.as_ref() == Some(&property.variant)
            }),
            None => {
                (!all_there && history.acknowledged.is_none())
                    || possible.any(|sent| sent.variant.is_none())
            }
        };
        assert!(is_explained, "{key:?} is {property:?}, and was sent {history:?}");
    }
    assert!(found.is_empty(), "never sent: {found:?}");
    now
}
