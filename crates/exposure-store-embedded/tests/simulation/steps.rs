//! What may happen next.

use std::task::{Context, Poll, Waker};

use exposure_store::{Document, Store as _};
use exposure_store_embedded::Work;

use super::disk::Crash;
use super::events::{Event, PROJECTS, Request, is_excusable, origin, owners};
use super::oracle::profile;
use super::run::{MINUTE, Run};

/// Requests that may be under way at once.
const UNDER_WAY: usize = 6;

impl Run {
    /// Does one thing.
    pub(crate) fn step(&mut self) {
        if self.is_stopped() && self.one_in(3) {
            return self.restart();
        }
        let what = match self.random.up_to(99) {
            0..=33 => self.commit(),
            34..=48 => {
                self.drive();
                "write the log"
            }
            49..=50 => {
                self.drive();
                self.work(Work::Mark);
                "mark"
            }
            51..=54 => {
                self.work(Work::Segments);
                "tend segments"
            }
            55..=57 => {
                while self.work(Work::Window) {}
                "flush the window"
            }
            58..=64 => self.checkpoint(),
            65..=68 => {
                self.drive();
                while self.work(Work::Archive) {}
                "archive"
            }
            69 => {
                self.drive();
                self.work(Work::Settle);
                "settle"
            }
            70..=74 => self.pass_time(),
            75..=80 => self.read(),
            81..=84 => self.follow(),
            85..=86 => self.document(),
            87..=88 => self.erase(),
            89..=93 => {
                self.plan_fault(12);
                "plan a fault"
            }
            94 => {
                self.disk.heal();
                "heal"
            }
            95..=97 => {
                let crash = self.crash();
                let after =
                    if self.one_in(4) { self.random.up_to(400) } else { self.random.up_to(12) };
                self.disk.plan_crash(after, crash);
                "plan a crash"
            }
            _ => {
                self.restart();
                "restart"
            }
        };
        self.note(what);
    }

    fn crash(&mut self) -> Crash {
        if self.one_in(3) { Crash::Death } else { Crash::PowerLoss }
    }

    fn commit(&mut self) -> &'static str {
        self.poll();
        if self.oracle.n_pending() >= UNDER_WAY {
            self.drive();
            return "wait for answers";
        }
        let mut events = Vec::new();
        for _ in 0..=self.random.up_to(9) {
            let number = self.n_events;
            self.n_events += 1;
            let n_again = self.again.len() as u64;
            let old =
                (n_again > 0).then(|| self.again[self.random.up_to(n_again - 1) as usize].clone());
            let event = match (old, self.random.up_to(9)) {
                (Some(old), 0..=1) => old,
                (Some(old), 2) => old.in_conflict(number),
                _ => Event::random(&mut self.random, number, self.now),
            };
            if event.insert_id.is_some() {
                self.again.push(event.clone());
            }
            events.push(event);
        }
        let project = PROJECTS[usize::from(self.one_in(3))];
        let key = 1 + self.random.up_to(1) as u32;
        let n_rejects = if self.one_in(5) { 1 + self.random.up_to(1) } else { 0 };
        let library = format!("batch-{}", self.n_requests);
        let origin = origin(project, key, self.now);
        self.send(Request::Batch { origin, events, n_rejects, library });
        "commit"
    }

    fn document(&mut self) -> &'static str {
        let name = format!("document-{}", self.n_requests).into();
        let bytes = b"{}".as_slice().into();
        self.send(Request::Document(Document { name, version: 1, bytes }));
        self.count("documents");
        "document"
    }

    fn erase(&mut self) -> &'static str {
        // How much of what is folded lies before a time is not known any more.
        if self.retains || self.is_stopped() {
            return "nothing";
        }
        self.drive();
        if self.is_stopped() || self.disk.has_crashed() {
            return "nothing";
        }
        let project = PROJECTS[usize::from(self.one_in(3))];
        let user = format!("user-{}", self.random.up_to(4));
        // No two erasures are up to one time, and none up to an earlier one.
        let until = self.now.plus_micros(-30_000_000 + self.n_requests as i64);
        self.any_erased = true;
        self.send_alone(Request::Erase { project, user, until });
        self.count("erasures");
        "erase"
    }

    fn checkpoint(&mut self) -> &'static str {
        self.drive();
        for _ in 0..=self.random.up_to(40) {
            if !self.work(Work::Checkpoint) {
                break;
            }
        }
        "checkpoint"
    }

    fn pass_time(&mut self) -> &'static str {
        self.count("clock steps");
        let micros = match self.random.up_to(11) {
            // All insert ids are forgotten; between this and what is remembered for certain nothing is tried.
            0 => 9 * 24 * 60 * MINUTE,
            1..=3 => 40 * MINUTE,
            _ => self.random.up_to(120_000_000) as i64,
        };
        self.now = self.now.plus_micros(micros);
        "pass time"
    }

    /// Nothing is read that is not durable, and nothing that is durable is missed.
    fn read(&mut self) -> &'static str {
        self.poll();
        let project = PROJECTS[usize::from(self.one_in(3))];
        let owners: Vec<_> = owners().collect();
        let owner = &owners[self.random.up_to(owners.len() as u64 - 1) as usize];
        let store = self.store();
        let mut reading = std::pin::pin!(profile(&*store, project, owner));
        match reading.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(found)) => {
                self.oracle.check_read(&found, project, owner);
                self.count("reads");
            }
            // It has to wait for what is not durable: what is sent, or what retention folds.
            Poll::Pending => assert!(self.oracle.n_pending() > 0 || self.retains),
            Poll::Ready(Err(error)) => assert!(is_excusable(&error), "{error}"),
        }
        "read"
    }

    fn follow(&mut self) -> &'static str {
        self.drive();
        let store = self.store();
        for follower in &mut self.followers {
            match follower.read(&*store) {
                Ok(n_read) => self.tally.count("feed entries", n_read),
                Err(error) => assert!(is_excusable(&error), "{error}"),
            }
        }
        "follow the feed"
    }

    /// Ends the process, in one way or another, and begins it again.
    fn restart(&mut self) {
        if self.is_stopped() {
            self.count("stops of the log");
        }
        match self.random.up_to(3) {
            0 if !self.disk.has_crashed() => {
                let closed = futures::executor::block_on(self.store().close());
                let has_failed = closed.is_err();
                assert!(
                    !has_failed
                        || self.is_stopped()
                        || self.disk.has_crashed()
                        || self.disk.is_ill()
                        || closed.as_ref().err().is_some_and(is_excusable),
                    "{closed:?}"
                );
                self.poll();
            }
            // Dropped: what was sent is written.
            1 => {}
            2 => self.disk.crash(Crash::Death),
            _ => self.disk.crash(Crash::PowerLoss),
        }
        self.reopen();
    }
}
