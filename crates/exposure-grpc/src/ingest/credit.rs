/// How many more batches a client may send, so that neither side buffers without bound.
///
/// At most `window` batches are sent and not answered. Credit is granted again in halves of
/// the window, for a message with each answer would cost as much as a small answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Credit {
    window: u32,
    /// Batches that may still come.
    granted: u32,
    /// Answers since credit was granted last.
    answered: u32,
}

impl Credit {
    /// With the whole window granted.
    pub(super) fn new(window: u32) -> Self {
        let window = window.clamp(1, 1024);
        Self { window, granted: window, answered: 0 }
    }

    pub(super) fn window(self) -> u32 {
        self.window
    }

    /// Counts a batch that came; says whether it was allowed to.
    pub(super) fn spend(&mut self) -> bool {
        match self.granted.checked_sub(1) {
            Some(rest) => {
                self.granted = rest;
                true
            }
            None => false,
        }
    }

    /// Counts an answer; returns what is to be granted with it.
    pub(super) fn answer(&mut self) -> Option<u32> {
        self.answered += 1;
        if self.answered < self.window.div_ceil(2) {
            return None;
        }
        let more = std::mem::take(&mut self.answered);
        self.granted += more;
        Some(more)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_never_stuck_and_never_past_the_window() {
        for window in [1, 2, 3, 32] {
            let mut credit = Credit::new(window);
            let mut unanswered = 0;
            for round in 0..200_u32 {
                // The client sends all it may, and the server answers some of it.
                while credit.spend() {
                    unanswered += 1;
                }
                assert!(0 < unanswered && unanswered <= window, "round {round}: {unanswered}");
                let n_answers = 1 + round % unanswered;
                for _ in 0..n_answers {
                    credit.answer();
                }
                unanswered -= n_answers;
                if unanswered == 0 {
                    assert!(credit.granted > 0, "stuck with nothing under way");
                }
            }
        }
    }
}
