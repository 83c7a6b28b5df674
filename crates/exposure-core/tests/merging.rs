//! Merging is blind to order, grouping and repetition, and keeps the greatest write.

use std::collections::BTreeMap;

use exposure_core::{
    Change, Effect, Registers, Seen, SeenKey, SeenTable, Timestamp, Variant, Version,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// A flag and the parts of a version, from small alphabets.
type Write = (&'static str, i64, i64, Option<&'static str>, &'static str, &'static str);

fn write() -> impl Strategy<Value = Write> {
    (
        select(&["f", "g"][..]),
        0_i64..4,
        prop_oneof![3 => Just(0_i64), 1 => select(&[i64::MIN, -1, 1, i64::MAX][..])],
        proptest::option::weighted(0.7, select(&["a", "b", "é"][..])),
        select(&["", "run"][..]),
        select(&["", "i1", "i2"][..]),
    )
}

fn version(write: Write) -> Version<'static> {
    let (_, time, sequence, variant, experiment_key, insert_id) = write;
    let change = variant.map_or(Change::Unset, |text| Change::Set(Variant::trusted(text)));
    let time = Timestamp::from_micros(time);
    Version { time, sequence, change, experiment_key, insert_id }
}

fn merged(writes: &[Write]) -> Registers {
    let mut registers = Registers::default();
    for &write in writes {
        registers.merge(write.0, &version(write));
    }
    registers
}

/// What decides, as the rule lists it: a key made to be compared.
fn rank(write: &Write) -> (i64, i64, bool, &[u8], &[u8], &[u8]) {
    let &(_, time, sequence, variant, experiment_key, insert_id) = write;
    let bytes = variant.unwrap_or("").as_bytes();
    (time, sequence, variant.is_none(), bytes, experiment_key.as_bytes(), insert_id.as_bytes())
}

proptest! {
    #[test]
    fn merging_is_commutative(a in vec(write(), 0..12), b in vec(write(), 0..12)) {
        let (a, b) = (merged(&a), merged(&b));
        let (mut ab, mut ba) = (a.clone(), b.clone());
        ab.merge_all(&b);
        ba.merge_all(&a);
        prop_assert_eq!(ab, ba);
    }

    #[test]
    fn merging_is_associative(
        a in vec(write(), 0..9), b in vec(write(), 0..9), c in vec(write(), 0..9),
    ) {
        let (a, b, c) = (merged(&a), merged(&b), merged(&c));
        let mut left = a.clone();
        left.merge_all(&b);
        left.merge_all(&c);
        let mut bc = b;
        bc.merge_all(&c);
        let mut right = a;
        right.merge_all(&bc);
        prop_assert_eq!(left, right);
    }

    #[test]
    fn merging_is_idempotent(writes in vec(write(), 0..12)) {
        let once = merged(&writes);
        let mut twice = once.clone();
        twice.merge_all(&once);
        prop_assert_eq!(&twice, &once);
        let again: Vec<Write> = writes.iter().chain(&writes).copied().collect();
        prop_assert_eq!(merged(&again), once);
    }

    #[test]
    fn the_greatest_write_stands_in_any_order(
        (writes, shuffled) in vec(write(), 1..16)
            .prop_flat_map(|writes| (Just(writes.clone()), Just(writes).prop_shuffle())),
    ) {
        let registers = merged(&writes);
        prop_assert_eq!(&merged(&shuffled), &registers);
        for flag in ["f", "g"] {
            let of_flag = writes.iter().filter(|write| write.0 == flag);
            let greatest = of_flag.max_by_key(|write| rank(write)).map(|write| version(*write));
            prop_assert_eq!(registers.get(flag).map(|held| held.version()), greatest);
        }
    }

    #[test]
    fn effects_tell_what_became_visible(writes in vec(write(), 0..16)) {
        let mut registers = Registers::default();
        for &write in &writes {
            let visible = |registers: &Registers| {
                registers.get(write.0).and_then(|held| held.variant()).map(str::to_owned)
            };
            let before = visible(&registers);
            let had = registers.get(write.0).cloned();
            let effect = registers.merge(write.0, &version(write));
            let after = visible(&registers);
            prop_assert_eq!(effect.is_change(), before != after);
            let is_stale = had.as_ref().is_some_and(|held| held.version() > version(write));
            prop_assert_eq!(effect == Effect::Stale, is_stale);
            match effect {
                Effect::Set => prop_assert_eq!(after.as_deref(), write.3),
                Effect::Unset => prop_assert_eq!(after, None),
                Effect::Same => prop_assert_eq!(after.as_deref(), write.3),
                Effect::Stale => prop_assert_eq!(registers.get(write.0), had.as_ref()),
                Effect::Unknown => prop_assert!(false, "a register always knows"),
            }
        }
    }

    #[test]
    fn hiding_leaves_what_later_writes_alone_make(writes in vec(write(), 0..16), until in -1_i64..5) {
        let mut hidden = merged(&writes);
        hidden.hide_until(Timestamp::from_micros(until));
        let later: Vec<Write> = writes.iter().copied().filter(|write| write.1 > until).collect();
        prop_assert_eq!(hidden, merged(&later));
    }

    #[test]
    fn first_last_and_count_are_blind_to_order(
        (times, shuffled) in vec((select(&["a", "b"][..]), 0_i64..9), 0..16)
            .prop_flat_map(|times| (Just(times.clone()), Just(times).prop_shuffle())),
    ) {
        let table = |times: &[(&str, i64)]| {
            let mut table = SeenTable::default();
            for &(variant, time) in times {
                let key = SeenKey {
                    flag: "f".into(),
                    experiment_key: "".into(),
                    variant: Some(variant.into()),
                };
                table.add(key, Seen::once(Timestamp::from_micros(time)));
            }
            table
        };
        prop_assert_eq!(table(&times), table(&shuffled));
        let mut expected: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
        for (variant, time) in &times {
            expected.entry(variant).or_default().push(*time);
        }
        prop_assert_eq!(table(&times).len(), expected.len());
        for (key, seen) in table(&times).iter() {
            let of_variant = &expected[key.variant.as_deref().unwrap_or("")];
            prop_assert_eq!(Some(&seen.first.as_micros()), of_variant.iter().min());
            prop_assert_eq!(Some(&seen.last.as_micros()), of_variant.iter().max());
            prop_assert_eq!(seen.count, of_variant.len() as u64);
        }
    }
}
