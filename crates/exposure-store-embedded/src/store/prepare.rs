//! What can be done for a batch before the lock is taken: keys, numbers, the encoded frame.

use exposure_core::{Admitted, ExperimentKey, Ids, Kind, Variant};
use exposure_store::{Origin, StateHasher, text_hash};
use parking_lot::RwLockReadGuard;

use crate::frame::{FrameWriter, Patch, encode_event, encode_reject};
use crate::intern::{Full, Interner, TextId, Texts};
use crate::keys::{ProfileKey, Secret};
use crate::state::Change;

/// An event ready to be merged: its keys and numbers.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    /// The profile it names.
    pub raw: ProfileKey,
    /// Its device, where it names a user too.
    pub device: Option<ProfileKey>,
    /// The key of its insert id in the window, and the hash of its content.
    pub insert: Option<(u128, u64)>,
    /// Its part of the state hash.
    pub hash: u128,
    /// Of an exposure: what it saw.
    pub own: Option<Change>,
    pub extra: Vec<Change>,
    pub kind: Kind,
    pub event_type: TextId,
    pub library: TextId,
}

/// Looks up numbers, remembering the last text: neighbours in a batch mostly agree.
#[derive(Debug)]
pub(crate) struct Numbers<'s> {
    interner: &'s Interner,
    /// Held from text to text: most have a number already.
    texts: Option<RwLockReadGuard<'s, Texts>>,
    secret: &'s Secret,
    event_type: (String, TextId),
    library: (String, TextId),
}

impl<'s> Numbers<'s> {
    pub(crate) fn new(interner: &'s Interner, secret: &'s Secret) -> Self {
        let none = || (String::new(), TextId::NONE);
        Self { interner, texts: None, secret, event_type: none(), library: none() }
    }

    /// Keys and numbers of an event.
    pub(crate) fn prepare(
        &mut self,
        origin: &Origin,
        event: &Admitted<'_>,
    ) -> Result<Prepared, Full> {
        let raw = self.secret.profile(origin.project, event.raw());
        let device = match event.ids {
            Ids::Both(_, device) => Some(
                self.secret.profile(origin.project, exposure_core::RawId::Device(device.as_str())),
            ),
            Ids::User(_) | Ids::Device(_) => None,
        };
        let (mut own, mut exposed) = (None, None);
        if let Some((flag, variant, run)) = event.exposed() {
            // Hashed once, for the numbers and for the content.
            let [flag, variant, run] = [
                flag.as_str(),
                variant.map_or("", Variant::as_str),
                run.map_or("", ExperimentKey::as_str),
            ]
            .map(|text| (text, text_hash(text)));
            exposed = Some([flag.1, variant.1, run.1]);
            own = Some(Change {
                flag: self.hashed_number(flag)?,
                variant: self.hashed_number(variant)?,
                run: self.hashed_number(run)?,
            });
        }
        let content = event.content_hash_with(exposed);
        let insert = event
            .insert_id
            .map(|id| (self.secret.insert_id(device.unwrap_or(raw), id.as_str()), content));
        let mut extra = Vec::new();
        for write in &event.extra {
            extra.push(Change {
                flag: self.number(write.flag.as_str())?,
                variant: self.number(write.change.variant().unwrap_or(""))?,
                run: TextId::NONE,
            });
        }
        Ok(Prepared {
            raw,
            device,
            insert,
            hash: StateHasher::event_with(origin.project, event, content),
            own,
            extra,
            kind: event.kind(),
            event_type: self.event_type(event.event_type())?,
            library: self.library(event.library)?,
        })
    }

    /// The number of a text.
    fn number(&mut self, text: &str) -> Result<TextId, Full> {
        self.hashed_number((text, text_hash(text)))
    }

    /// The number of a text whose hash is known.
    fn hashed_number(&mut self, (text, hash): (&str, u64)) -> Result<TextId, Full> {
        let texts = self.texts.get_or_insert_with(|| self.interner.read());
        if let Some(id) = texts.find_hashed(text, hash) {
            return Ok(id);
        }
        // Adding one waits for every reader, this one too.
        self.texts = None;
        self.interner.intern(text)
    }

    /// Lets go of the texts, so that others can add some.
    pub(crate) fn pause(&mut self) {
        self.texts = None;
    }

    fn event_type(&mut self, text: &str) -> Result<TextId, Full> {
        if self.event_type.0 != text {
            self.event_type = (text.to_owned(), self.number(text)?);
        }
        Ok(self.event_type.1)
    }

    fn library(&mut self, text: &str) -> Result<TextId, Full> {
        if self.library.0 != text {
            self.library = (text.to_owned(), self.number(text)?);
        }
        Ok(self.library.1)
    }
}

/// A frame of a commit: encoded, but for what is decided under the lock.
#[derive(Debug)]
pub(crate) struct PreparedFrame {
    pub frame: FrameWriter,
    pub events: Vec<(Prepared, Patch)>,
    /// Where each reject begins in the frame.
    pub rejects: Vec<usize>,
}

/// Prepares a frame.
pub(crate) fn prepare_frame(
    numbers: &mut Numbers<'_>,
    origin: &Origin,
    events: &[Admitted<'_>],
    rejects: &[exposure_store::Reject<'_>],
) -> Result<PreparedFrame, Full> {
    let mut frame = FrameWriter::events(origin, events.len() * 160 + rejects.len() * 256);
    let mut prepared = Vec::with_capacity(events.len());
    for event in events {
        let keys = numbers.prepare(origin, event)?;
        prepared.push((keys, encode_event(&mut frame.bytes, event)));
    }
    let mut starts = Vec::with_capacity(rejects.len());
    for reject in rejects {
        numbers.number(reject.library)?;
        starts.push(frame.bytes.len());
        encode_reject(&mut frame.bytes, reject);
    }
    numbers.pause();
    frame.finish(events.len(), rejects.len());
    Ok(PreparedFrame { frame, events: prepared, rejects: starts })
}
