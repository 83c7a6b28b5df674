//! Ids that were admitted together: in one bucket, between two log positions.

use super::Options;
use super::slot::Slot;
use super::table::{Place, Table};

/// A table of ids and what is known of all of them.
#[derive(Debug)]
pub(super) struct Generation {
    pub(super) table: Table,
    pub(super) span: Span,
}

/// What a set of ids of one bucket has in common; kept in a run's header too.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    /// Least and greatest insertion time, microseconds since 1970.
    pub(super) inserted_us: (u64, u64),
    /// Greatest log position.
    pub(super) last_position: u64,
    /// Some ids are not in their owner's activity bitmap, so bitmaps say nothing here.
    pub(super) unmarked: bool,
}

impl Span {
    pub(super) fn empty() -> Self {
        Self { inserted_us: (u64::MAX, 0), last_position: 0, unmarked: false }
    }

    pub(super) fn union(self, other: Self) -> Self {
        Self {
            inserted_us: (
                self.inserted_us.0.min(other.inserted_us.0),
                self.inserted_us.1.max(other.inserted_us.1),
            ),
            last_position: self.last_position.max(other.last_position),
            unmarked: self.unmarked || other.unmarked,
        }
    }

    /// Ids of a generation are of one bucket, so the last one's is everybody's.
    pub(super) fn bucket(&self, width_us: u64) -> u64 {
        self.inserted_us.1 / width_us
    }
}

/// Room of the first table, in ids.
const FIRST_ROOM: usize = 1 << 12;
/// Tables grow by this factor.
const GROWTH: usize = 4;
/// A table with this room is not copied into a larger one, which would hold up its caller: it is complete, and the
/// next one has more room.
pub(super) const LARGE_ROOM: usize = 1 << 18;

impl Generation {
    /// An empty generation; about `n_expected` ids fit without growing.
    pub(super) fn new(n_expected: usize, options: &Options) -> Self {
        Self::of(Table::with_room(Self::room_for(n_expected, options)))
    }

    /// A generation in an empty table.
    pub(super) fn of(table: Table) -> Self {
        Self { table, span: Span::empty() }
    }

    /// The room of a table for about `n_expected` ids.
    pub(super) fn room_for(n_expected: usize, options: &Options) -> usize {
        n_expected.max(FIRST_ROOM).min(options.generation_ids)
    }

    /// Makes room for one more id.
    pub(super) fn make_room(&mut self, options: &Options) -> Room {
        if options.generation_ids <= self.table.len() {
            return Room::Complete;
        }
        if self.table.is_full() { self.grow(options) } else { Room::Here }
    }

    /// Grows the table a step, because it is full or its keys crowd.
    pub(super) fn grow(&mut self, options: &Options) -> Room {
        if LARGE_ROOM <= self.table.len() {
            return Room::Complete;
        }
        let room = Self::room_for(self.table.len() * GROWTH, options)
            .min(LARGE_ROOM.max(self.table.len()));
        match self.table.grown(room) {
            Some(table) if self.table.bytes() < table.bytes() => {
                self.table = table;
                Room::Grown
            }
            _ => Room::Complete,
        }
    }

    /// Adds an id at its place. False: its keys crowd at the end of the table, nothing was done.
    #[must_use]
    pub(super) fn insert(
        &mut self,
        place: Place,
        id: Slot,
        inserted_us: u64,
        position: u64,
    ) -> bool {
        let inserted = self.table.insert(place, id);
        if inserted {
            let this = Span {
                inserted_us: (inserted_us, inserted_us),
                last_position: position,
                unmarked: false,
            };
            self.span = self.span.union(this);
        }
        inserted
    }
}

/// Whether a generation can take one more id; a place must be sought again if it grew.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    Here,
    Grown,
    Complete,
}
