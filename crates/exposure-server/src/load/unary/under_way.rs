use std::collections::VecDeque;

/// Which caller waits for the answer of which stream of a connection.
#[derive(Debug)]
pub(super) struct UnderWay {
    /// From the oldest stream that is open to the newest; the ids of streams are odd, and rise.
    callers: VecDeque<Option<usize>>,
    /// The stream of the first of them.
    oldest: u32,
    n_open: usize,
}

/// The last stream a connection can have.
const LAST: u32 = (1 << 31) - 1;

impl UnderWay {
    pub(super) fn new() -> Self {
        Self { callers: VecDeque::new(), oldest: 1, n_open: 0 }
    }

    /// Opens the next stream; `None` where there are no more.
    pub(super) fn open(&mut self, caller: usize) -> Option<u32> {
        let next = self.oldest + 2 * u32::try_from(self.callers.len()).ok()?;
        if LAST < next {
            return None;
        }
        self.callers.push_back(Some(caller));
        self.n_open += 1;
        Some(next)
    }

    /// The caller of a stream that is open.
    #[inline]
    pub(super) fn caller(&self, stream: u32) -> Option<usize> {
        *self.callers.get(self.index(stream)?)?
    }

    pub(super) fn close(&mut self, stream: u32) {
        let place = self.index(stream).and_then(|index| self.callers.get_mut(index));
        if place.and_then(Option::take).is_some() {
            self.n_open -= 1;
        }
        while let Some(None) = self.callers.front() {
            self.callers.pop_front();
            self.oldest += 2;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.n_open
    }

    /// The callers that wait.
    pub(super) fn callers(&self) -> impl Iterator<Item = usize> {
        self.callers.iter().flatten().copied()
    }

    fn index(&self, stream: u32) -> Option<usize> {
        let behind = stream.checked_sub(self.oldest)?;
        (behind % 2 == 0).then_some(behind as usize / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_end_in_any_order() {
        let mut under_way = UnderWay::new();
        assert_eq!([7, 8, 9].map(|caller| under_way.open(caller)), [1, 3, 5].map(Some));
        under_way.close(3);
        under_way.close(3);
        assert_eq!(
            [0, 1, 2, 3, 5, 7].map(|stream| under_way.caller(stream)),
            [None, Some(7), None, None, Some(9), None]
        );
        under_way.close(1);
        assert_eq!((under_way.open(6), under_way.len()), (Some(7), 2));
        assert_eq!(under_way.callers().collect::<Vec<_>>(), [9, 6]);
        under_way.oldest = LAST;
        under_way.callers.clear();
        assert_eq!((under_way.open(1), under_way.open(2)), (Some(LAST), None));
    }
}
