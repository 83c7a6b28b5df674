//! Opening: identity, sections, window, then the log's tail.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use exposure_core::Timestamp;
use exposure_store::{Error, Result};
use parking_lot::Mutex;

use super::load::load;
use super::recover::{Recovered, recover};
use super::replay::Context;
use super::{Inner, Options, State};
use crate::checkpoint::Sections;
use crate::disk::{Disk, retry_interrupted};
use crate::events::Events;
use crate::format::Identity;
use crate::intern::Interner;
use crate::keys::ProfileKey;
use crate::log::{Log, LogOptions};
use crate::state::shard_of;
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
    let interner = Interner::new();
    let open_others = || -> Result<(Window, Events)> {
        let (window, at) = (options.window.clone(), dir.join("window"));
        let window =
            Window::open(&at, Arc::clone(&disk), window, now.as_micros()).map_err(window_error)?;
        let events = Events::open(Arc::clone(&disk), &dir, crate::events::EventsOptions::default())
            .map_err(super::archive::events_error)?;
        Ok((window, events))
    };
    let load = || load(&sections, &interner, &options);
    let ((window, events), loaded) = if options.driven {
        (open_others()?, load()?)
    } else {
        // Filters and indexes are read while profiles are made.
        std::thread::scope(|scope| {
            let others = scope.spawn(open_others);
            let loaded = load();
            let others = others.join().unwrap_or_else(|_| {
                let what = "opening it failed in a way that it must not".into();
                Err(Error::Corrupt { file: "window".into(), what })
            });
            Ok::<_, Error>((others?, loaded?))
        })?
    };
    // A process that died or failed may have renamed a file without making that durable. What is built on
    // what is read here must not outlive it.
    for part in ["", "checkpoint", "window", "events", "links"] {
        let part = dir.join(part);
        retry_interrupted(|| disk.sync_dir(&part)).map_err(|cause| io(&part, cause))?;
    }
    let covered = window.covered_position();
    let manifest = sections.manifest();
    let warm = |state: &mut State, keys: &[ProfileKey]| warm_now(&sections, &interner, state, keys);
    let context = Context {
        interner: &interner,
        secret: &identity.secret,
        limits: &options.limits,
        retention: options.retention,
        any_cold: loaded.any_cold,
        covered,
        warm: &warm,
    };
    let positions: Vec<u64> = manifest.shards.iter().map(|held| held.position).collect();
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
    let any_cold = loaded.any_cold;
    let recovered = recover(
        &context,
        loaded.shards,
        loaded.ledger,
        window,
        &positions,
        options.driven,
        &mut |group, end| {
            Log::open_and(Arc::clone(&disk), &log_dir, log_options.clone(), group, end)
        },
    )?;
    sections.remove_left_over(&*disk)?;
    let any_erased = loaded.any_erased || recovered.any_erased;
    let Recovered { log, mut state, n_records, .. } = recovered;
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
        archiving: Mutex::default(),
        rows: Mutex::default(),
        converted_at: Mutex::new(None),
        sections,
        any_cold: AtomicBool::new(any_cold),
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
