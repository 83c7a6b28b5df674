//! Opening: identity, sections, window, then the log's tail.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use exposure_core::Timestamp;
use exposure_store::{Error, Result};
use parking_lot::Mutex;

use super::recover::recover;
use super::replay::Replay;
use super::{Inner, Options, State};
use crate::checkpoint::{SectionReader, Sections, decode_ledger};
use crate::disk::{Disk, retry_interrupted};
use crate::events::Events;
use crate::format::Identity;
use crate::intern::Interner;
use crate::keys::ProfileKey;
use crate::log::{Log, LogOptions};
use crate::state::{Found, N_SHARDS, Shard, decode_profile, peek_key, shard_of};
use crate::window::Window;

/// Opens everything but the background, and makes a directory of an earlier version one of this version.
pub(crate) fn open(disk: Arc<dyn Disk>, options: Options, now: Timestamp) -> Result<Inner> {
    let mut identity = open_identity(&*disk, &options.dir)?;
    let inner = open_as(disk, options, now, &identity)?;
    // Only one that opens: another one is still for the program that wrote it.
    identity.upgrade(&*inner.disk, &inner.options.dir)?;
    Ok(inner)
}

/// Opens what nothing is to be committed to.
pub(crate) fn open_to_read(disk: Arc<dyn Disk>, options: Options, now: Timestamp) -> Result<Inner> {
    let identity = open_identity(&*disk, &options.dir)?;
    open_as(disk, options, now, &identity)
}

fn open_identity(disk: &dyn Disk, dir: &Path) -> Result<Identity> {
    retry_interrupted(|| disk.create_dir(dir))
        .map_err(|cause| Error::Io { file: dir.display().to_string(), cause: cause.to_string() })?;
    Identity::open(disk, dir)
}

fn open_as(
    disk: Arc<dyn Disk>,
    options: Options,
    now: Timestamp,
    identity: &Identity,
) -> Result<Inner> {
    let dir = options.dir.clone();
    let io = |what: &Path, cause: std::io::Error| Error::Io {
        file: what.display().to_string(),
        cause: cause.to_string(),
    };
    let sections = Sections::open(&*disk, &dir.join("checkpoint"))?;
    let window = Window::open(
        &dir.join("window"),
        Arc::clone(&disk),
        options.window.clone(),
        now.as_micros(),
    )
    .map_err(window_error)?;
    let events = Events::open(Arc::clone(&disk), &dir, crate::events::EventsOptions::default())
        .map_err(super::archive::events_error)?;
    // A process that died or failed may have renamed a file without making that durable. What is built on
    // what is read here must not outlive it.
    for part in ["", "checkpoint", "window", "events", "links"] {
        let part = dir.join(part);
        retry_interrupted(|| disk.sync_dir(&part)).map_err(|cause| io(&part, cause))?;
    }
    let interner = Interner::new();
    let covered = window.covered_position();
    let mut state = State::new(window);
    let any_cold = load(&sections, &interner, &options, &mut state)?;

    let manifest = sections.manifest();
    let warm = |state: &mut State, keys: &[ProfileKey]| warm_now(&sections, &interner, state, keys);
    let mut replay = Replay {
        state,
        interner: &interner,
        secret: &identity.secret,
        limits: &options.limits,
        retention: options.retention,
        shards: manifest.shards.iter().map(|held| held.position).collect(),
        any_erased: any_cold.1,
        any_cold: any_cold.0,
        n_records: 0,
        warm: &warm,
    };
    let replay_from = manifest.low_position().min(covered);
    let log_options = LogOptions {
        store_id: identity.store_id,
        durability: options.durability,
        segment_bytes: options.segment_bytes,
        start_position: replay_from,
        durable_floor: manifest.high_position().max(covered).max(events.converted()),
        driven: options.driven,
        ..LogOptions::default()
    };
    let log_options = if options.driven {
        LogOptions { shrink_pause: Duration::ZERO, ..log_options }
    } else {
        log_options
    };
    let log_dir = dir.join("log");
    let log = recover(&mut replay, options.driven, &mut |group, end| {
        Log::open_and(Arc::clone(&disk), &log_dir, log_options.clone(), group, end)
    })?;
    sections.remove_left_over(&*disk)?;
    let Replay { mut state, any_erased, n_records, .. } = replay;
    state.ledger.position = state.ledger.position.max(log.end());
    state.purges.search(log.start()..replay_from);
    tracing::info!(records = n_records, "the log's tail is merged");
    let resident = state.memory();
    let retired = AtomicU64::new(state.ledger.retired);
    Ok(Inner {
        options,
        disk,
        secret: identity.secret.clone(),
        interner,
        log,
        turn: async_lock::Mutex::new(()),
        room: async_lock::Mutex::new(()),
        state: Mutex::new(state),
        events,
        rows: Mutex::default(),
        converted_at: Mutex::new(None),
        sections,
        any_cold: AtomicBool::new(any_cold.0),
        any_erased: AtomicBool::new(any_erased),
        erased_end: AtomicU64::new(0),
        clock: AtomicU64::new(now.as_micros().max(0) as u64),
        failure: OnceLock::new(),
        failed_from: AtomicU64::new(u64::MAX),
        retired,
        erasing: AtomicUsize::new(0),
        retiring: Mutex::new(()),
        resident: AtomicUsize::new(resident),
        closing: AtomicBool::new(false),
        background_failure: Mutex::new(None),
    })
}

/// Loads the sections: into memory up to the limit, the rest by their places alone. Returns
/// whether any profile stays on disk, and whether any was ever erased.
fn load(
    sections: &Sections,
    interner: &Interner,
    options: &Options,
    state: &mut State,
) -> Result<(bool, bool)> {
    // Each thread takes every n-th shard, and its part of the memory.
    let n_threads = if options.driven {
        // In one order, always.
        1
    } else {
        std::thread::available_parallelism().map_or(1, usize::from).clamp(1, 8)
    };
    // What is replayed comes on top.
    let limit = crate::checkpoint::high(options.memory_limit) / N_SHARDS;
    let loaded = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..n_threads)
            .map(|first| {
                scope.spawn(move || {
                    (first..N_SHARDS)
                        .step_by(n_threads)
                        .map(|number| Ok((number, load_shard(sections, interner, number, limit)?)))
                        .collect::<Result<Vec<_>>>()
                })
            })
            .collect();
        let mut all = Vec::with_capacity(N_SHARDS);
        for thread in threads {
            match thread.join() {
                Ok(part) => all.extend(part?),
                Err(_) => {
                    return Err(Error::Corrupt {
                        file: "checkpoint".into(),
                        what: "loading a section failed in a way that it must not".into(),
                    });
                }
            }
        }
        Ok(all)
    })?;
    let (mut any_cold, mut any_erased) = (false, false);
    for (number, part) in loaded {
        let Some((shard, erased)) = part else { continue };
        any_cold |= shard.n_hot() < shard.len();
        any_erased |= erased;
        state.shards[number] = shard;
    }
    if let Some(section) = sections.of_ledger() {
        let bytes = section.read()?;
        let mut blocks = SectionReader::new(0, &bytes, N_SHARDS as u32, section.at.position)
            .map_err(|(offset, what)| section.corrupt(offset, what))?;
        if let Some(block) = blocks.next() {
            let (at, block) = block.map_err(|(offset, what)| section.corrupt(offset, what))?;
            state.ledger = decode_ledger(block, section.at.position, interner)
                .map_err(|what| section.corrupt(at.offset as usize, what))?;
        }
    }
    // Blocks on disk may be of erased profiles: better ask once too often.
    Ok((any_cold, any_erased || any_cold))
}

fn load_shard(
    sections: &Sections,
    interner: &Interner,
    number: usize,
    limit: usize,
) -> Result<Option<(Shard, bool)>> {
    let held = sections.of_shard(number);
    if held.is_empty() {
        return Ok(None);
    }
    let (mut shard, mut homes) = (Shard::new(), Vec::new());
    let mut erased = false;
    // The last one first: what it says of a profile stands, and what changed last is wanted soonest.
    for section in held.iter().rev() {
        let bytes = section.read()?;
        let corrupt = |(offset, what)| section.corrupt(offset, what);
        let (is_first, position) = (shard.len() == 0, section.at.position);
        let blocks = SectionReader::new(section.number, &bytes, number as u32, position);
        for block in blocks.map_err(corrupt)? {
            let (at, block) = block.map_err(corrupt)?;
            let wrong = |what| corrupt((at.offset as usize, what));
            let key = peek_key(block).map_err(wrong)?;
            if !is_first && shard.find(key) != Found::Nothing {
                continue;
            }
            if shard.memory() < limit || !at.is_tellable() {
                let mut long = std::mem::take(&mut shard.long);
                let profile = decode_profile(block, interner, &mut long);
                shard.long = long;
                let profile = profile.map_err(wrong)?;
                erased |= profile.more.as_ref().is_some_and(|more| more.erased_until.is_some());
                homes.push((shard.insert(profile), at));
            } else {
                shard.insert_cold(key, at);
            }
        }
        // It will be read a profile at a time, if at all.
        section.forget();
    }
    if shard.n_hot() < shard.len() {
        for (number, at) in homes {
            shard.set_home(number, at);
        }
    }
    Ok(Some((shard, erased)))
}

/// Brings profiles into memory while nobody else is there.
fn warm_now(
    sections: &Sections,
    interner: &Interner,
    state: &mut State,
    keys: &[ProfileKey],
) -> Result<()> {
    let mut cold = Vec::new();
    for &key in keys {
        let Some(at) = state.shard(key).find_cold(key) else { continue };
        let Some(section) = sections.numbered(shard_of(key), at.section) else { continue };
        section.ask_for(at);
        cold.push((key, at, section));
    }
    for (key, at, section) in cold {
        if state.shard(key).find_cold(key) != Some(at) {
            // Named twice.
            continue;
        }
        let (mut profile, long) = super::warm::read_profile(&section, at, interner)?;
        let shard = state.shard_mut(key);
        super::warm::adopt(&mut profile, &long, &mut shard.long);
        shard.warm(at, profile);
    }
    Ok(())
}

/// A failure of the window as the port tells it.
#[expect(clippy::needless_pass_by_value, reason = "the shape that `map_err` takes")]
pub(crate) fn window_error(error: crate::window::Error) -> Error {
    use crate::window::Error as Window;
    match &error {
        Window::Damaged { path, .. } | Window::Version { path, .. } => Error::Corrupt {
            file: path.file_name().map_or_else(
                || "window".to_owned(),
                |name| format!("window/{}", name.to_string_lossy()),
            ),
            what: error.to_string(),
        },
        Window::Io { .. } | Window::Setting { .. } => {
            Error::Io { file: "window".into(), cause: error.to_string() }
        }
    }
}
