use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use exposure_service::{Clock as _, Entropy as _};

use super::digits::mix;
use super::template::{Batch, Event};
use super::zipf::Zipf;
use crate::system::{SystemClock, SystemEntropy};

/// What all workers draw from.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) n_users: u64,
    pub(super) n_flags: u64,
    /// How users are drawn; absent where each is as likely as any other.
    zipf: Option<Zipf>,
    /// Makes the ids of this run other than those of every other.
    salt: u64,
    /// The next register to write where each is written once; absent where they are drawn.
    next: Option<AtomicU64>,
    /// The next block of insert ids.
    ids: AtomicU64,
}

/// The events of one worker.
#[derive(Debug)]
pub(super) struct Source {
    plan: Arc<Plan>,
    /// Draws registers.
    seed: u64,
    /// The time of the last event: each is later than the one before.
    time_us: i64,
}

impl Plan {
    pub(super) fn new(n_users: u64, n_flags: u64, preload: bool) -> Self {
        let mut salt = [0; 8];
        SystemEntropy.fill(&mut salt);
        Self {
            n_users,
            n_flags,
            zipf: None,
            salt: u64::from_le_bytes(salt),
            next: preload.then(AtomicU64::default),
            ids: AtomicU64::default(),
        }
    }

    /// With users drawn by Zipf's law.
    pub(super) fn with_zipf(self, theta: Option<f64>) -> Self {
        let zipf = theta.map(|theta| Zipf::new(self.n_users, theta));
        Self { zipf, ..self }
    }

    pub(super) fn n_registers(&self) -> u64 {
        self.n_users * self.n_flags
    }

    /// How many registers were handed out, where each is written once.
    pub(super) fn handed_out(&self) -> u64 {
        let next = self.next.as_ref().map_or(0, |next| next.load(Ordering::Relaxed));
        next.min(self.n_registers())
    }
}

impl Source {
    pub(super) fn new(plan: Arc<Plan>, worker: u64) -> Self {
        let seed = mix(plan.salt ^ mix(worker));
        Self { plan, seed, time_us: 0 }
    }

    /// A user that may have properties.
    pub(super) fn user(&mut self) -> u64 {
        let plan = Arc::clone(&self.plan);
        match &plan.zipf {
            Some(zipf) => zipf.user(self.draw(1 << 53)),
            None => self.draw(plan.n_users),
        }
    }

    /// Fills a batch with new events; returns how many there are, fewer than its size only at
    /// the end of all registers.
    pub(super) fn fill(&mut self, batch: &mut impl Batch) -> usize {
        let n_events = batch.n_events() as u64;
        let plan = Arc::clone(&self.plan);
        let mut next = plan.next.as_ref().map(|next| next.fetch_add(n_events, Ordering::Relaxed));
        let n_filled = match next {
            Some(next) => n_events.min(plan.n_registers().saturating_sub(next)),
            None => n_events,
        };
        let mut id = plan.ids.fetch_add(n_events, Ordering::Relaxed);
        self.time_us = self.time_us.max(SystemClock.now().as_micros());
        batch.fill(|| {
            let register = match &mut next {
                Some(next) => {
                    *next += 1;
                    (*next - 1) % plan.n_registers()
                }
                None if plan.zipf.is_some() => self.user() * plan.n_flags + self.draw(plan.n_flags),
                None => self.draw(plan.n_registers()),
            };
            self.time_us += 1;
            id += 1;
            let low = mix(plan.salt.wrapping_add(id));
            Event {
                user: register / plan.n_flags,
                flag: register % plan.n_flags,
                // A user is shown one variant of a flag, as an experiment does.
                variant: (mix(register) & 3) as u8,
                time_us: self.time_us,
                id: (mix(low ^ plan.salt), low),
            }
        });
        n_filled as usize
    }

    #[inline]
    fn draw(&mut self, below: u64) -> u64 {
        self.seed = self.seed.wrapping_add(1);
        ((u128::from(mix(self.seed)) * u128::from(below)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use exposure_proto::v1;
    use prost::Message as _;

    use super::super::template::Template;
    use super::*;

    #[test]
    fn a_preload_writes_every_register_once() {
        let plan = Arc::new(Plan::new(7, 3, true));
        let mut sources = [0, 1].map(|worker| Source::new(Arc::clone(&plan), worker));
        let (mut registers, mut ids) = (Vec::new(), BTreeSet::new());
        'all: loop {
            for source in &mut sources {
                let mut batch = Template::unary(4, "load/1");
                let n_filled = source.fill(&mut batch);
                if n_filled == 0 {
                    break 'all;
                }
                let request = v1::IngestRequest::decode(batch.bytes()).unwrap();
                for event in request.events.into_iter().take(n_filled) {
                    let Some(v1::event::Body::Exposure(exposure)) = event.body else { panic!() };
                    registers.push((event.user_id.unwrap(), exposure.flag_key.unwrap()));
                    assert!(ids.insert(event.insert_id.unwrap()));
                }
            }
        }
        let distinct: BTreeSet<_> = registers.iter().cloned().collect();
        assert_eq!((registers.len(), distinct.len()), (21, 21));
    }

    #[test]
    fn times_increase() {
        let mut source = Source::new(Arc::new(Plan::new(100, 5, false)), 0);
        let mut last = 0;
        for _ in 0..3 {
            let mut batch = Template::unary(50, "load/1");
            assert_eq!(source.fill(&mut batch), 50);
            for event in v1::IngestRequest::decode(batch.bytes()).unwrap().events {
                assert!(last < event.time_us.unwrap());
                last = event.time_us.unwrap();
            }
        }
    }
}
