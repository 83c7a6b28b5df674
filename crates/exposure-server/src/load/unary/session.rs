use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use http::uri::PathAndQuery;
use tokio::time::Instant;
use tonic::Code;

use super::caller::Caller;
use super::under_way::UnderWay;
use crate::client::describe;
use crate::failure::{Failure, Result};
use crate::load::http2::{
    Answers, Frame, Heads, Kind, MAX_FRAME_BYTES, Settings, WINDOW_BYTES, flag, put_head,
    put_number,
};
use crate::load::pace::Due;
use crate::load::tally::Tally;

/// Where calls go.
pub(in crate::load) const PATH: PathAndQuery =
    PathAndQuery::from_static("/exposure.v1.IngestService/Ingest");

/// A connection and its callers, without the socket: bytes that came go in, bytes to be sent come
/// out.
#[derive(Debug)]
pub(super) struct Session {
    callers: Vec<Caller>,
    heads: Heads,
    answers: Answers,
    settings: Settings,
    /// Whether the server has said what it is.
    is_greeted: bool,
    under_way: UnderWay,
    /// Callers that have been answered.
    idle: Vec<usize>,
    /// Callers that wait for a time.
    waiting: BinaryHeap<Reverse<(Instant, usize)>>,
    /// Callers whose batch waits for its turn.
    ready: VecDeque<usize>,
    /// The caller whose batch is being sent.
    sending: Option<usize>,
    /// What may be sent in all calls before the server allows for more.
    window: i64,
    /// What came and was not given back to the server's window.
    n_taken: u32,
    /// Headers that came in pieces: their stream, whether they are the answer's end, and the pieces.
    pieces: Option<(u32, bool, Vec<u8>)>,
    out: Vec<u8>,
    tally: Tally,
}

/// As much is made ready to be written at once.
const OUT_BYTES: usize = 256 << 10;
const RETRY_AFTER: Duration = Duration::from_millis(100);
/// Why a call is ended whose answer came before its request was sent: it is not wanted any more.
const CANCEL: u32 = 8;
const MAX_HEADERS_BYTES: usize = 1 << 20;

impl Session {
    pub(super) fn new(callers: Vec<Caller>, heads: Heads, tally: Tally) -> Self {
        let mut out = Vec::new();
        Settings::announce(&mut out);
        Self {
            idle: (0..callers.len()).rev().collect(),
            callers,
            heads,
            answers: Answers::default(),
            settings: Settings::default(),
            is_greeted: false,
            under_way: UnderWay::new(),
            waiting: BinaryHeap::new(),
            ready: VecDeque::new(),
            sending: None,
            window: Settings::default().window_bytes.into(),
            n_taken: 0,
            pieces: None,
            out,
            tally,
        }
    }

    pub(super) fn is_greeted(&self) -> bool {
        self.is_greeted
    }

    /// Has those callers begin that are due; `false` once all of them are done.
    pub(super) fn begin(&mut self, now: Instant) -> bool {
        while let Some(Reverse((at, caller))) = self.waiting.peek().copied() {
            if now < at {
                break;
            }
            self.waiting.pop();
            self.idle.push(caller);
        }
        while let Some(index) = self.idle.pop() {
            match self.callers.get_mut(index).map(|caller| caller.next(now)) {
                Some(Due::Now(_)) => self.ready.push_back(index),
                Some(Due::At(time)) => self.waiting.push(Reverse((time, index))),
                Some(Due::Over) | None => {}
            }
        }
        0 < self.ready.len() + self.waiting.len() + self.under_way.len()
    }

    /// When the next caller is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.waiting.peek().map(|Reverse((time, _))| *time)
    }

    /// What is to be written; to be cleared once all of it was.
    pub(super) fn out(&mut self) -> Result<&mut Vec<u8>> {
        while self.is_greeted && self.out.len() < OUT_BYTES && self.put_frame()? {}
        Ok(&mut self.out)
    }

    /// Puts the next part of a batch into a frame, as far as the windows let it.
    fn put_frame(&mut self) -> Result<bool> {
        let index = match self.sending {
            Some(index) => index,
            None if self.under_way.len() < self.settings.max_calls as usize => {
                let Some(index) = self.ready.pop_front() else { return Ok(false) };
                self.open(index)?;
                index
            }
            None => return Ok(false),
        };
        self.sending = Some(index);
        let Some(caller) = self.callers.get_mut(index) else { return Ok(false) };
        let room = self.window.min(caller.call.window).min(self.settings.max_frame_bytes.into());
        let unsent = caller.unsent();
        let length = unsent.len().min(usize::try_from(room).unwrap_or(0));
        let Some(part) = unsent.get(..length).filter(|part| !part.is_empty()) else {
            return Ok(false);
        };
        let is_last = length == unsent.len();
        let flags = if is_last { flag::END_STREAM } else { 0 };
        put_head(length, Kind::Data, flags, caller.call.stream, &mut self.out);
        self.out.extend_from_slice(part);
        self.window -= length as i64;
        caller.call.window -= length as i64;
        caller.call.n_sent += length;
        if is_last {
            self.sending = None;
        }
        Ok(true)
    }

    fn open(&mut self, index: usize) -> Result<()> {
        let Some(caller) = self.callers.get_mut(index) else { return Ok(()) };
        let stream = self.under_way.open(index);
        let stream = stream.ok_or_else(|| {
            Failure::failed("a connection has no more calls; give --connections a greater number")
        })?;
        caller.begin(stream, self.settings.window_bytes.into());
        let (all, own) = self.heads.block(stream == 1, self.settings.table_bytes, caller.key);
        put_head(all.len() + own.len(), Kind::Headers, flag::END_HEADERS, stream, &mut self.out);
        self.out.extend_from_slice(all);
        self.out.extend_from_slice(own);
        Ok(())
    }

    /// Takes in what came at one moment; returns how much of it, which is all but what is no whole
    /// frame.
    pub(super) fn take(&mut self, bytes: &[u8], now: Instant) -> Result<usize> {
        let mut rest = bytes;
        while let Some((frame, after)) = Frame::split(rest, MAX_FRAME_BYTES)? {
            self.take_frame(&frame, now)?;
            rest = after;
        }
        Ok(bytes.len() - rest.len())
    }

    #[inline]
    fn take_frame(&mut self, frame: &Frame<'_>, now: Instant) -> Result<()> {
        if !self.is_greeted && (frame.kind != Kind::Settings || frame.has(flag::ACK)) {
            return Err(Failure::failed("the server does not begin as HTTP/2 does"));
        }
        if self.pieces.is_some() && frame.kind != Kind::Continuation {
            return Err(Failure::failed("the server sent headers of which a part is missing"));
        }
        match frame.kind {
            Kind::Data => self.data(frame),
            Kind::Headers => {
                let block = frame.content().ok_or_else(|| cut_off(frame))?;
                let is_end = frame.has(flag::END_STREAM);
                if frame.has(flag::END_HEADERS) {
                    return self.headers(frame.stream, is_end, block, now);
                }
                self.pieces = Some((frame.stream, is_end, block.to_vec()));
                Ok(())
            }
            Kind::Continuation => self.continuation(frame, now),
            Kind::Settings | Kind::Ping if frame.has(flag::ACK) => Ok(()),
            Kind::Settings => self.settings(frame),
            Kind::Ping => {
                put_head(frame.payload.len(), Kind::Ping, flag::ACK, 0, &mut self.out);
                self.out.extend_from_slice(frame.payload);
                Ok(())
            }
            Kind::WindowUpdate => {
                let more = i64::from(frame.number(0).ok_or_else(|| cut_off(frame))? & WINDOW_BYTES);
                if frame.stream == 0 {
                    self.window += more;
                } else if let Some(caller) = self.caller(frame.stream) {
                    caller.call.window += more;
                }
                Ok(())
            }
            Kind::Reset if self.under_way.caller(frame.stream).is_some() => {
                let code = frame.number(0).ok_or_else(|| cut_off(frame))?;
                Err(Failure::failed(format!("the server ended a call: {}", reason(code))))
            }
            Kind::GoAway => {
                let code = frame.number(4).ok_or_else(|| cut_off(frame))?;
                let text = String::from_utf8_lossy(frame.payload.get(8..).unwrap_or_default());
                let reason = reason(code);
                Err(Failure::failed(format!("the server ended a connection: {reason} {text}")))
            }
            Kind::Push => Err(Failure::failed("the server sent what nobody asked for")),
            Kind::Reset | Kind::Other => Ok(()),
        }
    }

    fn caller(&mut self, stream: u32) -> Option<&mut Caller> {
        self.callers.get_mut(self.under_way.caller(stream)?)
    }

    fn data(&mut self, frame: &Frame<'_>) -> Result<()> {
        self.n_taken += frame.payload.len() as u32;
        if WINDOW_BYTES / 2 < self.n_taken {
            put_number(Kind::WindowUpdate, 0, self.n_taken, &mut self.out);
            self.n_taken = 0;
        }
        let content = frame.content().ok_or_else(|| cut_off(frame))?;
        // One that was ended by us may have been on its way.
        let Some(caller) = self.caller(frame.stream) else { return Ok(()) };
        if frame.has(flag::END_STREAM) {
            return Err(Failure::failed("an answer of the server has no `grpc-status`"));
        }
        caller.take(content)
    }

    fn continuation(&mut self, frame: &Frame<'_>, now: Instant) -> Result<()> {
        let Some((stream, is_end, mut block)) = self.pieces.take() else {
            return Err(cut_off(frame));
        };
        block.extend_from_slice(frame.payload);
        if stream != frame.stream || MAX_HEADERS_BYTES < block.len() {
            return Err(Failure::failed("the server sent headers that can not be read"));
        }
        if frame.has(flag::END_HEADERS) {
            return self.headers(stream, is_end, &block, now);
        }
        self.pieces = Some((stream, is_end, block));
        Ok(())
    }

    fn settings(&mut self, frame: &Frame<'_>) -> Result<()> {
        self.is_greeted = true;
        let before = i64::from(self.settings.window_bytes);
        self.settings.take(frame, &mut self.out)?;
        let more = i64::from(self.settings.window_bytes) - before;
        for index in self.under_way.callers() {
            if let Some(caller) = self.callers.get_mut(index) {
                caller.call.window += more;
            }
        }
        Ok(())
    }

    fn headers(&mut self, stream: u32, is_end: bool, block: &[u8], now: Instant) -> Result<()> {
        let Some(index) = self.under_way.caller(stream) else { return Ok(()) };
        if !is_end {
            return self.answers.head(block);
        }
        let end = self.answers.end(block)?;
        self.under_way.close(stream);
        if self.sending == Some(index) {
            put_number(Kind::Reset, stream, CANCEL, &mut self.out);
            self.sending = None;
        }
        let Some(caller) = self.callers.get_mut(index) else { return Ok(()) };
        match end {
            Ok(()) => {
                let (outcomes, took) = caller.answered(now)?;
                self.tally.answered_at(now, outcomes, took);
                self.idle.push(index);
            }
            Err(status) if status.code() == Code::ResourceExhausted => {
                self.tally.retries += 1;
                caller.again();
                self.waiting.push(Reverse((now + RETRY_AFTER, index)));
            }
            Err(status) => return Err(describe(&status)),
        }
        Ok(())
    }

    pub(super) fn into_tally(self) -> Tally {
        self.tally
    }
}

fn cut_off(frame: &Frame<'_>) -> Failure {
    Failure::failed(format!("the server sent a frame that can not be read: {:?}", frame.kind))
}

/// Why a stream or a connection ended: RFC 9113, section 7.
fn reason(code: u32) -> String {
    const NAMES: [&str; 14] = [
        "NO_ERROR",
        "PROTOCOL_ERROR",
        "INTERNAL_ERROR",
        "FLOW_CONTROL_ERROR",
        "SETTINGS_TIMEOUT",
        "STREAM_CLOSED",
        "FRAME_SIZE_ERROR",
        "REFUSED_STREAM",
        "CANCEL",
        "COMPRESSION_ERROR",
        "CONNECT_ERROR",
        "ENHANCE_YOUR_CALM",
        "INADEQUATE_SECURITY",
        "HTTP_1_1_REQUIRED",
    ];
    NAMES.get(code as usize).map_or_else(|| code.to_string(), |name| (*name).to_owned())
}
