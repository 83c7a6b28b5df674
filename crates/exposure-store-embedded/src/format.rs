//! What makes a directory a data directory: the format's version, the store's id and its secret.
//!
//! `FORMAT`: magic 8 · version u32 · store id u128 · secret 192 · crc u32.

use std::io;
use std::path::Path;

use exposure_store::Error;

use crate::disk::{Disk, OpenMode, read_exact_at, retry_interrupted, write_all_at};
use crate::frame::Cursor;
use crate::keys::{SECRET_BYTES, Secret};

/// The version of the on-disk format that this program writes and reads.
pub const FORMAT_VERSION: u32 = 1;

const MAGIC: &[u8; 8] = b"EXPSTORE";
const NAME: &str = "FORMAT";
const LENGTH: usize = 8 + 4 + 16 + SECRET_BYTES + 4;

/// Who a store is.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub store_id: u128,
    pub secret: Secret,
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
        if version != FORMAT_VERSION {
            return Err(corrupt(&format!(
                "at byte 8: the format's version is {version}; this program knows {FORMAT_VERSION}: use the program that wrote it, or a newer one"
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
        Ok(Self { store_id, secret: Secret::new(secret) })
    }

    fn create(disk: &dyn Disk, dir: &Path) -> Result<Self, Error> {
        let path = dir.join(NAME);
        let io = |cause: io::Error| Error::Io {
            file: path.display().to_string(),
            cause: cause.to_string(),
        };
        let (mut store_id, mut secret) = ([0; 16], [0; SECRET_BYTES]);
        for bytes in [&mut store_id[..], &mut secret[..]] {
            getrandom::fill(bytes).map_err(|cause| Error::Io {
                file: NAME.into(),
                cause: format!("no random bytes: {cause}"),
            })?;
        }
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        bytes.extend_from_slice(&store_id);
        bytes.extend_from_slice(&secret);
        let crc = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&crc.to_le_bytes());
        let temporary = dir.join("FORMAT.new");
        let file = retry_interrupted(|| disk.open(&temporary, OpenMode::Create)).map_err(io)?;
        retry_interrupted(|| file.truncate(0)).map_err(io)?;
        write_all_at(&*file, &bytes, 0).map_err(io)?;
        retry_interrupted(|| file.sync_all()).map_err(io)?;
        retry_interrupted(|| disk.rename(&temporary, &path)).map_err(io)?;
        retry_interrupted(|| disk.sync_dir(dir)).map_err(io)?;
        Ok(Self { store_id: u128::from_le_bytes(store_id), secret: Secret::new(secret) })
    }
}
