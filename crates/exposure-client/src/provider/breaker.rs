use std::time::Duration;

use tokio::time::Instant;

use super::{Backoff, Jitter};

/// Keeps a provider that fails from being asked too often: a state machine, moved by the outcomes
/// of attempts.
///
/// ```text
///            failure: wait                    enough failures: wait
///   closed ────────────────► closed (waiting) ──────────────────► open
///     ▲                            │                                │ waited
///     │ success                    │ success                        ▼
///     └────────────────────────────┴───────────────────────── half open (one batch)
///                                          success                  │
///                                    open ◄──────── failure ────────┘
/// ```
#[derive(Debug)]
pub(crate) struct Breaker {
    backoff: Backoff,
    jitter: Jitter,
    /// Failures in a row that open it.
    threshold: u32,
    n_failures: u32,
    /// Until when the backoff waits, and until when the provider asked to be left alone.
    own_until: Option<Instant>,
    asked_until: Option<Instant>,
}

/// How much may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Leave {
    /// As much as the provider takes at once.
    Full,
    /// One small batch, with nothing else under way.
    Probe,
    /// Nothing before this moment.
    Wait(Instant),
}

impl Breaker {
    pub(crate) fn new(backoff: Backoff, threshold: u32, seed: u64) -> Self {
        Self {
            backoff,
            jitter: Jitter::new(seed),
            threshold,
            n_failures: 0,
            own_until: None,
            asked_until: None,
        }
    }

    pub(crate) fn leave(&self, now: Instant) -> Leave {
        match self.own_until.max(self.asked_until) {
            Some(until) if now < until => Leave::Wait(until),
            _ if self.threshold <= self.n_failures => Leave::Probe,
            _ => Leave::Full,
        }
    }

    /// Failures since the last success.
    pub(crate) fn n_failures(&self) -> u32 {
        self.n_failures
    }

    pub(crate) fn succeeded(&mut self) {
        self.n_failures = 0;
        (self.own_until, self.asked_until) = (None, None);
    }

    /// Waits as long as the provider asked for, and at least as long as the backoff says.
    pub(crate) fn failed(&mut self, now: Instant, after: Option<Duration>) {
        self.n_failures = self.n_failures.saturating_add(1);
        let own = self.backoff.after(self.n_failures, &mut self.jitter);
        // Of attempts that ran side by side the longest wait counts.
        self.own_until = self.own_until.max(Some(now + own));
        let asked = after.map(|after| now + after.min(LONGEST_ASKED));
        self.asked_until = self.asked_until.max(asked);
    }

    /// How long to leave a single exposure that is to be sent again.
    pub(crate) fn retry(&mut self, n_attempts: u32) -> Duration {
        self.backoff.after(n_attempts, &mut self.jitter)
    }

    /// Forgets the backoff, because somebody waits. What the provider asked for still holds.
    pub(crate) fn hurry(&mut self) {
        self.own_until = None;
    }
}

/// A provider that asks for more is asked again after an hour all the same.
pub(crate) const LONGEST_ASKED: Duration = Duration::from_hours(1);

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: Backoff =
        Backoff { first: Duration::from_secs(1), most: Duration::from_secs(8) };

    #[test]
    fn it_opens_probes_and_closes() {
        let start = Instant::now();
        let mut breaker = Breaker::new(BACKOFF, 3, 1);
        assert_eq!(breaker.leave(start), Leave::Full);
        breaker.failed(start, None);
        assert!(matches!(breaker.leave(start), Leave::Wait(_)));
        assert_eq!(breaker.leave(start + Duration::from_secs(1)), Leave::Full);
        breaker.failed(start, None);
        breaker.failed(start, None);
        assert_eq!(breaker.leave(start + Duration::from_secs(4)), Leave::Probe);
        breaker.failed(start + Duration::from_secs(4), None);
        assert!(matches!(breaker.leave(start + Duration::from_secs(5)), Leave::Wait(_)));
        assert_eq!(breaker.leave(start + Duration::from_secs(12)), Leave::Probe);
        breaker.succeeded();
        assert_eq!(breaker.leave(start), Leave::Full);
    }

    #[test]
    fn what_the_provider_asks_for_is_kept_up_to_an_hour() {
        let start = Instant::now();
        let mut breaker = Breaker::new(BACKOFF, 3, 1);
        breaker.failed(start, Some(Duration::from_secs(30)));
        assert_eq!(breaker.leave(start), Leave::Wait(start + Duration::from_secs(30)));
        breaker.failed(start, Some(Duration::ZERO));
        assert_eq!(breaker.leave(start), Leave::Wait(start + Duration::from_secs(30)));
        breaker.failed(start, Some(Duration::MAX));
        assert_eq!(breaker.leave(start), Leave::Wait(start + LONGEST_ASKED));
        breaker.hurry();
        assert_eq!(breaker.leave(start), Leave::Wait(start + LONGEST_ASKED));
    }

    #[test]
    fn hurry_skips_the_backoff() {
        let start = Instant::now();
        let mut breaker = Breaker::new(BACKOFF, 3, 1);
        breaker.failed(start, None);
        breaker.hurry();
        assert_eq!(breaker.leave(start), Leave::Full);
    }
}
