//! What makes a directory a data directory: the format's version, the store's id and its secret.
//!
//! `FORMAT`: magic 8 · version u32 · store id u128 · secret 192 · crc u32.
//!
//! | version | what it brought |
//! |---|---|
//! | 1 | the first one |
//! | 2 | compact records of events in the log, compact cells in the blocks of profiles |
//!
//! A directory of an earlier version is read, and becomes one of this version before anything new is written to it.

use std::io;
use std::path::Path;

use exposure_store::Error;

use crate::disk::{Disk, OpenMode, read_exact_at, retry_interrupted, write_all_at};
use crate::frame::Cursor;
use crate::keys::{SECRET_BYTES, Secret};

/// The version of the on-disk format that this program writes; it reads all from 1 on.
pub const FORMAT_VERSION: u32 = 2;

const MAGIC: &[u8; 8] = b"EXPSTORE";
const NAME: &str = "FORMAT";
const LENGTH: usize = 8 + 4 + 16 + SECRET_BYTES + 4;

/// Who a store is.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub store_id: u128,
    pub secret: Secret,
    /// The version that the directory says it has.
    pub version: u32,
}

impl Identity {
    /// Reads a directory's identity; gives a new directory one.
    pub(crate) fn open(disk: &dyn Disk, dir: &Path) -> Result<Self, Error> {
        let path = dir.join(NAME);
        let io = |cause: io::Error| Error::Io {
            file: path.display().to_string(),
            cause: cause.to_string(),
        };
        let corrupt = |what: &str| Error::Corrupt { file: NAME.into(), what: what.into() };
        let file = match retry_interrupted(|| disk.open(&path, OpenMode::Read)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Self::create(disk, dir);
            }
            Err(error) => return Err(io(error)),
        };
        let mut bytes = vec![0; retry_interrupted(|| file.len()).map_err(io)? as usize];
        read_exact_at(&*file, &mut bytes, 0).map_err(io)?;
        let mut cursor = Cursor(&bytes);
        let short = |_| corrupt("at byte 0: the file is too short; restore it from a backup");
        if cursor.take(8).map_err(short)? != MAGIC {
            return Err(corrupt("at byte 0: this is no data directory of exposure"));
        }
        let version = cursor.u32().map_err(short)?;
        if !(1..=FORMAT_VERSION).contains(&version) {
            return Err(corrupt(&format!(
                "at byte 8: the format's version is {version}; this program knows 1 to {FORMAT_VERSION}: use the program that wrote it, or a newer one"
            )));
        }
        let store_id = cursor.u128().map_err(short)?;
        let secret = cursor.array::<SECRET_BYTES>().map_err(short)?;
        let crc = cursor.u32().map_err(short)?;
        if crc32fast::hash(&bytes[..LENGTH - 4]) != crc {
            return Err(corrupt(
                "at byte 0: the checksum does not match; restore it from a backup",
            ));
        }
        Ok(Self { store_id, secret: Secret::new(secret), version })
    }

    /// Makes a directory of an earlier version one of this version, durably: programs that do not know what
    /// is written from now on refuse it.
    pub(crate) fn upgrade(&mut self, disk: &dyn Disk, dir: &Path) -> Result<(), Error> {
        if self.version < FORMAT_VERSION {
            self.write(disk, dir)?;
            tracing::info!(from = self.version, to = FORMAT_VERSION, "the format is upgraded");
            self.version = FORMAT_VERSION;
        }
        Ok(())
    }

    fn create(disk: &dyn Disk, dir: &Path) -> Result<Self, Error> {
        let (mut store_id, mut secret) = ([0; 16], [0; SECRET_BYTES]);
        for bytes in [&mut store_id[..], &mut secret[..]] {
            getrandom::fill(bytes).map_err(|cause| Error::Io {
                file: NAME.into(),
                cause: format!("no random bytes: {cause}"),
            })?;
        }
        let (store_id, secret) = (u128::from_le_bytes(store_id), Secret::new(secret));
        let identity = Self { store_id, secret, version: FORMAT_VERSION };
        identity.write(disk, dir)?;
        Ok(identity)
    }

    /// Writes it with this version, in place of what was there.
    fn write(&self, disk: &dyn Disk, dir: &Path) -> Result<(), Error> {
        let path = dir.join(NAME);
        let io = |cause: io::Error| Error::Io {
            file: path.display().to_string(),
            cause: cause.to_string(),
        };
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        bytes.extend_from_slice(&self.store_id.to_le_bytes());
        bytes.extend_from_slice(self.secret.as_bytes());
        let crc = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        let temporary = dir.join("FORMAT.new");
        let file = retry_interrupted(|| disk.open(&temporary, OpenMode::Create)).map_err(io)?;
        retry_interrupted(|| file.truncate(0)).map_err(io)?;
        write_all_at(&*file, &bytes, 0).map_err(io)?;
        retry_interrupted(|| file.sync_all()).map_err(io)?;
        retry_interrupted(|| disk.rename(&temporary, &path)).map_err(io)?;
        retry_interrupted(|| disk.sync_dir(dir)).map_err(io)
    }
}
