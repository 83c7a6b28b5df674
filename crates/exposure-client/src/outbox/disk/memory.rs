use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;

use super::file::sync_directory;
use super::{OutboxError, OutboxOptions};
use crate::tracker::{Hasher, Key, Tracker, VariantHash};

/// What was delivered last, as one run leaves it to the next: a header (magic, format, the secret
/// of the hashes), keys and variants, and the CRC-32 of all of it.
///
/// It is taken away when it is read, for it is true only until something else is sent.
#[derive(Debug)]
pub(crate) struct Memory {
    pub(crate) seed: u64,
    /// The least recently used first.
    pub(crate) delivered: Vec<(Key, VariantHash)>,
}

const NAME: &str = "delivered";
const UNFINISHED: &str = "delivered.new";
const MAGIC: &[u8; 12] = b"exposure-dl\x01";
const HEADER: usize = 20;
const ENTRY: usize = 24;

impl Memory {
    pub(super) fn of(hasher: Hasher, tracker: &Tracker) -> Self {
        Self { seed: hasher.seed(), delivered: tracker.delivered() }
    }

    /// What is there, if it is wanted, and reads.
    pub(super) fn take(options: &OutboxOptions) -> Result<Option<Self>, OutboxError> {
        let path = options.directory.join(NAME);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(OutboxError::io("read", path, error)),
        };
        // If it stayed, a later run would believe what is no longer so.
        fs::remove_file(&path)
            .and_then(|()| sync_directory(&options.directory))
            .map_err(|error| OutboxError::io("remove", &path, error))?;
        if !options.remembers {
            return Ok(None);
        }
        let memory = Self::decode(&bytes);
        if memory.is_none() {
            tracing::warn!(path = %path.display(), "does not read; what was delivered is not known");
        }
        Ok(memory)
    }

    pub(super) fn leave(&self, directory: &Path) -> io::Result<()> {
        let unfinished = directory.join(UNFINISHED);
        let mut file = File::create(&unfinished)?;
        file.write_all(&self.encode())?;
        file.sync_all()?;
        fs::rename(unfinished, directory.join(NAME))?;
        sync_directory(directory)
    }

    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER + self.delivered.len() * ENTRY + 4);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&self.seed.to_le_bytes());
        for (key, variant) in &self.delivered {
            bytes.extend_from_slice(&key.0.to_le_bytes());
            bytes.extend_from_slice(&variant.0.to_le_bytes());
        }
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (content, checksum) = bytes.split_last_chunk::<4>()?;
        if crc32fast::hash(content) != u32::from_le_bytes(*checksum) {
            return None;
        }
        let (header, content) = content.split_at_checked(HEADER)?;
        let seed = header.strip_prefix(MAGIC)?.try_into().ok().map(u64::from_le_bytes)?;
        let (entries, []) = content.as_chunks::<ENTRY>() else { return None };
        let entry = |entry: &[u8; ENTRY]| {
            let (key, variant) = entry.split_at(16);
            let key = Key(u128::from_le_bytes(key.try_into().ok()?));
            Some((key, VariantHash(u64::from_le_bytes(variant.try_into().ok()?))))
        };
        let delivered = entries.iter().map(entry).collect::<Option<_>>()?;
        Some(Self { seed, delivered })
    }
}
