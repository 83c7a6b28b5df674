//! Why a user's property has its value.

use crate::{Timestamp, Version};

/// Why a write does not decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Lost {
    /// It is older, and the decider replaced it.
    Older,
    /// It has the decider's time, and lost by sequence or by the order of contents.
    Tie,
    /// It is older and came after the decider: it never had an effect.
    Stale,
}

impl Lost {
    /// The name in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Older => "older",
            Self::Tie => "tie",
            Self::Stale => "stale",
        }
    }
}

/// A write as explain sees it: its version and when it arrived.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// The write.
    pub version: Version<'a>,
    /// When it was received.
    pub received: Timestamp,
}

/// The index of the write that decides, and why each other one lost, in the order given.
pub fn judge(candidates: &[Candidate<'_>]) -> Option<(usize, Vec<(usize, Lost)>)> {
    // Of equal versions the first received decides: the others changed nothing.
    let key =
        |candidate: &Candidate<'_>| (std::cmp::Reverse(candidate.version.time), candidate.received);
    let mut decider = 0;
    for (index, candidate) in candidates.iter().enumerate() {
        let best = candidates.get(decider)?;
        if candidate.version > best.version
            || (candidate.version == best.version && key(candidate) < key(best))
        {
            decider = index;
        }
    }
    let winner = candidates.get(decider)?;
    let lost = candidates
        .iter()
        .enumerate()
        .filter(|&(index, _)| index != decider)
        .map(|(index, candidate)| {
            let why = if candidate.version.time == winner.version.time {
                Lost::Tie
            } else if candidate.received > winner.received {
                Lost::Stale
            } else {
                Lost::Older
            };
            (index, why)
        })
        .collect();
    Some((decider, lost))
}
