//! A service over the store in memory, with a clock and randomness of the test's.
#![allow(dead_code, reason = "each test file uses its part")]

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Waker};

use exposure_core::{Outcome, Timestamp};
use exposure_service::{
    Caller, Clock, Entropy, Handle, IngestRequest, Listing, Page, Refused, Result, Scope, Settings,
    Watch, WatchItem,
};
use exposure_store::Store;
use exposure_store::memory::{MemoryOptions, MemoryStore};
use exposure_store::suite::history::Event;
use exposure_testkit::{ManualClock, block_on};

pub(crate) const KEY: &str = "exp_test";
pub(crate) const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

#[derive(Debug)]
pub(crate) struct TestClock(pub(crate) ManualClock);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }
}

/// Bytes that are never the same twice.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU8);

impl Entropy for Counter {
    fn fill(&self, bytes: &mut [u8]) {
        let next = self.0.fetch_add(1, Ordering::SeqCst);
        bytes.fill(next);
    }
}

pub(crate) struct Bench {
    pub(crate) clock: ManualClock,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) handle: Handle,
    pub(crate) caller: Caller,
    pub(crate) settings: Settings,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(Settings::default())
    }

    pub(crate) fn with(settings: Settings) -> Self {
        let options = MemoryOptions { limits: settings.limits.clone(), ..Default::default() };
        Self::over(Arc::new(MemoryStore::with_options(options)), settings)
    }

    pub(crate) fn over(store: Arc<MemoryStore>, settings: Settings) -> Self {
        let clock = ManualClock::at(NOW);
        let (handle, _) = block_on(Handle::open(
            Arc::clone(&store) as Arc<dyn Store>,
            Arc::new(TestClock(clock.clone())),
            Arc::new(Counter::default()),
            settings.clone(),
            Some(KEY),
        ))
        .expect("the service opens");
        let caller = handle.authenticate(KEY).expect("the key is valid");
        Self { clock, store, handle, caller, settings }
    }

    /// The same store, opened again.
    pub(crate) fn reopen(&self) -> Self {
        let bench = Self::over(Arc::new(self.store.reopen()), self.settings.clone());
        bench.clock.set(self.clock.now());
        bench
    }

    pub(crate) fn try_send(&self, events: &[Event]) -> Result<Vec<Outcome>> {
        self.send_as(&self.caller, &IngestRequest::default(), events)
    }

    pub(crate) fn send_as(
        &self,
        caller: &Caller,
        request: &IngestRequest<'_>,
        events: &[Event],
    ) -> Result<Vec<Outcome>> {
        let events = events.iter().map(|event| Ok::<_, Refused<'_>>(event.as_incoming()));
        Ok(block_on(self.handle.ingest(caller, request, events))?.into_outcomes())
    }

    pub(crate) fn send(&self, events: &[Event]) -> Vec<Outcome> {
        self.try_send(events).expect("a batch is stored")
    }

    /// A key of the caller's project.
    pub(crate) fn key(&self, scopes: &[Scope]) -> Caller {
        let new = exposure_service::NewApiKey {
            scopes: scopes.iter().copied().collect(),
            ..Default::default()
        };
        let (_, secret) =
            block_on(self.handle.create_api_key(&self.caller, new)).expect("a key is made");
        self.handle.authenticate(&secret).expect("the key is valid")
    }
}

/// Every page of a list, in small pages.
pub(crate) fn all_pages<T>(size: i32, mut page: impl FnMut(&Page) -> Result<Listing<T>>) -> Vec<T> {
    let mut items = Vec::new();
    let mut token = String::new();
    loop {
        let listing = page(&Page::after(size, token)).expect("a page is read");
        items.extend(listing.items);
        token = listing.next_page_token;
        if token.is_empty() {
            return items;
        }
    }
}

/// What a watch has at the moment.
pub(crate) fn drain(watch: &mut Watch) -> Vec<WatchItem> {
    let mut items = Vec::new();
    let mut context = Context::from_waker(Waker::noop());
    loop {
        match pin!(watch.next()).as_mut().poll(&mut context) {
            Poll::Ready(item) => items.push(item.expect("the watch goes on")),
            Poll::Pending => return items,
        }
    }
}

pub(crate) fn at(ms: i64) -> Timestamp {
    NOW.plus_micros(ms * 1000)
}
