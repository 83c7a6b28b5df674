use xxhash_rust::xxh3::xxh3_64;

use crate::{
    Change, ExperimentKey, FlagKey, Ids, InsertId, Kind, Notes, RawId, Timestamp, Variant, Version,
    Write,
};

/// An event that passed validation: fixed from here on, and what a store is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admitted<'a> {
    /// Whom it names.
    pub ids: Ids<'a>,
    /// Its effective time.
    pub time: Timestamp,
    /// Orders events of one time.
    pub sequence: i64,
    /// Makes a retry harmless.
    pub insert_id: Option<InsertId<'a>>,
    /// What happened.
    pub subject: Subject<'a>,
    /// Writes beside the one of an exposure, each flag at most once.
    pub extra: Vec<Write<'a>>,
    /// Metadata of an exposure, properties of another event: JSON, or empty.
    pub payload: &'a [u8],
    /// What its sender should know.
    pub notes: Notes,
    /// The sender library, or empty.
    pub library: &'a str,
}

/// What happened, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject<'a> {
    /// A user saw a variant, or left the experiment.
    Exposure {
        /// Exposure or impression.
        kind: Kind,
        /// The flag.
        flag: FlagKey<'a>,
        /// The variant; `None` unsets.
        variant: Option<Variant<'a>>,
        /// The run of the flag.
        experiment_key: Option<ExperimentKey<'a>>,
        /// Whether it writes the property: not for a mutual-exclusion group.
        writes: bool,
    },
    /// Assignment, identify, group or alias: all it does is in its writes.
    Plain(Kind),
    /// Any other event.
    Outcome {
        /// Track, page or screen.
        kind: Kind,
        /// Its type.
        event_type: &'a str,
    },
}

impl<'a> Admitted<'a> {
    /// What it is metered as.
    pub const fn kind(&self) -> Kind {
        match self.subject {
            Subject::Exposure { kind, .. }
            | Subject::Plain(kind)
            | Subject::Outcome { kind, .. } => kind,
        }
    }

    /// The event type it is shown and counted with.
    pub const fn event_type(&self) -> &'a str {
        match self.subject {
            Subject::Exposure { kind: Kind::Impression, .. } => crate::names::IMPRESSION,
            Subject::Exposure { .. } => crate::names::EXPOSURE,
            Subject::Plain(Kind::Assignment) => crate::names::ASSIGNMENT,
            Subject::Plain(Kind::Group) => "$group",
            Subject::Plain(Kind::Alias) => "$alias",
            Subject::Plain(_) => "$identify",
            Subject::Outcome { event_type, .. } => event_type,
        }
    }

    /// Whom it names: its writes land in this one's registers.
    pub const fn raw(&self) -> RawId<'a> {
        self.ids.raw()
    }

    /// The exposed flag, its variant and its run, if this is an exposure.
    pub const fn exposed(
        &self,
    ) -> Option<(FlagKey<'a>, Option<Variant<'a>>, Option<ExperimentKey<'a>>)> {
        match self.subject {
            Subject::Exposure { flag, variant, experiment_key, .. } => {
                Some((flag, variant, experiment_key))
            }
            _ => None,
        }
    }

    /// The write of the exposure itself, if it makes one.
    pub const fn own_write(&self) -> Option<Write<'a>> {
        match self.subject {
            Subject::Exposure { flag, variant, writes: true, .. } => {
                let change = match variant {
                    Some(variant) => Change::Set(variant),
                    None => Change::Unset,
                };
                Some(Write { flag, change })
            }
            _ => None,
        }
    }

    /// Its writes: an exposure's own first.
    pub fn writes(&self) -> impl Iterator<Item = Write<'a>> + '_ {
        self.own_write().into_iter().chain(self.extra.iter().copied())
    }

    /// The value that one of its writes puts before a register.
    pub fn version(&self, write: Write<'a>) -> Version<'a> {
        let experiment_key = match self.subject {
            Subject::Exposure { flag, experiment_key: Some(key), .. } if flag == write.flag => {
                key.as_str()
            }
            _ => "",
        };
        Version {
            time: self.time,
            sequence: self.sequence,
            change: write.change,
            experiment_key,
            insert_id: self.insert_id.map_or("", InsertId::as_str),
        }
    }

    /// A fixed hash of the content: kind, ids, flags, variants, experiment key.
    ///
    /// Never of time, sequence or metadata, which a retry refreshes.
    pub fn content_hash(&self) -> u64 {
        let exposed = self.exposed().map(|(flag, variant, experiment_key)| {
            let variant = variant.map_or("", |variant| variant.as_str());
            let experiment_key = experiment_key.map_or("", |key| key.as_str());
            [flag.as_str(), variant, experiment_key].map(|text| xxh3_64(text.as_bytes()))
        });
        self.content_hash_with(exposed)
    }

    /// [`content_hash`](Self::content_hash), where XXH3 of what was exposed is known: of the flag,
    /// the variant and the experiment key, of the empty text where one is absent.
    pub fn content_hash_with(&self, exposed: Option<[u64; 3]>) -> u64 {
        let mut hash = mix(0x9E37_79B9_7F4A_7C15, self.kind() as u64);
        hash = match self.ids.user() {
            Some(user) => text(hash, user.as_str()),
            None => mix(hash, EMPTY),
        };
        hash = match self.ids.device() {
            Some(device) => text(hash, device.as_str()),
            None => mix(hash, EMPTY),
        };
        for known in exposed.iter().flatten() {
            hash = mix(hash, *known);
        }
        for write in &self.extra {
            hash = text(hash, write.flag.as_str());
            hash = text(hash, write.change.variant().map_or("", |variant| variant));
        }
        hash
    }
}

/// XXH3 of the empty text.
const EMPTY: u64 = 0x2D06_8005_38D3_94C2;

fn text(hash: u64, text: &str) -> u64 {
    mix(hash, xxh3_64(text.as_bytes()))
}

fn mix(hash: u64, value: u64) -> u64 {
    let wide =
        u128::from(hash ^ value) * u128::from(0xD6E8_FEB8_6659_FD93_u64 ^ hash.rotate_left(32) | 1);
    (wide as u64) ^ ((wide >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_absent_text_is_hashed_as_an_empty_one() {
        assert_eq!(xxh3_64(b""), EMPTY);
    }
}
