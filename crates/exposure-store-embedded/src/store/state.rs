use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use exposure_store::{Error, ProjectId};
use parking_lot::Mutex;

use super::{Options, Purges};
use crate::checkpoint::Sections;
use crate::disk::Disk;
use crate::events::{Events, RowBatch};
use crate::frame::NO_POSITION;
use crate::intern::Interner;
use crate::keys::{ProfileKey, Secret};
use crate::log::{Log, LogError};
use crate::state::{Found, Ledger, N_SHARDS, Profile, Shard, shard_of};
use crate::window::Window;

/// What everybody shares.
#[derive(Debug)]
pub(crate) struct Inner {
    pub options: Options,
    pub disk: Arc<dyn Disk>,
    pub secret: Secret,
    pub interner: Interner,
    pub log: Log,
    /// Held by the commit whose turn it is, before it takes the state's lock: who waits for a turn
    /// leaves its thread to others, and who waits for a lock does not.
    pub turn: async_lock::Mutex<()>,
    /// Held while profiles leave memory, when there are more than its limit: commits wait for it before they read
    /// others.
    pub room: async_lock::Mutex<()>,
    pub state: Mutex<State>,
    pub events: Events,
    /// Held by the one who turns log into files, and merges them: two would write the same rows.
    pub archiving: Mutex<()>,
    /// The memory of the conversion before, while another one follows at once.
    pub rows: Mutex<Option<RowBatch>>,
    /// When log was last turned into files.
    pub converted_at: Mutex<Option<Instant>>,
    pub sections: Sections,
    /// Whether some profile may be on disk only.
    pub any_cold: AtomicBool,
    /// Whether some profile was ever erased.
    pub any_erased: AtomicBool,
    /// Where the newest erasure ends in the log. What it hides is only gone when it is durable.
    pub erased_end: AtomicU64,
    /// The greatest server clock that a commit brought, in microseconds.
    pub clock: AtomicU64,
    /// Why nothing is written any more, if so, beside the log's own reason.
    pub failure: OnceLock<String>,
    /// What the state knows of the log from here on may never be written, since there is a failure.
    pub failed_from: AtomicU64,
    /// Events below this position of the log are gone.
    pub retired: AtomicU64,
    /// Erasures that are under way: what retention folds would make them begin again.
    pub erasing: AtomicUsize,
    /// Held by who takes retention a step on.
    pub retiring: Mutex<()>,
    /// Bytes held for profiles, as last measured.
    pub resident: AtomicUsize,
    pub closing: AtomicBool,
    /// Why background work can not go on, newest.
    pub background_failure: Mutex<Option<String>>,
}

/// What a commit changes, under one lock.
#[derive(Debug)]
pub(crate) struct State {
    pub shards: Vec<Shard>,
    pub ledger: Ledger,
    pub window: Window,
    /// How often profiles were changed in another way than by records.
    pub rewrites: u64,
    /// How often profiles were erased.
    pub erasures: u64,
    /// How often profiles left memory: none that was there did as long as this stays.
    pub evictions: u64,
    /// While the checkpoint writes a file: the profiles that changed in another way than by
    /// records since it began. What is written of them may be older than they are.
    pub rewritten: Option<BTreeSet<ProfileKey>>,
    /// Erasures whose rows may still be in files.
    pub purges: Purges,
}

impl State {
    pub(crate) fn new(window: Window) -> Self {
        Self {
            shards: (0..N_SHARDS).map(|_| Shard::new()).collect(),
            ledger: Ledger::default(),
            window,
            rewrites: 0,
            erasures: 0,
            evictions: 0,
            rewritten: None,
            purges: Purges::default(),
        }
    }

    /// Notes that profiles changed in another way than by records.
    pub(crate) fn rewrote(&mut self, keys: impl IntoIterator<Item = ProfileKey>) {
        self.rewrites += 1;
        if let Some(rewritten) = &mut self.rewritten {
            rewritten.extend(keys);
        }
    }

    pub(crate) fn shard(&self, key: ProfileKey) -> &Shard {
        &self.shards[shard_of(key)]
    }

    pub(crate) fn shard_mut(&mut self, key: ProfileKey) -> &mut Shard {
        &mut self.shards[shard_of(key)]
    }

    /// A profile in memory.
    pub(crate) fn hot(&self, key: ProfileKey) -> Option<&Profile> {
        match self.shard(key).find(key) {
            Found::Hot(number) => self.shard(key).get(number),
            Found::Cold(_) | Found::Nothing => None,
        }
    }

    /// Whether a profile is in memory and its latest record is this one, or it is nowhere and has none.
    pub(crate) fn stands_at(&self, key: ProfileKey, last: u64) -> bool {
        match self.shard(key).find(key) {
            Found::Hot(number) => {
                self.shard(key).get(number).is_some_and(|profile| profile.last == last)
            }
            Found::Cold(_) => false,
            Found::Nothing => last == NO_POSITION,
        }
    }

    /// The number of a profile, a new one if it is nowhere. It must not be cold.
    pub(crate) fn number(
        &mut self,
        key: ProfileKey,
        project: ProjectId,
        id: exposure_core::RawId<'_>,
    ) -> u32 {
        let shard = self.shard_mut(key);
        match shard.find(key) {
            Found::Hot(number) => number,
            Found::Cold(_) | Found::Nothing => shard.insert(Profile::new(key, project, id)),
        }
    }

    /// Bytes held for profiles.
    pub(crate) fn memory(&self) -> usize {
        self.shards.iter().map(Shard::memory).sum()
    }
}

impl Inner {
    /// Refuses if a commit failed half-way, so that the state knows of what the log does not. Asked
    /// under the state's lock by everybody who writes what the state says.
    pub(crate) fn check_intact(&self) -> Result<(), Error> {
        match self.failure.get().cloned() {
            Some(cause) => Err(Error::Poisoned { cause }),
            None => Ok(()),
        }
    }

    /// Refuses if the store was poisoned.
    pub(crate) fn check_writable(&self) -> Result<(), Error> {
        self.check_intact()?;
        match self.log.failure() {
            Some(failure) => Err(log_error(failure)),
            None => Ok(()),
        }
    }

    /// Stops writing until the store is opened again.
    pub(crate) fn poison(&self, cause: String) -> Error {
        tracing::error!(cause, "the store stops writing");
        // Before the cause is there, which readers look for.
        self.failed_from.fetch_min(self.log.durable(), Ordering::Release);
        // The first cause stands: what fails after it may fail because of it.
        self.failure.get_or_init(|| cause.clone());
        Error::Poisoned { cause }
    }
}

/// A failure of the log as the port tells it.
pub(crate) fn log_error(error: LogError) -> Error {
    match error {
        LogError::Closed => Error::Closed,
        LogError::Released { .. } => Error::CursorExpired,
        LogError::Poisoned { .. } => Error::Poisoned { cause: error.to_string() },
        LogError::Damaged { ref path, .. } | LogError::Missing { ref path, .. } => {
            Error::Corrupt { file: path.display().to_string(), what: error.to_string() }
        }
        error => Error::Io { file: "log".into(), cause: error.to_string() },
    }
}
