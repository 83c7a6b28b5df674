use std::sync::Arc;
use std::thread;

use exposure_core::Limits;
use proptest::prelude::*;

use super::support::{Bench, check, modelled};
use crate::suite::history::{Arrival, Break, batches, commit, history};
use crate::suite::{MakeHarness, block_on};
use crate::{Committed, Store};

/// Four threads write the same few keys: the state is that of any order, and of four copies of
/// an event with an insert id one is merged.
pub fn writers_of_one_key_agree(make: MakeHarness<'_>) {
    check(8, &history(20..80), |mut history| {
        for (n, arrival) in history.iter_mut().enumerate() {
            arrival.event.insert_id = Some(crate::suite::history::intern(&format!("own-{n}")));
        }
        let limits = Limits { users_per_device: 1000, ..Limits::default() };
        let bench = Bench::new(make(), limits.clone());
        let store = bench.store();
        let n_merged: usize = thread::scope(|scope| {
            let writers: Vec<_> = (0..4)
                .map(|writer| {
                    let (store, history) = (Arc::clone(&store), &history);
                    scope.spawn(move || write(&*store, history, writer))
                })
                .collect();
            writers.into_iter().map(|writer| writer.join().expect("a writer ends")).sum()
        });
        assert_eq!(n_merged, history.len(), "of each event one copy is merged");
        let hash = block_on(store.state_hash()).expect("the state is hashed");
        assert_eq!(hash, modelled(&history, &limits).state_hash(), "the state hash");
    });
}

fn write(store: &dyn Store, history: &[Arrival], writer: usize) -> usize {
    let mut own: Vec<&Arrival> = history.iter().collect();
    let n = own.len();
    own.rotate_left(writer * n / 4);
    if writer % 2 == 1 {
        own.reverse();
    }
    let results = batches(&own, &[writer + 1, 5])
        .into_iter()
        .flat_map(|batch| commit(store, &batch).expect("a batch is committed"));
    results.filter(|result| matches!(result, Committed::Merged(_))).count()
}

/// Killed at any point: what was acknowledged is there once, and the rest once or not at all.
pub fn acknowledged_is_kept_when_killed(make: MakeHarness<'_>) {
    check(12, &(history(10..60), any::<prop::sample::Index>()), |(mut history, point)| {
        for (n, arrival) in history.iter_mut().enumerate() {
            arrival.event.insert_id = Some(crate::suite::history::intern(&format!("own-{n}")));
        }
        let limits = Limits::default();
        let mut bench = Bench::new(make(), limits.clone());
        let n_acknowledged = point.index(history.len());
        let arrivals: Vec<&Arrival> = history.iter().collect();
        for batch in batches(&arrivals[..n_acknowledged], &[3]) {
            commit(&*bench.store(), &batch).expect("a batch is committed");
        }
        // Asked for and not waited for: it may or may not be stored.
        if let Some(next) = arrivals.get(n_acknowledged) {
            let store = bench.store();
            let events: Vec<_> = next.admitted().into_iter().collect();
            let batch = crate::Batch { origin: next.origin, events: &events, rejects: &[] };
            let mut unfinished = Box::pin(store.commit(&batch));
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            drop(unfinished.as_mut().poll(&mut context));
        }
        bench.interrupt(Break::Kill);
        let store = bench.store();
        let hash = block_on(store.state_hash()).expect("the state is hashed");
        let without = modelled(&history[..n_acknowledged], &limits).state_hash();
        let with = modelled(&history[..=n_acknowledged], &limits).state_hash();
        assert!(hash == without || hash == with, "what was acknowledged, and no half of the rest");
        // Sending everything again makes it whole.
        for batch in batches(&arrivals, &[4]) {
            commit(&*store, &batch).expect("a batch is committed");
        }
        let hash = block_on(store.state_hash()).expect("the state is hashed");
        assert_eq!(hash, modelled(&history, &limits).state_hash(), "the state hash after all");
    });
}
