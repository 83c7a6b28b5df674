//! A window, the model it must equal, and the log that a store would replay.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::disk::{Disk, SplitMix};
use crate::window::{Error, Options, Outcome, UNKNOWN_ACTIVITY, Window};

pub(super) const DIR: &str = "window";
pub(super) const SECOND: i64 = 1_000_000;

/// A window of 64 seconds, so a bucket is one second, and generations of 64 ids.
pub(super) fn options() -> Options {
    Options {
        window_us: 64 * SECOND as u64,
        generation_ids: 64,
        resident_max_ids: 200,
        unflushed_max_ids: 1 << 20,
        merge_fan_in: 3,
        ..Options::default()
    }
}

/// An admitted id, as the log has it.
#[derive(Debug, Clone, Copy)]
struct Record {
    owner: u8,
    key: u128,
    content: u64,
    received_us: i64,
    inserted_us: i64,
    position: u64,
}

pub(super) struct Harness {
    pub(super) window: Window,
    options: Options,
    pub(super) now_us: i64,
    pub(super) position: u64,
    admitted: BTreeMap<u128, Vec<Record>>,
    log: Vec<Record>,
    bitmaps: [u64; 8],
    pub(super) n_new: usize,
    pub(super) n_duplicates: usize,
}

/// What the owners' bitmaps are after a restart.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bitmaps {
    /// As they were; replay marks them.
    Kept,
    /// As they were; somebody else than who adds the ids marks them.
    Apart,
    /// As they were; replay has them not at hand.
    OutOfHand,
    Lost,
}

/// The key of an owner's id.
pub(super) fn key(owner: u8, id: u16) -> u128 {
    let mut random = SplitMix::new((u64::from(owner) << 16) | u64::from(id));
    (u128::from(random.next_u64()) << 64) | u128::from(random.next_u64())
}

impl Harness {
    pub(super) fn open(disk: Arc<dyn Disk>, options: Options) -> Self {
        let now_us = 1_000_000 * SECOND + 123_456;
        Self {
            window: Window::open(Path::new(DIR), disk, options.clone(), now_us).unwrap(),
            options,
            now_us,
            position: 0,
            admitted: BTreeMap::new(),
            log: Vec::new(),
            bitmaps: [0; 8],
            n_new: 0,
            n_duplicates: 0,
        }
    }

    fn bucket(&self, us: i64) -> i64 {
        us / self.options.width_us() as i64
    }

    /// Adds one id and compares with the model.
    pub(super) fn add(
        &mut self,
        owner: u8,
        id: u16,
        content: u64,
        received_us: i64,
    ) -> Result<(), Error> {
        let key = key(owner, id);
        let reach = self.options.reach_ms();
        let ms = |us: i64| us.max(0) / 1000;
        let originals: Vec<_> = self
            .admitted
            .get(&key)
            .map(Vec::as_slice)
            .unwrap_or_default()
            .iter()
            .filter(|first| self.bucket(self.now_us) - self.bucket(first.inserted_us) <= 64)
            .filter(|first| ms(first.received_us).abs_diff(ms(received_us)) <= reach)
            .collect();
        let bits = &mut self.bitmaps[usize::from(owner)];
        let outcome = self.window.check_and_add(
            key,
            content,
            received_us,
            self.now_us,
            self.position,
            bits,
        )?;
        match outcome {
            Outcome::New => {
                assert!(
                    originals.is_empty(),
                    "{owner}/{id} hidden: {originals:?}, now {}",
                    self.now_us
                );
                let (inserted_us, position) = (self.now_us, self.position);
                let record = Record { owner, key, content, received_us, inserted_us, position };
                self.admitted.entry(key).or_default().push(record);
                self.log.push(record);
                self.n_new += 1;
            }
            Outcome::Duplicate { conflict } => {
                assert!(!originals.is_empty(), "{owner}/{id} invented at {}", self.now_us);
                assert!(originals.iter().any(|first| conflict == (first.content != content)));
                self.n_duplicates += 1;
            }
            Outcome::Full => panic!("full at {} ids", self.window.len()),
        }
        Ok(())
    }

    /// Does one background task; false if there is none.
    pub(super) fn step(&mut self) -> Result<bool, Error> {
        let Some(task) = self.window.next_task(self.now_us) else { return Ok(false) };
        self.window.finish(task.run(&mut |_| {}))?;
        Ok(true)
    }

    pub(super) fn settle(&mut self) -> Result<(), Error> {
        while self.step()? {}
        Ok(())
    }

    /// Opens what is on `disk` and replays the log, as after a crash.
    pub(super) fn reopen(&mut self, disk: Arc<dyn Disk>, bitmaps: Bitmaps) -> Result<(), Error> {
        let promised = self.window.covered_position();
        self.window = Window::open(Path::new(DIR), disk, self.options.clone(), self.now_us)?;
        assert!(
            promised <= self.window.covered_position(),
            "the log may be gone up to the promised position"
        );
        if matches!(bitmaps, Bitmaps::Lost) {
            self.bitmaps = [UNKNOWN_ACTIVITY; 8];
        }
        let covered = self.window.covered_position();
        let mut marks = self.window.marks();
        for r in self.log.iter().filter(|record| covered <= record.position) {
            let (mut apart, mut inserted_us) = (0, r.inserted_us);
            let bits = match bitmaps {
                Bitmaps::OutOfHand => None,
                Bitmaps::Apart => {
                    let bits = &mut self.bitmaps[usize::from(r.owner)];
                    marks.advance(r.inserted_us);
                    marks.mark_added(bits);
                    inserted_us = marks.clock_us() as i64;
                    Some(&mut apart)
                }
                Bitmaps::Kept | Bitmaps::Lost => Some(&mut self.bitmaps[usize::from(r.owner)]),
            };
            self.window.add_replayed(
                r.key,
                r.content,
                r.received_us,
                inserted_us,
                r.position,
                bits,
            )?;
        }
        Ok(())
    }

    /// Opens with other settings, all of the log covered.
    pub(super) fn change_window(&mut self, disk: Arc<dyn Disk>, window_us: u64) {
        self.options.window_us = window_us;
        self.reopen(disk, Bitmaps::Kept).unwrap();
    }

    /// Asks for every id that was ever admitted, as its sender would again, with the receive time it had.
    pub(super) fn check_all(&mut self) {
        let ids: Vec<_> = self.admitted.values().flatten().copied().collect();
        let n_kept = ids
            .iter()
            .filter(|r| self.bucket(self.now_us) - self.bucket(r.inserted_us) <= 64)
            .count();
        let bitmaps = self.bitmaps;
        for first in &ids {
            if 64 < self.bucket(self.now_us) - self.bucket(first.inserted_us) {
                continue;
            }
            let mut bits = bitmaps[usize::from(first.owner)];
            let (key, position) = (first.key, self.position);
            let outcome = self.window.check_and_add(
                key,
                first.content,
                first.received_us,
                self.now_us,
                position,
                &mut bits,
            );
            assert!(
                matches!(outcome.unwrap(), Outcome::Duplicate { .. }),
                "{first:?} forgotten at {}",
                self.now_us
            );
        }
        assert!(
            n_kept <= self.window.len(),
            "{n_kept} kept, the window says {}",
            self.window.len()
        );
    }
}
