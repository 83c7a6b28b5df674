use std::io::Read as _;
use std::path::Path;

use exposure_formats::{Arena, Options};
use exposure_proto::v1;
use exposure_service::Clock as _;
use xxhash_rust::xxh3::xxh3_64;

use super::batch::{Batch, Batcher, Shared};
use super::convert::{library, sent, wire_dialect};
use super::format::Format;
use super::input::Input;
use super::insert_id::Derived;
use super::source::{Source, request, sources};
use super::state::Mark;
use crate::failure::{Failure, Result};
use crate::system::SystemClock;

/// A file of requests, or of one body, as a whole.
#[derive(Debug)]
pub(super) struct Bodies<'f> {
    sources: Vec<Source<'f>>,
    check: u64,
    path: &'f Path,
}

/// Reads a file that is not read line by line.
pub(super) fn content(mut input: Input, path: &Path) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    let read = input.read_to_end(&mut content);
    read.map_err(|cause| Failure::usage(format!("{}: {cause}", path.display())))?;
    Ok(content)
}

impl<'f> Bodies<'f> {
    pub(super) fn new(content: &'f [u8], path: &'f Path, format: Option<Format>) -> Result<Self> {
        let wrong = |cause: String| Failure::usage(format!("{}: {cause}", path.display()));
        let sources = sources(content, format, SystemClock.now()).map_err(wrong)?;
        Ok(Self { sources, check: xxh3_64(content), path })
    }

    /// Reads the requests from the marked one on.
    pub(super) fn read(
        &self,
        from: Mark,
        derived: Option<&Derived>,
        mut put: impl FnMut(Batch) -> Result<()>,
    ) -> Result<()> {
        if from != Mark::default() && from.check != self.check {
            return Err(Failure::usage(format!(
                "{}: it is not the file any more that the state of the import tells of",
                self.path.display()
            )));
        }
        // The bounds of requests are a server's: a file is read to its end.
        let options = Options { max_events: Some(usize::MAX), ..Options::default() };
        let mut batcher = Batcher::default();
        for source in self.sources.iter().filter(|it| it.index as u64 >= from.position) {
            let recorded = &source.recorded;
            let arena = Arena::new();
            match source.protocol.read_with(&request(recorded), &options, &arena) {
                Ok(upload) => {
                    let min_id = upload.min_id_chars;
                    let mut shared = Shared {
                        library: String::new(),
                        options: v1::ImportOptions {
                            min_id_length: min_id.and_then(|length| i32::try_from(length).ok()),
                            received_us: source.has_time.then_some(recorded.received.as_micros()),
                            dialect: wire_dialect(source.protocol.dialect()).into(),
                        },
                    };
                    for (index, read) in (0..).zip(&upload.events) {
                        library(read, upload.library).clone_into(&mut shared.library);
                        let event = sent(read, recorded.received, || {
                            let record = source.index as u64;
                            Some(derived?.insert_id(record, index, &recorded.body))
                        });
                        if let Some(full) = batcher.add(&shared, event) {
                            put(full)?;
                        }
                    }
                }
                Err(cause) => {
                    let (file, index) = (self.path.display(), source.index);
                    batcher.unreadable(format!("{file}, body {index}: {cause}"));
                }
            }
            let position = source.index as u64 + 1;
            batcher.mark(Mark { position, last: 0, check: self.check });
        }
        if let Some(last) = batcher.take() {
            put(last)?;
        }
        Ok(())
    }
}
