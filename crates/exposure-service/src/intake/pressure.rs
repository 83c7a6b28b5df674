use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How much may be under way, so that nothing of it takes much longer than a given time.
///
/// It learns from what ends: what took too long says how much would not have, for what is under
/// way and the time it takes go up and down together (Little's law). What ends in time lets
/// more in, as long as that is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Pressure(Arc<State>);

/// A request that is under way, until it is dropped.
#[derive(Debug)]
pub struct Arrival {
    state: Arc<State>,
    cost: u64,
    /// What was under way when it came, itself included.
    ahead: u64,
    entered: Duration,
}

#[derive(Debug)]
struct State {
    begun: Instant,
    max_wait: Duration,
    /// More than this is never let in.
    most: u64,
    under_way: AtomicU64,
    /// What one request costs, by the last ones.
    usual: AtomicU64,
    limit: AtomicU64,
    /// When the limit went down, in nanoseconds from the beginning.
    cut: AtomicU64,
}

/// What a request costs beside its bytes, in bytes: one event alone takes as much time as a
/// few dozen in the midst of others.
const REQUEST: u64 = 4096;
/// As much is let in whatever it takes: where the disk alone is slower than the time that was
/// given, less would be no sooner, and fewer.
const LEAST: u64 = 4 << 20;

impl Pressure {
    pub(crate) fn new(max_wait: Duration, most: usize) -> Self {
        let most = u64::try_from(most).unwrap_or(u64::MAX);
        Self(Arc::new(State {
            begun: Instant::now(),
            max_wait,
            most: most.saturating_add(REQUEST).max(LEAST),
            under_way: AtomicU64::new(0),
            usual: AtomicU64::new(REQUEST),
            limit: AtomicU64::new(LEAST),
            cut: AtomicU64::new(0),
        }))
    }

    /// Lets a request in, unless it would have to wait for too long.
    pub(crate) fn enter(&self, bytes: usize) -> Option<Arrival> {
        let cost = u64::try_from(bytes).unwrap_or(u64::MAX / 2).saturating_add(REQUEST);
        let ahead = self.0.enter(cost)?;
        Some(Arrival { state: Arc::clone(&self.0), cost, ahead, entered: self.0.begun.elapsed() })
    }

    /// What a request costs by the last ones and how much may be under way, where there is room
    /// for such a one.
    pub(crate) fn room(&self) -> Option<(u64, u64)> {
        let (under_way, limit) = self.figures();
        let usual = self.0.usual.load(Ordering::Relaxed);
        (under_way == 0 || under_way.saturating_add(usual) <= limit).then_some((usual, limit))
    }

    /// What is under way, and how much may be.
    pub(crate) fn figures(&self) -> (u64, u64) {
        (self.0.under_way.load(Ordering::Relaxed), self.0.limit.load(Ordering::Relaxed))
    }
}

impl Drop for Arrival {
    fn drop(&mut self) {
        self.state.leave(self.cost, self.ahead, self.entered, self.state.begun.elapsed());
    }
}

impl State {
    /// Returns what is under way with it.
    fn enter(&self, cost: u64) -> Option<u64> {
        let before = self.under_way.fetch_add(cost, Ordering::AcqRel);
        let ahead = before.saturating_add(cost);
        // Who is alone waits for nobody.
        if before == 0 || ahead <= self.limit.load(Ordering::Relaxed) {
            // Of two at once one is forgotten, which does no harm.
            let usual = self.usual.load(Ordering::Relaxed);
            self.usual.store(usual - usual / 8 + cost / 8, Ordering::Relaxed);
            return Some(ahead);
        }
        self.under_way.fetch_sub(cost, Ordering::AcqRel);
        None
    }

    fn leave(&self, cost: u64, ahead: u64, entered: Duration, now: Duration) {
        self.under_way.fetch_sub(cost, Ordering::AcqRel);
        let limit = self.limit.load(Ordering::Relaxed);
        let took = now.saturating_sub(entered);
        if took <= self.max_wait {
            if limit < self.most && limit / 2 < ahead {
                // As much as is under way ends in one round, and lets an eighth more in; as much
                // again as long as nothing was ever too much.
                let is_known = self.cut.load(Ordering::Relaxed) != 0;
                let more = if is_known { cost / 8 } else { cost };
                let more = limit.saturating_add(more).min(self.most);
                self.set(limit, more);
            }
            return;
        }
        // What came before the last cut tells of the limit before it.
        let cut = self.cut.load(Ordering::Relaxed);
        let (entered, now) = (nanos(entered), nanos(now));
        let is_news = cut <= entered
            && self.cut.compare_exchange(cut, now, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if is_news {
            let in_time = ahead as f64 * (self.max_wait.as_secs_f64() / took.as_secs_f64());
            // One stall is no pace.
            let fewer = (in_time as u64).max(limit / 2).max(LEAST).min(limit);
            self.set(limit, fewer);
        }
    }

    /// Whoever comes second has the next occasion.
    fn set(&self, from: u64, to: u64) {
        let _other =
            self.limit.compare_exchange(from, to, Ordering::Relaxed, Ordering::Relaxed).err();
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    const MAX_WAIT: Duration = Duration::from_millis(100);
    /// Bytes of a request with all it costs.
    const COST: u64 = 128 << 10;

    /// A server that works off so many requests a second, one after the other, and answers each
    /// a while later; `offered` of them come for each that it can take. Returns the share that
    /// was let in, and the longest wait of the second half.
    fn simulate(per_s: u32, offered: u32, later: Duration) -> (f64, Duration) {
        let pressure = Pressure::new(MAX_WAIT, 1 << 30);
        let step = Duration::from_secs(1) / per_s;
        let n_steps = 10 * per_s;
        let mut under_way = VecDeque::new();
        let (mut free, mut n_in, mut longest) = (Duration::ZERO, 0, Duration::ZERO);
        for number in 0..n_steps {
            let now = step * number;
            while let Some(&(entered, ahead, end)) = under_way.front()
                && end <= now
            {
                pressure.0.leave(COST, ahead, entered, end);
                if n_steps / 2 < number {
                    longest = longest.max(end.saturating_sub(entered));
                }
                under_way.pop_front();
            }
            for _ in 0..offered {
                if let Some(ahead) = pressure.0.enter(COST) {
                    free = free.max(now) + step;
                    under_way.push_back((now, ahead, free + later));
                    n_in += 1;
                }
            }
        }
        (f64::from(n_in) / f64::from(n_steps), longest)
    }

    #[test]
    fn what_is_too_much_is_refused_and_the_rest_is_in_time() {
        for per_s in [500, 1000, 10_000] {
            for offered in [2, 5] {
                let (share, longest) = simulate(per_s, offered, Duration::from_millis(2));
                assert!(share > 0.97, "{per_s} {offered}: the server is idle: {share}");
                assert!(longest < MAX_WAIT.mul_f64(1.3), "{per_s} {offered}: {longest:?}");
            }
        }
    }

    #[test]
    fn what_can_be_taken_is_taken() {
        for later in [0, 5, 90] {
            let (share, _) = simulate(5000, 1, Duration::from_millis(later));
            assert!(share > 0.95, "{later} ms: {share}");
        }
    }

    #[test]
    fn a_slow_disk_is_not_made_slower() {
        // 32 requests may always be under way.
        let (share, longest) = simulate(100, 2, Duration::from_millis(200));
        assert!(share > 0.97 && longest < Duration::from_millis(600), "{share} {longest:?}");
    }

    #[test]
    fn who_is_alone_is_let_in() {
        let pressure = Pressure::new(MAX_WAIT, 16);
        let first = pressure.enter(1 << 30);
        assert!(first.is_some() && pressure.enter(1).is_none());
        drop(first);
        assert!(pressure.enter(1).is_some());
        assert_eq!(pressure.figures(), (0, LEAST));
    }
}
