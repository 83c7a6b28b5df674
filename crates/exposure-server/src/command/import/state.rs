use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::summary::Counts;
use crate::encoding::to_hex;
use crate::failure::{Failure, Result};

/// How far a file is durable at the server, and what of it lets the file be known again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// Of lines: where in the content the next one begins. Else the next request's index.
    pub(super) position: u64,
    /// Of lines: where the last one began.
    pub(super) last: u64,
    /// A hash of the last line, or of the whole file.
    pub(super) check: u64,
}

/// What is known of one file.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Known {
    /// How far it is sent.
    pub(super) mark: Mark,
    /// What became of its events so far.
    pub(super) counts: Counts,
}

#[derive(Debug, Serialize, Deserialize)]
struct Content {
    version: u32,
    /// Tells this import from others.
    import: String,
    files: BTreeMap<String, Known>,
}

/// An import that can be killed and begun again: what it has done stands in a file.
#[derive(Debug)]
pub(super) struct State {
    /// `None`: it is forgotten with the process.
    path: Option<PathBuf>,
    content: Content,
    saved: Instant,
    is_dirty: bool,
}

const VERSION: u32 = 1;
/// How often it is written at most. What is sent again after a kill are duplicates.
const PAUSE: Duration = Duration::from_millis(100);

impl State {
    /// Reads the state of an import that is to go on, or begins one.
    pub(super) fn open(path: Option<&Path>) -> Result<Self> {
        let begun = Content { version: VERSION, import: random()?, files: BTreeMap::new() };
        let content = match path.map(fs::read) {
            None => begun,
            Some(Ok(bytes)) => read(&bytes).map_err(|cause| wrong(path, &cause))?,
            Some(Err(cause)) if cause.kind() == io::ErrorKind::NotFound => begun,
            Some(Err(cause)) => return Err(wrong(path, &cause)),
        };
        let path = path.map(Path::to_owned);
        let is_dirty = path.is_some();
        let mut state = Self { path, content, saved: Instant::now(), is_dirty };
        // That it can not be written shows before anything is sent.
        state.save()?;
        Ok(state)
    }

    /// What tells this import from others.
    pub(super) fn import(&self) -> &str {
        &self.content.import
    }

    /// What is known of a file.
    pub(super) fn known(&self, file: &str) -> Option<&Known> {
        self.content.files.get(file)
    }

    /// Notes what is known of a file now.
    pub(super) fn note(&mut self, file: &str, mark: Mark, counts: &Counts) {
        if self.path.is_none() {
            return;
        }
        let known = Known { mark, counts: counts.clone() };
        self.content.files.insert(file.to_owned(), known);
        self.is_dirty = true;
    }

    /// How long until what was noted is to be written; `None` where there is nothing new.
    pub(super) fn is_due_in(&self) -> Option<Duration> {
        self.is_dirty.then(|| PAUSE.saturating_sub(self.saved.elapsed()))
    }

    /// Writes what was noted, if it was not written just before.
    pub(super) fn save_now_and_then(&mut self) -> Result<()> {
        if self.is_due_in().is_some_and(|wait| wait.is_zero()) {
            self.save()?;
            self.saved = Instant::now();
        }
        Ok(())
    }

    /// Writes what was noted.
    pub(super) fn save(&mut self) -> Result<()> {
        let Some(path) = &self.path else { return Ok(()) };
        if self.is_dirty {
            write(path, &self.content).map_err(|cause| wrong(Some(path), &cause))?;
            self.is_dirty = false;
        }
        Ok(())
    }
}

fn read(bytes: &[u8]) -> Result<Content, String> {
    let content: Content = serde_json::from_slice(bytes)
        .map_err(|cause| format!("it is no state of an import: {cause}"))?;
    if content.version != VERSION {
        return Err(format!("its version is {}, not {VERSION}", content.version));
    }
    Ok(content)
}

/// Whole or not at all, whenever the process or the machine stops.
fn write(path: &Path, content: &Content) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let mut file = File::create(&beside)?;
    file.write_all(serde_json::to_string_pretty(content)?.as_bytes())?;
    file.sync_data()?;
    fs::rename(&beside, path)
}

fn random() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(Failure::failed)?;
    Ok(to_hex(&bytes))
}

fn wrong(path: Option<&Path>, cause: &dyn std::fmt::Display) -> Failure {
    let path = path.unwrap_or(Path::new(""));
    Failure::usage(format!("--resume {}: {cause}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_is_known_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state");
        let mut state = State::open(Some(&path)).unwrap();
        let mark = Mark { position: 7, last: 3, check: u64::MAX };
        state.note("a file", mark, &Counts::default());
        state.save().unwrap();
        let again = State::open(Some(&path)).unwrap();
        assert_eq!(again.known("a file").map(|it| it.mark), Some(mark));
        assert_eq!(again.import(), state.import());
        assert!(again.known("another").is_none());
        assert_ne!(State::open(None).unwrap().import(), state.import());
    }

    #[test]
    fn what_is_no_state_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state");
        for content in ["", "{}", "events", r#"{"version": 2, "import": "", "files": {}}"#] {
            fs::write(&path, content).unwrap();
            assert!(State::open(Some(&path)).is_err(), "{content}");
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        assert!(State::open(Some(dir.path())).is_err());
    }
}
