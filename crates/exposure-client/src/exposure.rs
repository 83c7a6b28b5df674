use std::fmt;
use std::sync::Arc;

use exposure_core::Timestamp;
use uuid::Uuid;

use crate::Metadata;

/// One exposure as providers get it. Nothing of it changes after it was tracked.
#[derive(Clone, Debug, PartialEq)]
pub struct Exposure {
    /// The user. At least one of user and device is there.
    pub user_id: Option<Arc<str>>,
    /// The device.
    pub device_id: Option<Arc<str>>,
    /// The flag: 1 to 1024 characters.
    pub flag_key: Arc<str>,
    /// The variant seen; `None` unsets: the user is no longer part of the experiment.
    pub variant: Option<Arc<str>>,
    /// The run of the flag.
    pub experiment_key: Option<Arc<str>>,
    /// What else the evaluation says.
    pub metadata: Option<Metadata>,
    /// Makes a retry harmless: fixed when tracked, the same in every attempt and after a restart.
    pub insert_id: InsertId,
    /// When it was seen. Never runs backwards within a client, unless by more than ten minutes.
    pub time: Timestamp,
    /// Orders exposures of one time: greater is later. Counts up within a client.
    pub sequence: i64,
}

/// Whether a variant was seen, or rendered once more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ExposureKind {
    /// It was seen.
    #[default]
    Exposure,
    /// It was rendered, by a web experiment or under an event name of its own.
    Impression,
}

/// The id by which every receiver knows a retry: a UUID, unique to the exposure.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InsertId(u128);

impl Exposure {
    /// Whether it is an exposure or an impression.
    pub fn kind(&self) -> ExposureKind {
        self.metadata.as_ref().map_or(ExposureKind::Exposure, Metadata::kind)
    }

    /// What the event is called in analytics: `$exposure`, `$impression`, or the metadata's
    /// `exposureEvent`.
    pub fn event_name(&self) -> &str {
        let own = self.metadata.as_ref().and_then(Metadata::exposure_event);
        own.unwrap_or(match self.kind() {
            ExposureKind::Exposure => "$exposure",
            ExposureKind::Impression => "$impression",
        })
    }

    /// About how many bytes it takes, in memory and on the wire: what bounds are counted in.
    pub fn size(&self) -> usize {
        const FIXED: usize = 256;
        let length = |text: &Option<Arc<str>>| text.as_ref().map_or(0, |text| text.len());
        let metadata = self.metadata.as_ref().map_or(0, |metadata| metadata.json().len());
        FIXED
            + length(&self.user_id)
            + length(&self.device_id)
            + self.flag_key.len()
            + length(&self.variant)
            + length(&self.experiment_key)
            + metadata
    }
}

impl InsertId {
    /// The id of these 128 bits.
    pub const fn from_u128(bits: u128) -> Self {
        Self(bits)
    }

    /// Its 128 bits.
    pub const fn as_u128(self) -> u128 {
        self.0
    }
}

impl fmt::Display for InsertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut buffer = [0; uuid::fmt::Hyphenated::LENGTH];
        f.write_str(Uuid::from_u128(self.0).hyphenated().encode_lower(&mut buffer))
    }
}

impl fmt::Debug for InsertId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
