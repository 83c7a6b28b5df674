//! Writing sections: encode under the lock, wait for the log, write, replace the manifest.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use exposure_store::Error;
use hashbrown::HashMap;

use super::manifest::{Manifest, SectionAt};
use super::section::{SectionReader, SectionWriter};
use super::sections::{SectionFile, SectionRef};
use crate::disk::{OpenMode, Stream, retry_interrupted};
use crate::events::Pacer;
use crate::keys::ProfileKey;
use crate::state::{ColdRef, N_SHARDS, encode_profile, peek_key};
use crate::store::{Inner, log_error};

/// Sections that share a file, so that one sync serves for all of them.
pub(crate) const SHARDS_PER_FILE: usize = 32;
/// Bytes written in one go.
const PIECE: usize = 1 << 20;

/// A section on its way to disk.
struct Draft {
    shard: usize,
    position: u64,
    writer: SectionWriter,
    /// Where the blocks of profiles in memory are; nothing where none of them has to leave it.
    hot: HashMap<ProfileKey, ColdRef, foldhash::fast::FixedState>,
    /// Where the blocks that were on disk alone were, and are.
    moved: Vec<(ProfileKey, ColdRef, ColdRef)>,
}

/// Writes the sections of some shards and makes them the current ones.
///
/// Moves profiles out of memory where the store is past its limit.
pub(crate) fn checkpoint_shards(
    inner: &Inner,
    shards: std::ops::Range<usize>,
    pacer: &dyn Pacer,
) -> Result<(), Error> {
    let mut manifest = inner.sections.manifest();
    let mut drafts = Vec::new();
    let may_evict = {
        let mut state = inner.state.lock();
        state.rewritten = Some(BTreeSet::new());
        // It may grow past the limit until the file is written.
        state.memory() >= inner.options.memory_limit / 8 * 7
    };
    let (number, file) = write_file(inner, |number, path, mut stream| {
        let failed = |cause: io::Error| failure(path, &cause);
        let mut highest = 0;
        for shard in shards {
            let mut draft = encode(inner, shard, may_evict)?;
            let writer = std::mem::replace(&mut draft.writer, SectionWriter::new());
            let bytes = writer.finish(shard as u32, draft.position);
            let offset = stream.position();
            write_paced(&mut stream, &bytes, pacer).map_err(failed)?;
            manifest.shards[shard] = SectionAt {
                file: number,
                offset,
                length: bytes.len() as u64,
                position: draft.position,
            };
            highest = highest.max(draft.position);
            drafts.push(draft);
        }
        // A section must not know more than the log holds after a crash.
        inner.log.wait_durable(highest).block().map_err(log_error)?;
        manifest.next_file = manifest.next_file.max(number + 1);
        make_durable(inner, stream, &manifest).map_err(failed)
    })?;
    let mut state = inner.state.lock();
    let dead = inner.sections.replace(manifest, number, file);
    for draft in &drafts {
        for &(key, from, to) in &draft.moved {
            state.shards[draft.shard].move_cold(key, from, to);
        }
    }
    evict(inner, &mut state, &drafts);
    drop(state);
    remove(inner, &dead, pacer);
    Ok(())
}

/// Encodes a shard under the lock, then copies what was on disk alone. Remembers where each profile's
/// block is if some may leave memory.
fn encode(inner: &Inner, shard: usize, may_evict: bool) -> Result<Draft, Error> {
    let mut writer = SectionWriter::new();
    let mut hot = HashMap::with_hasher(foldhash::fast::FixedState::default());
    let mut cold;
    let (position, old);
    {
        let texts = inner.interner.read();
        let state = inner.state.lock();
        inner.check_intact()?;
        let profiles = &state.shards[shard];
        old = inner.sections.of_shard(shard);
        // About what it was, where that is known.
        let before = old.as_ref().map_or(0, |old| old.at.length as usize);
        writer.expect(before + before / 8);
        if may_evict {
            hot.reserve(profiles.n_hot());
        }
        for (_, profile) in profiles.hot() {
            let at = writer.block(|out| encode_profile(out, profile, &texts, &profiles.long));
            if may_evict {
                hot.insert(profile.key, at);
            }
        }
        cold = profiles.cold().collect::<Vec<_>>();
        position = state.ledger.position;
    }
    let mut moved = Vec::with_capacity(cold.len());
    if let Some(old) = old.filter(|_| !cold.is_empty()) {
        cold.sort_unstable_by_key(|at| at.offset);
        copy_cold(&old, &cold, shard, &mut writer, &mut moved)?;
    }
    Ok(Draft { shard, position, writer, hot, moved })
}

fn copy_cold(
    old: &SectionRef,
    cold: &[ColdRef],
    shard: usize,
    writer: &mut SectionWriter,
    moved: &mut Vec<(ProfileKey, ColdRef, ColdRef)>,
) -> Result<(), Error> {
    let bytes = old.read()?;
    // The next reads of a profile go to the section that replaces this one.
    old.forget();
    let blocks = SectionReader::new(&bytes, shard as u32, old.at.position)
        .map_err(|(offset, what)| old.corrupt(offset, what))?;
    let mut wanted = cold.iter().peekable();
    for block in blocks {
        let (from, block) = block.map_err(|(offset, what)| old.corrupt(offset, what))?;
        if wanted.next_if(|at| **at == from).is_some() {
            let key = peek_key(block).map_err(|what| old.corrupt(from.offset as usize, what))?;
            moved.push((key, from, writer.block(|out| out.extend_from_slice(block))));
        }
    }
    Ok(())
}

/// Moves profiles out of memory that did not change since their block was encoded.
fn evict(inner: &Inner, state: &mut crate::store::State, drafts: &[Draft]) {
    let rewritten = state.rewritten.take().unwrap_or_default();
    let memory = state.memory();
    inner.resident.store(memory, Ordering::Relaxed);
    let Some(excess) = memory.checked_sub(inner.options.memory_limit).filter(|&excess| excess > 0)
    else {
        return;
    };
    // Each shard gives its part, and a little more so that the next round finds room.
    let share = excess / (N_SHARDS / drafts.len().max(1)).max(1) + (64 << 10);
    for draft in drafts {
        let freed = state.shards[draft.shard].evict(share / drafts.len().max(1), |profile| {
            let is_behind =
                profile.last < draft.position || profile.last == crate::frame::NO_POSITION;
            (is_behind && !rewritten.contains(&profile.key))
                .then(|| draft.hot.get(&profile.key).copied())
                .flatten()
        });
        if freed > 0 {
            inner.any_cold.store(true, Ordering::Relaxed);
        }
    }
}

/// Writes the ledger's section.
pub(crate) fn checkpoint_ledger(inner: &Inner, pacer: &dyn Pacer) -> Result<(), Error> {
    let mut writer = SectionWriter::new();
    let position = {
        let texts = inner.interner.read();
        let mut state = inner.state.lock();
        inner.check_intact()?;
        state.ledger.settle();
        writer.block(|out| super::encode_ledger(out, &state.ledger, &texts));
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
    let state = inner.state.lock();
    let dead = inner.sections.replace(manifest, number, file);
    drop(state);
    remove(inner, &dead, pacer);
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
