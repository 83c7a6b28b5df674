//! A file system in memory that can lose its power.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::mem_file::Content;
use super::{Disk, Entry, File, OpenMode, SplitMix};

/// A file system in memory that knows what of it is durable.
///
/// Strict where file systems differ: a name is durable only after [`Disk::sync_dir`], content only after a sync of its file.
#[derive(Clone, Debug, Default)]
pub struct MemDisk {
    state: Arc<Mutex<State>>,
    /// Held shared by every operation and alone while a loss is simulated, which strikes all files at one moment.
    moment: Arc<RwLock<()>>,
}

type Node = Arc<Mutex<Content>>;

#[derive(Debug, Default)]
struct State {
    current: BTreeMap<PathBuf, Node>,
    synced: BTreeMap<PathBuf, Node>,
    /// Changes of names since they were synced, oldest first, each with its directory.
    unsynced: Vec<NameChange>,
}

#[derive(Clone, Debug)]
enum NameChange {
    Insert(PathBuf, Node),
    Remove(PathBuf),
    Rename(PathBuf, PathBuf),
}

impl MemDisk {
    /// An empty file system.
    pub fn new() -> Self {
        Self::default()
    }

    /// The file system as it is found after the power was lost now, by `seed`.
    ///
    /// This one goes on as if nothing had happened.
    #[must_use]
    pub fn after_power_loss(&self, seed: u64) -> Self {
        let _alone = self.moment.write();
        let mut random = SplitMix::new(seed);
        let state = self.state.lock();
        let mut names = state.synced.clone();
        // Journals keep the order of names, so what is found is a prefix of the changes.
        let n = random.up_to(state.unsynced.len() as u64) as usize;
        for change in state.unsynced.iter().take(n) {
            apply(&mut names, change);
        }
        Self::with(names, |content| content.after_power_loss(&mut random))
    }

    /// The file system as it is found after the process was killed now: everything written is there, synced or not.
    #[must_use]
    pub fn after_process_death(&self) -> Self {
        let _alone = self.moment.write();
        let names = self.state.lock().current.clone();
        Self::with(names, Content::after_process_death)
    }

    /// Changes bytes in place, as a failing disk does; true if the file has that byte.
    pub fn flip(&self, path: &Path, offset: usize, mask: u8) -> bool {
        let state = self.state.lock();
        let Some(node) = state.current.get(path) else { return false };
        let mut content = node.lock();
        let Some(byte) = content.current.get(offset).copied() else { return false };
        content.write(&[byte ^ mask], offset);
        content.sync();
        true
    }

    /// Does to a file what a failed sync does: the system holds its pages for clean, so that what was written is
    /// still read, and is never written to the disk unless it is written again.
    pub fn fail_sync(&self, path: &Path) {
        if let Some(node) = self.state.lock().current.get(path) {
            node.lock().fail_sync();
        }
    }

    /// What a file was advised to forget, in the order of the calls; nothing if there is no such file.
    pub fn forgotten(&self, path: &Path) -> Vec<Range<u64>> {
        let state = self.state.lock();
        let node = state.current.get(path);
        node.map(|node| node.lock().advice.forgotten.clone()).unwrap_or_default()
    }

    /// Whether a file was advised to forget what was not durable.
    pub fn forgot_too_soon(&self) -> bool {
        self.state.lock().current.values().any(|node| node.lock().advice.too_soon)
    }

    fn with(names: BTreeMap<PathBuf, Node>, mut content: impl FnMut(&Content) -> Content) -> Self {
        let current: BTreeMap<PathBuf, Node> = names
            .into_iter()
            .map(|(path, node)| {
                let found = content(&node.lock());
                (path, Arc::new(Mutex::new(found)))
            })
            .collect();
        let state = State { synced: current.clone(), current, unsynced: Vec::new() };
        Self { state: Arc::new(Mutex::new(state)), moment: Arc::default() }
    }
}

impl Disk for MemDisk {
    fn open(&self, path: &Path, mode: OpenMode) -> io::Result<Arc<dyn File>> {
        let _shared = self.moment.read();
        let mut state = self.state.lock();
        let found = state.current.get(path).map(Arc::clone);
        let node = match (found, mode) {
            (Some(_), OpenMode::CreateNew) => return Err(io::ErrorKind::AlreadyExists.into()),
            (Some(node), _) => node,
            (None, OpenMode::Read | OpenMode::Write) => return Err(io::ErrorKind::NotFound.into()),
            (None, OpenMode::Create | OpenMode::CreateNew) => {
                let node = Node::default();
                state.change(NameChange::Insert(path.to_owned(), Arc::clone(&node)));
                node
            }
        };
        let moment = Arc::clone(&self.moment);
        Ok(Arc::new(MemFile { node, moment, writable: mode != OpenMode::Read }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let _shared = self.moment.read();
        let mut state = self.state.lock();
        if !state.current.contains_key(from) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.change(NameChange::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let _shared = self.moment.read();
        let mut state = self.state.lock();
        if !state.current.contains_key(path) {
            return Err(io::ErrorKind::NotFound.into());
        }
        state.change(NameChange::Remove(path.to_owned()));
        Ok(())
    }

    fn create_dir(&self, _path: &Path) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<Entry>> {
        let _shared = self.moment.read();
        let state = self.state.lock();
        let files = state.current.iter().filter(|(path, _)| path.parent() == Some(dir));
        Ok(files
            .filter_map(|(path, node)| {
                let name = path.file_name()?.to_str()?.to_owned();
                Some(Entry { name, len: node.lock().current.len() as u64 })
            })
            .collect())
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let _shared = self.moment.read();
        let mut guard = self.state.lock();
        let state = &mut *guard;
        let (mut ours, others): (Vec<_>, Vec<_>) =
            state.unsynced.drain(..).partition(|change| change.is_in(dir));
        for change in ours.drain(..) {
            apply(&mut state.synced, &change);
        }
        state.unsynced = others;
        Ok(())
    }
}

impl State {
    fn change(&mut self, change: NameChange) {
        apply(&mut self.current, &change);
        self.unsynced.push(change);
    }
}

impl NameChange {
    fn is_in(&self, dir: &Path) -> bool {
        match self {
            Self::Insert(path, _) | Self::Remove(path) => path.parent() == Some(dir),
            Self::Rename(from, to) => from.parent() == Some(dir) || to.parent() == Some(dir),
        }
    }
}

fn apply(names: &mut BTreeMap<PathBuf, Node>, change: &NameChange) {
    match change {
        NameChange::Insert(path, node) => {
            names.insert(path.clone(), Arc::clone(node));
        }
        NameChange::Remove(path) => {
            names.remove(path);
        }
        NameChange::Rename(from, to) => {
            if let Some(node) = names.remove(from) {
                names.insert(to.clone(), node);
            }
        }
    }
}

#[derive(Debug)]
struct MemFile {
    node: Node,
    moment: Arc<RwLock<()>>,
    writable: bool,
}

impl MemFile {
    fn writable(&self) -> io::Result<()> {
        if self.writable { Ok(()) } else { Err(io::ErrorKind::PermissionDenied.into()) }
    }
}

impl File for MemFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let _shared = self.moment.read();
        let content = self.node.lock();
        let rest = content.current.get(offset as usize..).unwrap_or_default();
        let n = rest.len().min(buf.len());
        for (to, from) in buf.iter_mut().zip(rest) {
            *to = *from;
        }
        Ok(n)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<usize> {
        self.writable()?;
        let _shared = self.moment.read();
        self.node.lock().write(buf, offset as usize);
        Ok(buf.len())
    }

    fn len(&self) -> io::Result<u64> {
        let _shared = self.moment.read();
        Ok(self.node.lock().current.len() as u64)
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.writable()?;
        let _shared = self.moment.read();
        self.node.lock().resize(len as usize);
        Ok(())
    }

    fn allocate(&self, len: u64) -> io::Result<()> {
        self.writable()?;
        let _shared = self.moment.read();
        let mut content = self.node.lock();
        if (content.current.len() as u64) < len {
            content.resize(len as usize);
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let _shared = self.moment.read();
        self.node.lock().sync();
        Ok(())
    }

    fn sync_all(&self) -> io::Result<()> {
        self.sync_data()
    }

    fn forget(&self, offset: u64, len: u64) {
        let _shared = self.moment.read();
        self.node.lock().forget(offset, len);
    }
}
