use std::mem;

use exposure_proto::v1;
use prost::Message as _;

use super::state::Mark;

/// How many events go into one request, and about how many bytes.
const BATCH_EVENTS: usize = 1000;
const BATCH_BYTES: usize = 1 << 20;

/// What all events of one request share.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Shared {
    /// The sender library; empty is unknown.
    pub(super) library: String,
    /// Whose rules they follow, and when they were received.
    pub(super) options: v1::ImportOptions,
}

/// Events that are sent at once, and how far in the file everything is sent with them.
#[derive(Clone, Debug, Default)]
pub(super) struct Batch {
    /// The request; one without events need not be sent.
    pub(super) request: v1::IngestRequest,
    /// One for each event of the file: whether it says nothing and is not sent.
    pub(super) ignored: Vec<bool>,
    /// Bodies that could not be read, with the reason.
    pub(super) unreadable: Vec<String>,
    /// Up to where nothing is left to send; `None` where that did not move.
    pub(super) mark: Option<Mark>,
}

/// Puts neighboring events that share what a request shares into batches.
#[derive(Debug, Default)]
pub(super) struct Batcher {
    shared: Shared,
    batch: Batch,
    n_bytes: usize,
}

impl Batcher {
    /// Adds an event, `None` for one that says nothing. Gives what has to be sent before it.
    pub(super) fn add(&mut self, shared: &Shared, event: Option<v1::Event>) -> Option<Batch> {
        let n_bytes = event.as_ref().map_or(0, v1::Event::encoded_len);
        let is_full = self.batch.ignored.len() >= BATCH_EVENTS
            || (self.n_bytes > 0 && self.n_bytes + n_bytes > BATCH_BYTES);
        let is_other =
            event.is_some() && !self.batch.request.events.is_empty() && self.shared != *shared;
        let before = if is_full || is_other { self.take() } else { None };
        if let Some(event) = event {
            if self.batch.request.events.is_empty() {
                self.shared.clone_from(shared);
            }
            self.batch.ignored.push(false);
            self.batch.request.events.push(event);
            self.n_bytes += n_bytes;
        } else {
            self.batch.ignored.push(true);
        }
        before
    }

    /// Notes a body that could not be read.
    pub(super) fn unreadable(&mut self, reason: String) {
        self.batch.unreadable.push(reason);
    }

    /// Notes that everything of the file up to here was added.
    pub(super) fn mark(&mut self, mark: Mark) {
        self.batch.mark = Some(mark);
    }

    /// What was added and not given yet; nothing where that is nothing.
    pub(super) fn take(&mut self) -> Option<Batch> {
        let mut batch = mem::take(&mut self.batch);
        if batch.ignored.is_empty() && batch.unreadable.is_empty() && batch.mark.is_none() {
            return None;
        }
        self.n_bytes = 0;
        let library = mem::take(&mut self.shared.library);
        batch.request.library = Some(library).filter(|name| !name.is_empty());
        batch.request.import_options = Some(self.shared.options);
        Some(batch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shared(library: &str, received_us: i64) -> Shared {
        let options = v1::ImportOptions { received_us: Some(received_us), ..Default::default() };
        Shared { library: library.to_owned(), options }
    }

    fn event(n_chars: usize) -> v1::Event {
        v1::Event { user_id: Some("x".repeat(n_chars)), ..v1::Event::default() }
    }

    fn told(batch: &Batch) -> String {
        let request = &batch.request;
        let received = request.import_options.and_then(|it| it.received_us).unwrap();
        format!(
            "{}@{received} {} of {} to {:?}",
            request.library.as_deref().unwrap_or("-"),
            request.events.len(),
            batch.ignored.len(),
            batch.mark.map(|mark| mark.position),
        )
    }

    #[test]
    fn batches_share_what_requests_share_and_know_how_far_they_reach() {
        let mut batcher = Batcher::default();
        let mut found = Vec::new();
        let mark = |position| Mark { position, ..Mark::default() };
        for (position, (library, received, event)) in (1..).zip([
            ("a", 1, Some(event(3))),
            ("a", 1, None),
            ("a", 1, Some(event(3))),
            ("b", 1, Some(event(3))),
            ("", 2, None),
            ("", 2, Some(event(3))),
        ]) {
            found.extend(batcher.add(&shared(library, received), event).as_ref().map(told));
            batcher.mark(mark(position));
        }
        found.extend(batcher.take().as_ref().map(told));
        assert_eq!(
            found,
            ["a@1 2 of 3 to Some(3)", "b@1 1 of 2 to Some(5)", "-@2 1 of 1 to Some(6)"]
        );
        assert!(batcher.take().is_none());

        // One record of many events: nothing before its end is all of it.
        for _ in 0..BATCH_EVENTS {
            assert!(batcher.add(&shared("a", 1), Some(event(3))).is_none());
        }
        let full = batcher.add(&shared("a", 1), Some(event(BATCH_BYTES))).unwrap();
        assert_eq!(told(&full), "a@1 1000 of 1000 to None");
        let full = batcher.add(&shared("a", 1), Some(event(3))).unwrap();
        assert_eq!(told(&full), "a@1 1 of 1 to None");
        batcher.mark(mark(7));
        assert_eq!(told(&batcher.take().unwrap()), "a@1 1 of 1 to Some(7)");
    }
}
