//! Which files are live: one small file, replaced as a whole.

use std::path::Path;

use crate::disk::{Disk, OpenMode, read_exact_at, retry_interrupted, write_all_at};

use super::codec::{Reader, put_u32, put_u64};
use super::error::{EventsError, Result};
use super::meta::FileMeta;

/// The manifest's name, in the directory of events.
pub(super) const NAME: &str = "MANIFEST";
const PENDING: &str = "MANIFEST.pending";
const MAGIC: &[u8; 8] = b"EXPEVENT";
/// Of the manifest and of the files it names.
const VERSION: u32 = 1;
/// Magic, version, checksum.
const HEAD: usize = 16;

/// Which files are live.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Manifest {
    /// The number the next file gets.
    pub(super) next_id: u64,
    /// Everything below this position of the log is in files, or was dropped from them.
    pub(super) converted: u64,
    pub(super) files: Vec<FileMeta>,
}

impl Manifest {
    /// Reads the manifest of a directory; an empty one where there is none.
    pub(super) fn load(disk: &dyn Disk, dir: &Path) -> Result<Self> {
        let path = dir.join(NAME);
        let file = match retry_interrupted(|| disk.open(&path, OpenMode::Read)) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => return Err(EventsError::io("open", &path)(error)),
        };
        let len = file.len().map_err(EventsError::io("measure", &path))?;
        let mut bytes = vec![0; len as usize];
        read_exact_at(&*file, &mut bytes, 0).map_err(EventsError::io("read", &path))?;
        let damaged = |what| EventsError::damaged(&path, 0, what);
        let mut head = bytes
            .strip_prefix(MAGIC)
            .map(Reader::new)
            .ok_or_else(|| damaged("it does not begin as a manifest does"))?;
        let version = head.u32().ok_or_else(|| damaged("it is too short"))?;
        if version != VERSION {
            return Err(EventsError::Version { path, found: version, expected: VERSION });
        }
        let body = bytes.get(HEAD..).unwrap_or_default();
        if head.u32() != Some(crc32fast::hash(body)) {
            return Err(damaged("its checksum does not match"));
        }
        Self::decode(body).ok_or_else(|| damaged("its content is not that of a manifest"))
    }

    /// Writes it beside the one of the directory that stands, which it leaves as it is.
    pub(super) fn stage(&self, disk: &dyn Disk, dir: &Path) -> Result<()> {
        let body = self.encode();
        let mut bytes = MAGIC.to_vec();
        put_u32(&mut bytes, VERSION);
        put_u32(&mut bytes, crc32fast::hash(&body));
        bytes.extend_from_slice(&body);
        let pending = dir.join(PENDING);
        let file = retry_interrupted(|| disk.open(&pending, OpenMode::Create))
            .map_err(EventsError::io("create", &pending))?;
        retry_interrupted(|| file.truncate(0)).map_err(EventsError::io("cut", &pending))?;
        write_all_at(&*file, &bytes, 0).map_err(EventsError::io("write", &pending))?;
        retry_interrupted(|| file.sync_all()).map_err(EventsError::io("sync", &pending))
    }

    /// Puts what was staged in the place of the one that stands.
    pub(super) fn install(disk: &dyn Disk, dir: &Path) -> Result<()> {
        let pending = dir.join(PENDING);
        let path = dir.join(NAME);
        retry_interrupted(|| disk.rename(&pending, &path))
            .map_err(EventsError::io("replace", &path))?;
        retry_interrupted(|| disk.sync_dir(dir)).map_err(EventsError::io("sync", dir))
    }

    fn encode(&self) -> Vec<u8> {
        let mut body = Vec::new();
        put_u64(&mut body, self.next_id);
        put_u64(&mut body, self.converted);
        put_u32(&mut body, self.files.len() as u32);
        for file in &self.files {
            file.encode(&mut body);
        }
        body
    }

    fn decode(body: &[u8]) -> Option<Self> {
        let mut from = Reader::new(body);
        let mut manifest = Self { next_id: from.u64()?, converted: from.u64()?, files: Vec::new() };
        for _ in 0..from.u32()? {
            manifest.files.push(FileMeta::decode(&mut from)?);
        }
        from.is_empty().then_some(manifest)
    }
}
