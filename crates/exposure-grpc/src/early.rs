use std::pin::Pin;
use std::task::Context;
use std::time::Duration;

use bytes::Bytes;
use h2::RecvStream;
use h2::server::SendResponse;
use tokio::time::{Instant, Sleep};
use tonic::codegen::http::request::Parts;

use crate::body::Gathered;

/// Calls whose head came without all of their message: many clients write one after the other,
/// and the rest is there with the next read.
#[derive(Debug)]
pub(crate) struct Early {
    calls: Vec<EarlyCall>,
    alarm: Pin<Box<Sleep>>,
}

/// A call that may be one of a small message.
#[derive(Debug)]
pub(crate) struct EarlyCall {
    pub(crate) head: Parts,
    pub(crate) body: RecvStream,
    pub(crate) respond: SendResponse<Bytes>,
}

/// How long the rest of a message may take; what comes later goes the way of large ones, on which
/// it is counted.
const PATIENCE: Duration = Duration::from_millis(2);
/// How many may wait.
const MAX_EARLY: usize = 32;

impl Early {
    pub(crate) fn new() -> Self {
        Self { calls: Vec::new(), alarm: Box::pin(tokio::time::sleep(Duration::ZERO)) }
    }

    /// Lets a call wait for the rest of its message, of which nothing has come; gives it back
    /// where too many do.
    pub(crate) fn keep(&mut self, call: EarlyCall) -> Result<(), Box<EarlyCall>> {
        if self.calls.len() == MAX_EARLY {
            return Err(Box::new(call));
        }
        if self.calls.is_empty() {
            self.alarm.as_mut().reset(Instant::now() + PATIENCE);
        }
        self.calls.push(call);
        Ok(())
    }

    /// A call of which something has come, or that has waited for long enough.
    pub(crate) fn next(
        &mut self,
        max_bytes: usize,
        context: &mut Context<'_>,
    ) -> Option<(EarlyCall, Gathered)> {
        if self.calls.is_empty() {
            return None;
        }
        let is_over = self.alarm.as_mut().poll(context).is_ready();
        for at in 0..self.calls.len() {
            let call = self.calls.get_mut(at)?;
            let gathered = Gathered::of(&mut call.body, max_bytes, context);
            if is_over || !matches!(&gathered, Gathered::Part(part) if part.is_empty()) {
                return Some((self.calls.swap_remove(at), gathered));
            }
        }
        None
    }
}
