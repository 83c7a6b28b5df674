use super::Key;

/// Names a pending exposure within its shard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    slot: u32,
    /// Tells it from others that had the slot before; never 0, so that an option costs nothing.
    turn: std::num::NonZeroU32,
}

/// The exposures of a shard that are under way.
#[derive(Debug, Default)]
pub(crate) struct PendingTable {
    slots: Vec<Slot>,
    free: Vec<u32>,
}

/// An exposure that is under way, and what it suppressed so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pending {
    pub(crate) key: Key,
    /// Where its mark was put.
    pub(crate) mark: u32,
    pub(crate) repeats: u64,
    /// Whether it counts as tracked yet: with an outbox on disk, once it is on stable storage.
    pub(crate) is_tracked: bool,
}

impl Pending {
    /// One that counts, and has no mark.
    pub(crate) fn unmarked(key: Key) -> Self {
        Self { key, mark: u32::MAX, repeats: 0, is_tracked: true }
    }
}

#[derive(Debug)]
struct Slot {
    turn: u32,
    pending: Option<Pending>,
}

impl Ticket {
    #[cfg(test)]
    pub(crate) fn new(slot: u32, turn: u32) -> Self {
        Self { slot, turn: turn.try_into().unwrap() }
    }
}

impl PendingTable {
    pub(crate) fn add(&mut self, pending: Pending) -> Ticket {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { turn: 0, pending: None });
            self.slots.len() as u32 - 1
        });
        let place = &mut self.slots[slot as usize];
        let turn = std::num::NonZeroU32::new(place.turn.wrapping_add(1));
        let turn = turn.unwrap_or(std::num::NonZeroU32::MIN);
        (place.turn, place.pending) = (turn.get(), Some(pending));
        Ticket { slot, turn }
    }

    pub(crate) fn get_mut(&mut self, ticket: Ticket) -> Option<&mut Pending> {
        let slot = self.slots.get_mut(ticket.slot as usize)?;
        slot.pending.as_mut().filter(|_| slot.turn == ticket.turn.get())
    }

    pub(crate) fn take(&mut self, ticket: Ticket) -> Option<Pending> {
        self.get_mut(ticket)?;
        self.free.push(ticket.slot);
        self.slots[ticket.slot as usize].pending.take()
    }
}
