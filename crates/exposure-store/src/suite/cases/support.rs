use std::sync::Arc;

use exposure_core::{Limits, Timestamp};
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestRunner};

use crate::suite::history::{Arrival, Break, Event, START, batches, commit, owned_origin};
use crate::suite::model::Model;
use crate::suite::{Harness, block_on};
use crate::{Batch, Committed, EffectTier, ProjectId, Store};

/// The project of cases that need one.
pub(super) const PROJECT: ProjectId = ProjectId(1);

/// Milliseconds after the beginning.
pub(super) const fn at(ms: i64) -> Timestamp {
    START.plus_micros(ms * 1000)
}

/// An event received an hour after the beginning.
pub(super) fn arrival(event: Event) -> Arrival {
    Arrival { origin: owned_origin(PROJECT, at(3_600_000)), event }
}

/// Commits events of the one project as one batch.
pub(super) fn send(store: &dyn Store, events: Vec<Event>) -> Vec<Committed> {
    let arrivals: Vec<Arrival> = events.into_iter().map(arrival).collect();
    send_all(store, &arrivals)
}

/// Commits arrivals of one origin as one batch.
pub(super) fn send_all(store: &dyn Store, arrivals: &[Arrival]) -> Vec<Committed> {
    commit(store, &arrivals.iter().collect::<Vec<_>>()).expect("a batch is committed")
}

/// The model after the same arrivals, one by one.
pub(super) fn modelled<'h>(
    arrivals: impl IntoIterator<Item = &'h Arrival>,
    limits: &Limits,
) -> Model {
    let mut model = Model::new(limits.clone());
    for arrival in arrivals {
        tell(&mut model, &[arrival]);
    }
    model
}

/// Commits a batch to the model.
pub(super) fn tell(model: &mut Model, arrivals: &[&Arrival]) -> Vec<Committed> {
    let Some(first) = arrivals.first() else { return Vec::new() };
    let events: Vec<_> = arrivals.iter().filter_map(|arrival| arrival.admitted()).collect();
    model.commit(&Batch { origin: first.origin, events: &events, rejects: &[] })
}

/// A harness and its open store.
pub(super) struct Bench {
    harness: Box<dyn Harness>,
    limits: Limits,
    open: Option<Arc<dyn Store>>,
}

impl Bench {
    pub(super) fn new(mut harness: Box<dyn Harness>, limits: Limits) -> Self {
        let open = Some(harness.open(&limits));
        Self { harness, limits, open }
    }

    pub(super) fn store(&self) -> Arc<dyn Store> {
        self.open.as_ref().map(Arc::clone).expect("the store is open")
    }

    pub(super) fn interrupt(&mut self, how: Break) {
        if how == Break::None {
            return;
        }
        let store = self.open.take().expect("the store is open");
        if how == Break::Kill {
            self.harness.kill(store);
        } else {
            block_on(store.close()).expect("the store is closed");
            drop(store);
        }
        self.open = Some(self.harness.open(&self.limits));
    }

    /// Commits in batches with breaks, and compares each result with the model's.
    pub(super) fn replay(
        &mut self,
        model: &mut Model,
        arrivals: &[&Arrival],
        sizes: &[usize],
        breaks: &[Break],
    ) {
        let mut breaks = breaks.iter().copied().chain([Break::None]).cycle();
        for batch in batches(arrivals, sizes) {
            let expected = tell(model, &batch);
            let store = self.store();
            let results = commit(&*store, &batch).expect("a batch is committed");
            assert_same_results(&*store, &results, &expected);
            drop(store);
            self.interrupt(breaks.next().unwrap_or(Break::None));
        }
    }
}

pub(super) fn assert_same_results(
    store: &dyn Store,
    results: &[Committed],
    expected: &[Committed],
) {
    if store.capabilities().effects == EffectTier::Exact {
        assert_eq!(results, expected, "the results of a batch");
    } else {
        let kinds =
            |results: &[Committed]| results.iter().map(std::mem::discriminant).collect::<Vec<_>>();
        assert_eq!(kinds(results), kinds(expected), "the results of a batch");
    }
}

/// Runs a property over some random values.
pub(super) fn check<S: Strategy>(cases: u32, strategy: &S, property: impl Fn(S::Value)) {
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(strategy, |value| {
        property(value);
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}
