//! One run: everything in it comes from its seed.

use std::collections::VecDeque;
use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use exposure_core::{Limits, Timestamp};
use exposure_store::{Error, Result, Store as _};
use exposure_store_embedded::disk::{Disk as _, MemDisk, Op, OpenMode, SplitMix};
use exposure_store_embedded::{EmbeddedStore, Options, Work};

use super::disk::{Crash, Fault, Plan, SimDisk};
use super::events::{Answer, Event, PROJECTS, Request, is_excusable};
use super::feed::Follower;
use super::oracle::Oracle;
use super::tally::Tally;

const START: Timestamp = Timestamp::from_micros(1_800_000_000_000_000);
/// The identity of the store of every run: it decides where profiles lie, so it must not be random.
const FORMAT: &[u8] = include_bytes!("../fixtures/v1/FORMAT");
const STEPS: u64 = 70;
pub(crate) const MINUTE: i64 = 60_000_000;
const RETENTION: i64 = 60 * MINUTE;

/// What a run leaves for others to look at.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) trace: Vec<String>,
    pub(crate) tally: Tally,
}

/// A request that is under way.
pub(crate) struct InFlight {
    number: u64,
    future: Pin<Box<dyn Future<Output = Result<Answer>>>>,
}

#[expect(clippy::struct_excessive_bools, reason = "what kind of run it is")]
pub(crate) struct Run {
    pub(crate) random: SplitMix,
    pub(crate) now: Timestamp,
    pub(crate) disk: SimDisk,
    pub(crate) options: Options,
    /// Taken out only while it is opened again.
    store: Option<Arc<EmbeddedStore>>,
    in_flight: VecDeque<InFlight>,
    pub(crate) oracle: Oracle,
    pub(crate) followers: Vec<Follower>,
    /// Requests that were refused before they went anywhere.
    refused: Vec<Arc<Request>>,
    /// Events that may be sent again.
    pub(crate) again: Vec<Event>,
    pub(crate) n_events: i64,
    pub(crate) n_requests: u64,
    pub(crate) any_erased: bool,
    pub(crate) retains: bool,
    pub(crate) keeps_feed: bool,
    pub(crate) tally: Tally,
    trace: Vec<String>,
    /// Whether each step is told as it is done.
    is_told: bool,
}

impl Run {
    pub(crate) fn of_seed(seed: u64) -> Report {
        let mut run = Self::new(seed);
        run.open();
        for _ in 0..STEPS {
            run.step();
            if run.disk.has_crashed() {
                run.reopen();
            }
        }
        run.end();
        let mut tally = run.tally;
        tally.add(&run.disk.tally());
        Report { trace: run.trace, tally }
    }

    fn new(seed: u64) -> Self {
        let mut random = SplitMix::new(seed);
        let memory = MemDisk::new();
        let file = memory.open(Path::new("data/FORMAT"), OpenMode::CreateNew).unwrap();
        file.write_at(FORMAT, 0).unwrap();
        file.sync_all().unwrap();
        memory.sync_dir(Path::new("data")).unwrap();
        let mut one_in = |n: u64| random.up_to(n - 1) == 0;
        let (retains, keeps_feed) = (one_in(4), !one_in(3));
        let mut options = Options::new("data");
        options.driven = true;
        options.segment_bytes = if one_in(2) { 16 << 10 } else { 32 << 10 };
        options.memory_limit = if one_in(3) { 1 } else { usize::MAX };
        options.checkpoint_after = if one_in(2) { 4 << 10 } else { 24 << 10 };
        options.feed_keeps = if keeps_feed { 1 << 40 } else { 0 };
        options.convert_every = if one_in(2) { Duration::ZERO } else { Duration::MAX };
        options.max_unconverted = if one_in(4) { 24 << 10 } else { 16 << 30 };
        options.limits = Limits { users_per_device: 3, duplicates_kept: 3, ..Limits::default() };
        options.window.generation_ids = 64;
        options.window.resident_max_ids = 64;
        options.window.unflushed_max_ids = if one_in(4) { 128 } else { 1 << 12 };
        if retains {
            options.retention = Duration::from_micros(RETENTION as u64);
        }
        let limits = options.limits.clone();
        Self {
            disk: SimDisk::new(memory, random.next_u64()),
            random,
            now: START,
            options,
            store: None,
            in_flight: VecDeque::new(),
            oracle: Oracle::new(limits, retains.then_some(RETENTION)),
            followers: PROJECTS.map(Follower::new).into(),
            refused: Vec::new(),
            again: Vec::new(),
            n_events: 0,
            n_requests: 0,
            any_erased: false,
            retains,
            keeps_feed,
            tally: Tally::default(),
            trace: Vec::new(),
            is_told: super::setting("EXPOSURE_SIM_TRACE").is_some(),
        }
    }

    /// The store; there is one but while it is opened.
    pub(crate) fn store(&self) -> Arc<EmbeddedStore> {
        self.store.as_ref().map(Arc::clone).unwrap()
    }

    pub(crate) fn one_in(&mut self, n: u64) -> bool {
        self.random.up_to(n - 1) == 0
    }

    /// Notes what was done, and what the disk was asked for by it.
    pub(crate) fn note(&mut self, what: &str) {
        let (trace, n_ops) = self.disk.trace();
        self.trace.push(format!("{what} | {n_ops} operations {trace:016x}"));
        if self.is_told {
            super::say(self.trace.last().map_or("", String::as_str));
        }
    }

    pub(crate) fn count(&mut self, what: &str) {
        self.tally.count(what, 1);
    }

    /// Sends a request as far as it goes by itself.
    pub(crate) fn send(&mut self, request: Request) {
        let number = self.n_requests;
        self.n_requests += 1;
        let request = Arc::new(request);
        let sent = Arc::clone(&request).send(self.store());
        let mut in_flight = InFlight { number, future: Box::pin(sent) };
        match in_flight.poll() {
            Poll::Pending => {
                self.oracle.sent(number, request);
                self.in_flight.push_back(in_flight);
            }
            Poll::Ready(Ok(answer)) => {
                self.oracle.sent(number, request);
                self.answered(number, &answer);
            }
            Poll::Ready(Err(error)) => self.refused(request, &error),
        }
    }

    /// Sends a request while nothing else happens, and does what it waits for.
    pub(crate) fn send_alone(&mut self, request: Request) {
        let number = self.n_requests;
        self.n_requests += 1;
        let request = Arc::new(request);
        let sent = Arc::clone(&request).send(self.store());
        let mut in_flight = InFlight { number, future: Box::pin(sent) };
        let answer = loop {
            match in_flight.poll() {
                Poll::Ready(answer) => break answer,
                Poll::Pending => drop(self.store().work(Work::Log).unwrap()),
            }
        };
        match answer {
            Ok(answer) => {
                self.oracle.sent(number, request);
                self.answered(number, &answer);
            }
            // It may have gone to the log.
            Err(_) if self.is_stopped() => self.oracle.sent(number, request),
            Err(error) => self.refused(request, &error),
        }
    }

    fn refused(&mut self, request: Arc<Request>, error: &Error) {
        assert!(is_excusable(error), "{error}");
        self.count("commits refused");
        self.refused.push(request);
    }

    /// Looks who was answered.
    pub(crate) fn poll(&mut self) {
        for mut in_flight in std::mem::take(&mut self.in_flight) {
            match in_flight.poll() {
                Poll::Pending => self.in_flight.push_back(in_flight),
                Poll::Ready(Ok(answer)) => self.answered(in_flight.number, &answer),
                Poll::Ready(Err(error)) => {
                    assert!(is_excusable(&error), "{error}");
                    self.count("commits that failed");
                }
            }
        }
    }

    fn answered(&mut self, number: u64, answer: &Answer) {
        self.count("acknowledged");
        if let Answer::Committed(results) = answer {
            let n = results.iter().filter(|result| is_duplicate(result)).count();
            self.tally.count("duplicates", n as u64);
        }
        // One that is told later than one behind it was compared then.
        let Some(expected) = self.oracle.acknowledged(number) else { return };
        match (&expected, answer) {
            // Of writes that were folded, the reference knows less.
            (Answer::Committed(expected), Answer::Committed(found)) if self.retains => {
                let kinds = |results: &[exposure_store::Committed]| {
                    results.iter().map(std::mem::discriminant).collect::<Vec<_>>()
                };
                assert_eq!(kinds(expected), kinds(found));
            }
            _ => assert_eq!(expected, *answer),
        }
    }

    /// Whether the store takes nothing until it is opened again.
    pub(crate) fn is_stopped(&self) -> bool {
        matches!(self.store().write_refusal(), Some(Error::Poisoned { .. }))
    }

    /// Writes what waits, and looks who was answered.
    pub(crate) fn drive(&mut self) {
        while self.store().work(Work::Log).unwrap() {}
        self.poll();
    }

    /// Does something behind commits; a failure is there only with a fault.
    pub(crate) fn work(&mut self, work: Work) -> bool {
        match self.store().work(work) {
            Ok(more) => more,
            Err(error) => {
                assert!(is_excusable(&error), "{work:?}: {error}");
                self.count("failures of background work");
                false
            }
        }
    }

    fn open(&mut self) {
        loop {
            let is_risky = self.one_in(4);
            if is_risky {
                let after = self.random.up_to(1500);
                match self.random.up_to(4) {
                    0 => self.disk.plan_crash(after, Crash::Death),
                    1 | 2 => self.disk.plan_crash(after / 8, Crash::PowerLoss),
                    _ => self.plan_fault(after / 4),
                }
            }
            let disk = Arc::new(self.disk.clone());
            let opened = EmbeddedStore::open_on(disk, self.options.clone(), self.now);
            let ends = opened.as_ref().map(|_| ()).map_err(ToString::to_string);
            self.note(&format!("open: {ends:?}"));
            if self.disk.has_crashed() {
                self.count("crashes while opening");
                drop(opened);
                self.disk.revive();
                continue;
            }
            self.disk.heal();
            match opened {
                Ok(store) => {
                    self.store = Some(Arc::new(store));
                    return;
                }
                Err(error) => {
                    assert!(is_risky && is_excusable(&error), "opening: {error}");
                    self.count("openings that failed");
                }
            }
        }
    }

    /// Lets go of the store as it is, opens it on what is found, and looks at all of it.
    pub(crate) fn reopen(&mut self) {
        self.in_flight.clear();
        drop(self.store.take());
        self.disk.revive();
        self.open();
        self.count("reopenings");
        self.compare();
    }

    /// Compares everything with what must be there; nothing may be under way.
    pub(crate) fn compare(&mut self) {
        let store = self.store();
        let verdict = self.oracle.settle(&*store);
        self.tally.count("survived of what was not acknowledged", verdict.survived);
        self.tally.count("lost of what was not acknowledged", verdict.lost);
        for request in self.refused.drain(..) {
            let is_there = futures::executor::block_on(request.is_in(&*store)).unwrap();
            // An erasure that was refused may have been made by a later one, of the same time.
            assert!(!is_there, "was refused and is there: {request:?}");
        }
        self.oracle.compare(&*store, self.now, self.keeps_feed);
        self.count("whole comparisons");
        if self.keeps_feed {
            for (follower, project) in self.followers.iter_mut().zip(PROJECTS) {
                let n_read = follower.read(&*store).unwrap();
                self.tally.count("feed entries", n_read);
                follower.check(&self.oracle.fed(project), self.any_erased);
            }
        }
        let hash = futures::executor::block_on(store.state_hash()).unwrap();
        self.note(&format!("compared: {verdict:?} {hash}"));
    }

    /// With a sound disk, everything ends well.
    fn end(&mut self) {
        self.disk.heal();
        self.drive();
        if self.is_stopped() {
            self.reopen();
        }
        self.compare();
        if !self.work(Work::Settle) && self.store().settle().is_err() {
            // A change of files that failed half-way is not gone on with before the next opening.
            self.count("files given up until opened again");
            self.reopen();
        }
        for _ in 0..2 {
            self.store().settle().unwrap();
            self.compare();
        }
        futures::executor::block_on(self.store().close()).unwrap();
        self.disk.crash(Crash::PowerLoss);
        self.reopen();
    }

    /// Plans a fault for one of so many operations that come, or for one of a kind.
    pub(crate) fn plan_fault(&mut self, within: u64) {
        let fault = match self.random.up_to(9) {
            0 | 1 => Fault::Full,
            2..=4 => Fault::Io,
            5 => Fault::SyncDrops,
            6 | 7 => Fault::Interrupted,
            _ => Fault::Short,
        };
        // Those that are few would hardly ever be met by chance.
        let rare =
            [Op::Open, Op::Read, Op::Truncate, Op::Allocate, Op::Sync, Op::SyncDir, Op::Rename];
        let op = match fault {
            Fault::Full if self.one_in(3) => Some(Op::Allocate),
            Fault::Io | Fault::Interrupted if !self.one_in(3) => {
                Some(rare[self.random.up_to(rare.len() as u64 - 1) as usize])
            }
            _ => None,
        };
        let within = if op.is_some() { 2 } else { within };
        self.disk.plan_fault(Plan { after: self.random.up_to(within), fault, op });
    }
}

impl InFlight {
    fn poll(&mut self) -> Poll<Result<Answer>> {
        self.future.as_mut().poll(&mut Context::from_waker(Waker::noop()))
    }
}

fn is_duplicate(result: &exposure_store::Committed) -> bool {
    matches!(result, exposure_store::Committed::Duplicate { .. })
}
