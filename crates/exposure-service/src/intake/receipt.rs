use exposure_core::{Admitted, Effect, Outcome};

/// One outcome for each event of a request, in order.
#[derive(Debug)]
pub struct Receipt<'a> {
    outcomes: Vec<Outcome>,
    events: Vec<Admitted<'a>>,
    /// Whether each outcome has an event; empty where all have.
    stored: Vec<bool>,
}

impl<'a> Receipt<'a> {
    pub(super) fn new(
        outcomes: Vec<Outcome>,
        events: Vec<Admitted<'a>>,
        stored: Vec<bool>,
    ) -> Self {
        Self { outcomes, events, stored }
    }

    /// The outcomes.
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// The outcomes alone.
    pub fn into_outcomes(self) -> Vec<Outcome> {
        self.outcomes
    }

    /// How many events the request had.
    pub fn len(&self) -> usize {
        self.outcomes.len()
    }

    /// Whether it had none.
    pub fn is_empty(&self) -> bool {
        self.outcomes.is_empty()
    }

    /// Each outcome with the event as it was admitted, where it was.
    pub fn iter(&self) -> impl Iterator<Item = (&Outcome, Option<&Admitted<'a>>)> {
        let mut events = self.events.iter();
        self.outcomes.iter().enumerate().map(move |(index, outcome)| {
            let stored = self.stored.get(index).copied().unwrap_or(self.stored.is_empty());
            (outcome, if stored { events.next() } else { None })
        })
    }

    /// The flags and effects of one outcome, in the order of the event's writes.
    pub fn effects<'r>(
        outcome: &'r Outcome,
        event: Option<&'r Admitted<'a>>,
    ) -> impl Iterator<Item = (&'a str, Effect)> + 'r {
        let effects = match outcome {
            Outcome::Accepted { effects, .. } => effects.as_slice(),
            Outcome::Duplicate { .. } | Outcome::Rejected(_) => &[],
        };
        let flags = event.into_iter().flat_map(Admitted::writes).map(|write| write.flag.as_str());
        flags.zip(effects.iter().copied())
    }
}
