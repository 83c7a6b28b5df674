use std::time::Duration;

use tokio::time::Instant;

/// When a worker begins its next request: at once, or at fixed times whatever the answers take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    end: Instant,
    interval: Option<Duration>,
    next: Instant,
    epoch: Instant,
}

/// What a worker may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Begin; the time of the request is counted from here.
    Now(Instant),
    /// Wait.
    At(Instant),
    /// End.
    Over,
}

/// A timer wakes up so late by itself; that is not the server's doing.
const TIMER: Duration = Duration::from_millis(2);

impl Pace {
    /// From `start` to `end`, with an interval where the times are fixed.
    pub(super) fn new(start: Instant, end: Instant, interval: Option<Duration>) -> Self {
        Self { end, interval, next: start, epoch: start }
    }

    /// The same, its first request `offset` later.
    pub(super) fn later(self, offset: Duration) -> Self {
        Self { next: self.next + offset, ..self }
    }

    /// When the run began.
    pub(super) fn epoch(&self) -> Instant {
        self.epoch
    }

    /// A worker's share of a rate: the interval between its requests.
    pub(super) fn interval(requests_per_s: Option<f64>, n_workers: u64) -> Option<Duration> {
        requests_per_s.map(|rate| Duration::from_secs_f64(n_workers as f64 / rate.max(1e-3)))
    }

    /// Asks whether a request is due. A worker that is behind counts from when it was due.
    pub(super) fn due(&mut self, now: Instant) -> Due {
        let begin = if self.interval.is_some() { self.next } else { now };
        if self.end <= begin.max(now) {
            return Due::Over;
        }
        let Some(interval) = self.interval else { return Due::Now(now) };
        if now < begin {
            return Due::At(begin);
        }
        self.next += interval;
        Due::Now(if now < begin + TIMER { now } else { begin })
    }

    /// Waits until a request is due; `None` at the end.
    pub(super) async fn next(&mut self) -> Option<Instant> {
        loop {
            match self.due(Instant::now()) {
                Due::Now(start) => return Some(start),
                Due::At(time) => tokio::time::sleep_until(time).await,
                Due::Over => return None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_late_request_is_counted_from_when_it_was_due() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut pace = Pace::new(start, at(100), Some(Duration::from_millis(10)));
        assert_eq!(pace.due(start), Due::Now(start));
        assert_eq!(pace.due(at(3)), Due::At(at(10)));
        assert_eq!(pace.due(at(11)), Due::Now(at(11)));
        assert_eq!(pace.due(at(60)), Due::Now(at(20)));
        assert_eq!(pace.due(at(60)), Due::Now(at(30)));
        assert_eq!(pace.due(at(100)), Due::Over);
    }
}
