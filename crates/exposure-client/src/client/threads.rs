use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use tokio::time::Instant;

use super::{FlushReport, ShutdownReport};
use crate::engine::Engine;
use crate::member::{Gathered, Gathering, Lane, Left, Pace, Runner};
use crate::outbox::Writer;
use crate::provider::{Backoff, Breaker};

/// The threads of a client, one for each provider, which end with it.
#[derive(Debug)]
pub(super) struct Threads {
    engine: Arc<Engine>,
}

/// How long threads go on after a client was dropped without a shutdown.
const GRACE: Duration = Duration::from_secs(5);
/// A longer deadline is as good as none.
const LONGEST: Duration = Duration::from_hours(365 * 24);
/// How long a provider has to let go of its thread after the deadline.
const WATCHDOG: Duration = Duration::from_millis(500);

impl Threads {
    pub(super) fn start(
        engine: &Arc<Engine>,
        pace: Pace,
        backoff: Backoff,
        threshold: u32,
        writer: Option<Writer>,
    ) -> io::Result<Self> {
        // Dropped on an error, it ends the threads that were started before.
        let threads = Self { engine: Arc::clone(engine) };
        if let Some(writer) = writer {
            let engine = Arc::clone(engine);
            let thread = thread::Builder::new().name("exposure-outbox".into());
            thread.spawn(move || writer.run(&engine))?;
        }
        for (index, lane) in engine.lanes.iter().enumerate() {
            let breaker = Breaker::new(backoff, threshold, engine.client_id ^ index as u64);
            let runner = Runner::new(Arc::clone(engine), Arc::clone(lane), pace, breaker);
            if let Err(error) = start(runner, Arc::clone(lane)) {
                // The outbox waits for the threads of all, and these were never there.
                engine.lanes.iter().skip(index).for_each(|lane| lane.closed(Left::default()));
                return Err(error);
            }
        }
        Ok(threads)
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    pub(super) async fn synced(&self) {
        self.engine.outbox.synced().await;
    }

    pub(super) async fn flush(&self) -> FlushReport {
        let outbox = &self.engine.outbox;
        outbox.synced().await;
        let (through, mut n_read_back) = outbox.spilled();
        let mut n_idle_rounds = 0;
        loop {
            let is_last = through <= n_read_back;
            let n_left = self.flush_memory().await;
            // What waits on disk alone comes to memory as room is made there.
            outbox.synced().await;
            let (_, now) = outbox.spilled();
            n_idle_rounds = if n_read_back < now { 0 } else { n_idle_rounds + 1 };
            n_read_back = now;
            if is_last || 0 < n_left || 1 < n_idle_rounds {
                let left = n_left + through.saturating_sub(now);
                return FlushReport { left, account: self.engine.account() };
            }
        }
    }

    async fn flush_memory(&self) -> u64 {
        let (gathering, gathered) = Gathering::new(self.names());
        let gathering = Arc::new(gathering);
        for lane in &self.engine.lanes {
            lane.flush(&gathering);
        }
        gathered.await.unwrap_or_default().n_left
    }

    pub(super) async fn shutdown(&self, deadline: Duration) -> ShutdownReport {
        self.engine.is_closed.store(true, Ordering::Release);
        self.engine.outbox.synced().await;
        let (gathering, gathered) = Gathering::new(self.names());
        let gathering = Arc::new(gathering);
        let deadline = deadline.min(LONGEST);
        let until = Instant::now() + deadline;
        for lane in &self.engine.lanes {
            lane.close(until, Some(&gathering));
        }
        watch(&gathering, deadline.saturating_add(WATCHDOG));
        let Gathered { n_left, unresponsive } = gathered.await.unwrap_or_default();
        self.engine.outbox.close().await;
        let account = self.engine.account();
        if 0 < account.dropped.total() {
            tracing::warn!(
                dropped = account.dropped.total(),
                tracked = account.tracked,
                "exposures were lost in this run"
            );
        }
        let kept = self.engine.outbox.kept();
        let left = n_left + self.engine.outbox.backlog();
        ShutdownReport { left, kept, unresponsive, account }
    }

    fn names(&self) -> Vec<String> {
        self.engine.lanes.iter().map(|lane| lane.name.clone()).collect()
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.engine.is_closed.store(true, Ordering::Release);
        let until = Instant::now() + GRACE;
        for lane in &self.engine.lanes {
            lane.close(until, None);
        }
        self.engine.outbox.close_after_lanes();
    }
}

fn start(runner: Runner, lane: Arc<Lane>) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let thread = thread::Builder::new().name(format!("exposure-{}", lane.name));
    thread.spawn(move || {
        let left = runtime.block_on(runner.run());
        // Streams and connections end before anybody is told that all has ended.
        drop(runtime);
        lane.closed(left);
    })?;
    Ok(())
}

/// Gives up on providers that hold their thread for longer. No timer of theirs could.
fn watch(gathering: &Arc<Gathering>, after: Duration) {
    let weak = Arc::downgrade(gathering);
    let watchdog = thread::Builder::new().name("exposure-shutdown".into());
    let spawned = watchdog.spawn(move || {
        thread::sleep(after);
        if let Some(gathering) = weak.upgrade() {
            gathering.give_up();
        }
    });
    if let Err(error) = spawned {
        tracing::warn!(%error, "no thread watches over the shutdown; it waits for every provider");
    }
}
