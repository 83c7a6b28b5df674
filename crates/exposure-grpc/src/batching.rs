use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use exposure_service::ServiceError;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, Stream as _};
use h2::server::SendResponse;
use tokio::time::{Instant, Sleep};
use tonic::codegen::http::HeaderMap;
use tonic::{Code, Status};

use crate::calls::{Admitted, Calls, Key};
use crate::connection::Peer;
use crate::error::{late, status};
use crate::ingest::LARGE_BYTES;
use crate::respond::{respond_failed, respond_message};

/// The small batches of a connection: what comes together is stored together, and each is a call
/// of its own with an answer of its own.
///
/// To commit all that one read brought costs little more than to commit one of them.
#[derive(Debug)]
pub(crate) struct Batching {
    calls: Arc<Calls>,
    peer: Peer,
    /// What comes now, of one key, to be begun with all that comes with it.
    coming: Option<Coming>,
    running: FuturesUnordered<BoxFuture<'static, Stored>>,
    waiting: Vec<Group>,
    n_begun: u64,
    /// Rings at the first deadline or before.
    alarm: Pin<Box<Sleep>>,
    alarm_at: Option<Instant>,
}

#[derive(Debug)]
struct Coming {
    key: Key,
    n_bytes: usize,
    messages: Vec<Bytes>,
    calls: Vec<Option<Waiting>>,
}

/// The calls that are stored together, without those that have their answers.
#[derive(Debug)]
struct Group {
    number: u64,
    calls: Vec<Option<Waiting>>,
}

/// A call that waits for its answer.
#[derive(Debug)]
struct Waiting {
    respond: SendResponse<Bytes>,
    started: Instant,
    admitted: Admitted,
}

/// What became of a group: an answer to each of its calls, none where it panicked.
#[derive(Debug)]
struct Stored {
    number: u64,
    answers: Vec<Result<Bytes, ServiceError>>,
}

impl Batching {
    pub(crate) fn new(calls: &Arc<Calls>, peer: Peer) -> Self {
        Self {
            calls: Arc::clone(calls),
            peer,
            coming: None,
            running: FuturesUnordered::new(),
            waiting: Vec::new(),
            n_begun: 0,
            alarm: Box::pin(tokio::time::sleep(Duration::ZERO)),
            alarm_at: None,
        }
    }

    /// Takes a call of one small message, to be stored with those that come with it.
    pub(crate) fn add(
        &mut self,
        headers: &HeaderMap,
        message: Bytes,
        mut respond: SendResponse<Bytes>,
    ) {
        let started = Instant::now();
        if let Some(coming) = &self.coming
            && (LARGE_BYTES < coming.n_bytes + message.len() || !coming.key.is_of(headers))
        {
            self.begin();
        }
        let known = self.coming.as_ref().map(|coming| &coming.key);
        match self.calls.admit(self.peer, headers, message.len(), known, started) {
            Ok((admitted, key)) => {
                let coming = match key {
                    Some(key) => self.coming.insert(Coming::new(key)),
                    None => match &mut self.coming {
                        Some(coming) => coming,
                        None => return,
                    },
                };
                coming.n_bytes += message.len();
                coming.messages.push(message);
                coming.calls.push(Some(Waiting { respond, started, admitted }));
            }
            Err(refused) => fail(&self.calls, &mut respond, refused, started),
        }
    }

    /// Begins with what has come.
    pub(crate) fn begin(&mut self) {
        let Some(Coming { key, messages, calls, .. }) = self.coming.take() else { return };
        self.n_begun += 1;
        let number = self.n_begun;
        let intake = self.calls.intake();
        let stored = async move { intake.unary_together(key.caller(), &messages).await };
        let stored = AssertUnwindSafe(stored).catch_unwind().map(move |answers| {
            let answers = answers.unwrap_or_else(|_| {
                tracing::error!("calls panicked");
                Vec::new()
            });
            Stored { number, answers }
        });
        self.running.push(stored.boxed());
        let deadlines = calls.iter().flatten().map(|call| call.admitted.deadline);
        self.ring_at(deadlines.min());
        self.waiting.push(Group { number, calls });
    }

    /// Answers what is stored; whether anything was answered.
    pub(crate) fn poll(&mut self, context: &mut Context<'_>) -> bool {
        let mut any = false;
        while let Poll::Ready(Some(stored)) = Pin::new(&mut self.running).poll_next(context) {
            any = true;
            self.answer(stored);
        }
        while self.alarm_at.is_some() && self.alarm.as_mut().poll(context).is_ready() {
            any |= self.end_late();
        }
        any
    }

    /// Lets those go whose clients do not wait for them any more.
    pub(crate) fn drop_reset(&mut self, context: &mut Context<'_>) {
        for place in self.waiting.iter_mut().flat_map(|group| &mut group.calls) {
            if place.as_mut().is_some_and(|call| call.respond.poll_reset(context).is_ready()) {
                *place = None;
            }
        }
    }

    fn answer(&mut self, Stored { number, answers }: Stored) {
        let Some(at) = self.waiting.iter().position(|group| group.number == number) else { return };
        let group = self.waiting.swap_remove(at);
        for (call, answer) in group.calls.into_iter().zip(answers) {
            let Some(Waiting { mut respond, started, admitted }) = call else { continue };
            drop(admitted);
            match answer {
                Ok(message) => {
                    self.calls.count(Code::Ok, started);
                    respond_message(&mut respond, message);
                }
                Err(error) => fail(&self.calls, &mut respond, status(&error), started),
            }
        }
    }

    /// Answers those whose time is over; whether there were any.
    fn end_late(&mut self) -> bool {
        let now = Instant::now();
        let (mut any, mut next) = (false, None);
        for place in self.waiting.iter_mut().flat_map(|group| &mut group.calls) {
            let Some(call) = place else { continue };
            if call.admitted.deadline <= now {
                any = true;
                fail(&self.calls, &mut call.respond, late(), call.started);
                *place = None;
            } else {
                next = Some(next.map_or(call.admitted.deadline, |next: Instant| {
                    next.min(call.admitted.deadline)
                }));
            }
        }
        self.alarm_at = None;
        self.ring_at(next);
        any
    }

    fn ring_at(&mut self, deadline: Option<Instant>) {
        if let Some(deadline) = deadline
            && self.alarm_at.is_none_or(|at| deadline < at)
        {
            self.alarm_at = Some(deadline);
            self.alarm.as_mut().reset(deadline);
        }
    }
}

impl Coming {
    fn new(key: Key) -> Self {
        Self { key, n_bytes: 0, messages: Vec::new(), calls: Vec::new() }
    }
}

fn fail(calls: &Calls, respond: &mut SendResponse<Bytes>, failed: Status, started: Instant) {
    calls.count(failed.code(), started);
    respond_failed(respond, failed);
}
