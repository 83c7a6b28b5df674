//! What goes on behind commits: flushing the window, checkpoints, letting go of the log.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use exposure_store::Result;
use parking_lot::{Condvar, Mutex};

use crate::checkpoint::{
    SHARDS_PER_FILE, Want, checkpoint_ledger, checkpoint_shards, high, is_worn,
};
use crate::events::{Pacer, Unpaced};
use crate::state::N_SHARDS;
use crate::store::Inner;

/// How often the background looks whether there is something to do.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Pause after a failure, so that a full disk is not asked all the time.
const AFTER_FAILURE: Duration = Duration::from_secs(1);

/// The threads behind a store.
#[derive(Debug)]
pub(crate) struct Background {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// One at a time does checkpoints and conversions: the background, or whoever asks to settle.
    turn: Arc<Mutex<Turn>>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: Mutex<bool>,
    wake: Condvar,
}

/// Where the rolling checkpoint is.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is about something else")]
pub(crate) struct Turn {
    next_shard: usize,
    /// Where the log was when the current round began.
    round_began: u64,
    in_round: bool,
    /// Whether something was written since the ledger was.
    wrote: bool,
    /// Whether shards may be made whole although memory is short.
    may_tidy: bool,
    /// Whether room for profiles was made last time that it was wanted.
    makes_room: bool,
    /// Whether it may be that some shards have too many changes beside them.
    may_be_worn: bool,
}

/// Keeps background work within bytes a second.
#[derive(Debug)]
pub(crate) struct RatePacer<'i> {
    rate: u64,
    began: Instant,
    spent: AtomicU64,
    hurry: &'i AtomicBool,
}

impl<'i> RatePacer<'i> {
    pub(crate) fn new(rate: u64, hurry: &'i AtomicBool) -> Self {
        let began = Instant::now();
        Self { rate, began, spent: AtomicU64::new(0), hurry }
    }
}

impl Pacer for RatePacer<'_> {
    fn spend(&self, bytes: u64) {
        let spent = self.spent.fetch_add(bytes, Ordering::Relaxed) + bytes;
        let due = Duration::from_secs_f64(spent as f64 / self.rate.max(1) as f64);
        let early = due.saturating_sub(self.began.elapsed());
        // Whoever closes the store need not wait for the pace.
        if !early.is_zero() && !self.hurry.load(Ordering::Relaxed) {
            std::thread::sleep(early.min(Duration::from_millis(500)));
        }
    }

    fn rest(&self) {
        if !self.hurry.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(250));
        }
    }
}

impl Background {
    /// With threads, unless somebody else does their work.
    pub(crate) fn of(inner: &Arc<Inner>) -> Self {
        if inner.options.driven {
            return Self {
                shared: Arc::default(),
                threads: Mutex::default(),
                turn: Arc::default(),
            };
        }
        Self::start(inner)
    }

    /// A task of the window, without a pace.
    pub(crate) fn window(inner: &Inner) -> Result<bool> {
        window_task(inner, &Unpaced)
    }

    /// A file of the checkpoint, without a pace.
    pub(crate) fn checkpoint(&self, inner: &Inner) -> Result<bool> {
        checkpoint_file(inner, &self.turn, &Unpaced)
    }

    /// What the archive does at a time, without a pace.
    pub(crate) fn archive(inner: &Inner) -> Result<bool> {
        inner.convert(&Unpaced, false)
    }

    /// Starts the threads.
    fn start(inner: &Arc<Inner>) -> Self {
        let shared = Arc::new(Shared::default());
        let turn = Arc::new(Mutex::new(Turn::default()));
        let mut threads = Vec::new();
        for (name, niceness, work) in [
            // Two, so that a long merge of the window holds up no flush.
            ("exposure-window", 5, window_step as fn(&Inner, &Mutex<Turn>) -> Result<bool>),
            ("exposure-window", 5, window_step),
            ("exposure-checkpoint", 10, checkpoint_step),
            ("exposure-archive", 15, archive_step),
        ] {
            let (inner, shared, turn) = (Arc::clone(inner), Arc::clone(&shared), Arc::clone(&turn));
            let run = move || {
                // Commits come first; what waits here is bounded and catches up.
                if let Err(cause) = rustix::process::nice(niceness) {
                    tracing::debug!(%cause, name, "a background thread keeps its priority");
                }
                run(&inner, &shared, &turn, work);
            };
            match std::thread::Builder::new().name(name.into()).spawn(run) {
                Ok(thread) => threads.push(thread),
                Err(cause) => {
                    tracing::error!(%cause, name, "a background thread can not be started");
                }
            }
        }
        Self { shared, threads: Mutex::new(threads), turn }
    }

    /// Ends the threads and waits for them.
    pub(crate) fn stop(&self) {
        *self.shared.stop.lock() = true;
        self.shared.wake.notify_all();
        for thread in self.threads.lock().drain(..) {
            if thread.join().is_err() {
                tracing::error!("a background thread ended in a way that it must not");
            }
        }
    }

    /// Does all there is to do now, without a pace.
    pub(crate) fn settle(&self, inner: &Inner) -> Result<()> {
        inner.check_writable()?;
        let mut turn = self.turn.lock();
        freeze(inner);
        while window_task(inner, &Unpaced)? {}
        for first in (0..N_SHARDS).step_by(SHARDS_PER_FILE) {
            let shards = first..first + SHARDS_PER_FILE;
            checkpoint_shards(inner, shards, Want::Whole, &Unpaced)?;
        }
        checkpoint_ledger(inner, &Unpaced)?;
        *turn = Turn { round_began: inner.log.durable(), ..Turn::default() };
        inner.convert(&Unpaced, true)?;
        inner.release();
        // What stopped the log meanwhile, for somebody else, also kept from here what is left to do.
        inner.check_writable()
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.stop();
    }
}

fn run(
    inner: &Inner,
    shared: &Shared,
    turn: &Mutex<Turn>,
    work: fn(&Inner, &Mutex<Turn>) -> Result<bool>,
) {
    loop {
        let pause = match work(inner, turn) {
            Ok(true) => Duration::ZERO,
            Ok(false) => LOOK_EVERY,
            Err(error) => {
                let mut last = inner.background_failure.lock();
                let text = error.to_string();
                // Once for each cause, not once for each attempt.
                if last.as_ref() != Some(&text) {
                    tracing::error!(error = text, "background work failed and will be tried again");
                    *last = Some(text);
                }
                AFTER_FAILURE
            }
        };
        let mut stop = shared.stop.lock();
        if *stop {
            return;
        }
        if !pause.is_zero() {
            shared.wake.wait_for(&mut stop, pause);
        }
        if *stop {
            return;
        }
    }
}

fn window_step(inner: &Inner, _: &Mutex<Turn>) -> Result<bool> {
    window_task(inner, &RatePacer::new(inner.options.background_rate, &inner.closing))
}

/// Does one task of the window, if there is one.
fn window_task(inner: &Inner, pacer: &dyn Pacer) -> Result<bool> {
    let now = inner.clock.load(Ordering::Relaxed) as i64;
    let (task, end) = {
        let mut state = inner.state.lock();
        if inner.check_intact().is_err() {
            return Ok(false);
        }
        let Some(task) = state.window.next_task(now) else { return Ok(false) };
        (task, state.ledger.position)
    };
    // A run must not know ids whose records a crash can still take.
    inner.log.wait_durable(end).block().map_err(crate::store::log_error)?;
    let done = task.run(&mut |bytes| pacer.spend(bytes));
    inner.state.lock().window.finish(done).map_err(crate::store::window_error)?;
    Ok(true)
}

fn freeze(inner: &Inner) {
    let mut state = inner.state.lock();
    let position = state.ledger.position;
    state.window.force_freeze(position);
}

fn checkpoint_step(inner: &Inner, turn: &Mutex<Turn>) -> Result<bool> {
    checkpoint_file(inner, turn, &RatePacer::new(inner.options.background_rate, &inner.closing))
}

/// One file of the rolling checkpoint: when a round is due for the log, when profiles have to leave memory, or when
/// what some shards have on disk is to be made whole again.
fn checkpoint_file(inner: &Inner, turn: &Mutex<Turn>, pacer: &dyn Pacer) -> Result<bool> {
    if inner.check_writable().is_err() {
        return Ok(false);
    }
    let mut turn = turn.lock();
    let memory = inner.state.lock().memory();
    inner.resident.store(memory, Ordering::Relaxed);
    if !turn.in_round {
        let low = inner.sections.manifest().low_position().max(turn.round_began);
        if inner.log.durable().saturating_sub(low) >= inner.options.checkpoint_after {
            freeze(inner);
            (turn.next_shard, turn.in_round, turn.wrote) = (0, true, true);
            turn.round_began = inner.log.durable();
        }
    }
    let limit = inner.options.memory_limit;
    let is_scarce = memory > high(limit);
    if !turn.in_round && (!is_scarce || (memory <= limit && turn.may_tidy)) {
        // By turns with making room, so that neither is put off for ever.
        turn.may_tidy = false;
        if make_whole(inner, &mut turn, pacer)? || !is_scarce {
            return Ok(turn.may_be_worn);
        }
    }
    turn.may_tidy = true;
    let mut freed = 0;
    let first = turn.next_shard;
    // Where the ledger could not be written, it alone is left of the round.
    if first < N_SHARDS {
        let want = if is_scarce {
            Want::Room { hold: memory > limit && turn.makes_room }
        } else {
            Want::Log
        };
        let shards = first..first + SHARDS_PER_FILE;
        let wrote = checkpoint_shards(inner, shards.clone(), want, pacer)?;
        turn.next_shard = shards.end;
        turn.wrote |= wrote.anything;
        turn.may_be_worn |= wrote.anything;
        freed = wrote.freed;
        turn.makes_room = freed > 0;
    }
    if turn.next_shard >= N_SHARDS {
        if turn.wrote {
            checkpoint_ledger(inner, pacer)?;
            inner.release();
            tracing::debug!(memory, "a round of the checkpoint ended");
        }
        (turn.next_shard, turn.in_round, turn.wrote) = (0, false, false);
    }
    // What is needed for good is more than the limit, if nothing went.
    Ok(turn.in_round || turn.wrote || freed > 0)
}

/// Writes some shards whole that have too many changes beside them.
fn make_whole(inner: &Inner, turn: &mut Turn, pacer: &dyn Pacer) -> Result<bool> {
    let mut all = (0..N_SHARDS).step_by(SHARDS_PER_FILE).map(|at| at..at + SHARDS_PER_FILE);
    let worn = if turn.may_be_worn { all.find(|shards| is_worn(inner, shards)) } else { None };
    turn.may_be_worn = worn.is_some();
    let Some(shards) = worn else { return Ok(false) };
    checkpoint_shards(inner, shards, Want::Whole, pacer)?;
    Ok(true)
}

fn archive_step(inner: &Inner, _: &Mutex<Turn>) -> Result<bool> {
    let pacer = Deferring::new(inner);
    let more = inner.convert(&pacer, false)?;
    // What came after the last write counts too.
    pacer.spend(0);
    Ok(more)
}

/// Bytes of log a second for which the archive rests once as long as it worked, and so on.
const REST_PER: u64 = 8 << 20;
/// How many times as long as it worked the archive rests at most.
const MOST_REST: u64 = 24;

/// How many times as long as it worked the archive rests: the longer the more log comes in, and
/// the shorter the more of the log that may wait for it does. Past half of that it does not rest.
const fn rest(log_per_second: u64, waiting: u64, may_wait: u64) -> u64 {
    let eighths = 8 * waiting / if may_wait == 0 { 1 } else { may_wait };
    let most = match eighths {
        0 => MOST_REST,
        1 => MOST_REST / 4,
        2 | 3 => MOST_REST / 8,
        _ => 0,
    };
    let wanted = log_per_second.div_ceil(REST_PER);
    if wanted < most { wanted } else { most }
}

/// Keeps the archive's pace, and makes it rest while commits come in: sorting takes a processor of
/// its own, which commits have more use for.
#[derive(Debug)]
struct Deferring<'i> {
    rate: RatePacer<'i>,
    inner: &'i Inner,
    /// When it last rested, and the end of the log then.
    rested: Mutex<(Instant, u64)>,
}

impl<'i> Deferring<'i> {
    fn new(inner: &'i Inner) -> Self {
        let rate = RatePacer::new(inner.options.background_rate, &inner.closing);
        Self { rate, inner, rested: Mutex::new((Instant::now(), inner.log.durable())) }
    }

    /// How many times as long as it worked to rest, by what came in since it last rested.
    fn rest(&self, since: (Instant, u64)) -> u64 {
        let inner = self.inner;
        if inner.closing.load(Ordering::Relaxed) {
            return 0;
        }
        let durable = inner.log.durable();
        let waiting = durable.saturating_sub(inner.converted_position());
        let seconds = since.0.elapsed().as_secs_f64().max(1e-3);
        let log_per_second = (durable.saturating_sub(since.1) as f64 / seconds) as u64;
        rest(log_per_second, waiting, inner.options.max_unconverted)
    }
}

impl Pacer for Deferring<'_> {
    fn spend(&self, bytes: u64) {
        let mut rested = self.rested.lock();
        let (began, worked) = (Instant::now(), rested.0.elapsed());
        // Asked again and again: what comes in meanwhile may end.
        while began.elapsed() < worked.saturating_mul(self.rest(*rested) as u32) {
            std::thread::sleep(LOOK_EVERY);
        }
        self.rate.spend(bytes);
        *rested = (Instant::now(), self.inner.log.durable());
    }

    fn rest(&self) {
        self.rate.rest();
        *self.rested.lock() = (Instant::now(), self.inner.log.durable());
    }
}

impl Inner {
    /// Lets go of the log that nothing needs: not the checkpoint, not the window, not the files,
    /// not the feed, not erasures whose rows are still in files.
    pub(crate) fn release(&self) {
        let feed = self.log.durable().saturating_sub(self.options.feed_keeps);
        let files = self.sections.manifest().low_position().min(self.converted_position());
        // Last: an erasure that lies below what is in files is noted under this lock.
        let (window, purges) = {
            let state = self.state.lock();
            (state.window.covered_position(), state.purges.needs())
        };
        self.log.release_before(feed.min(files).min(window).min(purges));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn the_archive_rests_for_commits_and_less_the_more_waits() {
        let may_wait = 16 << 30;
        assert_eq!(rest(0, 0, may_wait), 0, "nothing comes in");
        assert_eq!(rest(MIB, 0, may_wait), 1);
        assert_eq!(rest(100 * MIB, 0, may_wait), 13);
        assert_eq!(rest(1000 * MIB, 0, may_wait), MOST_REST);
        assert_eq!(rest(1000 * MIB, may_wait / 7, may_wait), 6);
        assert_eq!(rest(1000 * MIB, may_wait / 3, may_wait), 3);
        assert_eq!(rest(1000 * MIB, may_wait / 2 + MIB, may_wait), 0);
        assert_eq!(rest(1000 * MIB, 2 * may_wait, may_wait), 0);
        assert_eq!(rest(1000 * MIB, 1, 0), 0, "nothing may wait");
    }
}
