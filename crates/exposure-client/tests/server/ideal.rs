//! Random histories against a real server, through a provider that fails in every way there is:
//! the server ends up as if an ideal sender had sent each tracked exposure once.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use exposure_client::{Decision, ExposureClient, InMemorySource, Timestamp, User, Variant, decide};
use exposure_testkit::{ManualClock, TestServer};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::lossy::{Lossy, Mood};
use crate::oracle::{Oracle, START, Shared};

/// The one that the client sends to, and the one of the ideal sender, for all cases.
static SERVERS: LazyLock<(TestServer, TestServer)> =
    LazyLock::new(|| (TestServer::start().unwrap(), TestServer::start().unwrap()));

/// Users and flags of a case are nobody else's.
static N_CASES: AtomicUsize = AtomicUsize::new(0);

#[derive(Clone, Debug)]
enum Step {
    /// Somebody's variant of a flag is asked for, a few times.
    Evaluate {
        user: usize,
        flag: usize,
        n_times: usize,
    },
    /// A flag has another variant for everybody.
    Set {
        flag: usize,
        variant: usize,
    },
    /// The clock goes on, or back.
    Time(i64),
    /// The way to the server is otherwise from now on.
    Way(Mood),
    Flush,
    /// The program ends, with whatever is under way, and another one begins.
    Restart,
}

const N_USERS: usize = 4;
const N_FLAGS: usize = 2;

fn step(restarts: bool) -> impl Strategy<Value = Step> {
    let last = if restarts { Step::Restart } else { Step::Flush };
    prop_oneof![
        12 => (0..N_USERS, 0..N_FLAGS, 1..3_usize)
            .prop_map(|(user, flag, n_times)| Step::Evaluate { user, flag, n_times }),
        5 => (0..N_FLAGS, 0..4_usize).prop_map(|(flag, variant)| Step::Set { flag, variant }),
        2 => (-3_000_000..3_000_000_i64).prop_map(Step::Time),
        3 => proptest::sample::select(Mood::ALL).prop_map(Step::Way),
        1 => Just(Step::Flush),
        1 => Just(last),
    ]
}

fn variant(number: usize) -> Option<Variant> {
    match number {
        0 => None,
        1 => Some(Variant::builder().key("off").default_variant().build()),
        2 => Some(Variant::new("a")),
        _ => Some(Variant::new("b")),
    }
}

/// A case: its client, and what an ideal sender makes of the same.
struct World<'a> {
    case: usize,
    source: InMemorySource,
    clock: ManualClock,
    way: Lossy,
    directory: &'a Path,
    n_remembered: usize,
    n_queued: usize,
    client: ExposureClient,
    oracle: Oracle,
    /// When this run of the program began.
    begun: Timestamp,
    /// An exposure that is sent once more links its device to its user once more, and whom an
    /// anonymous one belongs to may depend on that: then no two users share a device.
    has_own_devices: bool,
}

impl<'a> World<'a> {
    fn new(
        directory: &'a Path,
        n_remembered: usize,
        n_queued: usize,
        has_own_devices: bool,
        is_streaming: bool,
    ) -> Self {
        let case = N_CASES.fetch_add(1, Ordering::Relaxed);
        let clock = ManualClock::at(START);
        let source = InMemorySource::new();
        let way = Lossy::new(SERVERS.0.grpc(), is_streaming);
        let client = build(&source, &way, &clock, directory, n_remembered, n_queued);
        let oracle = Oracle::new(clock.clone());
        let begun = Timestamp::from_micros(0);
        Self {
            case,
            source,
            clock,
            way,
            directory,
            n_remembered,
            n_queued,
            client,
            oracle,
            begun,
            has_own_devices,
        }
    }

    fn user(&self, number: usize) -> User {
        let name = |of: &str| format!("{of}-{}", self.case);
        let devices = if self.has_own_devices { ["second", "third"] } else { ["device"; 2] };
        match number {
            0 => User::new(name("one")),
            1 => User::anonymous(name("device")),
            2 => User::new(name("two")).with_device(name(devices[0])),
            _ => User::new(name("three")).with_device(name(devices[1])),
        }
    }

    fn flag(&self, number: usize) -> String {
        format!("flag-{number}-{}", self.case)
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Evaluate { user, flag, n_times } => {
                let (user, flag) = (self.user(user), self.flag(flag));
                for _ in 0..n_times {
                    let variant = self.client.variant(&user, &flag);
                    match decide(variant.as_ref()) {
                        Decision::Nothing => {}
                        Decision::Set(variant) => self.oracle.see(&user, &flag, Some(variant)),
                        Decision::Unset => self.oracle.see(&user, &flag, None),
                    }
                }
            }
            Step::Set { flag, variant: number } => match variant(number) {
                Some(variant) => self.source.set(&self.flag(flag), variant),
                None => self.source.remove(&self.flag(flag)),
            },
            Step::Time(micros) => {
                // Within a run time does not run backwards; what it was before nobody remembers.
                let now = self.clock.now().as_micros() + micros;
                self.clock.set(Timestamp::from_micros(now).max(self.begun));
            }
            Step::Way(mood) => self.way.is_now(mood),
            Step::Flush => {
                self.client.blocking().flush();
            }
            Step::Restart => self.restart(),
        }
        assert!(self.client.account().closes(), "{:?}", self.client.account());
    }

    fn restart(&mut self) {
        // What is not synced when a program ends was never counted, and may be lost.
        self.client.blocking().synced();
        let report = self.client.blocking().shutdown(Duration::from_millis(5));
        assert!(report.account.closes(), "{report:?}");
        self.begun = self.oracle.later();
        self.clock.set(self.begun);
        let Self { source, way, clock, directory, n_remembered, n_queued, .. } = self;
        self.client = build(source, way, clock, directory, *n_remembered, *n_queued);
        assert_eq!(self.client.account().recovered, report.kept);
    }

    /// The way is good again, and all that waits is delivered.
    fn settle(&self) {
        self.way.is_now(Mood::Fine);
        for _ in 0..2000 {
            if self.client.blocking().flush().is_complete() {
                let account = self.client.account();
                assert!(account.closes(), "{account:?}");
                assert_eq!((account.pending, account.dropped.total()), (0, 0), "{account:?}");
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("something stays: {:?}", self.client.account());
    }

    /// Properties of everybody, by user and by device.
    fn properties(&self, server: &TestServer) -> BTreeMap<String, serde_json::Value> {
        let ids = ["user_id=one", "user_id=two", "user_id=three", "device_id=device"];
        let told = ids.map(|id| {
            let asked = format!("{id}-{}", self.case);
            let answer = server.get(&format!("/v1/properties?{asked}")).unwrap();
            (asked, answer["properties"].clone())
        });
        told.into_iter().collect()
    }
}

fn build(
    source: &InMemorySource,
    way: &Lossy,
    clock: &ManualClock,
    directory: &Path,
    n_remembered: usize,
    n_queued: usize,
) -> ExposureClient {
    ExposureClient::builder(source.clone())
        .linger(Duration::ZERO)
        .backoff(Duration::from_millis(1), Duration::from_millis(2))
        .attempt_timeout(Duration::from_millis(60))
        .clock(Shared(clock.clone()))
        .remembered(n_remembered)
        .queue_events(n_queued)
        .outbox(directory)
        .remember_over_restarts()
        .provider(way.again())
        .build()
        .unwrap()
}

const PLENTY: usize = 10_000;

fn check(
    steps: Vec<Step>,
    n_remembered: usize,
    n_queued: usize,
    forgets: bool,
    is_streaming: bool,
) {
    let directory = tempfile::tempdir().unwrap();
    let mut world = World::new(directory.path(), n_remembered, n_queued, forgets, is_streaming);
    for step in steps {
        world.take(&step);
    }
    world.settle();
    let (real, ideal) = (&SERVERS.0, &SERVERS.1);
    world.oracle.send(ideal.grpc());

    assert_eq!(world.properties(real), world.properties(ideal));
    for number in 0..N_FLAGS {
        let flag = world.flag(number);
        let (mut there, mut ideal) = (Oracle::counts(real, &flag), Oracle::counts(ideal, &flag));
        if forgets {
            // What was forgotten is sent once more, and that is all that is.
            let n_there = Oracle::take_exposures(&mut there);
            for (variant, n_ideal) in Oracle::take_exposures(&mut ideal) {
                assert!(n_ideal <= n_there[&variant], "{variant} of {flag}");
            }
        }
        assert_eq!(there, ideal);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_server_is_as_an_ideal_sender_leaves_it(
        n_queued in prop_oneof![Just(3_usize), Just(PLENTY)],
        is_streaming in any::<bool>(),
        steps in vec(step(false), 1..50),
    ) {
        check(steps, PLENTY, n_queued, false, is_streaming);
    }

    /// Over restarts, and where marks are forgotten, some exposures are sent once more.
    #[test]
    fn restarts_and_forgetting_change_nothing_but_counts(
        n_remembered in prop_oneof![Just(2_usize), Just(PLENTY)],
        n_queued in prop_oneof![Just(3_usize), Just(PLENTY)],
        is_streaming in any::<bool>(),
        steps in vec(step(true), 1..50),
    ) {
        check(steps, n_remembered, n_queued, true, is_streaming);
    }
}
