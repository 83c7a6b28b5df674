use std::collections::BTreeMap;
use std::time::Duration;

use exposure_proto::v1;
use exposure_proto::v1::property_service_client::PropertyServiceClient;
use exposure_proto::v1::watch_user_properties_response::Entry;
use tonic::transport::Channel;

use super::clients::keyed;
use super::journal::Sent;

/// How long a change that is there may take to be told.
const PATIENCE: Duration = Duration::from_mins(1);

/// Follows the change feed over all crashes of a directory, each time from where it was.
#[derive(Debug)]
pub(super) struct Follower {
    /// Behind the last entry it was told.
    cursor: Vec<u8>,
    /// The changes of this round that it was told, with the variant.
    told: BTreeMap<Change, Option<String>>,
    /// The variant that it was told last, by user and flag.
    is_now: Properties,
    n_told: usize,
}

/// What happened in a round.
pub(super) struct Round<'j> {
    pub(super) journal: &'j [Sent],
    /// What was sent last, to a user of its own.
    pub(super) end: Sent,
    /// What each property is.
    pub(super) now: Properties,
}

/// Variants by user and flag.
pub(super) type Properties = BTreeMap<(String, String), Option<String>>;

impl Follower {
    /// Begins where nothing was sent yet.
    pub(super) async fn begin(channel: Channel) -> Self {
        let mut client = PropertyServiceClient::new(channel);
        let request = v1::WatchUserPropertiesRequest { cursor: None, snapshot: true };
        let mut feed = client.watch_user_properties(keyed(request)).await.unwrap().into_inner();
        let done = feed.message().await.unwrap().unwrap();
        assert!(matches!(done.entry, Some(Entry::SnapshotDone(_))), "{done:?}");
        let (told, is_now) = (BTreeMap::new(), BTreeMap::new());
        Self { cursor: done.cursor.to_vec(), told, is_now, n_told: 0 }
    }

    /// Reads until the server is gone.
    pub(super) async fn follow(mut self, channel: Channel) -> Self {
        self.read(channel, |_| false).await;
        self
    }

    /// Reads until the round's last change, and looks whether what was told is what happened: each change that
    /// was acknowledged as one, nothing that was not sent, and in the end what each property is.
    pub(super) async fn check(&mut self, channel: &Channel, round: &Round<'_>) {
        let end = key(&round.end);
        let read = self.read(channel.clone(), |told| *told == end);
        assert!(tokio::time::timeout(PATIENCE, read).await.is_ok(), "never told: {end:?}");
        let sent: BTreeMap<_, _> = round.journal.iter().map(|sent| (key(sent), sent)).collect();
        for (key, sent) in sent.iter().filter(|(_, sent)| sent.is_visible) {
            assert!(self.told.contains_key(key), "not told: {sent:?}");
        }
        for (key, variant) in std::mem::take(&mut self.told).iter().filter(|(key, _)| **key != end)
        {
            let sent = sent.get(key).unwrap_or_else(|| panic!("told, and never sent: {key:?}"));
            assert_eq!(*variant, sent.variant, "{key:?}");
            self.n_told += 1;
        }
        let mut is_now = std::mem::take(&mut self.is_now);
        is_now.retain(|(user, _), variant| variant.is_some() && *user != round.end.user);
        assert_eq!(is_now, round.now, "what is told last is what is there");
    }

    pub(super) fn n_told(&self) -> usize {
        self.n_told
    }

    async fn read(&mut self, channel: Channel, mut is_last: impl FnMut(&Change) -> bool) {
        let mut client = PropertyServiceClient::new(channel);
        let request = v1::WatchUserPropertiesRequest {
            cursor: Some(self.cursor.clone().into()),
            snapshot: false,
        };
        let Ok(feed) = client.watch_user_properties(keyed(request)).await else { return };
        let mut feed = feed.into_inner();
        while let Ok(Some(message)) = feed.message().await {
            if !message.cursor.is_empty() {
                self.cursor = message.cursor.to_vec();
            }
            if let Some(Entry::PropertyChange(change)) = message.entry {
                let user = change.profile.strip_prefix("user:").unwrap().to_owned();
                let key = (user, change.flag_key, change.time_us);
                self.is_now.insert((key.0.clone(), key.1.clone()), change.variant.clone());
                let before = self.told.insert(key.clone(), change.variant);
                assert!(before.is_none(), "told twice: {key:?}");
                if is_last(&key) {
                    return;
                }
            }
        }
    }
}

/// A change by user, flag and time: no two events have one time.
type Change = (String, String, i64);

fn key(sent: &Sent) -> Change {
    (sent.user.clone(), sent.flag.clone(), sent.time_us)
}
