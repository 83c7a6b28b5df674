//! A sender that forgets nothing, and to which nothing happens.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use exposure_client::provider::{Batch, Delivery, ExposureProvider as _, GrpcProvider};
use exposure_client::{Account, Clock, Exposure, InsertId, Timestamp, User};
use exposure_testkit::{ManualClock, TestServer};
use serde_json::Value;

pub(crate) const START: Timestamp = Timestamp::from_micros(1_780_272_000_000_000);

/// The clock of a test as a client's.
#[derive(Clone, Debug)]
pub(crate) struct Shared(pub(crate) ManualClock);

impl Clock for Shared {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

/// Notes each change of what a user sees, to send all of it once.
#[derive(Debug)]
pub(crate) struct Oracle {
    clock: ManualClock,
    seen: BTreeMap<(String, String), Option<String>>,
    exposures: Vec<Arc<Exposure>>,
    last: Timestamp,
}

impl Oracle {
    pub(crate) fn new(clock: ManualClock) -> Self {
        Self {
            clock,
            seen: BTreeMap::new(),
            exposures: Vec::new(),
            last: Timestamp::from_micros(0),
        }
    }

    pub(crate) fn see(&mut self, user: &User, flag_key: &str, variant: Option<&str>) {
        let who = format!("{:?} {:?}", user.user_id(), user.device_id());
        let variant = variant.map(str::to_owned);
        let before = self.seen.insert((who, flag_key.to_owned()), variant.clone());
        if before.as_ref() == Some(&variant) {
            return;
        }
        self.last = self.last.max(self.clock.now());
        let sequence = self.exposures.len() as i64;
        self.exposures.push(Arc::new(Exposure {
            user_id: user.user_id().map(Into::into),
            device_id: user.device_id().map(Into::into),
            flag_key: flag_key.into(),
            variant: variant.map(Into::into),
            experiment_key: None,
            metadata: None,
            insert_id: next_id(),
            time: self.last,
            sequence,
        }));
    }

    /// A time behind everything that was seen.
    pub(crate) fn later(&self) -> Timestamp {
        Timestamp::from_micros(self.last.max(self.clock.now()).as_micros() + 1)
    }

    /// Sends it all, each exposure once.
    pub(crate) fn send(&self, url: String) {
        if self.exposures.is_empty() {
            return;
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let answers = runtime.block_on(async {
            let provider = GrpcProvider::builder(url).api_key(TestServer::KEY).unary();
            let batch = Batch::new(self.exposures.clone(), Account::default(), 0);
            provider.build().unwrap().send(&batch).await
        });
        assert_eq!(answers, Ok(vec![Delivery::Delivered; self.exposures.len()]));
    }

    /// What a server tells of a flag, unless it knows nothing of it.
    pub(crate) fn counts(server: &TestServer, flag_key: &str) -> Value {
        let mut token = String::new();
        loop {
            let page = server.get(&format!("/v1/flags?page_size=1000&page_token={token}")).unwrap();
            let flags = page["flags"].as_array().unwrap();
            if let Some(flag) = flags.iter().find(|flag| flag["flag_key"] == flag_key) {
                return flag.clone();
            }
            page["next_page_token"].as_str().unwrap().clone_into(&mut token);
            if token.is_empty() {
                return Value::Null;
            }
        }
    }

    /// The exposures of each variant, taken out with what else repeats of them change.
    pub(crate) fn take_exposures(counts: &mut Value) -> BTreeMap<String, u64> {
        let variants = counts.get_mut("variants").and_then(Value::as_object_mut);
        let count = |(name, variant): (&String, &mut Value)| {
            let variant = variant.as_object_mut().unwrap();
            variant.remove("last_time");
            (name.clone(), variant.remove("exposures").unwrap().as_u64().unwrap())
        };
        variants.into_iter().flat_map(|variants| variants.iter_mut()).map(count).collect()
    }
}

/// An id that no other case has.
fn next_id() -> InsertId {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    InsertId::from_u128(NEXT.fetch_add(1, Ordering::Relaxed).into())
}
