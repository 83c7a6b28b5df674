use std::collections::BTreeMap;

use exposure_core::{Limits, Owner};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::{Arrival, history};
use crate::ProjectId;

/// A history, and another way in which the same events arrive.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The events as they arrived at first.
    pub history: Vec<Arrival>,
    /// The same as indices: shuffled, and those with an insert id also repeated.
    pub order: Vec<usize>,
    /// Sizes of batches, over and over.
    pub sizes: Vec<usize>,
    /// What happens after each batch, over and over.
    pub breaks: Vec<Break>,
    /// Past how many users a device is a shared one.
    pub users_per_device: usize,
}

/// What happens after a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// Nothing.
    None,
    /// The store is closed and opened again.
    Reopen,
    /// The store is killed and opened again.
    Kill,
}

impl Plan {
    /// The events in the other order.
    pub fn shuffled(&self) -> Vec<&Arrival> {
        self.order.iter().map(|&index| &self.history[index]).collect()
    }

    /// The limits of the store.
    pub fn limits(&self) -> Limits {
        Limits { users_per_device: self.users_per_device, ..Limits::default() }
    }
}

/// Plans over histories of such a length.
pub fn plan(n: std::ops::Range<usize>) -> impl Strategy<Value = Plan> {
    history(n)
        .prop_flat_map(|history| {
            let repeatable: Vec<usize> =
                (0..history.len()).filter(|&index| insert_key(&history[index]).is_some()).collect();
            let repeats = if repeatable.is_empty() {
                Just(Vec::new()).boxed()
            } else {
                vec(select(repeatable), 0..8).boxed()
            };
            let order = repeats.prop_flat_map({
                let n = history.len();
                move |repeats| Just((0..n).chain(repeats).collect::<Vec<_>>()).prop_shuffle()
            });
            let breaks = select(&[Break::None, Break::None, Break::Reopen, Break::Kill][..]);
            let users_per_device = select(&[1_usize, 2, 1000][..]);
            (Just(history), order, vec(1_usize..9, 1..5), vec(breaks, 1..5), users_per_device)
        })
        .prop_map(|(history, mut order, sizes, breaks, users_per_device)| {
            originals_first(&history, &mut order);
            Plan { history, order, sizes, breaks, users_per_device }
        })
}

/// Which of several events with one insert id is admitted depends on arrival, so it stays fixed:
/// the original comes before its duplicates.
fn originals_first(history: &[Arrival], order: &mut [usize]) {
    let mut originals = BTreeMap::new();
    for (index, arrival) in history.iter().enumerate() {
        if let Some(key) = insert_key(arrival) {
            originals.entry(key).or_insert(index);
        }
    }
    for (key, original) in originals {
        let of_key = |&index: &usize| insert_key(&history[index]).as_ref() == Some(&key);
        let earliest = order.iter().position(of_key);
        let own = order.iter().position(|&index| index == original);
        if let (Some(earliest), Some(own)) = (earliest, own) {
            order.swap(earliest, own);
        }
    }
}

fn insert_key(arrival: &Arrival) -> Option<(ProjectId, Owner, &'static str)> {
    let id = arrival.event.insert_id.filter(|id| !id.is_empty())?;
    let owner = match (arrival.event.device, arrival.event.user) {
        (Some(device), _) => Owner::Device(device.into()),
        (None, user) => Owner::User(user.unwrap_or_default().into()),
    };
    Some((arrival.origin.project, owner, id))
}
