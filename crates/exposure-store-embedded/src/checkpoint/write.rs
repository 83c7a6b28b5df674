//! Writing sections: encode under the lock, wait for the log, write, replace the manifest.

use std::collections::BTreeSet;
use std::io;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use exposure_store::Error;

use super::copy::copy_cold;
use super::evict::{Room, is_scarce_soon};
use super::manifest::{Manifest, SectionAt, ShardSections};
use super::plan::{Extent, Want, is_due, plan};
use super::section::SectionWriter;
use super::sections::SectionFile;
use crate::disk::{OpenMode, Stream, retry_interrupted};
use crate::events::Pacer;
use crate::keys::ProfileKey;
use crate::state::{ColdRef, N_SECTIONS, N_SHARDS, encode_profile};
use crate::store::{Inner, State, log_error};

/// Sections that share a file, so that one sync serves for all of them.
pub(crate) const SHARDS_PER_FILE: usize = 32;
/// Bytes written in one go.
const PIECE: usize = 1 << 20;

/// Profiles whose memory is asked for before it is read: they stand anywhere, and the lock is held meanwhile.
const AHEAD: usize = 8;

/// What came of a file of the checkpoint.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wrote {
    /// Whether there was something to write.
    pub anything: bool,
    /// Bytes of profiles that left memory.
    pub freed: usize,
}

/// How a section is made.
#[derive(Clone, Copy, Debug)]
struct Manner {
    /// Of all profiles, in place of the sections that are there; else of those that changed, beside them.
    is_whole: bool,
    /// Where profiles stand is noted, so that they can leave memory.
    homes: bool,
}

/// A section on its way to disk.
struct Draft {
    shard: usize,
    /// What the shard will have.
    sections: ShardSections,
    /// Its number in the shard.
    number: u8,
    writer: SectionWriter,
    /// Profiles in memory of which it is to be noted that they are in it: their numbers, and where.
    written: Vec<(u32, ProfileKey, ColdRef)>,
    /// Where the blocks that were on disk alone were, and are.
    moved: Vec<(ProfileKey, ColdRef, ColdRef)>,
}

/// Writes what some shards, which share their files, need to have written, and makes it current.
///
/// Moves profiles out of memory where the store is past its limit.
pub(crate) fn checkpoint_shards(
    inner: &Inner,
    shards: Range<usize>,
    want: Want,
    pacer: &dyn Pacer,
) -> Result<Wrote, Error> {
    let (homes, erasures) = {
        let mut state = inner.state.lock();
        state.rewritten = Some(BTreeSet::new());
        (is_scarce_soon(inner, &state), state.erasures)
    };
    let extent = plan(inner, &shards, want, homes)?;
    let holds = extent == Extent::Changes && want == Want::Room { hold: true };
    let _held = holds.then(|| inner.room.lock_blocking());
    let mut room;
    let mut anything = false;
    if extent == Extent::Nothing {
        if want == Want::Log {
            advance(inner, &shards)?;
            anything = true;
        }
        room = Room::needed(inner);
        if let Some(room) = &mut room {
            shards.for_each(|shard| room.make(inner, &mut inner.state.lock(), shard));
        }
    } else {
        let manner = Manner { is_whole: extent == Extent::Whole, homes };
        let mut manifest = inner.sections.manifest();
        let mut drafts = Vec::with_capacity(shards.len());
        let (number, file) = write_file(inner, |number, path, mut stream| {
            let failed = |cause: io::Error| failure(path, &cause);
            for shard in shards.clone() {
                let held = &mut manifest.shards[shard];
                let mut draft = encode(inner, shard, held, manner)?;
                let writer = std::mem::replace(&mut draft.writer, SectionWriter::new());
                if manner.is_whole || !writer.is_empty() {
                    let position = draft.sections.position;
                    let bytes = writer.finish(shard as u32, position);
                    let (offset, length) = (stream.position(), bytes.len() as u64);
                    let at = SectionAt { file: number, offset, length, position };
                    write_paced(&mut stream, &bytes, pacer).map_err(failed)?;
                    draft.sections.sections.push((draft.number, at));
                }
                *held = draft.sections.clone();
                drafts.push(draft);
            }
            anything = stream.position() > 0;
            // A section must not know more than the log holds after a crash.
            let highest = drafts.iter().map(|draft| draft.sections.position).max().unwrap_or(0);
            inner.log.wait_durable(highest).block().map_err(log_error)?;
            manifest.next_file = manifest.next_file.max(number + 1);
            make_durable(inner, stream, &manifest).map_err(failed)
        })?;
        inner.sections.hold(number, file);
        room = Room::needed(inner);
        for draft in &drafts {
            let mut state = inner.state.lock();
            publish(inner, &mut state, draft, manner, erasures);
            if let Some(room) = &mut room {
                room.make(inner, &mut state, draft.shard);
            }
        }
        remove(inner, &inner.sections.take_dead(), pacer);
    }
    Ok(Wrote { anything, freed: room.map_or(0, |room| room.freed) })
}

/// Encodes a shard under the lock, then copies what was on disk alone.
fn encode(
    inner: &Inner,
    shard: usize,
    held: &ShardSections,
    manner: Manner,
) -> Result<Draft, Error> {
    let number = held.free_number().ok_or_else(|| Error::Corrupt {
        file: "checkpoint/MANIFEST".into(),
        what: format!("all {N_SECTIONS} sections of shard {shard} are taken"),
    })?;
    let (mut writer, mut written, mut moved) = (SectionWriter::new(), Vec::new(), Vec::new());
    let (mut cold, position);
    {
        let texts = inner.interner.read();
        let state = inner.state.lock();
        inner.check_intact()?;
        let profiles = &state.shards[shard];
        if manner.is_whole {
            // About what it was, where that is known.
            let (first, changes) = held.lengths();
            writer.expect((first + first / 8 + changes / 2) as usize);
        }
        // Erased since it was planned: its position stays, so that opening comes by the erasure, until it is whole.
        let waits = !manner.is_whole && profiles.holds_erased;
        let mut ahead = profiles.hot();
        for (_, profile) in ahead.by_ref().take(AHEAD) {
            profile.ask();
        }
        for (number_in_shard, profile) in profiles.hot().filter(|_| !waits) {
            let homes = manner.homes;
            if let Some((_, profile)) = ahead.next() {
                profile.ask();
            }
            if manner.is_whole || is_due(profiles, number_in_shard, profile, held.position, homes) {
                let at = writer
                    .block(number, |out| encode_profile(out, profile, &texts, &profiles.long));
                if homes || profile.unsaved {
                    written.push((number_in_shard, profile.key, at));
                }
            }
        }
        cold = if manner.is_whole { profiles.cold().collect() } else { Vec::new() };
        position = if waits { held.position } else { state.ledger.position };
    }
    let mut sections = ShardSections { position, sections: Vec::new() };
    if manner.is_whole {
        copy_cold(inner, shard, &mut cold, number, &mut writer, &mut moved)?;
    } else {
        sections.sections.clone_from(&held.sections);
    }
    Ok(Draft { shard, sections, number, writer, written, moved })
}

/// Makes a section that is durable a current one.
fn publish(inner: &Inner, state: &mut State, draft: &Draft, manner: Manner, erasures: u64) {
    let none = BTreeSet::new();
    let rewritten = state.rewritten.as_ref().unwrap_or(&none);
    inner.sections.put_shard(draft.shard, draft.sections.clone());
    let shard = &mut state.shards[draft.shard];
    if manner.is_whole {
        // Also of those that came into memory meanwhile.
        shard.forget_homes();
        shard.holds_erased &= state.erasures != erasures;
    }
    for &(key, from, to) in &draft.moved {
        shard.move_cold(key, from, to);
    }
    for &(number, key, at) in &draft.written {
        if !rewritten.contains(&key) {
            shard.saved(number, key, manner.homes.then_some(at));
        }
    }
}

/// Takes the positions of shards on of which no profile changed: it takes no section.
fn advance(inner: &Inner, shards: &Range<usize>) -> Result<(), Error> {
    let mut manifest = inner.sections.manifest();
    let mut highest = 0;
    for shard in shards.clone() {
        let state = inner.state.lock();
        inner.check_intact()?;
        let held = &mut manifest.shards[shard];
        let is_ahead = |state: &State| {
            state.shards[shard].hot().any(|(_, profile)| profile.is_ahead(held.position))
        };
        if !is_ahead(&state) && !state.shards[shard].holds_erased {
            held.position = state.ledger.position;
            highest = highest.max(held.position);
        }
    }
    inner.log.wait_durable(highest).block().map_err(log_error)?;
    let failed = |cause| failure(&inner.sections.dir, &cause);
    manifest.prepare(&*inner.disk, &inner.sections.dir).map_err(failed)?;
    Manifest::publish(&*inner.disk, &inner.sections.dir).map_err(failed)?;
    let _state = inner.state.lock();
    for shard in shards.clone() {
        inner.sections.put_shard(shard, std::mem::take(&mut manifest.shards[shard]));
    }
    Ok(())
}

/// Writes the ledger's section.
pub(crate) fn checkpoint_ledger(inner: &Inner, pacer: &dyn Pacer) -> Result<(), Error> {
    let mut writer = SectionWriter::new();
    let position = {
        let texts = inner.interner.read();
        let mut state = inner.state.lock();
        inner.check_intact()?;
        state.ledger.settle();
        writer.block(0, |out| super::encode_ledger(out, &state.ledger, &texts));
        state.ledger.position
    };
    let bytes = writer.finish(N_SHARDS as u32, position);
    inner.log.wait_durable(position).block().map_err(log_error)?;
    let mut manifest = inner.sections.manifest();
    let (number, file) = write_file(inner, |number, path, mut stream| {
        let length = bytes.len() as u64;
        manifest.ledger = SectionAt { file: number, offset: 0, length, position };
        manifest.next_file = manifest.next_file.max(number + 1);
        write_paced(&mut stream, &bytes, pacer)
            .and_then(|()| make_durable(inner, stream, &manifest))
            .map_err(|cause| failure(path, &cause))
    })?;
    inner.sections.hold(number, file);
    inner.sections.put_ledger(manifest.ledger);
    remove(inner, &inner.sections.take_dead(), pacer);
    Ok(())
}

/// Makes a new file that `write` fills, then the manifest that `write` prepared the current one. A file
/// that no manifest can name does not stay: a disk that is full would only get fuller.
fn write_file(
    inner: &Inner,
    write: impl FnOnce(u64, &Path, Stream) -> Result<(), Error>,
) -> Result<(u64, Arc<SectionFile>), Error> {
    let (number, path) = inner.sections.new_file();
    let file = retry_interrupted(|| inner.disk.open(&path, OpenMode::CreateNew))
        .map_err(|cause| failure(&path, &cause))?;
    if let Err(error) = write(number, &path, Stream::new(Arc::clone(&file))) {
        if let Err(cause) = retry_interrupted(|| inner.disk.remove(&path)) {
            tracing::warn!(path = %path.display(), %cause, "a file that was not finished stays");
        }
        return Err(error);
    }
    Manifest::publish(&*inner.disk, &inner.sections.dir)
        .map_err(|cause| failure(&inner.sections.dir, &cause))?;
    Ok((number, Arc::new(SectionFile { path, file })))
}

fn write_paced(stream: &mut Stream, bytes: &[u8], pacer: &dyn Pacer) -> io::Result<()> {
    for piece in bytes.chunks(PIECE) {
        stream.write(piece)?;
        stream.settle()?;
        pacer.spend(piece.len() as u64);
    }
    Ok(())
}

/// Makes a file and its name durable, and prepares the manifest that names it.
fn make_durable(inner: &Inner, stream: Stream, manifest: &Manifest) -> io::Result<()> {
    stream.finish()?;
    retry_interrupted(|| inner.disk.sync_dir(&inner.sections.dir))?;
    manifest.prepare(&*inner.disk, &inner.sections.dir)
}

fn failure(path: &Path, cause: &io::Error) -> Error {
    Error::Io { file: path.display().to_string(), cause: cause.to_string() }
}

/// Removes files that nothing needs: large ones are shrunk in steps first, because a file that
/// goes at once stalls the log's syncs.
fn remove(inner: &Inner, dead: &[Arc<SectionFile>], pacer: &dyn Pacer) {
    const STEP: u64 = 32 << 20;
    for file in dead {
        // Somebody may still read a small part of it; truncation would surprise them.
        let sole = Arc::strong_count(file) == 1;
        if sole
            && let Ok(writable) = retry_interrupted(|| inner.disk.open(&file.path, OpenMode::Write))
        {
            let mut length = writable.len().unwrap_or(0);
            while length > STEP {
                length -= STEP;
                if retry_interrupted(|| writable.truncate(length)).is_err() {
                    break;
                }
                pacer.rest();
            }
        }
        if let Err(cause) = retry_interrupted(|| inner.disk.remove(&file.path)) {
            tracing::warn!(path = %file.path.display(), %cause, "a file that is not needed any more stays");
        }
    }
}
