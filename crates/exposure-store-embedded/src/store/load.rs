//! Loading the sections of a checkpoint: into memory up to the limit, the rest by their places alone.

use std::sync::atomic::{AtomicUsize, Ordering};

use exposure_store::{Error, Result};

use super::Options;
use crate::checkpoint::{SectionReader, SectionRef, Sections, decode_ledger};
use crate::intern::{Interner, Numbering};
use crate::state::{Found, Ledger, N_SHARDS, Shard, decode_profile, peek_key};

/// Shards whose sections are asked for ahead of the one that is read: the disk is busy while profiles are made.
const AHEAD: usize = 8;

/// What sections hold.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub shards: Vec<Shard>,
    pub ledger: Ledger,
    /// Whether any profile stays on disk.
    pub any_cold: bool,
    /// Whether any profile may have been erased.
    pub any_erased: bool,
}

/// A shard, and whether any of its profiles was erased.
type LoadedShard = (Shard, bool);

/// Loads the sections.
pub(crate) fn load(sections: &Sections, interner: &Interner, options: &Options) -> Result<Loaded> {
    let n_threads = if options.driven {
        // In one order, always.
        1
    } else {
        std::thread::available_parallelism().map_or(1, usize::from).clamp(1, 8)
    };
    // What is replayed comes on top.
    let limit = crate::checkpoint::high(options.memory_limit) / N_SHARDS;
    (0..AHEAD).for_each(|number| ask_for(sections, number));
    let next = AtomicUsize::new(0);
    let load_some = || -> Result<Vec<(usize, LoadedShard)>> {
        let (mut some, mut reader) = (Vec::new(), Reader::new(sections, interner, limit));
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= N_SHARDS {
                return Ok(some);
            }
            ask_for(sections, number + AHEAD);
            some.push((number, reader.shard(number)?));
        }
    };
    let loaded = std::thread::scope(|scope| {
        let threads: Vec<_> = (1..n_threads).map(|_| scope.spawn(load_some)).collect();
        let mut all = load_some()?;
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
        all.sort_unstable_by_key(|(number, _)| *number);
        Ok(all)
    })?;
    let any_cold = loaded.iter().any(|(_, (shard, _))| shard.n_hot() < shard.len());
    let any_erased = loaded.iter().any(|(_, (_, erased))| *erased);
    let shards = loaded.into_iter().map(|(_, (shard, _))| shard).collect();
    // Blocks on disk may be of erased profiles: better ask once too often.
    let any_erased = any_erased || any_cold;
    Ok(Loaded { shards, ledger: load_ledger(sections, interner)?, any_cold, any_erased })
}

fn ask_for(sections: &Sections, shard: usize) {
    if shard < N_SHARDS {
        sections.of_shard(shard).iter().for_each(SectionRef::ask_for_all);
    }
}

fn load_ledger(sections: &Sections, interner: &Interner) -> Result<Ledger> {
    let Some(section) = sections.of_ledger() else { return Ok(Ledger::default()) };
    let bytes = section.read()?;
    let mut blocks = SectionReader::new(0, &bytes, N_SHARDS as u32, section.at.position)
        .map_err(|(offset, what)| section.corrupt(offset, what))?;
    let Some(block) = blocks.next() else { return Ok(Ledger::default()) };
    let (at, block) = block.map_err(|(offset, what)| section.corrupt(offset, what))?;
    decode_ledger(block, section.at.position, interner)
        .map_err(|what| section.corrupt(at.offset as usize, what))
}

/// Reads shards one after the other, with the same memory.
struct Reader<'s> {
    sections: &'s Sections,
    /// Bytes of a shard's profiles in memory.
    limit: usize,
    bytes: Vec<u8>,
    numbers: Numbering<'s>,
}

impl<'s> Reader<'s> {
    fn new(sections: &'s Sections, interner: &'s Interner, limit: usize) -> Self {
        Self { sections, limit, bytes: Vec::new(), numbers: Numbering::new(interner) }
    }

    fn shard(&mut self, number: usize) -> Result<LoadedShard> {
        let held = self.sections.of_shard(number);
        let (mut shard, mut homes) = (Shard::new(), Vec::new());
        let mut erased = false;
        // The last one first: what it says of a profile stands, and what changed last is wanted soonest.
        for section in held.iter().rev() {
            section.read_into(&mut self.bytes)?;
            let corrupt = |(offset, what)| section.corrupt(offset, what);
            let (is_first, position) = (shard.len() == 0, section.at.position);
            let blocks = SectionReader::new(section.number, &self.bytes, number as u32, position);
            for block in blocks.map_err(corrupt)? {
                let (at, block) = block.map_err(corrupt)?;
                let wrong = |what| corrupt((at.offset as usize, what));
                let key = peek_key(block).map_err(wrong)?;
                if !is_first && shard.find(key) != Found::Nothing {
                    continue;
                }
                if shard.memory() < self.limit || !at.is_tellable() {
                    let mut long = std::mem::take(&mut shard.long);
                    let profile = decode_profile(block, &mut self.numbers, &mut long);
                    self.numbers.give_way();
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
        Ok((shard, erased))
    }
}
