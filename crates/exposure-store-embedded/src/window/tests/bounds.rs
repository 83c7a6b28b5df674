//! Bounds on memory and disk: refused in the open, never forgotten in silence.

use std::path::Path;
use std::sync::Arc;

use super::harness::{DIR, SECOND, key, options};
use crate::disk::{MemDisk, SplitMix};
use crate::window::memory::N_MAPPED;
use crate::window::{Options, Outcome, UNKNOWN_ACTIVITY, Window};

fn fill(window: &mut Window, now_us: i64, n: u16) -> Vec<Outcome> {
    let add = |id| {
        window
            .check_and_add(key(1, id), 1, now_us, now_us, 0, &mut UNKNOWN_ACTIVITY.clone())
            .unwrap()
    };
    (0..n).map(add).collect()
}

fn settle(window: &mut Window, now_us: i64) {
    while let Some(task) = window.next_task(now_us) {
        window.finish(task.run(&mut |_| {})).unwrap();
    }
}

#[test]
fn past_its_bytes_the_window_refuses_and_still_knows_duplicates() {
    let now_us = 1_000 * SECOND;
    let options = Options { dedupe_max_bytes: 400_000, ..options() };
    let mut window =
        Window::open(Path::new(DIR), Arc::new(MemDisk::new()), options, now_us).unwrap();
    let mut outcomes = Vec::new();
    for _ in 0..20 {
        outcomes = fill(&mut window, now_us, 20_000);
        settle(&mut window, now_us);
    }
    let n_known = outcomes.iter().filter(|o| **o == Outcome::Duplicate { conflict: false }).count();
    let n_full = outcomes.iter().filter(|o| **o == Outcome::Full).count();
    let n_new = outcomes.iter().filter(|o| **o == Outcome::New).count();
    assert_eq!(n_known + n_full + n_new, 20_000, "no id is in conflict");
    assert!(2_000 < n_known && 2_000 < n_full, "{n_known} known, {n_full} refused");
    assert_eq!(window.len(), n_known + n_new);
    let used = window.disk_bytes() + window.resident_bytes();
    assert!((300_000..=400_000 + 16_384).contains(&used), "{used} bytes of 400000");
    // As soon as the old ids are forgotten there is room again.
    let later_us = now_us + 100 * SECOND;
    settle(&mut window, later_us);
    assert!(window.has_room(1_000));
    assert_eq!(fill(&mut window, later_us, 1), [Outcome::New]);
}

#[test]
fn without_background_work_the_window_refuses() {
    let now_us = 1_000 * SECOND;
    let options = Options { unflushed_max_ids: 640, ..options() };
    let mut window =
        Window::open(Path::new(DIR), Arc::new(MemDisk::new()), options, now_us).unwrap();
    let outcomes = fill(&mut window, now_us, 1000);
    assert_eq!(outcomes.iter().filter(|o| **o == Outcome::New).count(), 640);
    assert!(window.needs_flush() && !window.has_room(1));
    settle(&mut window, now_us);
    assert!(window.has_room(300));
    assert!(!window.has_room(641));
}

/// Generations of the size where tables are prepared and used again, instead of copied.
#[test]
fn large_generations_grow_by_the_next_table() {
    let now_us = 1_000 * SECOND;
    let large = Options { generation_ids: 400_000, resident_max_ids: 500_000, ..options() };
    let mut window = Window::open(Path::new(DIR), Arc::new(MemDisk::new()), large, now_us).unwrap();
    let mut random = SplitMix::new(5);
    let keys: Vec<_> = (0..1_500_000)
        .map(|_| (u128::from(random.next_u64()) << 64) | u128::from(random.next_u64()))
        .collect();
    for (i, key) in keys.iter().enumerate() {
        let outcome = window.check_and_add(*key, 1, now_us, now_us, i as u64, &mut 0).unwrap();
        assert_eq!(outcome, Outcome::New);
        if window.needs_flush() {
            settle(&mut window, now_us);
        }
    }
    assert_eq!(window.len(), keys.len());
    for key in keys.iter().step_by(7) {
        let outcome =
            window.check_and_add(*key, 2, now_us, now_us, 0, &mut UNKNOWN_ACTIVITY.clone());
        assert_eq!(outcome.unwrap(), Outcome::Duplicate { conflict: true });
    }
}

/// Where ids go on coming, tables go round: of pages that were never touched each costs far more than emptying it.
#[test]
fn tables_are_used_again() {
    let now_us = 1_000 * SECOND;
    for resident_max_ids in [0, 620_000] {
        let large = Options { generation_ids: 300_000, resident_max_ids, ..options() };
        let disk = MemDisk::new();
        let mut window =
            Window::open(Path::new(DIR), Arc::new(disk.clone()), large, now_us).unwrap();
        let mut random = SplitMix::new(6);
        let (mut n_mapped, mut most_bytes) = (Vec::new(), 0);
        for i in 1..=3_300_000_u64 {
            let key = (u128::from(random.next_u64()) << 64) | u128::from(random.next_u64());
            let outcome = window.check_and_add(key, 1, now_us, now_us, i, &mut 0).unwrap();
            assert_eq!(outcome, Outcome::New);
            // A checkpoint cuts generations short.
            if 2_000_000 < i && i % 130_000 == 0 {
                window.force_freeze(i);
            }
            if window.needs_flush() {
                settle(&mut window, now_us);
                n_mapped.push(N_MAPPED.get());
                let filters = window.buckets.runs().map(|run| run.resident_bytes()).sum::<u64>();
                let fronts = window.buckets.front_bytes();
                most_bytes = (window.resident_bytes() - filters - fronts).max(most_bytes);
            }
        }
        assert!(!disk.forgot_too_soon());
        assert!(10 < n_mapped.len(), "{n_mapped:?}");
        assert_eq!(n_mapped.get(7), n_mapped.last(), "nothing is mapped any more: {n_mapped:?}");
        // The active one, the next, and what is resident.
        let n_tables = if resident_max_ids == 0 { 3 } else { 4 };
        assert!(most_bytes <= n_tables * 300_000 * 36, "{most_bytes} bytes");
    }
}

#[test]
fn settings_out_of_bounds_are_named() {
    for (options, name) in [
        (Options { window_us: 1, ..options() }, "window_us"),
        (Options { generation_ids: 1, ..options() }, "generation_ids"),
        (Options { unflushed_max_ids: 63, ..options() }, "unflushed_max_ids"),
        (Options { merge_fan_in: 1, ..options() }, "merge_fan_in"),
    ] {
        let error = Window::open(Path::new(DIR), Arc::new(MemDisk::new()), options, 0).unwrap_err();
        assert!(error.to_string().contains(name), "{error}");
    }
}
