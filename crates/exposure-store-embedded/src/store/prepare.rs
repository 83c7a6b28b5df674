//! What can be done for a batch before the lock is taken: keys, numbers, the encoded frame.

use exposure_core::{Admitted, ExperimentKey, Ids, Kind, Variant};
use exposure_store::{Origin, StateHasher, text_hash};
use parking_lot::RwLockReadGuard;

use crate::frame::{EventsHead, FrameWriter, Patch, encode_event, encode_reject};
use crate::intern::{Full, Interner, Known, Recent, TextId, Texts};
use crate::keys::{ProfileKey, Secret};
use crate::state::{Change, InsertText};

/// An event ready to be merged: its keys and numbers.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    /// The profile it names.
    pub raw: ProfileKey,
    /// Its device, where it names a user too.
    pub device: Option<ProfileKey>,
    /// The key of its insert id in the window, and the hash of its content.
    pub insert: Option<(u128, u64)>,
    /// Its insert id as a cell keeps it, unless it is a long one.
    pub insert_text: Option<InsertText>,
    /// Its part of the state hash.
    pub hash: u128,
    /// Of an exposure: what it saw.
    pub own: Option<Change>,
    pub extra: Vec<Change>,
    pub kind: Kind,
    pub event_type: TextId,
    pub library: TextId,
}

/// Looks up numbers, remembering those of late: a batch is of a few texts.
#[derive(Debug)]
pub(crate) struct Numbers<'s> {
    interner: &'s Interner,
    /// Held from text to text: most have a number already.
    texts: Option<RwLockReadGuard<'s, Texts>>,
    recent: Recent,
    /// The library of the event before, and its event type: most often the next one's, at the same address.
    library: Last,
    event_type: Last,
    secret: &'s Secret,
}

/// A text by where it stands, and its number. Texts of a batch stay where they are.
#[derive(Clone, Copy, Debug)]
struct Last {
    text: *const str,
    known: Known,
}

impl Last {
    const NONE: Self = Self { text: "", known: Known::NONE };

    #[inline]
    fn find(&self, text: &str) -> Option<Known> {
        std::ptr::eq(self.text, text).then_some(self.known)
    }
}

impl<'s> Numbers<'s> {
    pub(crate) fn new(interner: &'s Interner, secret: &'s Secret) -> Self {
        Self {
            interner,
            texts: None,
            recent: Recent::default(),
            library: Last::NONE,
            event_type: Last::NONE,
            secret,
        }
    }

    /// Keys and numbers of an event. `uuid` is its insert id, where that is known to be a canonical one.
    pub(crate) fn prepare(
        &mut self,
        origin: &Origin,
        event: &Admitted<'_>,
        uuid: Option<[u8; 16]>,
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
            // Their hashes are a part of the content's.
            let flag = self.number(flag.as_str())?;
            let variant = self.number(variant.map_or("", Variant::as_str))?;
            let run = self.number(run.map_or("", ExperimentKey::as_str))?;
            exposed = Some([flag.hash, variant.hash, run.hash]);
            own = Some(Change { flag: flag.id, variant: variant.id, run: run.id });
        }
        let content = event.content_hash_with(exposed);
        let insert = event
            .insert_id
            .map(|id| (self.secret.insert_id(device.unwrap_or(raw), id.as_str()), content));
        let mut extra = Vec::new();
        for write in &event.extra {
            extra.push(Change {
                flag: self.number(write.flag.as_str())?.id,
                variant: self.number(write.change.variant().unwrap_or(""))?.id,
                run: TextId::NONE,
            });
        }
        let event_type = match self.event_type.find(event.event_type()) {
            Some(known) => known,
            None => self.event_type(event.event_type())?,
        };
        let library = match self.library.find(event.library) {
            Some(known) => known,
            None => self.library(event.library)?,
        };
        Ok(Prepared {
            raw,
            device,
            insert,
            insert_text: match uuid {
                Some(uuid) => Some(InsertText::of_uuid(uuid)),
                None => InsertText::pack_short(event.insert_id.map_or("", |id| id.as_str())),
            },
            hash: StateHasher::event_with(origin.project, event, content, event_type.hash),
            own,
            extra,
            kind: event.kind(),
            event_type: event_type.id,
            library: library.id,
        })
    }

    fn library(&mut self, text: &str) -> Result<Known, Full> {
        let known = self.number(text)?;
        self.library = Last { text, known };
        Ok(known)
    }

    fn event_type(&mut self, text: &str) -> Result<Known, Full> {
        let known = self.number(text)?;
        self.event_type = Last { text, known };
        Ok(known)
    }

    /// The number of a text, with its hash.
    #[inline]
    fn number(&mut self, text: &str) -> Result<Known, Full> {
        if text.is_empty() {
            return Ok(Known::NONE);
        }
        let texts = self.texts.get_or_insert_with(|| self.interner.read());
        match self.recent.find(texts, text) {
            Some(known) => Ok(known),
            None => self.look_up(text),
        }
    }

    #[inline(never)]
    fn look_up(&mut self, text: &str) -> Result<Known, Full> {
        let hash = text_hash(text);
        let texts = self.texts.get_or_insert_with(|| self.interner.read());
        let id = if let Some(id) = texts.find_hashed(text, hash) {
            id
        } else {
            // Adding one waits for every reader, this one too.
            self.texts = None;
            self.interner.intern(text)?
        };
        self.recent.keep(text, id);
        Ok(Known { id, hash })
    }

    /// Lets go of the texts, so that others can add some, and of those of this batch.
    pub(crate) fn pause(&mut self) {
        self.texts = None;
        (self.library, self.event_type) = (Last::NONE, Last::NONE);
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

impl PreparedFrame {
    /// The profiles that its events touch.
    pub(crate) fn keys(&self) -> impl Iterator<Item = ProfileKey> {
        self.events.iter().flat_map(|(keys, _)| std::iter::once(keys.raw).chain(keys.device))
    }
}

/// Prepares a frame.
pub(crate) fn prepare_frame(
    numbers: &mut Numbers<'_>,
    origin: &Origin,
    events: &[Admitted<'_>],
    rejects: &[exposure_store::Reject<'_>],
) -> Result<PreparedFrame, Full> {
    // Most events of a batch are of one library.
    let head = EventsHead::new(*origin, events.first().map_or("", |event| event.library));
    let mut frame = FrameWriter::events(&head, events.len() * 112 + rejects.len() * 256);
    let mut prepared = Vec::with_capacity(events.len());
    for event in events {
        let keys = numbers.prepare(origin, event, None)?;
        let uuid = keys.insert_text.as_ref().and_then(InsertText::uuid);
        let patch = encode_event(&mut frame.bytes, event, uuid, &head);
        prepared.push((keys, patch));
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
