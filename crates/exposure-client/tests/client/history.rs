//! Random histories: the account closes at every step, and receivers have what an ideal sender
//! would have sent.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use exposure_client::provider::{BatchLimits, Delivery, MemoryProvider, Reply, SendError};
use exposure_client::{Decision, ExposureClient, InMemorySource, User, Variant, decide};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::{closed, off, quick, seen};

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
    /// The provider answers otherwise from now on.
    Answer {
        provider: usize,
        mood: Mood,
    },
    Flush,
    /// The program ends, and another one begins.
    Restart,
}

#[derive(Clone, Copy, Debug)]
enum Mood {
    Fine,
    Down,
    /// It takes all, and nobody hears of it.
    Mute,
    /// It answers for every other exposure.
    Half,
    Throttled,
    /// It refuses every other exposure for good.
    Picky,
    Panicking,
}

const LOSSLESS: &[Mood] = &[Mood::Fine, Mood::Down, Mood::Mute, Mood::Half, Mood::Throttled];
const ANY: &[Mood] = &[
    Mood::Fine,
    Mood::Down,
    Mood::Mute,
    Mood::Half,
    Mood::Throttled,
    Mood::Picky,
    Mood::Panicking,
];
const N_USERS: usize = 3;
const N_FLAGS: usize = 3;

fn step(moods: &'static [Mood], restarts: bool) -> impl Strategy<Value = Step> {
    let mood = proptest::sample::select(moods);
    let last = if restarts { Step::Restart } else { Step::Flush };
    prop_oneof![
        12 => (0..N_USERS, 0..N_FLAGS, 1..4_usize)
            .prop_map(|(user, flag, n_times)| Step::Evaluate { user, flag, n_times }),
        5 => (0..N_FLAGS, 0..5_usize).prop_map(|(flag, variant)| Step::Set { flag, variant }),
        3 => (0..2_usize, mood).prop_map(|(provider, mood)| Step::Answer { provider, mood }),
        1 => Just(Step::Flush),
        1 => Just(last),
    ]
}

fn variant(number: usize) -> Option<Variant> {
    match number {
        0 => None,
        1 => Some(off()),
        2 => Some(Variant::new("a")),
        3 => Some(Variant::new("b")),
        _ => Some(Variant::builder().value("c").build()),
    }
}

fn user(number: usize) -> User {
    match number {
        0 => User::new("user-0"),
        1 => User::anonymous("device-1"),
        _ => User::new("user-2").with_device("device-1"),
    }
}

fn flag(number: usize) -> String {
    format!("flag-{number}")
}

/// What was seen by each user of each flag, in order, without repeats; `None` unsets.
type Histories = BTreeMap<(String, String), Vec<Option<String>>>;

fn see(histories: &mut Histories, key: (String, String), variant: Option<String>) {
    let history = histories.entry(key).or_default();
    if history.last() != Some(&variant) {
        history.push(variant);
    }
}

fn who(user: Option<&str>, device: Option<&str>) -> String {
    format!("{user:?} {device:?}")
}

/// What a receiver makes of what it got, by its time and sequence.
fn received(provider: &MemoryProvider) -> Histories {
    let mut histories = Histories::new();
    for one in seen(provider) {
        let who = who(one.user_id.as_deref(), one.device_id.as_deref());
        let variant = one.variant.as_deref().map(str::to_owned);
        see(&mut histories, (who, one.flag_key.to_string()), variant);
    }
    histories
}

struct World<'a> {
    source: InMemorySource,
    providers: [MemoryProvider; 2],
    directory: Option<&'a Path>,
    n_remembered: usize,
    n_queued: usize,
    client: ExposureClient,
    /// What an ideal sender would have sent.
    ideal: Histories,
}

impl<'a> World<'a> {
    fn new(directory: Option<&'a Path>, n_remembered: usize, n_queued: usize) -> Self {
        let limits = BatchLimits { max_events: 5, in_flight: 2, ..BatchLimits::default() };
        let providers = [MemoryProvider::new(), MemoryProvider::with_limits("small", limits)];
        let source = InMemorySource::new();
        let client = build(&source, &providers, directory, n_remembered, n_queued);
        let ideal = Histories::new();
        Self { source, providers, directory, n_remembered, n_queued, client, ideal }
    }

    fn take(&mut self, step: &Step) {
        match *step {
            Step::Evaluate { user: number, flag: flag_number, n_times } => {
                let (user, flag) = (user(number), flag(flag_number));
                for _ in 0..n_times {
                    let variant = self.client.variant(&user, &flag);
                    let seen = match decide(variant.as_ref()) {
                        Decision::Nothing => continue,
                        Decision::Set(variant) => Some(variant.to_owned()),
                        Decision::Unset => None,
                    };
                    let who = who(user.user_id(), user.device_id());
                    see(&mut self.ideal, (who, flag.clone()), seen);
                }
            }
            Step::Set { flag: number, variant: variant_number } => match variant(variant_number) {
                Some(variant) => self.source.set(&flag(number), variant),
                None => self.source.remove(&flag(number)),
            },
            Step::Answer { provider, mood } => answer(&self.providers[provider], mood),
            Step::Flush => {
                self.client.blocking().flush();
            }
            Step::Restart => {
                let report = self.client.blocking().shutdown(Duration::from_millis(5));
                assert!(report.account.closes(), "{report:?}");
                let Self { source, providers, directory, .. } = self;
                self.client =
                    build(source, providers, *directory, self.n_remembered, self.n_queued);
                assert_eq!(self.client.account().recovered, report.kept);
            }
        }
        closed(&self.client);
    }

    /// Everybody answers again, and all that waits is delivered.
    fn settle(&self) {
        for provider in &self.providers {
            answer(provider, Mood::Fine);
        }
        for _ in 0..2000 {
            if self.client.blocking().flush().is_complete() {
                assert_eq!(closed(&self.client).pending, 0);
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("something stays: {:?}", self.client.account());
    }
}

fn build(
    source: &InMemorySource,
    providers: &[MemoryProvider; 2],
    directory: Option<&Path>,
    n_remembered: usize,
    n_queued: usize,
) -> ExposureClient {
    let [one, other] = providers.clone();
    let builder =
        quick(source).provider(one).provider(other).remembered(n_remembered).queue_events(n_queued);
    match directory {
        Some(directory) => builder.outbox(directory).build().unwrap(),
        None => builder.build().unwrap(),
    }
}

fn answer(provider: &MemoryProvider, mood: Mood) {
    let every_other = |batch: &exposure_client::provider::Batch, other: Delivery| {
        let answers = (0..batch.exposures().len()).map(|index| match index % 2 {
            0 => Delivery::Delivered,
            _ => other.clone(),
        });
        Reply::Each(answers.collect())
    };
    provider.always(move |batch| match mood {
        Mood::Fine => Reply::Take,
        Mood::Down => Reply::Fail(SendError::unavailable("down")),
        Mood::Mute => Reply::TakeAndFail(SendError::unavailable("mute")),
        Mood::Half => every_other(batch, Delivery::Retry { after: None }),
        Mood::Throttled => {
            Reply::Each(batch.all(Delivery::Retry { after: Some(Duration::from_millis(3)) }))
        }
        Mood::Picky => every_other(batch, Delivery::Rejected { reason: "picky".into() }),
        Mood::Panicking => Reply::Panic,
    });
}

const PLENTY: usize = 10_000;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Where nothing is refused for good, receivers have each change once, and nothing else.
    #[test]
    fn an_ideal_sender_sends_the_same(steps in vec(step(LOSSLESS, false), 1..60)) {
        let mut world = World::new(None, PLENTY, PLENTY);
        for step in steps {
            world.take(&step);
        }
        world.settle();
        let n_ideal: usize = world.ideal.values().map(Vec::len).sum();
        for provider in &world.providers {
            prop_assert_eq!(&received(provider), &world.ideal);
            prop_assert_eq!(provider.exposures().len(), n_ideal);
        }
        let account = closed(&world.client);
        prop_assert_eq!(account.delivered, n_ideal as u64);
        prop_assert_eq!(account.dropped.total(), 0);
    }

    /// The same over restarts with an outbox on disk that is larger than memory, and where marks
    /// are forgotten: then some exposures are sent once more, which changes no history.
    #[test]
    fn restarts_and_forgetting_change_no_history(
        n_remembered in prop_oneof![Just(2_usize), Just(PLENTY)],
        n_queued in prop_oneof![Just(1_usize), Just(4), Just(PLENTY)],
        steps in vec(step(LOSSLESS, true), 1..60),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let mut world = World::new(Some(directory.path()), n_remembered, n_queued);
        for step in steps {
            // What is not synced when a program ends was never counted, and may be lost.
            if matches!(step, Step::Restart) {
                world.client.blocking().synced();
            }
            world.take(&step);
        }
        world.settle();
        for provider in &world.providers {
            prop_assert_eq!(&received(provider), &world.ideal);
        }
        prop_assert_eq!(closed(&world.client).dropped.total(), 0);
    }

    /// Whatever happens, the account closes; and once everybody answers again, what each user
    /// then sees is what receivers have.
    #[test]
    fn whatever_is_lost_is_counted_and_heals(
        is_durable in any::<bool>(),
        n_remembered in prop_oneof![Just(2_usize), Just(PLENTY)],
        n_queued in prop_oneof![Just(3_usize), Just(PLENTY)],
        steps in vec(step(ANY, true), 1..60),
    ) {
        let directory = tempfile::tempdir().unwrap();
        let mut world =
            World::new(is_durable.then_some(directory.path()), n_remembered, n_queued);
        for step in steps {
            world.take(&step);
        }
        world.settle();
        for number in 0..N_FLAGS {
            world.source.set(&flag(number), variant(1 + number).unwrap());
        }
        for (user, flag) in (0..N_USERS).flat_map(|user| (0..N_FLAGS).map(move |flag| (user, flag))) {
            world.take(&Step::Evaluate { user, flag, n_times: 2 });
            world.settle();
        }
        let last = |histories: &Histories| -> BTreeMap<_, _> {
            let last = histories.iter().map(|(key, history)| (key.clone(), history.last().cloned()));
            last.collect()
        };
        for provider in &world.providers {
            prop_assert_eq!(last(&received(provider)), last(&world.ideal));
        }
    }
}
