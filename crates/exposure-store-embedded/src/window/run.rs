//! A run: an immutable file of sorted ids, with its index and filter resident.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Error;
use super::filter::{BLOCK_BYTES, Filter, Stored};
use super::format::{
    BLOCK, BadHeader, Header, IDS_PER_BLOCK, VERSION, checksum_of, ids_of_block, u64_at,
};
use super::generation::Span;
use super::slot::Slot;
use crate::disk::{Disk, File, OpenMode, Trail, read_exact_at, retry_interrupted};

/// An open run file.
#[derive(Debug)]
pub(super) struct Run {
    file: Arc<dyn File>,
    pub(super) path: PathBuf,
    header: Header,
    /// High half of each block's first key.
    index: Vec<u64>,
    pub(super) filter: Filter,
    /// The header's, unless the settings changed since it was written.
    pub(super) span: Span,
}

/// The name of the run with this number.
pub(super) fn file_name(number: u64) -> String {
    format!("run-{number:016x}.ids")
}

/// The number of the run with this name.
pub(super) fn number_of(name: &str) -> Option<u64> {
    u64::from_str_radix(name.strip_prefix("run-")?.strip_suffix(".ids")?, 16).ok()
}

impl Run {
    pub(super) fn new(
        file: Arc<dyn File>,
        path: PathBuf,
        header: Header,
        index: Vec<u64>,
        filter: Filter,
    ) -> Self {
        Self { file, path, header, index, filter, span: header.span }
    }

    /// Opens a run and checks everything of it but its data blocks, which are checked as they are read.
    pub(super) fn open(disk: &dyn Disk, path: &Path, number: u64) -> Result<Self, Error> {
        let file = retry_interrupted(|| disk.open(path, OpenMode::Read))
            .map_err(Error::io("open", path))?;
        let mut block = vec![0; BLOCK];
        read(&*file, path, &mut block, 0)?;
        let header = match Header::decode(&block) {
            Ok(header) if header.number == number => header,
            Ok(_) => return Err(Error::damaged(path, 0, "the header is another file's")),
            Err(BadHeader::Damaged) => {
                return Err(Error::damaged(path, 0, "the header's checksum does not match"));
            }
            Err(BadHeader::Version(found)) => {
                return Err(Error::Version { path: path.to_path_buf(), found, expected: VERSION });
            }
        };
        let len =
            retry_interrupted(|| file.len()).map_err(Error::io("read the length of", path))?;
        if len != header.file_len() {
            return Err(Error::damaged(
                path,
                len.min(header.file_len()),
                "the file has not the length its header says",
            ));
        }
        let mut index = Vec::with_capacity(header.n_blocks() as usize);
        let index_len = 8 * header.n_blocks();
        section(&*file, path, header.index_at(), index_len, number, |piece| {
            index.extend(piece.chunks_exact(8).map(|word| u64_at(word, 0)));
        })?;
        let mut filter = Stored::with_room(header.n_filter_blocks as usize);
        let filter_len = BLOCK_BYTES as u64 * header.n_filter_blocks;
        section(&*file, path, header.filter_at(), filter_len, number, |piece| filter.add(piece))?;
        Ok(Self::new(file, path.to_path_buf(), header, index, filter.into_filter()))
    }

    pub(super) fn number(&self) -> u64 {
        self.header.number
    }

    pub(super) fn n_ids(&self) -> usize {
        self.header.n_ids as usize
    }

    pub(super) fn disk_bytes(&self) -> u64 {
        self.header.file_len()
    }

    pub(super) fn resident_bytes(&self) -> u64 {
        8 * self.index.len() as u64 + self.filter.bytes()
    }

    /// An id of the same key in reach. Reads a block, so ask the filter first.
    pub(super) fn find(&self, id: &Slot, reach_ms: u64) -> Result<Option<Slot>, Error> {
        self.search(id, |slot| slot.in_reach(id, reach_ms))
    }

    /// Whether exactly this id is here.
    pub(super) fn contains(&self, id: &Slot) -> Result<bool, Error> {
        if !self.filter.contains(id.hi, id.lo) {
            return Ok(false);
        }
        Ok(self.search(id, |slot| slot == id)?.is_some())
    }

    /// Goes through the ids of one key.
    fn search(&self, id: &Slot, wanted: impl Fn(&Slot) -> bool) -> Result<Option<Slot>, Error> {
        // Blocks whose first key has the same high half may be preceded by one that ends with it.
        let first = self.index.partition_point(|hi| *hi < id.hi).saturating_sub(1);
        let mut block = [0; BLOCK];
        for (number, hi) in self.index.iter().enumerate().skip(first) {
            if id.hi < *hi {
                break;
            }
            let ids = self.read_block(&mut block, number as u64)?;
            let n_ids = ids.len() / Slot::BYTES;
            let at = |i: usize| Slot::from_bytes(&ids[i * Slot::BYTES..]);
            let (mut low, mut high) = (0, n_ids);
            while low < high {
                let middle = usize::midpoint(low, high);
                if at(middle).key_before(id) { low = middle + 1 } else { high = middle }
            }
            let same_key = (low..n_ids).map(at).take_while(|slot| slot.same_key(id));
            if let Some(found) = same_key.into_iter().find(&wanted) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    fn read_block<'a>(&self, block: &'a mut [u8; BLOCK], number: u64) -> Result<&'a [u8], Error> {
        let offset = BLOCK as u64 * (1 + number);
        read(&*self.file, &self.path, block, offset)?;
        self.check_block(block, number)
    }

    fn check_block<'a>(&self, block: &'a [u8], number: u64) -> Result<&'a [u8], Error> {
        ids_of_block(block, self.header.number, number).ok_or_else(|| {
            let offset = BLOCK as u64 * (1 + number);
            Error::damaged(&self.path, offset, "a data block's checksum does not match")
        })
    }

    /// Reads the whole file and checks its blocks, their order and their number.
    pub(super) fn verify(self: &Arc<Self>) -> Result<(), Error> {
        let mut reader = self.reader();
        let (mut n_ids, mut last) = (0, None);
        while let Some(bound) = reader.piece()?.last().copied() {
            for id in reader.piece()? {
                if last.is_some_and(|last: Slot| id.key_before(&last)) {
                    return Err(Error::damaged(&self.path, BLOCK as u64, "ids are out of order"));
                }
                last = Some(*id);
                n_ids += 1;
            }
            reader.next_id = reader.ids.len();
            debug_assert!(last == Some(bound), "a piece ends with its last id");
        }
        if n_ids == self.n_ids() {
            return Ok(());
        }
        Err(Error::damaged(&self.path, 0, "the number of ids is not the header's"))
    }

    /// Goes through all ids in order, reading in larger pieces.
    pub(super) fn reader(self: &Arc<Self>) -> RunReader {
        RunReader {
            run: Arc::clone(self),
            piece: Vec::new(),
            ids: Vec::new(),
            next_id: 0,
            next_block: 0,
            trail: Trail::default(),
        }
    }
}

/// Blocks read at once by a [`RunReader`].
const READ_BLOCKS: usize = 64;

/// Goes through the ids of a run.
#[derive(Debug)]
pub(super) struct RunReader {
    run: Arc<Run>,
    piece: Vec<u8>,
    ids: Vec<Slot>,
    next_id: usize,
    next_block: usize,
    trail: Trail,
}

impl RunReader {
    /// The next ids in order, read if there were none left; empty at the end.
    pub(super) fn piece(&mut self) -> Result<&[Slot], Error> {
        if self.next_id == self.ids.len() && self.next_block < self.run.index.len() {
            self.fill()?;
        }
        Ok(self.ids.get(self.next_id..).unwrap_or_default())
    }

    /// Takes the ids of the piece that are not after `bound`.
    pub(super) fn take_up_to(&mut self, bound: &Slot) -> &[Slot] {
        let rest = self.ids.get(self.next_id..).unwrap_or_default();
        let taken = &rest[..rest.partition_point(|id| id <= bound)];
        self.next_id += taken.len();
        taken
    }

    fn fill(&mut self) -> Result<(), Error> {
        let n_blocks = READ_BLOCKS.min(self.run.index.len() - self.next_block);
        self.piece.resize(n_blocks * BLOCK, 0);
        let offset = BLOCK as u64 * (1 + self.next_block as u64);
        self.trail.pass(&*self.run.file, offset);
        read(&*self.run.file, &self.run.path, &mut self.piece, offset)?;
        self.ids.clear();
        self.ids.reserve(n_blocks * IDS_PER_BLOCK);
        self.next_id = 0;
        for block in self.piece.chunks_exact(BLOCK) {
            let ids = self.run.check_block(block, self.next_block as u64)?;
            self.ids.extend(ids.chunks_exact(Slot::BYTES).map(Slot::from_bytes));
            self.next_block += 1;
        }
        Ok(())
    }
}

/// Bytes of an index or a filter that are read at once; a whole number of a filter's blocks.
const PIECE_BYTES: u64 = 256 << 10;

/// Reads a checksummed section in pieces. What was taken is worth nothing if it fails.
fn section(
    file: &dyn File,
    path: &Path,
    offset: u64,
    len: u64,
    number: u64,
    mut take: impl FnMut(&[u8]),
) -> Result<(), Error> {
    let mut bytes = vec![0; PIECE_BYTES.min(len) as usize];
    let mut hasher = checksum_of(number);
    let mut at = 0;
    while at < len {
        bytes.truncate((len - at) as usize);
        read(file, path, &mut bytes, offset + at)?;
        hasher.update(&bytes);
        take(&bytes);
        at += bytes.len() as u64;
    }
    let mut sum = [0; 8];
    read(file, path, &mut sum, offset + len)?;
    if u64::from(hasher.finalize()) != u64_at(&sum, 0) {
        return Err(Error::damaged(
            path,
            offset,
            "the checksum of the index or filter does not match",
        ));
    }
    Ok(())
}

/// Reads exactly; a file that ends early is damaged, not unreadable.
fn read(file: &dyn File, path: &Path, bytes: &mut [u8], offset: u64) -> Result<(), Error> {
    read_exact_at(file, bytes, offset).map_err(|error| {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            Error::damaged(path, offset, "the file ends early")
        } else {
            Error::io("read", path)(error)
        }
    })
}
